"""The time that a check may take: nothing begins that would not end in time, and what was left out is not checked.

The last part of it is for what begins late: a scenario that is played then still ends, and its violation is confirmed.
"""

import math
import time

from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.results.outcomes import NotChecked

DEFAULT_BUDGET = 60.0
"""Seconds for a server that answers promptly, with the default timeout and number of examples."""

TIMEOUTS = 12
"""The default budget is at least so many timeouts."""

DEFAULT_EXAMPLES = 30
"""Examples in that default; more of them get more time."""

LIMITED_FACTOR = 10
"""Multiple of the default budget for a server whose limits make its clients wait."""

LEAST_SECONDS = 0.01
"""Seconds for a scenario that is played when the time is over."""

BEGINNING_SHARE = 0.75
"""Share of the budget after which no further scenario begins."""


def default_budget(timeout: float, examples: int, limits: Limits) -> float:
    """Return the seconds that a check may take if the user does not say."""
    waits = limits.paced or limits.start or limits.fresh
    seconds = max(DEFAULT_BUDGET, TIMEOUTS * timeout) * max(1.0, examples / DEFAULT_EXAMPLES)
    return seconds * LIMITED_FACTOR if waits else seconds


class Budget:
    """The seconds that one check may take from now on."""

    def __init__(self, seconds: float = math.inf) -> None:
        begun = time.monotonic()
        self._seconds = seconds
        self.until = begun + seconds
        """The monotonic time when it must be over."""
        self.last_begin = begun + BEGINNING_SHARE * seconds
        """The monotonic time after which no scenario begins."""

    @property
    def left(self) -> float:
        """The seconds that are left, of which there are always some."""
        return max(LEAST_SECONDS, self.until - time.monotonic())

    def begin(self) -> None:
        """Raise NotChecked if it is too late to begin a scenario."""
        self._check(self.last_begin)

    def go_on(self) -> None:
        """Raise NotChecked if the time is over."""
        self._check(self.until)

    def _check(self, until: float) -> None:
        if time.monotonic() > until:
            raise NotChecked(f"the check may take {self._seconds:g} s, and had no time left for it: see --budget")
