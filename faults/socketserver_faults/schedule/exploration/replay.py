"""Replay codes: a schedule as one short word, from which it replays exactly.

    speak:23.1-40.2~1b2c3d
      |     |    |     |
      |     |    |     checksum of all decisions of the run
      |     |    decision 40 takes option 2
      |     decision 23 takes option 1 instead of option 0
      the scenario; `speak+lines` if threads are switched between lines, too

A code belongs to one version of a program: for another program or version, the checksum differs.

Next: `story.py`.
"""

import hashlib
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from socketserver_faults.schedule.core.run import ScheduleTrace

Deviations = tuple[tuple[int, int], ...]
"""(decision, option) in ascending order of the decisions."""

FORM = re.compile(r"([a-z]+(?:-[a-z0-9]+)*)(\+lines)?:(0|\d{1,6}\.\d{1,4}(?:-\d{1,6}\.\d{1,4})*)~([0-9a-f]{6})")


class BadCode(ValueError):
    """The text is no replay code, or belongs to another program or scenario; the message says which."""


@dataclass(frozen=True)
class Code:
    """A schedule of a scenario."""

    scenario: str
    deviations: Deviations
    checksum: str
    lines: bool = False

    @classmethod
    def of(cls, scenario: str, deviations: Deviations, story: ScheduleTrace, *, lines: bool = False) -> Self:
        """Return the code of a run."""
        return cls(scenario, deviations, checksum(story), lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code as `str` writes it; raise BadCode for anything else."""
        found = FORM.fullmatch(text)
        if not found:
            raise BadCode(f"{text!r} is no replay code: a code looks like speak:23.1-40.2~1b2c3d")
        scenario, lines, deviations, digits = found.groups()
        pairs = [] if deviations == "0" else [pair.split(".") for pair in deviations.split("-")]
        read = tuple((int(decision), int(option)) for decision, option in pairs)
        if any(one >= other for (one, _), (other, _) in pairwise(read)):
            raise BadCode(f"{text!r} is no replay code: its decisions must ascend")
        return cls(scenario, read, digits, bool(lines))

    def __str__(self) -> str:
        deviations = "-".join(f"{decision}.{option}" for decision, option in self.deviations) or "0"
        return f"{self.scenario}{'+lines' * self.lines}:{deviations}~{self.checksum}"


def checksum(story: ScheduleTrace) -> str:
    """Return six digits that differ when any decision of the run differs."""
    return hashlib.blake2s(repr(story.decisions).encode(), digest_size=3).hexdigest()
