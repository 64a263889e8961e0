"""The time that a check, or `learn`, may take: nothing begins that would not end in time; what was left out is told.

The last part of it is for what begins late: a scenario that is played then still ends, and its violation is confirmed;
a dialect that was learned is verified.
"""

import math
import time

from socketserver_reference.clauses import Profile
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.results.outcomes import NotChecked

DEFAULT_BUDGET = 60.0
"""Seconds for a server that answers promptly, with the default timeout and number of examples."""

BUDGET_TIMEOUTS = 12
"""The default budget is at least so many timeouts."""

CHECK_CLIENTS = 700
"""Clients of a whole check, about: a server that is slow to greet one makes the check wait as often."""

DEFAULT_EXAMPLES = 30
"""Default number of runs of a state machine, for which that is enough; more of them get more time."""

LIMITED_FACTOR = 10
"""Multiple of the default budget for a server whose limits make its clients wait."""

MIN_SCENARIO_SECONDS = 0.01
"""Seconds for a scenario that is played when the time is over."""

BEGINNING_SHARE = 0.75
"""Share of the budget after which no further scenario begins."""

POLITE_EXPLORATION_SHARE = 0.4
"""Share of the budget after which exploration of the basic profile ends: the scenarios of the hardened profile follow,
and a clause that they decide matters more than further runs.
"""


def default_budget(timeout: float, examples: int, limits: Limits) -> float:
    """Return the seconds that a check may take if the user does not say."""
    waits = limits.paced or limits.start or limits.fresh
    seconds = max(DEFAULT_BUDGET, BUDGET_TIMEOUTS * timeout) * max(1.0, examples / DEFAULT_EXAMPLES)
    return seconds * LIMITED_FACTOR if waits else seconds


HARM_FACTOR = 2
"""Multiple of the budget for a prompt server that clients harm by leaving: each scenario needs a fresh one, and many of
them show the harm again before they are played without it. A slow server is given as many seconds more.
"""


class Budget:
    """The seconds that one check may take from now on."""

    def __init__(self, seconds: float = math.inf, *, fixed: bool = True) -> None:
        self._begun = time.monotonic()
        self._seconds = self._of_a_prompt_one = seconds
        self._is_fixed = fixed
        self._may_double = not fixed

    @property
    def until(self) -> float:
        """The monotonic time when it must be over."""
        return self._begun + self._seconds

    @property
    def last_begin(self) -> float:
        """The monotonic time after which no scenario begins."""
        return self._begun + BEGINNING_SHARE * self._seconds

    def allow_for(self, pace: float, clients: int = CHECK_CLIENTS) -> str:
        """Take more time once, if the user has not said how much, for a server that makes each of so many clients wait
        so many seconds; return a message for the user if that is much.
        """
        if self._is_fixed:
            return ""
        self._is_fixed = True
        more = round(clients * pace)
        before, self._seconds = self._seconds, self._seconds + more
        if more < before:
            return ""
        return (
            f"the server took {pace:.1f} s to serve its first client, so the check was given {self._seconds:.0f} s "
            f"instead of {before:g} s; --budget bounds it"
        )

    def allow_for_harm(self) -> str:
        """Take more time once, if the user has not said how much, for a server that clients harm by leaving; return a
        message for the user, or "".
        """
        if not self._may_double:
            return ""
        self._may_double = False
        before = self._seconds
        self._seconds += (HARM_FACTOR - 1) * self._of_a_prompt_one
        return (
            "clients that leave harm the server, so every scenario was given a fresh one, and the check "
            f"{self._seconds:.0f} s instead of {before:.0f} s; --budget bounds it"
        )

    def last_run(self, profile: Profile) -> float:
        """The monotonic time after which no further run of the exploration of a profile begins."""
        if profile == "basic":
            return self._begun + POLITE_EXPLORATION_SHARE * self._seconds
        return self.last_begin

    @property
    def left(self) -> float:
        """The seconds that are left, of which there are always some."""
        return max(MIN_SCENARIO_SECONDS, self.until - time.monotonic())

    @property
    def is_late(self) -> bool:
        """Whether it is too late to begin a scenario, or another question."""
        return time.monotonic() > self.last_begin

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() > self.until

    def begin(self) -> None:
        """Raise NotChecked if it is too late to begin a scenario."""
        self._raise_if(self.is_late)

    def go_on(self) -> None:
        """Raise NotChecked if the time is over."""
        self._raise_if(self.is_over)

    def _raise_if(self, too_late: bool) -> None:
        if too_late:
            raise NotChecked(f"the check may take {self._seconds:g} s, and had no time left for it: see --budget")
