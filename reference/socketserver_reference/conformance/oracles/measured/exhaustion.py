"""Whether a server survives that no descriptor is left for a further client: a question for the system and the clients.

Some clients are served. Then the system leaves the server only a few descriptors, and more clients connect than these
are enough for: accept() fails. Meanwhile those who were there are served on, and the server waits without using the
processor. When the others have left, new clients are served. So a server may leave clients in its queue, or hang up on
them; it may not end, nor call accept() again and again.

If the same happens where descriptors are left, the silent clients are the cause, and other clauses are about that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.measured import resting
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Finding

SPARE_DESCRIPTORS = 6
"""Descriptors that are left to the server."""

AMPLE_DESCRIPTORS = 256
"""Descriptors that are left where the clients alone shall be tried."""

SILENT_CLIENTS = 16
"""Clients that connect then and say nothing."""

USED_UP = 2
"""Descriptors left, up to which a server has used up what it had: it may need several for a client, and give those
back that it got.
"""

UNSEEN = "descriptors can be limited of launched servers alone, on Linux"
UNUSED = f"{SILENT_CLIENTS} silent clients leave it descriptors: it does not hold so many, or has a process for each"
"""Why the clause is not applicable."""

UNSCRIPTED = "a script does not limit the descriptors of a server"
"""Why there is no script that shows it."""

BESIDES = f"{SILENT_CLIENTS} silent clients connect besides, for which {SPARE_DESCRIPTORS} descriptors are left"

MEANWHILE = f"while {BESIDES}, "
AFTERWARDS = f"after {BESIDES}, and have left again, "
"""When something is expected."""


@dataclass(frozen=True)
class Exhaustion:
    """What clients do before descriptors are limited, meanwhile, and when the silent clients have left."""

    before: Sequence[Step]
    meanwhile: Sequence[Step]
    afterwards: Sequence[Step]

    @property
    def steps(self) -> list[Step]:
        """All of them."""
        return [*self.before, *self.meanwhile, *self.afterwards]

    def rewritten(self, rewrite: Callable[[Sequence[Step]], Sequence[Step]]) -> "Exhaustion":
        """Return it with other steps."""
        return Exhaustion(*map(rewrite, (self.before, self.meanwhile, self.afterwards)))


def finding(table: Sequence[attribution.Row], when: str, expected: str, observed: str, *, absent: bool) -> Finding:
    """Explain that then something else was observed than expected."""
    clauses = attribution.clauses(table, "starves", [])
    return replace(Finding(clauses, when + expected, observed, "starves"), absent=absent)


def spinning(table: Sequence[attribution.Row], seconds: float) -> Finding:
    """Explain that a server used so many seconds of processor time without a rest."""
    expected, observed = "the server waits for one of them to leave", resting.observed(seconds)
    return finding(table, MEANWHILE, expected, observed, absent=False)
