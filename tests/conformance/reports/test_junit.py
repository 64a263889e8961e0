"""The report as JUnit's XML: by the schema of its consumers, with times, and with the story of each violation."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from socketserver_reference.conformance.reports import junit
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Replays
from tests.support.checking import Checker, bad
from tests.support.exchanges import EVERYTHING, MARKUP, crowded, report, violation

SCHEMA = Path(__file__).with_name("junit-10.xsd")
"""The schema of Jenkins's xUnit plugin, MIT licence, as pytest's own tests carry it."""


@pytest.mark.slow
def test_junit_is_what_its_schema_says(check: Checker, tmp_path: Path) -> None:
    import xmlschema  # it takes a second, which no other test should pay

    file = tmp_path / "verdicts.xml"
    check("echo", "--launch", bad("markup"), "--only", "ECHO-2", "--timeout", 0.3, "--examples", 0, "--junit", file)
    schema = xmlschema.XMLSchema(SCHEMA)
    schema.validate(file)
    schema.validate(
        junit.write(report(violation(EVERYTHING), violation(crowded(), "CHAT-17", MARKUP), explored=[MARKUP]))
    )
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(file.read_text().replace("failures=", "failure="))


def test_junit_says_when_it_was_and_how_long_it_took() -> None:
    (suite,) = ET.fromstring(junit.write(report(violation(EVERYTHING), spent={"CHAT-1": 0.25})))
    times = {case.attrib["name"].partition(":")[0]: case.attrib["time"] for case in suite.findall("testcase")}
    assert (suite.attrib["time"], times["CHAT-1"], times["CHAT-2"]) == ("1.500", "0.250", "0.000")
    assert len(suite.attrib["timestamp"]) == len("2026-01-01T00:00:00")
    assert [suite.attrib[key] for key in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "1"]


def test_junit_tells_the_story_of_what_fails_nothing_too() -> None:
    advice = violation(crowded(), "CHAT-17", "m199 reads nothing")
    advice.replays = Replays(3, 3)
    written = junit.write(report(advice, code=0, command="check chat"))
    (skipped,) = [case for case in ET.fromstring(written).iter("skipped") if case.text]
    assert "CHAT-17" in skipped.get("message", "")
    assert str(skipped.text).endswith(
        "replayed: shown 3 of 3 times on fresh servers\nagain:    check chat --only CHAT-17"
    )


def test_junit_has_what_ants_schema_asks_for_besides() -> None:
    (suite,) = ET.fromstring(junit.write(report()))
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 4, "system-out", "system-err"]
    assert {"id", "package", "hostname", "timestamp", "time"} <= set(suite.attrib)
    assert all({"name", "classname", "time"} <= set(case.attrib) for case in suite.findall("testcase"))


def test_a_violated_should_is_skipped_in_junit_unless_strict() -> None:
    violation = VIOLATIONS["CHAT-17"]("200 members", "\x1b[31m 8", ["   1  ann connects"])
    record = Record(["CHAT"])
    record.note_violation(violation)
    record.note("CHAT-1", "holds")
    verdicts = record.verdicts()
    lenient, strict = (
        ET.fromstring(junit.write(Report("chat", "\0", verdicts, strict=strict)))[0] for strict in (False, True)
    )
    assert (lenient.get("failures"), strict.get("failures")) == ("0", "1")
    assert strict.get("name") == "chat ?"
    assert (failure := strict.find(".//failure")) is not None
    assert failure.get("message") == "?[31m 8"


def test_each_check_is_timed(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.xml"
    check("echo", "--only", "ECHO-2", "--examples", 1, "--junit", file)
    suite = ET.parse(file).getroot()[0]
    spent = sum(float(case.attrib["time"]) for case in suite.findall("testcase"))
    assert 0 < spent <= float(suite.attrib["time"]) + 0.001 * len(suite)
