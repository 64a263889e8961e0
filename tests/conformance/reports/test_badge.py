"""The badge: a picture that says in a few words what came of a check, whatever the target is called."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.reports import badge
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.text import printable
from tests.support.checking import Checker
from tests.support.exchanges import EVERYTHING, MARKUP, crowded, report, violation

WHOLE = [Verdict(clause, "holds") for clause in CLAUSES.values() if clause.group == "CHAT"]
LATE = Verdict(CLAUSES["CHAT-17"], "violated", violation=violation(crowded(), "CHAT-17", "m199 reads nothing"))

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("told", "words", "colour"),
    [
        (report(code=0, verdicts=WHOLE), "conforms", badge.COLOURS[0]),
        (report(code=0, verdicts=WHOLE[:11]), f"conforms in 11 of {len(WHOLE)} clauses", badge.COLOURS[0]),
        (
            report(code=0, verdicts=[*(one for one in WHOLE if one.clause != LATE.clause), LATE]),
            "conforms",
            badge.COLOURS[0],
        ),
        (report(violation(EVERYTHING)), "breaks CHAT-2", badge.COLOURS[1]),
        (report(violation(EVERYTHING), violation(EVERYTHING, "CHAT-4")), "breaks 2 clauses", badge.COLOURS[1]),
        (report(code=1), "known failures are stale", badge.COLOURS[1]),
        (report(code=2), "not checked in full", badge.UNSURE_COLOUR),
        (report(code=2, misfit=["it says nothing"]), "another dialect", badge.UNSURE_COLOUR),
    ],
)
def test_it_says_what_came_of_the_check(told: Report, words: str, colour: str) -> None:
    picture = ET.fromstring(badge.write(told))
    assert [text.text for text in picture.iter(f"{SVG}text")] == ["chat conformance", words]
    assert [one.get("fill") for one in picture.iter(f"{SVG}rect")][-1] == colour
    assert picture.get("aria-label") == f"chat conformance: {words}"
    assert int(picture.get("width", 0)) == sum(int(one.get("width", 0)) for one in picture.iter(f"{SVG}rect"))


def test_the_name_of_a_target_is_text() -> None:
    picture = ET.fromstring(badge.write(report()))
    title = picture.find(f"{SVG}title")
    assert title is not None
    assert str(title.text).startswith(f"{printable(MARKUP)}: chat conformance")
    assert {one.tag.removeprefix(SVG) for one in picture.iter()} == {"svg", "title", "rect", "text"}


def test_check_writes_one(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "badge.svg"
    check("echo", "--only", "ECHO-2", "--examples", 0, "--badge", file, json_too=False)
    all_of_them = sum(clause.group == "ECHO" for clause in CLAUSES.values())
    assert f"echo conformance: conforms in 1 of {all_of_them} clauses" in file.read_text()
