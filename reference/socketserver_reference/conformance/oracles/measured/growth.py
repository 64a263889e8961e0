"""Whether a server keeps something of each client that has left: a question for the system, not for the wire.

Clients come and leave in rounds, each twice as large as the one before. What is kept of each client grows in every
round, as the round does. What a server allocates once does not, nor what it keeps ready for later clients, up to a
limit: a cache, a pool of threads, memory that is not collected yet. A server that keeps nothing is done after the
second round.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Finding

ROUNDS = (8, 8, 16, 32, 64, 128)
MEMORY_ROUNDS = (256, 512)
"""How often each round repeats all ways to come and leave; the first only shows what a server holds that has served.
Further ones follow where memory alone has grown: garbage is collected late.
"""

SURE_ROUNDS = 3
"""Rounds that have grown, from which on a server that fails does so for what it keeps."""

CLIENT_KIB = 4
"""KiB of memory kept of each client, from which on memory grows: a page.

What the server has written to must grow so in each round, and what it may write to in the last ones: a Java virtual
machine lets garbage lie in memory that it has from the beginning.
"""

ALL_ROUNDS_TIMEOUT = 30.0
"""Seconds for all rounds: more is too slow for a thousand clients, or the server works on for those that have left."""

RELEASE_TIMEOUT = 5.0
"""Seconds after which a server has let go of all that it does not keep."""

UNSEEN = "what the server holds is not seen from here"
"""Why the clause is not applicable."""

UNSCRIPTED = "it shows in what the server holds, which a script does not see"
"""Why there is no script that shows it."""


@dataclass(frozen=True)
class Visits:
    """How clients come and leave: some stay, and others come and leave one after another, in all ways."""

    staying: Sequence[Step]
    """The steps by which those come who stay."""
    ways: Callable[[int], Sequence[Step]]
    """Makes the steps of one visit in each way; a number makes the names of the clients unique."""

    def steps(self, repeated: int) -> list[Step]:
        """Return the steps of a round."""
        return [*self.staying, *(step for number in range(repeated) for step in self.ways(number))]


def growing(before: Mapping[str, int], after: Mapping[str, int], least: Mapping[str, int]) -> set[str]:
    """Return what has grown by as much as is least."""
    return {what for what in before if after.get(what, 0) - before[what] >= least[what]}


def finding(
    table: Sequence[attribution.Row], what: str, clients: Sequence[int], held: Sequence[int], failed: str
) -> Finding:
    """Explain that a server holds more of something after each round: so much after so many clients; and how it
    `failed` in the end, if it did.
    """
    told = ", ".join(f"{much:,} after {many:,}" for many, much in zip(clients, held, strict=True))
    return Finding(
        attribution.clauses(table, "grows", []),
        f"after {clients[-1]:,} clients who came and left like these, it holds about as many {what} as after"
        f" {clients[0]:,}",
        f"{what}: {told}" + (f"; then {failed}" if failed else ""),
        "grows",
        also=("CHAT-7", "CHAT-10", "CHAT-11", "CHAT-12", "ECHO-3", "ECHO-6", "ECHO-7"),  # who is not let go is kept
    )
