"""The HTML reports as people meet them: in a real browser, by keyboard, in the dark, on a phone. Skipped without one.

`apt-get install chromium` is all that is needed.
"""

import ast
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.conformance.reports.html import page
from socketserver_reference.conformance.reports.html.elements import SCRIPT
from socketserver_reference.conformance.reports.html.folding import UNFOLDED_ROWS
from socketserver_reference.conformance.scenario.steps import Connect, Say, Step, join
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.transcript import Heard
from tests.servers.bad_servers import MARKUP as MARKUP_OF_SERVER
from tests.support.browser import Browser
from tests.support.checking import Checker, bad
from tests.support.exchanges import MARKUP, did, report, violation
from tests.support.pages import CONTRAST, ENTER, SITE, TAB, elements, overflows, showing

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.slow
def test_a_server_that_answers_markup_is_shown_and_not_believed(check: Checker, tab: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    outcome = check("chat", "--launch", bad("markup"), "--examples", 1, "--timeout", 0.3, "--html", file)
    assert outcome.code == 1
    tab.open(file)
    assert tab.complaints() == []
    assert tab.ask("document.title").startswith("chat does not conform: breaks CHAT-")
    assert elements(tab, "script") == [SCRIPT]
    assert elements(tab, "img, iframe, object, embed, link, form, .told b") == []
    assert any("<script>document.title=" in told for told in elements(tab, ".told code"))
    whole = [b"".join(map(ast.literal_eval, told.splitlines())) for told in elements(tab, ".whole pre")]
    assert b"ack" + MARKUP_OF_SERVER in whole


def test_whatever_a_report_holds_is_text(full: Browser) -> None:
    assert full.complaints() == []
    assert printable(MARKUP) in full.ask("document.title")
    assert printable(MARKUP) in elements(full, ".target code")
    assert elements(full, "script") == [SCRIPT]
    assert elements(full, "img") == []
    body = full.ask("document.documentElement.outerHTML")
    assert not {"\u202e", "\x1b", "\0"} & set(body)


def test_the_policy_stops_what_might_have_slipped_in(tab: Browser, tmp_path: Path) -> None:
    html = page.write(report()).replace("<main", "<script>document.title='taken'</script><img src='x.png'><main", 1)
    showing(tab, html, tmp_path)
    assert tab.ask("document.title") != "taken"
    assert elements(tab, "script") == ["document.title='taken'", SCRIPT]
    refused = [told["params"]["entry"]["text"] for told in tab.complaints() if told["method"] == "Log.entryAdded"]
    assert len(refused) == 2
    assert all("Content Security Policy" in text for text in refused)
    assert [event["params"]["blockedReason"] for event in tab.events if event["method"] == "Network.loadingFailed"] == [
        "csp"
    ]


def test_everything_is_told_in_words_with_its_place_in_the_lanes(full: Browser) -> None:
    told = elements(full, "#CHAT-2 .told")
    assert told[0] == "ann connects"
    assert told[2] == "ann reads b'ackhi'"
    assert told[-1] == "fay reads nothing for 5 sThe violation shows here."
    assert elements(full, "#CHAT-2 .names b") == ["ann", "ben", "cal", "dan", "eve", "fay", "server"]
    assert elements(full, "#CHAT-17 .names b") == ["ann", "m199", "others", "server"]
    rows = "document.querySelectorAll('#CHAT-2 li')"
    seen = f"[...{rows}].map(r => r.classList[0] + ' ' + getComputedStyle(r.querySelector('.lanes b') || r).clipPath)"
    looks = dict(entry.split(" ", 1) for entry in full.ask(seen))
    marked = [looks[does] for does in ("resets", "waits", "resumes")]
    assert all(look.startswith("polygon") for look in marked)
    assert len(set(marked)) == 3
    styles = full.ask(
        f"[...{rows}].map(r => getComputedStyle(r.querySelector('i:nth-child(2)'), '::after').borderLeftStyle)"
    )
    does = elements(full, "#CHAT-2 .told")
    assert styles[does.index("ben stops reading")] == "dotted"
    assert styles[does.index("ben reads again")] == "solid"
    assert styles[does.index("ben half-closes")] == "dashed"
    assert styles[does.index("ben reads end of stream")] == "none"


def test_an_exchange_without_data_is_told_in_lines(full: Browser) -> None:
    (lines,) = elements(full, "#CHAT-3 pre.lines")
    assert printable(MARKUP) in lines
    assert "found by exploration" in elements(full, "#CHAT-3 dd")


def test_what_was_waived_is_told_with_its_reason(full: Browser) -> None:
    assert elements(full, "[aria-labelledby=changes] dd") == ["in lines"]
    assert "in lines" in elements(full, "#CHAT-2 .said dd")
    assert elements(full, "[aria-labelledby=waived] dt") == ["CHAT-8", printable(MARKUP)]
    assert elements(full, "[aria-labelledby=waived] dd") == ["it has no quit word", printable(MARKUP)]


def test_a_long_exchange_is_folded_in_the_middle(tab: Browser, tmp_path: Path) -> None:
    words = ["".join(letters) for letters in product("abcdefghij", repeat=2)]
    steps: list[Step] = [*join("ann"), *(Say("ann", word.encode()) for word in words)]
    showing(tab, page.write(report(violation([*did(*steps), Heard("ann", b"x" * 2000, 1.0)]))), tmp_path)
    unfolded = tab.ask("[...document.querySelectorAll('.told')].filter(e => e.checkVisibility()).length")
    assert unfolded == 2 * UNFOLDED_ROWS
    assert elements(tab, ".middle > summary") == [f"{103 - 2 * UNFOLDED_ROWS} more events"]
    assert elements(tab, ".whole > summary") == ["the first 1024 of 2000 bytes"]


@pytest.mark.parametrize("width", [320, 360, 800, 1400])
def test_it_fits_any_window_without_scrolling_sideways(full: Browser, width: int) -> None:
    full.look(width)
    full.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert overflows(full) == []
    assert full.ask("Math.min(...[...document.querySelectorAll('.told')].map(e => e.clientWidth))") > 120


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_is_legible_by_day_and_by_night(full: Browser, scheme: str) -> None:
    full.look(1000, prefers_color_scheme=scheme)
    full.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
    paper = full.ask("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (min(paper) > 200) if scheme == "light" else (max(paper) < 50)
    contrast, where = full.ask(CONTRAST)
    assert contrast >= 4.5, where


def test_it_is_used_by_keyboard_alone(full: Browser) -> None:
    focused = "document.activeElement.textContent"
    full.press(*TAB)
    assert full.ask(focused) == "Skip to the report"
    assert full.ask("document.activeElement.getBoundingClientRect().left") >= 0
    full.press(*ENTER)
    assert full.ask("location.hash") == "#report"
    reached = []
    for _ in range(full.ask("document.querySelectorAll('a, button, summary, [tabindex]').length")):
        full.press(*TAB)
        reached.append(full.ask(focused))
        outline = full.ask("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", reached
        if reached[-1] == "How to read the lanes":
            full.press(*ENTER)
            assert full.ask("document.querySelector('.legend').open")
            break
    assert reached[-1] == "How to read the lanes"


def test_who_wants_no_motion_gets_none(full: Browser) -> None:
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    full.look(1000, prefers_reduced_motion="reduce")
    assert full.ask(behaviour) == "auto"
    full.look(1000, prefers_reduced_motion="no-preference")
    assert full.ask(behaviour) == "smooth"


def test_it_is_read_out_in_an_order_that_makes_sense(full: Browser) -> None:
    nodes: list[dict[str, Any]] = full.call("Accessibility.getFullAXTree")["nodes"]
    roles = {
        role: [n for n in nodes if n["role"].get("value") == role and not n.get("ignored")]
        for role in ("heading", "main", "navigation", "table", "rowheader", "columnheader", "listitem")
    }
    headings = [
        "Does not conform",
        "Violations",
        "CHAT-2",
        "CHAT-3",
        "CHAT-17",
        "Verdicts",
        "Asked differently",
        "Waived",
        "Explored",
    ]
    assert elements(full, "h1, h2, h3") == headings
    assert {node["name"]["value"] for node in roles["heading"]} == set(headings)
    assert [len(roles[role]) for role in ("main", "navigation", "table", "columnheader")] == [1, 1, 1, 4]
    assert full.ask("document.documentElement.lang") == "en"
    ids = full.ask("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets = full.ask("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert {target for target in targets if not target.startswith(SITE)} <= {f"#{id}" for id in ids}


def test_a_server_that_conforms_has_a_page_without_violations(tab: Browser, tmp_path: Path) -> None:
    showing(tab, page.write(report(conclusion="conforms", code=0)), tmp_path)
    assert elements(tab, "h1") == ["Conforms"]
    assert elements(tab, "article") == []
    assert elements(tab, "tr.holds th") == ["CHAT-1", "CHAT-17"]
    assert Connect("ann") == join("ann")[0]
