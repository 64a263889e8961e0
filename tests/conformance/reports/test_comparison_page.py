"""The page of `compare --html` in a real browser."""

import json
from pathlib import Path

import pytest

from socketserver_reference.conformance.reports import json_report
from socketserver_reference.conformance.reports.comparison import Checked, Comparison
from socketserver_reference.conformance.reports.html import comparison
from socketserver_reference.conformance.scenario.text import printable
from tests.support.browser import Browser
from tests.support.exchanges import EVERYTHING, MARKUP, report, violation

pytestmark = pytest.mark.xdist_group("browser")


def test_many_servers_fit_a_phone(tab: Browser, tmp_path: Path) -> None:
    names = [f"{MARKUP} {number}" for number in range(9)]
    broken = report(violation(EVERYTHING), code=1, conclusion="does not conform", target="mine")
    servers = [Checked(name, "chat", json.loads(json_report.write(broken))) for name in names]
    file = tmp_path / "compared.html"
    file.write_text(comparison.write(Comparison(servers)))
    tab.open(file)
    tab.look(360)
    assert tab.complaints() == []
    assert tab.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    wide = "document.querySelector('.wide')"
    assert tab.ask(f"{wide}.scrollWidth > {wide}.clientWidth && {wide}.tabIndex === 0")
    tab.ask(f"{wide}.scrollLeft = 500")
    assert tab.ask(f"{wide}.querySelector('tbody th').getBoundingClientRect().left") >= 0
    assert tab.ask("[...document.querySelectorAll('thead th a')].map(a => a.textContent)") == [*map(printable, names)]
    ids = tab.ask("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets = tab.ask("[...document.querySelectorAll('a')].map(a => a.getAttribute('href').slice(1))")
    assert set(targets) <= set(ids)
