"""HTML reports in a browser, for the tests that look at them."""

from pathlib import Path

from socketserver_reference.conformance.reports.html import page
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.browser import Browser
from tests.support.exchanges import EVERYTHING, MARKUP, crowded, report, violation

CHANGES = [("CHAT-2", "in lines")]
WAIVED = [("CHAT-8", "it has no quit word"), (MARKUP, MARKUP)]
COMMAND = "socketserver-reference check chat '--launch=<b>serve</b> {port}'"
SITE = "https://example.org/suite"
SCRIPT = "#!/usr/bin/env python3\nROWS = [b'\\xff <b>grüß</b>']\n    # the end\n"
TAB, ENTER = ("Tab", 9, ""), ("Enter", 13, "\r")

CONTRAST = """
(() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
  };
  return [...document.querySelectorAll("main *, header *, nav *")]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => {
      const pair = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((a, b) => b - a);
      return [(pair[0] + .05) / (pair[1] + .05), e.outerHTML.slice(0, 80)];
    })
    .sort((a, b) => a[0] - b[0])[0];
})()
"""
"""The lowest contrast of text with what is behind it, as WCAG reckons, and where."""


def showing(tab: Browser, html: str, directory: Path) -> Browser:
    file = directory / "report.html"
    file.write_text(html, encoding="utf-8")
    tab.look(1000)
    tab.open(file)
    return tab


def elements(tab: Browser, selector: str) -> list[str]:
    """Return the text of all elements that match, whether or not one can see them."""
    found: list[str] = tab.ask(f"[...document.querySelectorAll({selector!r})].map(e => e.textContent)")
    return found


def overflows(tab: Browser) -> list[str]:
    """Return what makes the page wider than its window, if anything does."""
    wide: list[str] = tab.ask(
        """document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
        [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth)
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    return wide


def with_everything() -> str:
    """Return a page on which there is everything that can be."""
    unplayed = VIOLATIONS["CHAT-3"]("a", "b", ["   1  " + "long " * 100, MARKUP])
    unplayed.note = "found by exploration"
    crowd = violation(crowded(), "CHAT-17", "m199 reads nothing")
    told = report(
        violation(EVERYTHING),
        unplayed,
        crowd,
        waived=WAIVED,
        explored=[MARKUP],
        dialect=MARKUP,
        changes=CHANGES,
        command=COMMAND,
        spent={"CHAT-1": 1.25},
        site=SITE,
        sources={"CHAT-2": SCRIPT},
    )
    return page.write(told)
