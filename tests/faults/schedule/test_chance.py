"""What a program leaves to chance is the same in every run; what cannot be fixed is told."""

import itertools
import os
import random
import subprocess
import sys
from typing import Any

import pytest

from socketserver_faults.cli.main import main
from socketserver_faults.schedule.core.run import Choose, ScheduleEvent, ScheduleTrace, Task
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.exploration.explore import Race, explore
from socketserver_faults.schedule.exploration.search import Bounds, RunsDiffer, search
from socketserver_faults.schedule.virtual import substitutes
from socketserver_faults.schedule.virtual.module_copies import Modules
from socketserver_faults.schedule.virtual.network import Network
from socketserver_faults.schedule.world.world import ScheduleResult
from tests.servers import racy_chat
from tests.support.scheduling.programs import Write, searched
from tests.support.serving import ROOT

DRAWING = """
    import datetime, os, random, secrets, time, uuid
    from random import choice
    drawn = [
        random.random(), choice(range(1000)), random.Random().random(), random.Random(5).random(),
        random.SystemRandom(7).random(), uuid.uuid4(), uuid.uuid1(), secrets.token_hex(4), os.urandom(3),
        os.getrandom(3), os.getpid(), datetime.datetime.now(), datetime.datetime.now(datetime.timezone.utc),
        datetime.datetime.today(), datetime.date.today(), time.time(),
    ]
    random.seed(5)
    seeded = random.random()
    now = datetime.datetime.now()
    kinds = [isinstance(value, datetime.date) for value in (now, now.date(), datetime.date.today(), 5)]
    class Later(datetime.datetime): pass
    kinds += [isinstance(now, datetime.datetime), isinstance(now, Later), isinstance(Later(1, 1, 1), datetime.date)]
    moment = datetime.datetime(2020, 1, 2) + datetime.timedelta(days=1)
"""

NAMED = """
    import socketserver
    members = {}
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            members["name %d" % self.client_address[1]] = self.request
            while chunk := self.request.recv(1024):
                for name in set(members):
                    members[name].sendall(b"ack" + chunk)
"""

COUNTING = """
    import json, socketserver
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            json.calls = getattr(json, "calls", 0) + 1
            for byte in self.request.recv(1024).strip().upper():
                self.request.sendall(bytes([byte]))
                if json.calls % 5 == WHEN:
                    self.server.counted = self.request.fileno()
                    self.request.setblocking(True)
                    self.request.recv(1, 64)
"""


def loaded(write: Write) -> Any:
    write(draws=DRAWING)
    with Scheduler() as scheduler:
        network = Network(scheduler)
        modules = Modules(substitutes.substitutes(scheduler, lambda: network))
        first = modules.load("draws")
        modules.forget()
        again = modules.load("draws")
        assert [*map(str, first.drawn)] == [*map(str, again.drawn)]
        return first


def test_every_run_draws_the_same(write: Write) -> None:
    drawing = loaded(write)
    assert [*map(str, drawing.drawn)] == [*map(str, loaded(write).drawn)]
    assert len({str(value) for value in drawing.drawn[:9]}) == 9
    assert str(drawing.drawn[11]) == "1970-01-01 00:00:00"
    assert str(drawing.drawn[12]) == "1970-01-01 00:00:00+00:00"
    assert str(drawing.drawn[14]) == "1970-01-01"


def test_seeds_and_times_of_the_programs_own_are_kept(write: Write) -> None:
    drawing = loaded(write)
    assert drawing.drawn[3] == drawing.seeded == random.Random(5).random()
    assert drawing.kinds == [True, True, True, False, True, False, True]
    assert str(drawing.moment) == "2020-01-03 00:00:00"


@pytest.mark.slow
def test_a_set_of_names_has_the_same_order_in_each_process(write: Write) -> None:
    folder = write(named=NAMED)
    told = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "socketserver_faults", "schedule", "named:Handler", "speak"]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert ran.returncode == 1, ran.stderr
        told.add(ran.stdout.rpartition("again: ")[2])
    assert len(told) == 1


def test_a_program_that_decides_by_what_outlives_its_runs_is_told(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write(counting=COUNTING.replace("WHEN", "3"))
    with pytest.raises(RunsDiffer, match=r"decides by chance.*: once T. .*, and once T. "):
        searched("counting:Handler", "ask", 1)
    assert main(["schedule", "counting:Handler", "ask"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_a_failure_is_replayed_in_another_process_of_its_own_before_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Race):
        explore(racy_chat.Handler, "speak")
    other = (f"{number:06x}" for number in itertools.count())
    monkeypatch.setattr("socketserver_faults.schedule.exploration.replay.checksum", lambda _: next(other))
    monkeypatch.setattr("socketserver_faults.schedule.exploration.explore.checksum", lambda _: next(other))
    with pytest.raises(RunsDiffer):
        explore(racy_chat.Handler, "speak")


@pytest.mark.parametrize("fewer", [False, True])
def test_runs_that_differ_end_a_search(fewer: bool) -> None:
    tasks = [Task(number, f"T{number}", daemon=False, body=lambda: None) for number in range(3)]
    runs = 0

    def play(choose: Choose) -> ScheduleResult:
        nonlocal runs
        runs += 1
        many = 2 if runs < 4 else 1 if fewer else 3
        choices = [choose(tasks[:many]) for _ in range(3)]
        events = [ScheduleEvent("T1", f"sees {runs > 3}")]
        return ScheduleResult(ScheduleTrace(events, [(many, choice) for choice in choices]))

    with pytest.raises(RunsDiffer):
        search({"": (play, 2)}, Bounds())
