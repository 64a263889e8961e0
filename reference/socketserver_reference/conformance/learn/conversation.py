"""Clients that talk to a server, and what they hear, as data.

Bytes that never come cannot be awaited. Where the threads of a server can be observed, it has sent everything when they
sleep; elsewhere only `timeout` seconds of silence show that. An answer shows how fast the server is, so the silence
after it may be shorter.

No output of a server is trusted, neither to end nor to be short.
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
from socketserver_reference.conformance.targets.first_contact import FirstContact
from socketserver_reference.conformance.targets.notice import Notice

MAX_HEARD_BYTES = 1 << 20
"""Bytes that one client reads between two questions; a server that sends more is taken to send without end."""

IDLE_SILENCE = 0.005
"""Seconds of silence that suffice when the server is seen at rest: its last bytes are under way."""

MIN_SILENCE = 0.1
"""Least seconds of silence after an awaited answer, where the server's threads cannot be observed."""

MIN_AWAIT_TIMEOUT = 2.0
"""Least timeout in seconds for an answer: a server at rest may wake up by itself (inetd may sleep a second)."""

CONNECT_TIMEOUT = 5.0
"""Timeout in seconds to connect: with a full backlog TCP tries again after one second, and after three."""

ENDLESS_TIMEOUT_FACTOR = 20.0
"""Multiple of the timeout after which a server that sends all the time is taken to send without end."""

TEXT_WORDS = ("otter", "wolverine", "stoat-and-marten", "mink", "polecat", "weasel")
"""Words of the utterances; no server is likely to send them by itself."""

HeardBytes = Mapping[str, bytes]
"""Client -> the bytes it has received since the last question."""


class CannotLearn(Exception):
    """Nothing can be learned from this server; the message, one line, says why."""


class Conversation:
    """Some clients of one server."""

    def __init__(self, site: Site, timeout: float) -> None:
        self.site = site
        self.timeout = timeout
        self.ended: dict[str, Ending] = {}
        """Client -> how its stream ended."""
        self.texts: list[bytes] = []
        """All texts that were said."""
        self._seen_idle = site.restartable and sys.platform == "linux"
        self._clients: dict[str, Client] = {}
        self._heard: dict[str, bytearray] = {}
        self._open = contextlib.ExitStack()
        self._reach = FirstContact(site)

    @property
    def by_silence(self) -> str:
        """The sign that nothing more comes from this server, in words."""
        return "the server was at rest" if self._seen_idle else f"{self.timeout:g} s of silence"

    def text(self) -> bytes:
        """Return a text that no client has said yet, of another length than the one before."""
        number = len(self.texts) + 1
        self.texts.append(f"{TEXT_WORDS[number % len(TEXT_WORDS)]}-{number}".encode())
        return self.texts[-1]

    def origin(self, who: str) -> tuple[str, str]:
        """Return the host and port of a client; empty texts if it has none."""
        name = self._clients[who].socket.getsockname()
        return (str(name[0]), str(name[1])) if isinstance(name, tuple) else ("", "")

    def join(self, who: str) -> None:
        """Connect one more client; raise CannotLearn if that fails."""
        try:
            client = self._open.enter_context(
                self._reach(lambda: Client(self.site.address, max(self.timeout, CONNECT_TIMEOUT)))
            )
        except Unreachable as error:
            raise CannotLearn(f"no client can connect to {self.site.address} any more: {error}") from None
        self._clients[who] = client
        self._heard[who] = bytearray()
        self.ended.pop(who, None)

    def say(self, who: str, data: bytes) -> None:
        """Send these bytes at once, or as many of them as the server takes within the timeout."""
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
        """Return the bytes that each client has received since the last question, once nothing more comes.

        `until` says whether the awaited bytes have come; they get the full timeout. A caller that sends a fence next
        asks briefly.
        """
        timeout = self.timeout if briefly else max(self.timeout, MIN_AWAIT_TIMEOUT)
        with Notice("waiting until the server has sent all that it has to send") as notice:
            return self._hear(until, timeout, notice)

    def _hear(self, until: Callable[[HeardBytes], bool] | None, timeout: float, notice: Notice) -> HeardBytes:
        begun = last = time.monotonic()
        while True:
            self.site.wait_idle()
            met = until is None or until(self._heard_by_now())
            if self._read(self._lull(awaited=met and until is not None, after=last - begun)):
                notice()
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
        """Return the seconds of silence to wait for, when the awaited bytes came after so many seconds."""
        if self._seen_idle:
            return IDLE_SILENCE
        return min(self.timeout, max(MIN_SILENCE, 10 * after)) if awaited else self.timeout

    def _read(self, wait: float) -> bool:
        """Read the available bytes, or wait so many seconds for some; return whether any came."""
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
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
