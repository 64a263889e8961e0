"""The page of `learn --html` in a real browser: it is text, it can be read, and it loads nothing."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.reports.html import learned
from socketserver_reference.conformance.reports.html.elements import SCRIPT
from socketserver_reference.conformance.reports.learning import LearnedReport, ToldKey
from socketserver_reference.conformance.scenario.text import printable
from tests.support.browser import Browser
from tests.support.exchanges import MARKUP
from tests.support.pages import CONTRAST, elements, overflows, showing

pytestmark = pytest.mark.xdist_group("browser")

EMPTY = LearnedReport("chat", MARKUP, "nothing could be learned", 2)


def full_report() -> LearnedReport:
    """Return a report that has everything, all of it hostile."""
    journal = ConversationJournal()
    for subject in (MARKUP, "who leaves"):
        journal.begin(subject)
        for who in ("ann", "ben", MARKUP):
            journal.did(who, "connects")
        journal.did("ann", "sends", MARKUP.encode())
        journal.read(MARKUP, MARKUP.encode() * 100)
        journal.fresh("a fresh server is started")
        journal.ended(MARKUP, "reset")
    keys = [
        ToldKey("delivery.template", MARKUP, MARKUP, True, MARKUP),
        ToldKey("quit.word", '""', "long " * 100, False),
    ]
    return replace(
        EMPTY, conclusion=MARKUP, keys=keys, remarks=[MARKUP], chapters=journal.chapters(), file=MARKUP, further=MARKUP
    )


@pytest.fixture
def shown(tab: Browser, tmp_path: Path) -> Browser:
    return showing(tab, learned.write(full_report()), tmp_path)


def test_whatever_the_server_said_is_text(shown: Browser) -> None:
    assert shown.complaints() == []
    assert elements(shown, "script") == [SCRIPT]
    assert elements(shown, "img, iframe, object, form") == []
    told = printable(MARKUP)
    assert told in shown.ask("document.title")
    for place in ("h1", "tbody code", "#remarks + ul li", "h3", ".target code"):
        assert any(told in text for text in elements(shown, place)), place
    assert elements(shown, "#file + pre") == ["\n".join(map(printable, MARKUP.split("\n")))]
    body = shown.ask("document.documentElement.outerHTML")
    assert not {"\u202e", "\x1b", "\0"} & set(body)


def test_a_page_without_conversations_has_no_heading_for_them() -> None:
    pages = {report.conclusion: learned.write(report) for report in (EMPTY, full_report())}
    assert [conclusion for conclusion, page in pages.items() if 'id="conversations"' in page] == [
        full_report().conclusion
    ]


def test_a_key_leads_to_its_conversation(shown: Browser) -> None:
    assert elements(shown, "tbody td a") == [printable(MARKUP)]
    place = shown.ask("document.querySelector('tbody td a').hash")
    assert elements(shown, f"{place} h3") == [printable(MARKUP)]
    assert elements(shown, "tbody td .why") == [f"see {printable(MARKUP)}", "not sure"]
    assert len(elements(shown, "#conversations ~ article .exchange")) == 2


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_it_fits_and_can_be_read(shown: Browser, width: int, scheme: str) -> None:
    shown.look(width, prefers_color_scheme=scheme)
    assert overflows(shown) == []
    assert shown.ask(CONTRAST)[0] >= 4.5, shown.ask(CONTRAST)


@pytest.mark.parametrize("report", [EMPTY, full_report()], ids=["empty", "full"])
def test_axe_finds_nothing(tab: Browser, tmp_path: Path, report: LearnedReport) -> None:
    showing(tab, learned.write(report), tmp_path)
    tab.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    tab.ask(f"{axe}; 0")
    assert tab.ask("axe.run().then(found => found.violations.map(one => [one.id, one.nodes[0].html]))") == []


@pytest.mark.parametrize(("code", "colour"), [(0, "good"), (2, "unsure"), (130, "unsure")])
def test_the_headline_says_how_sure_it_is(tab: Browser, tmp_path: Path, code: int, colour: str) -> None:
    showing(tab, learned.write(replace(EMPTY, code=code)), tmp_path)
    assert tab.ask("document.querySelector('h1').className") == colour
    assert elements(tab, "h2") == []
