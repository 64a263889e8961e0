"""Error rates and drawn schedules as tests, for pytest's own ways to share work; the kill matrix is one of them, too.

    SEEDS=100 pytest ci/collected.py -k 'alarm or miss' -n 4 --conformance-shard 1/8
    SCHEDULES=50000 pytest ci/collected.py -k schedule -n 4         # of the reference; PROGRAMS names others

A result is also a line of the log of `make error-rates`, or of the file that LOG names: the logs of all shards, one
after the other, make its table.
"""

import json
import os
from pathlib import Path
from typing import Any

import error_rates
import pytest

from socketserver_faults.catalogue.index import checkable
from socketserver_faults.schedule.exploration.explore import search_random
from socketserver_faults.schedule.exploration.story import report_lines
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of

SEEDS = range(int(os.environ.get("SEEDS", "1")))
SCHEDULES = int(os.environ.get("SCHEDULES", "1000"))
PROGRAMS = os.environ.get("PROGRAMS", "chat overthreaded").split()
LOG = Path(os.environ.get("LOG", error_rates.LOG))

OWN = ("reference-chat", "reference-chat-launched", "reference-echo", "reference-family")
"""The names of the reference in error_rates.py."""

BLOCK = 250
"""Schedules of one test: some seconds."""

pytestmark = pytest.mark.timeout(3600)


def note(what: str, load: str, seed: int, found: dict[str, Any]) -> None:
    """Write a result to the log, in one piece: other processes write there, too. Fail if it is wrong."""
    of = {"what": what, "load": load, "seed": seed, "load average": os.getloadavg()[0]}
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("ab", buffering=0) as lines:
        lines.write(f"\n{json.dumps(of | found)}".encode())
    if found["wrong"]:
        pytest.fail(f"{' '.join(found['wrong'])}\n{found['story']}", pytrace=False)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("load", error_rates.LOADS)
@pytest.mark.parametrize("name", [*OWN, *error_rates.GOOD_CHATS])
def test_no_false_alarm(name: str, load: str, seed: int) -> None:
    words = dict(error_rates.good_servers([name])).get(name)
    if words is None:
        pytest.skip("it is not here")
    with error_rates.machine(load):
        found = error_rates.alarms(words, seed)
    note(name, load, seed, found)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", list(checkable()))
def test_no_miss(name: str, seed: int) -> None:
    ((_, found),) = error_rates.misses([name], seed, "idle", jobs=1)
    note(name, "idle", seed, found)


@pytest.mark.parametrize("first", range(0, SCHEDULES, BLOCK))
@pytest.mark.parametrize("program", PROGRAMS)
def test_no_drawn_schedule_fails(program: str, first: int) -> None:
    with world_of(read(program)) as world:
        found = search_random(world, min(BLOCK, SCHEDULES - first), first)
    if found.outcome is not None:
        again = f"socketserver-faults schedule {program} --random 1 --seed {first + found.schedules - 1}"
        pytest.fail("\n".join(report_lines(found, again)), pytrace=False)
