"""Finds out whether a server refuses clients by their number or their rate.

Many servers limit both, and then hang up on clients or refuse them. A scenario that comes at that moment shows what
looks like a violation.
"""

import time

from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.targets.client import Client, Unreachable

MIN_LIMIT_CLIENTS = 8
"""Clients that a server must have served before a refusal counts as a limit: a bug may strike after a few."""

MAX_LIMIT_CLIENTS = 500
"""Clients that connect to find the limit."""

HANG_UP_TIMEOUT = 0.25
"""Seconds for a server to hang up on a client that has left."""


def limit_of(session: Session, many: int, timeout: float) -> str:
    """Have so many clients connect to a fresh server and leave one by one, as fast as it serves them; return in words
    after how many it refused one, or "" if it did not, or ended.
    """
    session.renew("a test of its limits")
    begun = time.monotonic()
    for count in range(min(many, MAX_LIMIT_CLIENTS)):
        if _refuses(session, timeout):
            session.mark_broken("a test of its limits")
            session.site.wait_idle()  # one that is about to end gets the time for it
            if count < MIN_LIMIT_CLIENTS or session.site.exit_report():
                return ""
            return f"{count} clients within {time.monotonic() - begun:.1f} s"
    session.mark_broken("a test of its limits")
    return ""


def _refuses(session: Session, timeout: float) -> bool:
    """Whether the server hangs up on a client that has done nothing but connect."""
    try:
        client = Client(session.site.address, timeout)
    except Unreachable:
        return True
    with client:
        session.site.wait_idle()
        client.set_timeout(0)
        while isinstance(got := client.receive(), bytes):
            pass
        client.leave(HANG_UP_TIMEOUT)
        return got is not None
