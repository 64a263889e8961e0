"""The filter of the kill matrix, in a real browser. Skipped without one: `apt-get install chromium`."""

from pathlib import Path

import pytest

from docs.derive.clauses import HOME
from tests.support.browser import browser

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.sweep,  # a browser takes two seconds to start, and the filter hardly changes
]

PAGE = """<!DOCTYPE html><div class="filtered" data-what="faults"><table><tbody>
<tr><td>greets</td><td>CHAT-1</td></tr>
<tr><td>exits-on-reset</td><td>CHAT-12, CHAT-13</td></tr>
<tr><td>reset-ends-the-speaker</td><td>CHAT-12</td></tr>
</tbody></table></div><script src="%s"></script>"""

TYPED = """(words => {
  const box = document.querySelector(".filter input");
  box.value = words;
  box.dispatchEvent(new Event("input"));
  const shown = [...document.querySelectorAll("tbody tr")].filter(row => !row.hidden);
  return [document.querySelector("output").textContent, shown.map(row => row.cells[0].textContent).join(" ")];
})"""


def test_the_filter_keeps_the_rows_that_have_all_words(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE % (HOME / "assets" / "filter.js").as_uri())
    with browser(tmp_path) as tab:
        tab.open(page)
        assert tab.ask(f"{TYPED}('')") == ["3 of 3", "greets exits-on-reset reset-ends-the-speaker"]
        assert tab.ask(f"{TYPED}('chat-1')") == ["1 of 3", "greets"]
        assert tab.ask(f"{TYPED}('CHAT-12  Reset')") == ["2 of 3", "exits-on-reset reset-ends-the-speaker"]
        assert tab.ask(f"{TYPED}('CHAT-12 exits')") == ["1 of 3", "exits-on-reset"]
        assert tab.ask(f"{TYPED}('(.*')") == ["0 of 3", ""]
