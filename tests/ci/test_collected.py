"""`ci/collected.py`: error rates and drawn schedules as tests, with the results that the commands have."""

import json
from pathlib import Path

import pytest

from tests.support.checking import PLUGIN
from tests.support.serving import ROOT

COLLECTED = ROOT / "ci" / "collected.py"


@pytest.fixture
def ran(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Ran":
    monkeypatch.setenv("LOG", str(tmp_path / "log.jsonl"))
    return Ran(pytester, tmp_path / "log.jsonl")


class Ran:
    """Runs the tests that are chosen, in two processes."""

    def __init__(self, pytester: pytest.Pytester, log: Path) -> None:
        self._pytester = pytester
        self._log = log

    def __call__(self, chosen: str, *options: str) -> tuple[dict[str, int], str]:
        run = self._pytester.runpytest_subprocess(*PLUGIN, str(COLLECTED), "-n", "2", "-k", chosen, *options)
        return run.parseoutcomes(), run.stdout.str()

    def logged(self) -> list[tuple[str, str, int, list[str]]]:
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line]
        return sorted((one["what"], one["load"], one["seed"], one["wrong"]) for one in lines)


@pytest.mark.slow
def test_each_seed_of_a_good_server_is_a_test_and_a_line_of_the_log(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDS", "2")
    parts = [ran("alarm and reference-echo and idle", f"--conformance-shard={part}/2") for part in (1, 2)]
    assert [outcomes for outcomes, _ in parts] == [{"passed": 1}, {"passed": 1}]
    assert ran.logged() == [("reference-echo", "idle", 0, []), ("reference-echo", "idle", 1, [])]


@pytest.mark.slow
def test_a_fault_that_is_told_otherwise_fails_its_test(ran: Ran, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        told_otherwise="""
        from dataclasses import replace
        from socketserver_faults.catalogue.index import CATALOGUE, find
        CATALOGUE["strips-white-space"] = replace(find("strips-white-space"), breaks=("CHAT-5",))
        """
    )
    pytester.syspathinsert()
    outcomes, told = ran("miss and (strips-white-space or replies-twice)", "-p", "told_otherwise")
    assert outcomes == {"passed": 1, "failed": 1}
    assert "-CHAT-5 +CHAT-3" in told
    assert [(what, wrong) for what, _, _, wrong in ran.logged()] == [
        ("replies-twice", []),
        ("strips-white-space", ["-CHAT-5", "+CHAT-3"]),
    ]


@pytest.mark.slow
def test_drawn_schedules_are_tests_in_blocks(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULES", "300")
    monkeypatch.setenv("PROGRAMS", "chat delivers-without-the-lock")
    outcomes, told = ran("schedule")
    assert outcomes == {"passed": 2, "failed": 2}
    assert "again: socketserver-faults schedule delivers-without-the-lock --random 1 --seed " in told
