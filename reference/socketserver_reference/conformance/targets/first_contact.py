"""The first connection to a server of which it is unknown whether it listens.

A connection that only tests that is a client, too: it has killed, wedged or haunted servers before their first client
came. So the first client of the first scenario finds out, and tries again until the server may have started.
"""

import time
from collections.abc import Callable

from socketserver_reference.conformance.targets.base import POLL_INTERVAL, CannotCheck, Site
from socketserver_reference.conformance.targets.client import Client, Unreachable
from socketserver_reference.conformance.targets.notice import Notice


class FirstContact:
    """Connects the clients of a site, the first for as long as the server may take to start."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._first: Client | None = None

    def __call__(self, connect: Callable[[], Client]) -> Client:
        """Return a connected client; raise CannotCheck if the first cannot connect, Unreachable if a later one cannot.

        The first one tries again for as long as the server may take to start, if it does not listen yet.
        """
        if self._first is None:
            self._first = self._connect(connect)
            return self._first
        return connect()

    @property
    def refused(self) -> bool:
        """Whether the system reported that no socket receives the datagrams of the first client."""
        return self._first is not None and self._first.refused

    def _connect(self, connect: Callable[[], Client]) -> Client:
        until = time.monotonic() + self._site.start_timeout
        with Notice(f"waiting for a server at {self._site.address}, which nothing serves yet") as notice:
            while True:
                try:
                    return connect()
                except Unreachable as error:
                    ended = self._site.exit_report()
                    if ended or not error.may_come or time.monotonic() > until:
                        raise CannotCheck(self._site.absence(ended or str(error))) from None
                notice()
                time.sleep(POLL_INTERVAL)
