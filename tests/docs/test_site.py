"""The built site in a real browser: on a phone, by day and by night, and its search, all from files.

Skipped without a browser (`apt-get install chromium`), and where the site is not built (`make docs`).
"""

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from docs.derive.clauses import ROOT
from tests.support.browser import Browser, browser
from tests.support.pages import overflows

HOME = ROOT / "build" / "docs" / "html"

PAGES = [
    "index",
    "tutorial/races",
    "how-to/check",
    "specification/CHAT-12",
    "faults/index",
    "faults/closed-request",
    "reference/socketserver-reference/check",
    "explanation/closed-request",
]

pytestmark = [
    pytest.mark.skipif(not (HOME / "index.html").exists(), reason="the site is not built: make docs"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.sweep,  # the site is built by hand and by CI, after `make test`
]

FOUND = """new Promise(resolve => {
  const done = () => {
    const said = document.querySelector("#search-results .search-summary, #search-results > p")?.textContent ?? "";
    return /found|matching/.test(said);
  };
  const look = () => done() ? resolve([...document.querySelectorAll("#search-results li a")].map(a => a.textContent))
    : requestAnimationFrame(look);
  look();
})"""
"""The titles that a search finds, once it has ended."""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("site")) as opened:
        yield opened


def errors(tab: Browser) -> list[str]:
    return [event["method"] for event in tab.complaints() if event["method"] != "Network.requestWillBeSent"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_phone_and_axe_finds_nothing_by_day_or_by_night(tab: Browser, page: str) -> None:
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    for scheme in ("light", "dark"):
        tab.look(390, prefers_color_scheme=scheme)
        tab.open(HOME / f"{page}.html")
        assert (errors(tab), overflows(tab)) == ([], [])
        paper = tab.ask("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        assert (min(paper) > 200) == (scheme == "light")
        tab.ask(f"{axe}; 0")
        shown = "axe.run('article').then(found => found.violations.map(one => [one.id, one.nodes[0].html]))"
        assert tab.ask(shown) == [], scheme


def test_an_option_has_its_two_hyphens_on_every_page() -> None:
    mangled = {
        str(page.relative_to(HOME)): found
        for page in HOME.rglob("*.html")
        if (found := re.findall(r"[\u2013\u2014][a-z][\w-]*", page.read_text(encoding="utf-8")))
    }
    assert mangled == {}


def test_the_search_finds_clauses_and_faults_and_ends(tab: Browser) -> None:
    tab.look(1280)
    tab.open(HOME / "search.html")
    tab.call("Page.navigate", url=f"{(HOME / 'search.html').as_uri()}?q=reset")
    while not any(event.get("method") == "Page.loadEventFired" for event in tab.events[1:]):
        tab.events.append(tab._message())
    found = tab.ask(FOUND)
    assert {"CHAT-12: Resets", "reset-ends-the-speaker"} <= set(found)
    assert errors(tab) == []
