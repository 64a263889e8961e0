"""Whether a server can be started again at its port at once: a question for the system.

The side that closes a TCP connection first keeps its port for a minute (TIME_WAIT). For a server that ends with clients
connected, that is the server, and the next one cannot listen there meanwhile, unless it sets SO_REUSEADDR. That this
is the cause is known where the server does start once nothing is in TIME_WAIT any more, or at another port.
"""

from collections.abc import Sequence

from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.violation import Finding

UNSEEN = "it can be tried of launched servers of TCP alone, on Linux, whose connections are in TIME_WAIT when they end"
"""Why the clause is not applicable."""

UNSCRIPTED = "a script does not start the server again"
"""Why there is no script that shows it."""


def finding(table: Sequence[attribution.Row], address: object, failed: str) -> Finding:
    """Explain that a server could not be started again at its address: how it failed."""
    return Finding(
        attribution.clauses(table, "no restart", []),
        f"ended while clients are connected, and started again at once, the server listens at {address}",
        failed,
        "no restart",
    )
