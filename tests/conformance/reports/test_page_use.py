"""What readers do with an HTML report: they look at its summary, filter, copy, print, and run no scripts."""

from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from socketserver_reference.conformance.reports.html import page
from socketserver_reference.conformance.scenario.steps import Connect, join
from tests.support.browser import Browser
from tests.support.exchanges import EVERYTHING, did, report, violation
from tests.support.pages import COMMAND, ENTER, SCRIPT, SITE, elements, showing

pytestmark = pytest.mark.xdist_group("browser")


def test_it_begins_with_a_summary(full: Browser) -> None:
    (lead,) = elements(full, ".lead")
    assert lead == "1 of 5 clauses hold. The server breaks 2 that it must keep, so it does not conform."
    assert elements(full, ".tiles li") == ["1 held", "2 MUST broken", "1 SHOULD broken", "1 not checked"]
    assert [told.split()[:4] for told in elements(full, ".brief li")] == [
        [id, "The", "server", level] for id, level in (("CHAT-2", "MUST"), ("CHAT-3", "MUST"), ("CHAT-17", "SHOULD"))
    ]
    assert elements(full, "td.time") == ["1.2 s", "", "", "", ""]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("all", ["CHAT-1", "CHAT-2", "CHAT-3", "CHAT-4", "CHAT-17"]),
        ("violated", ["CHAT-2", "CHAT-3", "CHAT-17"]),
        ("should", ["CHAT-17"]),
        ("not-checked", ["CHAT-4"]),
    ],
)
def test_the_verdicts_are_filtered_without_scripts(full: Browser, kind: str, shown: list[str]) -> None:
    full.ask(f"document.querySelector('#show-{kind}').click()")
    rows = "[...document.querySelectorAll('tbody tr:not(.profile)')].filter(row => row.checkVisibility())"
    assert full.ask(f"{rows}.map(row => row.querySelector('th').textContent)") == shown


def test_each_clause_has_a_link_to_its_page_on_the_site_if_there_is_one(full: Browser, tmp_path: Path) -> None:
    links = "[...document.querySelectorAll('a')].map(a => a.href).filter(to => !to.startsWith('file:'))"
    pages = {id: f"{SITE}/specification/{id}.html" for id in ("CHAT-1", "CHAT-2", "CHAT-3", "CHAT-4", "CHAT-17")}
    assert set(full.ask(links)) == {*pages.values()}
    assert full.ask("document.querySelector('tbody tr.holds a').href") == pages["CHAT-1"]
    assert full.ask("[...document.querySelectorAll('#CHAT-2 .said a')].at(-1).href") == pages["CHAT-2"]
    showing(full, page.write(report(violation(EVERYTHING))), tmp_path)
    assert full.ask(links) == []


@pytest.mark.parametrize(("allowed", "copied"), [(True, "window.copied"), (False, "getSelection().toString()")])
def test_a_button_copies_the_script_that_shows_a_violation(full: Browser, allowed: bool, copied: str) -> None:
    keep = "text => { window.copied = text; }" if allowed else "() => { throw Error(); }"
    full.ask(f"navigator.clipboard.writeText = {keep}")
    full.ask("document.querySelector('#CHAT-2 .script').open = true")
    full.ask("document.querySelector('#CHAT-2 .script button').focus()")
    assert full.ask("document.activeElement.textContent") == "Copy the script for CHAT-2"
    full.press(*ENTER)
    assert full.ask(copied).rstrip("\n") == SCRIPT.rstrip("\n")
    assert elements(full, "#CHAT-3 .script, #CHAT-17 .script") == []


@pytest.mark.parametrize(("allowed", "said"), [(True, "Copied"), (False, "Selected")])
def test_a_button_copies_the_command_that_checks_a_clause_again(full: Browser, allowed: bool, said: str) -> None:
    keep = "text => { window.copied = text; }" if allowed else "() => { throw Error(); }"
    full.ask(f"navigator.clipboard.writeText = {keep}")
    full.ask("document.querySelector('#CHAT-2 button').focus()")
    assert full.ask("document.activeElement.textContent") == "Copy the command for CHAT-2"
    full.press(*ENTER)
    assert full.ask("document.activeElement.textContent") == f"{said} the command for CHAT-2"
    assert full.ask("window.copied || getSelection().toString()") == f"{COMMAND} --only CHAT-2"


def test_without_scripts_it_has_no_button_and_on_paper_no_closed_fold(full: Browser, tmp_path: Path) -> None:
    full.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        full.open(tmp_path / "report.html")
        assert elements(full, "button") == []
        hidden = "[...document.querySelectorAll('.told, .whole pre')].filter(e => !e.checkVisibility()).length"
        assert full.ask(hidden) > 0
        full.call("Emulation.setEmulatedMedia", media="print")
        assert full.ask(hidden) == 0
    finally:
        full.call("Emulation.setScriptExecutionDisabled", value=False)
        full.call("Emulation.setEmulatedMedia", media="")


def test_a_server_that_died_has_no_lifeline_from_there_on(tab: Browser, tmp_path: Path) -> None:
    told = violation(did(*join("ann", "witness1"), Connect("witness2")), "CHAT-11")
    told.observed = "witness2 cannot connect: connection refused; the server ended with exit status 1"
    told.shape, told.server_ended = "refused", True
    showing(tab, page.write(report(told)), tmp_path)
    last = "[...document.querySelectorAll('.exchange li')].at(-1)"
    assert tab.ask(f"{last}.className") == "connects step wrong refused"
    line = f"{last}.querySelector('.server')"
    style = "getComputedStyle({}, '::{}').borderLeftStyle"
    assert [tab.ask(style.format(line, part)) for part in ("before", "after")] == ["solid", "none"]
    assert tab.ask(f"getComputedStyle({line}.querySelector('.dead')).clipPath").startswith("polygon")
    names = "[...document.querySelectorAll('.names b')].map(e => e.getBoundingClientRect())"
    places = tab.ask(f"{names}.map(r => [r.left, r.right])")
    assert all(right <= left for (_, right), (left, _) in pairwise(places))


@pytest.mark.slow
def test_axe_finds_nothing(full: Browser) -> None:
    full.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    full.ask(f"{axe}; 0")
    assert full.ask("axe.run().then(found => found.violations.map(one => [one.id, one.nodes[0].html]))") == []
