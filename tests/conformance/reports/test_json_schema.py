"""The JSON Schema of reports and comparisons: what is written satisfies it, and each key that is written is in it."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.cli.main import main
from socketserver_reference.conformance.reports import comparison, json_report
from socketserver_reference.conformance.reports.comparison import Checked, Comparison
from socketserver_reference.conformance.reports.json_schema import schema
from socketserver_reference.conformance.results.baseline import BaselineDiff
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Replays
from tests.support.checking import Checker
from tests.support.exchanges import EVERYTHING, MARKUP, crowded, report, violation

SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A report in which there is everything that can be."""
    replayed = violation(EVERYTHING)
    replayed.replays, replayed.place = Replays(2, 3), "a byte is missing"
    baseline = BaselineDiff(tmp_path_factory.getbasetemp(), {"fixed": ["CHAT-1"]}, ["another seed: 1 now, 2 then"])
    told = report(
        replayed,
        violation(crowded(250), "CHAT-17", "m249 reads nothing"),
        VIOLATIONS["CHAT-3"]("a", "b", [MARKUP]),
        waived=[("CHAT-8", MARKUP)],
        changes=[("CHAT-2", MARKUP)],
        explored=[MARKUP],
        misfit=[MARKUP],
        baseline=baseline,
        command="check",
    )
    known = Verdict(CLAUSES["CHAT-5"], "holds", known=Known("CHAT-5", MARKUP))
    return json_report.build(replace(told, verdicts=[*told.verdicts, known]))


def undescribed(value: Any, described: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the keys that a schema does not name."""
    if "$ref" in described:
        described = SCHEMA["$defs"][described["$ref"].rpartition("/")[2]]
    for one in described.get("anyOf", ()):
        if isinstance(value, dict | list) and one != {"type": "null"}:
            yield from undescribed(value, one, path)
            return
    if isinstance(value, list):
        for item in value:
            yield from undescribed(item, described["items"], path)
    elif isinstance(value, dict) and "properties" in described:
        for key, inner in value.items():
            if key not in described["properties"]:
                yield f"{path}.{key}"
            else:
                yield from undescribed(inner, described["properties"][key], f"{path}.{key}")


def test_the_schema_is_one_and_says_what_each_key_means() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert f"format {json_report.FORMAT}" in SCHEMA["title"]
    for name, one in SCHEMA["$defs"].items():
        assert one["description"], name
        assert all(key["description"] for key in one["properties"].values())


def test_a_report_satisfies_it_and_has_no_key_that_it_does_not_describe(document: dict[str, Any]) -> None:
    VALIDATOR.validate(json.loads(json.dumps(document)))
    assert [*undescribed(document, {"$ref": "#/$defs/report"})] == []
    assert {*document} == {*SCHEMA["$defs"]["report"]["properties"]}


def test_so_does_a_comparison(document: dict[str, Any]) -> None:
    compared = Comparison([Checked("mine", "chat", document), Checked(MARKUP, "echo", None, MARKUP)])
    written = json.loads(comparison.as_json(compared))
    VALIDATOR.validate(written)
    assert [*undescribed(written, {"$ref": "#/$defs/comparison"})] == []
    del written["servers"][0]["report"]["clauses"]
    assert not VALIDATOR.is_valid(written)


def test_so_does_what_a_check_writes(check: Checker) -> None:
    VALIDATOR.validate(check("echo", "--only", "ECHO-2", "--examples", 0).document)


@pytest.mark.parametrize(("where", "value"), [("code", 3), ("format", 2), ("seconds", -1), ("clauses", {})])
def test_what_means_something_else_is_refused(document: dict[str, Any], where: str, value: Any) -> None:
    changed = copy.copy(document) | {where: value}
    assert not VALIDATOR.is_valid(changed)
    del changed[where]
    assert not VALIDATOR.is_valid(changed)


@pytest.mark.parametrize("command", ["check", "compare"])
def test_the_commands_print_it(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--json-schema"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
