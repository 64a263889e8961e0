"""Two faults at once, and one of them listed as known: the other is still found, or the run does not conform."""

import pytest

from socketserver_faults.catalogue.index import find
from socketserver_faults.cli.main import main
from socketserver_faults.matrix import pairs
from socketserver_faults.matrix.pairs import PairResult, can_be_composed, check_pair, check_pairs, compose
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation

QUICK = {
    "delivers-quit+announces-who-joins": ["CHAT-1", "CHAT-4"],
    "strips-white-space+quits-in-any-case": ["CHAT-8"],
    "quits-in-any-case+strips-white-space": ["CHAT-3"],
    "delivers-quit+strips-white-space": ["CHAT-3"],
    "asks-who-is-there+ignores-the-half-closed": ["ECHO-6"],
    "ignores-empty-datagrams+cuts-at-a-page": ["UDP-4"],
}
"""Pairs, and what is found in each though a clause of its first fault is listed."""


@pytest.mark.sweep
def test_with_a_true_failure_listed_the_others_are_found() -> None:
    results = {result.name: result for result in check_pairs(QUICK, 2)}
    assert {name: result.found for name, result in results.items()} == QUICK
    assert not any(result.wrong for result in results.values())


def test_each_clause_of_the_wire_is_listed_in_some_pair_and_looked_for_in_another() -> None:
    named = [tuple(map(find, name.split("+"))) for name in pairs.pairs()]
    listed = {pairs.on_the_wire(first)[0] for first, _ in named}
    sought = {clause for _, second in named for clause in pairs.on_the_wire(second)}
    assert {f"CHAT-{number}" for number in range(1, 18)} <= sought
    assert {f"CHAT-{number}" for number in range(2, 18)} <= listed


def test_a_server_of_two_faults_has_both_bugs() -> None:
    both = compose(find("delivers-quit"), find("announces-who-joins"))
    assert both.cls.__mro__[1] is find("delivers-quit").cls
    assert both.mix_ins == (find("announces-who-joins").cls,)
    assert not can_be_composed(find("greets"), find("greets-its-clients"))  # a chat and an echo
    assert not can_be_composed(find("strips-white-space"), find("cuts-at-nul"))  # the same method


def test_a_clause_that_the_listed_one_keeps_from_being_decided_is_undecided() -> None:
    result = check_pair("delivers-twice+quits-in-any-case")
    assert (result.found, result.undecided, result.hidden) == ([], ["CHAT-8"], [])


@pytest.mark.slow
def test_a_bug_that_another_undoes_is_absent() -> None:
    result = check_pair("joins-when-it-speaks+announces-who-joins")  # by the time of the notice, somebody has spoken
    assert (result.found, result.absent, result.hidden) == (["CHAT-4"], ["CHAT-1"], [])


def seen(clause: str, *, spares: bool = False) -> Violation:
    violation = VIOLATIONS[clause]("this", "that", [])
    violation.spares = spares
    return violation


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (seen("CHAT-8"), "found"),
        (seen("CHAT-3"), "undecided"),
        (NotChecked("why"), "undecided"),
        (seen("CHAT-3", spares=True), "hidden"),
        (NotApplicable("why"), "hidden"),
        (None, "hidden"),
    ],
)
def test_a_clause_that_holds_there_is_hidden(raised: Violation | NotChecked | NotApplicable | None, kind: str) -> None:
    assert pairs._kind([("CHAT-8", "test", raised)], "CHAT-8") == kind


def test_the_command_tells_what_is_hidden(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    results = [
        PairResult("cuts-at-nul+delivers-quit", found=["CHAT-7"]),
        PairResult("delivers-quit+cuts-at-nul", hidden=["CHAT-3"], died="its process ended"),
    ]
    monkeypatch.setattr("socketserver_faults.matrix.pairs.check_pairs", lambda chosen, _: results if chosen else [])
    assert main(["matrix", "--pairs"]) == 1
    out = capsys.readouterr().out
    assert "ok    cuts-at-nul+delivers-quit" in out
    assert "hidden CHAT-3; its process ended" in out
    assert out.endswith(" pairs: 1 clauses found, 0 clauses undecided, 1 clauses hidden, 0 clauses absent\n")
    assert main(["matrix", "--pairs", "greets"]) == 0
    assert capsys.readouterr().out.startswith("0 pairs")
