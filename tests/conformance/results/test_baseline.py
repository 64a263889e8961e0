"""`check --compare OLD.json`: what changed since, and what cannot be compared."""

import json
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.results import baseline
from socketserver_reference.conformance.results.verdicts import Outcome, Verdict
from tests.support.checking import Checker

ONE = ("--only", "ECHO-2", "--examples", 0, "--transport", "tcp")


def earlier(**verdicts: str) -> dict[str, Any]:
    return {"clauses": [{"id": id.replace("_", "-"), "verdict": verdict} for id, verdict in verdicts.items()]}


def now(**outcomes: Outcome) -> list[Verdict]:
    return [Verdict(CLAUSES[id.replace("_", "-")], outcome) for id, outcome in outcomes.items()]


def test_each_change_is_told_as_what_it_is_and_what_stayed_is_not() -> None:
    before = earlier(UDP_1="holds", UDP_2="violated", UDP_3="violated", UDP_4="holds", UDP_5="violated", ECHO_1="holds")
    after = now(UDP_1="violated", UDP_2="holds", UDP_3="not-checked", UDP_4="not-applicable", UDP_5="violated")
    assert baseline.changes(before, [*after, *now(CHAT_1="holds")]) == {
        "newly violated": ["UDP-1"],
        "fixed": ["UDP-2"],
        "violated before, now not checked": ["UDP-3"],
        "now not applicable": ["UDP-4"],
        "now holds": ["CHAT-1"],
        "not looked at": ["ECHO-1"],
    }


@pytest.mark.slow
def test_a_run_that_was_another_is_told(check: Checker, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    first = check("echo", *ONE)
    first.document["target"] = "\x1b[1mtcp"
    next(clause for clause in first.document["clauses"] if clause["id"] == "ECHO-2")["verdict"] = "violated"
    del first.document["profile"]
    old.write_text(json.dumps(first.document))
    outcome = check("echo", *ONE, "--seed", 3, "--compare", old)
    name = "the reference in this process, over tcp"
    differing = [f"another target: {name} now, \\x1b[1mtcp then", "another seed: 3 now, 0 then"]
    assert outcome.code == 0
    assert f"\nsince {old}:\n  {differing[0]}\n  {differing[1]}\n  fixed: ECHO-2\n" in outcome.out
    assert outcome.document["baseline"] == {"changes": {"fixed": ["ECHO-2"]}, "differing": differing}


@pytest.mark.slow
def test_nothing_new_is_told_too(check: Checker, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(json.dumps(check("echo", *ONE).document))
    assert f"\nsince {old}:\n  all verdicts are the same\n" in check("echo", *ONE, "--compare", old).out


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{",
        b"[" * 200_000,
        b'{"clauses": 3}',
        b'{"clauses": [3]}',
        b'{"clauses": [{"id": 3, "verdict": "holds"}]}',
        b'{"clauses": [{"id": "ECHO-1", "verdict": ["holds"]}]}',
    ],
)
def test_what_is_no_report_is_refused_before_anything_is_checked(
    check: Checker, tmp_path: Path, content: bytes
) -> None:
    old = tmp_path / "old.json"
    old.write_bytes(content)
    assert f"{old} is not a report that --json wrote" in check.refusal("echo", *ONE, "--compare", old)


def test_a_report_that_is_missing_no_text_too_long_or_of_another_protocol_is_refused(
    check: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old.json"
    assert f"cannot read {old}: No such file" in check.refusal("echo", *ONE, "--compare", old)
    old.write_bytes(b"\xff")
    assert f"{old}: is not UTF-8, at byte 0" in check.refusal("echo", *ONE, "--compare", old)
    old.write_text(json.dumps({"protocol": "chat", "clauses": []}))
    assert f"{old} is not a report of echo" in check.refusal("echo", *ONE, "--compare", old)
    monkeypatch.setattr(baseline, "MAX_REPORT_BYTES", 10)
    assert f"{old}: is longer than 10 bytes" in check.refusal("echo", *ONE, "--compare", old)
