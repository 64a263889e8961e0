"""Whether many who leave at once cost the server the square of their number: a question for the server's own clock.

A server that goes on delivering to those who have gone does work for each pair of them, so twice as many cost four
times as much: a hundred are a second's work, a thousand stop the room for minutes, and those who stay wait (CHAT-15).
In a small room this does not show. So two rooms are compared, one four times as large as the other. What has to be done
is then four times as much, what must not be done sixteen times.

What is compared is the processor time that the server uses, from when the crowd begins to leave until it has come to
rest. How long those who stay wait for each other is what the clause is about, but no evidence: on a busy machine they
wait as long for a server that does hardly anything, and processor time is the server's alone. The two rooms take turns,
and it has to show twice. A server that needs little is not asked further: its figures are too small to be compared.

The crowd has to be gone before the server has heard much of it, or no deliveries in vain are left; so all
of it is done without looking at anything meanwhile (`Stage.play_at_once`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Finding

ROOM_FACTOR = 4
"""How many times as large the large room is."""

MAX_COST_FACTOR = 7
"""How many times as much it may cost: between as many times as it is large, and the square of that.

In seconds of processor time, as `make bench OPTIONS='--only crowds'` measures them again; the second server is the
reference, but that a member that is cut off stays listed. A crowd that a busy machine delays costs less.

                                  24               96           times
    reference              0.003 to 0.014    0.01 to 0.04    (not judged)
    keeps-who-is-cut-off    0.05 to 0.13      1.5 to 1.6       12 to 30
"""

MAX_UNJUDGED_SECONDS = 0.25
"""Seconds of processor time that are not judged."""

CLOCK_SECONDS = 0.01
"""Seconds to which processor time is known."""

MIN_COMPARISONS = 2
"""Comparisons that must come out alike: once, a crowd may have been too slow in leaving to cost much."""

UNSCRIPTED = "it shows in what the server costs, which a script does not see"
"""Why there is no script that shows it."""


@dataclass(frozen=True)
class Departure:
    """What happens in a room of some size: a crowd comes; it speaks and leaves at once; those who stay go on."""

    coming: Sequence[Step]
    leaving: Sequence[Step]
    staying: Sequence[Step]

    @property
    def steps(self) -> list[Step]:
        """All of it."""
        return [*self.coming, *self.leaving, *self.staying]


Room = Callable[[int], Departure]
"""What makes the scenario for a crowd of some size."""


@dataclass(frozen=True)
class Costs:
    """The server's processor time in both rooms, one after the other, in seconds."""

    large: float
    small: float

    @property
    def times(self) -> float:
        """How many times as much the large room costs, at least."""
        return self.large / (self.small + CLOCK_SECONDS)

    @property
    def excessive(self) -> bool:
        """Whether that is more than it may."""
        return self.times > MAX_COST_FACTOR


def is_little(large: float) -> bool:
    """Whether a large room costs so little that there is nothing to compare."""
    return large <= MAX_UNJUDGED_SECONDS


def is_excessive(found: Sequence[Costs]) -> bool:
    """Whether the large room costs more than it may, as often as it takes to say so."""
    return sum(costs.excessive for costs in found) >= MIN_COMPARISONS


def decided(found: Sequence[Costs]) -> bool:
    """Whether there have been enough comparisons."""
    return is_excessive(found) or sum(not costs.excessive for costs in found) >= MIN_COMPARISONS


def finding(found: Sequence[Costs], many: int) -> Finding:
    """Explain that a room costs more than it may, by the comparison that says so least."""
    costs = min((costs for costs in found if costs.excessive), key=lambda costs: costs.times)
    few = many // ROOM_FACTOR
    return Finding(
        attribution.clauses(attribution.CHAT_ROWS, "late", ["stalled"]),
        f"{many} clients who leave at once cost the server about {ROOM_FACTOR} times as much as {few}",
        f"{many} cost it {costs.large:.2f} s of processor time, and {few} cost it {costs.small:.2f} s",
        "late",
        also=("CHAT-10", "CHAT-11", "CHAT-12"),  # a client that is not let go costs something, too
    )
