"""`make error-rates`: wrong verdicts are counted, and nothing is run twice. ci/targets runs it, in a short form."""

import importlib
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.serving import LONG_TIMEOUT, ROOT


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(ROOT / "ci")
    path = [*sys.path]
    yield importlib.import_module("error_rates")
    sys.path[:] = path
    for module in ("error_rates", "install", "results"):
        sys.modules.pop(module, None)


def result(what: str, seed: int, *wrong: str, load: str = "idle") -> dict[str, Any]:
    return {"what": what, "load": load, "seed": seed, "wrong": [*wrong], "undecided": [], "seconds": 1.0, "story": ""}


def test_an_interrupted_run_goes_on_where_it_was(rates: Any, tmp_path: Path) -> None:
    asked: list[int] = []

    def check(names: list[str], seed: int, _: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name in names:
            asked.append(seed)
            if len(asked) == 3:
                raise KeyboardInterrupt
            yield name, {"wrong": [], "undecided": []}

    log = tmp_path / "new" / "log.jsonl"
    with pytest.raises(KeyboardInterrupt):
        rates.measure(check, ["one"], ["idle"], 4, log)
    with log.open("a") as lines:
        lines.write('\n{"what": "one", "lo')  # as if it had been killed
    rates.measure(check, ["one"], ["idle"], 4, log)
    assert asked == [0, 1, 2, 2, 3]
    assert [one["seed"] for one in rates.read(log)] == [0, 1, 2, 3]


def test_wrong_verdicts_are_counted_by_server_and_for_all_faults_together(rates: Any) -> None:
    results = [
        result("chat", 0),
        result("chat", 1, "CHAT-2"),
        result("chat", 0, load="busy"),
        result("deaf", 0, "-CHAT-3", "+CHAT-4"),
        result("deaf", 1),
        result("mute", 0),
    ]
    found = [
        (row["what"], row["load"], row["n"], row["wrong"], row["clauses"])
        for row in rates.rows(results, {"deaf", "mute"})
    ]
    assert found == [
        ("chat", "idle", 2, 1, "CHAT-2"),
        ("chat", "busy", 1, 0, "-"),
        ("all faults", "idle", 3, 1, "-"),
        ("deaf", "idle", 2, 1, "+CHAT-4, -CHAT-3"),
    ]


def test_all_cores_are_busy_within_the_block_and_not_after_it(rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(words: list[str]) -> subprocess.Popen[bytes]:
        started.append(popen(words))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with rates.machine("busy"):
        assert len(started) == os.cpu_count()
        assert all(loop.poll() is None for loop in started)
    assert all(loop.returncode for loop in started)


@pytest.mark.slow
def test_a_violation_of_a_server_that_should_be_good_is_a_false_alarm(rates: Any) -> None:
    launch = shlex.join([sys.executable, "-m", "socketserver_faults.tutorial", "chat", "{port}"])
    found = rates.alarms(["chat", "--launch", launch, "--only", "CHAT-12", "--examples", "0"], 0)
    assert found["wrong"] == ["CHAT-12"]
    assert "CHAT-12" in found["story"]


@pytest.mark.parametrize(("load", "most"), [("idle", 1), ("busy", 3)])
def test_where_the_machine_is_busy_all_good_servers_are_checked_at_once(
    load: str, most: int, rates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(most)

    def alarms(words: list[str], seed: int) -> dict[str, Any]:
        together.wait(LONG_TIMEOUT)
        return {"words": words, "seed": seed}

    monkeypatch.setattr(rates, "alarms", alarms)
    good = {name: [name] for name in ("one", "two", "three")}
    found = list(rates.alarms_of(good, [*good], 7, load))
    assert found == [(name, {"words": [name], "seed": 7}) for name in good]
    assert list(rates.alarms_of(good, [], 7, load)) == []


def test_a_check_that_reports_nothing_is_wrong(rates: Any) -> None:
    assert rates.alarms(["chat", "--examples", "many"], 0)["wrong"] == ["no report, exit status 2"]


def test_what_is_not_found_of_a_fault_is_a_miss_and_what_is_found_besides_is_told(
    rates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = SimpleNamespace(
        name="deaf",
        found={"CHAT-3": [], "CHAT-5": []},
        directed={"CHAT-5": []},
        died="",
        seconds=1.0,
        mismatches=lambda: ["story"],
    )
    monkeypatch.setattr(rates, "check_in_processes", lambda _names, _jobs, seeds: [result] if seeds == [7] else [])
    monkeypatch.setattr(rates, "checkable", lambda: {"deaf": SimpleNamespace(breaks=["CHAT-3", "CHAT-4"])})
    ((_, told),) = rates.misses(["deaf"], 7, "idle", 1)
    assert (told["wrong"], told["undecided"]) == (["-CHAT-4", "+CHAT-5"], ["CHAT-3"])


@pytest.mark.parametrize(("wrong", "status"), [([], 0), (["CHAT-2"], 1)])
def test_the_exit_status_tells_of_a_wrong_verdict_and_the_table_has_it(
    wrong: list[str], status: int, rates: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rates, "good_servers", lambda _: [("chat", [])])
    monkeypatch.setattr(rates, "alarms", lambda _words, _seed: {"wrong": wrong, "undecided": []})
    file = tmp_path / "table.json"
    words = ["--only", "chat", "--log", str(tmp_path / "log"), "--json", str(file), "--seeds", "2", "--load", "idle"]
    assert rates.main(words) == status
    found = json.loads(file.read_text())
    assert "processors" in found["machine"]
    (row,) = found["tables"]["rates"]
    assert (row["n"], row["wrong"]) == (2, 2 * status)


def test_neither_a_server_nor_a_fault_is_exit_status_2(
    rates: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rates, "good_servers", lambda _: [("chat", [])])
    assert rates.main(["--only", "cat"]) == 2
    assert "'cat' is no fault, nor one of chat, " in capsys.readouterr().out
