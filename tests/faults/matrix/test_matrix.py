"""The kill matrix: each fault of the catalogue breaks its clauses, and no others; each clause has a fault."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from socketserver_faults.catalogue.index import catalogue, checkable, find
from socketserver_faults.cli import matrix
from socketserver_faults.cli.main import main
from socketserver_faults.matrix import table
from socketserver_faults.matrix.result import FaultResult
from socketserver_faults.matrix.runner import check_in_processes, each_in_its_process
from socketserver_reference.clauses import CLAUSES
from tests.support.serving import LONG_TIMEOUT, ROOT

FAULTS = list(catalogue().values())
LEAST = 45

JOBS = 8
"""Faults judged at a time: most of the time goes by in waiting for what a broken server does not do."""


def sample() -> list[str]:
    """Return one fault of each group and profile of clauses, of those that need no process of their own."""
    chosen: dict[tuple[str, str], str] = {}
    for fault in checkable().values():
        for clause in map(CLAUSES.__getitem__, fault.breaks):
            if not fault.own_process:
                chosen.setdefault((clause.group, clause.profile), fault.name)
    return sorted(set(chosen.values()))


@pytest.mark.sweep
@pytest.mark.timeout(900)
def test_a_fault_of_each_kind_breaks_what_the_catalogue_says_and_nothing_else() -> None:
    """A few: all of them cost a processor for minutes. `make matrix`, which CI runs too, judges all."""
    faults = sample()
    assert {CLAUSES[id].group for fault in faults for id in find(fault).breaks} == {"ECHO", "UDP", "CHAT", "SRV"}
    mismatches = [line for result in check_in_processes(faults, JOBS) for line in result.mismatches()]
    assert mismatches == [], "\n".join(mismatches)


def test_every_clause_has_a_fault() -> None:
    assert table.clauses_without_fault() == []
    assert len(FAULTS) >= LEAST


def test_the_table_in_the_project_is_that_of_the_catalogue() -> None:
    table_there, due = (ROOT / "faults" / "MATRIX.md").read_text(), table.as_markdown([])
    changed = "\n".join({*table_there.splitlines()} ^ {*due.splitlines()})
    assert table_there == due, f"faults/MATRIX.md is out of date, and `make matrix` writes it: {changed}"


def test_the_table_says_of_a_checked_fault_what_was_found_and_of_the_others_what_the_catalogue_says() -> None:
    lines = table.as_markdown([FaultResult("greets", {"CHAT-5": []})]).splitlines()
    assert "| `greets` | CHAT-5 | The server greets every client that connects. |" in lines
    assert "| CHAT-5 | `greets`, `delivers-the-latest-first` |" in lines
    assert "| CHAT-1 | `announces-who-joins`, `announces-who-leaves` |" in lines


# What the author of a fault is told


def test_a_fault_with_a_wrong_clause_set_tells_what_it_really_breaks_with_the_exchange() -> None:
    (result,) = check_in_processes(["greets-its-clients"], 1)
    wrong = FaultResult("keeps-the-case", result.directed)
    first, second, *story = wrong.mismatches()
    assert first == "keeps-the-case should break ECHO-2, but no directed scenario shows it"
    assert second == "keeps-the-case breaks ECHO-1; the catalogue says ECHO-2"
    assert story[0] == "  by a directed scenario:"
    assert any("says b'hello" in line or "connects" in line for line in story)


def test_what_exploration_alone_finds_is_told_with_its_seed() -> None:
    result = FaultResult("greets", {"CHAT-1": []}, explored={7: {"CHAT-5": ["the story"]}})
    assert result.mismatches() == [
        "greets breaks CHAT-1, CHAT-5; the catalogue says CHAT-1",
        "  by exploration, seed 7:",
        "    the story",
    ]


def test_a_process_that_ends_by_itself_or_hangs_is_a_wrong_result() -> None:
    assert FaultResult("greets", died="its process ended with exit status 1").mismatches() == [
        "greets: its process ended with exit status 1"
    ]


def fails(name: str) -> FaultResult:
    """A check with a bug."""
    raise ValueError(name)


def test_an_error_in_a_process_is_told_with_its_place() -> None:
    (result,) = each_in_its_process(fails, FaultResult, ["greets"], 1, LONG_TIMEOUT)
    line = fails.__code__.co_firstlineno + 2
    assert result.mismatches() == [f"greets: its check ended by ValueError at test_matrix.py:{line}: greets"]


# The command


def test_the_matrix_of_one_fault_with_exploration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "matrix.json"
    assert main(["matrix", "replies-twice", "--seeds", "2", "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("ok    replies-twice ")
    assert out.endswith("the fault breaks its clauses, and no others\n")
    (told,) = json.loads(file.read_text())
    assert (told["name"], told["expected"], list(told["explored"])) == ("replies-twice", ["UDP-1"], ["0", "1"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["greet"], "socketserver-faults matrix: 'greet' is no fault of the catalogue: did you mean greets"),
        (
            ["nothing-like-it-at-all"],
            "socketserver-faults matrix: 'nothing-like-it-at-all' is no fault of the catalogue: `",
        ),
        (
            ["joins-a-copy"],
            "socketserver-faults matrix: only the scheduler can find joins-a-copy: the threads would have to",
        ),
        (["--json", "/no/such/place"], "socketserver-faults matrix: cannot write /no/such/place: "),
    ],
)
def test_what_cannot_be_judged_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["matrix", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_a_clause_without_a_fault_and_a_fault_that_breaks_others_fail_the_matrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {name: find(name) for name in ("replies-twice", "keeps-the-case")}
    for module in (table, matrix):
        monkeypatch.setattr(module, "checkable", lambda: few)
    monkeypatch.setattr(
        "socketserver_faults.matrix.runner.check_in_processes",
        lambda names, *_, **__: [FaultResult(n, {"UDP-1": []}) for n in names],
    )
    assert main(["matrix"]) == 1
    told = capsys.readouterr().out
    assert "      keeps-the-case breaks UDP-1; the catalogue says ECHO-2\n" in told
    assert "\nno fault breaks CHAT-1\n" in told
    assert "left out: joins-a-copy (CHAT-2, CHAT-9): " in told
    assert told.endswith("1 of 2 faults break other clauses than the catalogue says: keeps-the-case\n")


def test_a_matrix_that_is_terminated_ends_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def check(names: list[str], *_: object, **__: object) -> Iterator[FaultResult]:
        try:
            yield FaultResult(names[0], {})
            os.kill(os.getpid(), signal.SIGTERM)
            yield FaultResult(names[1], {})
        finally:
            ended.append("its processes")

    monkeypatch.setattr("socketserver_faults.matrix.runner.check_in_processes", check)
    assert main(["matrix", "replies-twice", "keeps-the-case"]) == 130
    assert ended == ["its processes"]
