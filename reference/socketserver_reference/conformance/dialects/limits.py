"""The limits of a server: what it can take, and how fast."""

from dataclasses import dataclass
from functools import cached_property

from socketserver_reference.conformance.scenario.text import counted

REPEATING_SECONDS = 10.0
"""Most seconds of gaps that repetitions may take."""


@dataclass(frozen=True)
class Rate:
    """At most `count` in any `seconds`; 0 for any number."""

    count: int = 0
    seconds: int = 0

    def is_over(self, many: int) -> bool:
        """Whether, after so many, the next one has to wait."""
        return bool(self.count and many) and many % self.count == 0

    def pause(self, many: int) -> float:
        """Return the seconds to wait after so many."""
        return float(self.seconds) if self.is_over(many) else 0.0

    def time_for(self, many: int) -> float:
        """Return the seconds for so many."""
        return self.seconds * ((many - 1) // self.count) if self.count and many else 0.0


ANY_RATE = Rate()


@dataclass(frozen=True)
class Limits:
    """The limits of the server: times in seconds, sizes in bytes, 0 for no limit."""

    utterance: int = 0
    members: int = 0
    gap: float = 0.0
    """Least time between two utterances of one client."""
    join_gap: float = 0.0
    """Least time between two connections."""
    rate: Rate = ANY_RATE
    """Most utterances of one client in a time."""
    join_rate: Rate = ANY_RATE
    """Most connections in a time."""
    join_delay: float = 0.0
    """Time after its handshake in which a client may not speak."""
    start: float = 0.0
    """Most time until the server listens."""
    fresh: bool = False
    """Whether every scenario needs a fresh server."""

    def rounds(self, wanted: int, *, utterances: int, joins: int = 0) -> int:
        """Return the number of rounds to play: `wanted`, or fewer if their gaps take more than REPEATING_SECONDS, but
        at least three. A round has so many utterances of one client and so many joins.
        """

        def seconds(rounds: int) -> float:
            each = utterances * self.gap + joins * (self.join_gap + self.join_delay)
            return rounds * each + self.rate.time_for(rounds * utterances) + self.join_rate.time_for(rounds * joins)

        fitting = (rounds for rounds in range(wanted, 3, -1) if seconds(rounds) <= REPEATING_SECONDS)
        return next(fitting, min(wanted, 3))

    @cached_property
    def pace(self) -> str:
        """What keeps a client from saying much at once, in words; "" if nothing does."""
        if self.gap:
            return f"at least {self.gap:g} s between two utterances"
        rate = self.rate
        return f"at most {counted(rate.count, 'utterance')} of a client in {rate.seconds} s" if rate.count else ""

    @cached_property
    def join_pace(self) -> str:
        """What keeps clients from connecting at once, in words; "" if nothing does."""
        if self.join_gap:
            return f"at least {self.join_gap:g} s between two connections"
        rate = self.join_rate
        return f"at most {counted(rate.count, 'connection')} in {rate.seconds} s" if rate.count else ""

    @cached_property
    def paced(self) -> bool:
        """Whether clients must wait before they speak or connect."""
        return bool(self.pace or self.join_pace or self.join_delay)


UNLIMITED = Limits()
