"""Clients who say things to a server, and what they hear, as data.

What does not come cannot be waited for. Where the server can be looked into, it has said all it has to say when its
threads sleep; elsewhere nothing but silence tells, `timeout` seconds of it. What is heard after it was awaited tells
how fast the server is, so one waits less for what may come besides.

Nothing that a server sends is trusted: not to end, and not to be short.
"""

import contextlib
import selectors
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.targets.base import Site
from socketserver_reference.conformance.targets.client import Client, Unreachable

MAX_HEARD_BYTES = 1 << 20
"""Bytes that one client takes between two questions; a server that sends more does not stop."""

IDLE_SILENCE = 0.005
"""Seconds of silence that are enough when the server is seen at rest: what it sent is on its way."""

MIN_SILENCE = 0.1
"""Seconds of silence at least, where nobody can look into the server, after what was awaited."""

MIN_AWAIT_TIMEOUT = 2.0
"""Seconds at least for what should come: a server at rest may wake up by itself (inetd sleeps a second at times)."""

CONNECT_TIMEOUT = 5.0
"""Seconds to connect: where too many wait to be accepted, TCP tries again after one second, and after three."""

ENDLESS_TIMEOUT_FACTOR = 20.0
"""Times the timeout after which a server that always has something to say does not stop."""

TEXT_WORDS = ("otter", "wolverine", "stoat-and-marten", "mink", "polecat", "weasel")
"""What is talked about; no server is likely to talk about it by itself."""

HeardBytes = Mapping[str, bytes]
"""Client -> what it has heard since one last asked."""


class CannotLearn(Exception):
    """Nothing can be learned from this server; the message is the one line that says why."""


class Conversation:
    """Some clients of one server."""

    def __init__(self, site: Site, timeout: float) -> None:
        self.site = site
        self.timeout = timeout
        self.ended: dict[str, Ending] = {}
        """Client -> how its stream ended."""
        self.texts: list[bytes] = []
        """All that there was to say."""
        self._seen_idle = site.restartable and sys.platform == "linux"
        self._clients: dict[str, Client] = {}
        self._heard: dict[str, bytearray] = {}
        self._open = contextlib.ExitStack()

    @property
    def by_silence(self) -> str:
        """How one knows here that nothing more comes, in words."""
        return "the server was at rest" if self._seen_idle else f"{self.timeout:g} s of silence"

    def text(self) -> bytes:
        """Return a text that nobody has said yet, of another length than the one before."""
        number = len(self.texts) + 1
        self.texts.append(f"{TEXT_WORDS[number % len(TEXT_WORDS)]}-{number}".encode())
        return self.texts[-1]

    def origin(self, who: str) -> tuple[str, str]:
        """Return the host and port that a client comes from; empty texts if it has none."""
        name = self._clients[who].socket.getsockname()
        return (str(name[0]), str(name[1])) if isinstance(name, tuple) else ("", "")

    def join(self, who: str) -> None:
        """Connect one more client; raise CannotLearn if it cannot."""
        try:
            client = self._open.enter_context(Client(self.site.address, max(self.timeout, CONNECT_TIMEOUT)))
        except Unreachable as error:
            raise CannotLearn(f"no client can connect to {self.site.address} any more: {error}") from None
        self._clients[who] = client
        self._heard[who] = bytearray()
        self.ended.pop(who, None)

    def say(self, who: str, data: bytes) -> None:
        """Send these bytes in one go, or what the server takes of them within the timeout."""
        client = self._clients[who]
        client.set_timeout(max(self.timeout, 1.0))
        client.send(data)

    def half_close(self, who: str) -> None:
        """Send end of stream."""
        self._clients[who].half_close()

    def leave(self, *whom: str) -> None:
        """Close connections."""
        for who in whom:
            self._clients.pop(who).close()
            del self._heard[who]

    def hear(self, until: Callable[[HeardBytes], bool] | None = None, *, briefly: bool = False) -> HeardBytes:
        """Return what everybody has heard since, when nothing more comes.

        What is awaited, as `until` says, has its time to come. Who can tell by what is said next asks briefly.
        """
        begun = last = time.monotonic()
        timeout = self.timeout if briefly else max(self.timeout, MIN_AWAIT_TIMEOUT)
        while True:
            self.site.wait_idle()
            met = until is None or until(self._heard_by_now())
            if self._read(self._lull(awaited=met and until is not None, after=last - begun)):
                last = time.monotonic()
                if last - begun > ENDLESS_TIMEOUT_FACTOR * max(self.timeout, 1.0):
                    raise CannotLearn("the server sends without end")
            elif met or time.monotonic() - last > timeout:
                heard = self._heard_by_now()
                for one in self._heard.values():
                    one.clear()
                return heard

    def _heard_by_now(self) -> HeardBytes:
        return {who: bytes(heard) for who, heard in self._heard.items()}

    def _lull(self, awaited: bool, after: float) -> float:
        """Return how long nothing must come, once what is awaited has come after so many seconds."""
        if self._seen_idle:
            return IDLE_SILENCE
        return min(self.timeout, max(MIN_SILENCE, 10 * after)) if awaited else self.timeout

    def _read(self, wait: float) -> bool:
        """Read what is there; if it is nothing, wait so long for something; return whether anything came."""
        if self._read_what_is_there():
            return True
        with selectors.DefaultSelector() as selector:
            for who, client in self._clients.items():
                if who not in self.ended:
                    selector.register(client.socket, selectors.EVENT_READ)
            return bool(selector.select(wait)) and self._read_what_is_there()

    def _read_what_is_there(self) -> bool:
        came = False
        for who, client in self._clients.items():
            if who in self.ended:
                continue
            client.set_timeout(0)
            heard = client.receive()
            came = came or heard is not None
            if isinstance(heard, str):
                self.ended[who] = heard
            elif heard:
                self._heard[who] += heard
                if len(self._heard[who]) > MAX_HEARD_BYTES:
                    raise CannotLearn(f"the server sends without end: {MAX_HEARD_BYTES} bytes to one client, and on")
        return came

    def __enter__(self) -> Self:
        self.hear()  # whoever found out whether the server listens is gone then
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
