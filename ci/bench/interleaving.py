"""The scheduler beside frontrun, on the same handlers: those of `small_room.py`, in which two or three speak at once.

Ours plays the whole server, its clients and their judge, and looks for the shortest story once a schedule fails;
frontrun plays the method `handle`, on connections in memory.

Next: `beside_frontrun.py`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import results

from socketserver_faults.schedule.exploration.explore import search_schedules
from socketserver_faults.schedule.exploration.search import Bounds
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.scenario.steps import Send, Settle, join

NAMES = ("ann", "ben", "cal")
SECONDS = 60.0


def speak(speakers: int) -> NamedScenario:
    """Return the scenario in which so many members speak at once."""
    names = NAMES[:speakers]
    sent = (Send(name, name[:1].encode()) for name in names)
    return NamedScenario("speak", "", "CHAT-13", (*join(*names), *sent, Settle()))


def ours() -> Iterator[dict[str, Any]]:
    """Yield the rows of the scheduler."""
    for speakers in (2, 3):
        for locked in (True, False):
            with world_of(read(f"small_room:{'locked' if locked else 'unlocked'}", "chat")) as world:
                world.play(speak(speakers))  # modules are loaded once for all
                begun = time.perf_counter()
                found = search_schedules(world, {"speak": speak(speakers)}, Bounds(seconds=SECONDS))
                seconds = time.perf_counter() - begun
            verdict = "fails" if found.outcome else "cleared" if found.whole else "-"
            row = {"speakers": speakers, "locked": locked, "verdict": verdict, "seconds": seconds}
            yield {**row, "schedules": found.schedules}


def of_frontrun() -> list[dict[str, Any]]:
    """Return the rows of frontrun; none if it is not installed."""
    command = Path(sys.executable).with_name("frontrun")
    if not command.exists():
        return []
    program = Path(__file__).with_name("beside_frontrun.py")
    ran = subprocess.run([command, sys.executable, program], capture_output=True, text=True, timeout=600, check=True)
    rows: list[dict[str, Any]] = json.loads(ran.stdout.splitlines()[-1])
    return rows


def measure() -> Iterator[results.Table]:
    """Yield the table, then fill and print it."""
    table = results.Table("interleavings", "Two schedulers on the same handlers", results.INTERLEAVINGS)
    yield table
    results.head(table)
    for scheduler, rows in (("this one", ours()), ("frontrun", of_frontrun())):
        for row in rows:
            room = f"{row['speakers']} speakers, {'with' if row['locked'] else 'without'} the lock"
            speed = row["schedules"] / row["seconds"]
            results.add(table, {"scheduler": scheduler, "room": room, "per_second": speed, **row})
