"""Whether a server rests while nothing happens: a question for the system.

A server waits for its clients in a call of the system: accept(), recv(), select(). One that asks again and again uses a
whole processor, and nobody notices but who pays for it. It is asked when all has been delivered, while its clients stay
and say nothing, and once more when some have left.
"""

from collections.abc import Sequence

from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.violation import Finding

SPINNING_SECONDS = 0.5
"""Seconds of processor time without a rest from which on a server does not wait."""

REST_SECONDS = 0.5
"""Seconds without use of the processor that are a rest of a server that is idle."""

LITTLE_SECONDS = 0.05
"""Seconds of processor time up to which a server has done no more than it had to."""

DECIDED_TIMEOUT = 30.0
"""Most seconds until it has done one of both: on a busy machine a server may get no processor for seconds."""

UNSEEN = "the processor time of a server that runs elsewhere cannot be seen"
"""Why the clause is not applicable."""

UNDECIDED = "the server neither rests nor gets the processor: this machine is too busy"
"""Why the clause could not be checked."""

UNSCRIPTED = "a script does not see the processor time of a server"
"""Why there is no script that shows it."""


def observed(seconds: float) -> str:
    """Say that a server used so many seconds of processor time without a rest."""
    return f"it used {seconds:.1f} s of processor time, without a rest"


def finding(table: Sequence[attribution.Row], disruptions: Sequence[attribution.Disruption], seconds: float) -> Finding:
    """Explain that it used so many seconds, after these disruptions, the latest first, while nothing happened."""
    expected = "the server rests while nobody says anything, comes or leaves"
    return Finding(attribution.clauses(table, "spins", disruptions), expected, observed(seconds), "spins")
