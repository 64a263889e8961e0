"""The same sockets in two worlds, a real loopback connection and a virtual one, and what differs between them.

An operation is done to the virtual socket first, then to the real one, and must have the same outcome: the same result,
or the same error. Then the real ends must come to rest where the virtual ones are: the same state of TCP, as many bytes
to be read, the same answer of poll(). On loopback that is so at once, as a rule; nobody promises it, so it is waited
for, within a bound. An operation that would wait in the virtual world is not done in the real one.

What the kernel may decide is not compared: how many bytes a connection takes, and, once one has taken all it can, until
these are read, where they wait and when there is room again. Such a direction is *crowded*. When it is not to be read
any more, data arrive there, or reset the connection, whenever the sender happens to ask for room: that is left out.
"""

import errno
import re
import select
import socket
import struct
import termios
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fcntl import ioctl
from typing import Any

from socketserver_faults.schedule.virtual.connection import End
from socketserver_faults.schedule.virtual.network import Network, Socket
from socketserver_faults.schedule.virtual.readiness import happens
from tests.support.scheduling.unrecorded import Unrecorded

BOUND = 20.0
"""Seconds to wait at most for a real socket; only one that differs takes that long."""

SHORT_TIMEOUT = 0.2
"""The same when something differs already, and is being shrunk."""

RECEIVES = 32 * 1024
SENDS = 96 * 1024
"""Bytes of a real socket's buffers, which Linux doubles: small, to be filled soon, but more than is said in an example.
What is sent to a full one never fits in the receiver's alone, however late that is to take it.
"""

CAPACITY = 64 * 1024

STATES = {1: "established", 4: "fin-wait", 5: "fin-wait", 7: "close", 8: "close-wait", 9: "last", 11: "last"}
"""TCP states of Linux (include/net/tcp_states.h). Which end of stream came first is no matter."""

FILLING = b"x" * 1024
FILLED = re.compile(rb"x+")

EAGER = 20
UNHURRIED = 0.001
"""Looks after which one goes on without hurry, and seconds between two looks then."""

Outcome = tuple[str, Any]
AGAIN: Outcome = ("raised", "EAGAIN")


class WouldWait(BaseException):
    """No other thread runs, so none will end the wait."""


class NoThreads(Unrecorded):
    """The points of a thread that is alone: it never waits, but for time to pass."""

    aborting = False

    now = 0.0

    def point(self, what: str, ready: Callable[[], bool] | None = None, timeout: float | None = None) -> bool:
        if ready is None or ready():
            return True
        if timeout is None:
            raise WouldWait(what)
        self.now += timeout
        return False


@dataclass
class Twin:
    """A socket in both worlds."""

    real: socket.socket
    virtual: Socket
    end: End


def outcome(call: Callable[..., Any], *arguments: Any) -> Outcome:
    """Return what a call returned or raised, to be compared."""
    try:
        return "returned", call(*arguments)
    except OSError as error:
        return "raised", errno.errorcode[error.errno] if error.errno else type(error).__name__
    except ValueError as error:
        return "raised", str(error)


def real_pair() -> tuple[socket.socket, socket.socket]:
    """Return the server's and the client's end of a loopback connection, which sends what it is given at once."""
    with ExitStack() as stack, socket.socket() as listener:
        client = stack.enter_context(socket.socket())
        for sock in (listener, client):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVES)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # a segment that does not fit is dropped, and comes again after 0.2 seconds: so they are small
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1024)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        stack.pop_all()
    return server, client


def wait_until(holds: Callable[[], bool], otherwise: Callable[[], str], bound: float = BOUND) -> None:
    """Return when the condition holds; fail, and say what is the matter, when it has not for so many seconds."""
    until = time.monotonic() + bound
    looks = 0
    while not holds():
        assert time.monotonic() < until, otherwise()
        looks += 1
        time.sleep(0 if looks < EAGER else UNHURRIED)


class Worlds:
    """One connection in both worlds, its sockets, and others for the same ends."""

    bound = BOUND

    def __init__(self) -> None:
        self.network = Network(NoThreads(), capacity=CAPACITY)
        self.twins: list[Twin] = []
        self.crowded: dict[End, list[int]] = {}
        """Ends that too much was sent to, with the bytes that are to be read of the virtual one and of the real one."""
        for real, virtual in zip(real_pair(), self.network.pair("the client"), strict=True):
            end = virtual.kernel.file(virtual.fileno()).end
            assert isinstance(end, End)
            virtual.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as the real one has it
            self.twins.append(Twin(real, virtual, end))

    def close(self) -> None:
        """Close the real sockets."""
        for twin in self.twins:
            twin.real.close()

    def do(self, twin: Twin, operation: Callable[[Any], Any]) -> Outcome | None:
        """Do an operation in both worlds, and compare; return the outcome, or None if it would have to wait."""
        try:
            expected = outcome(operation, twin.virtual)
        except WouldWait:
            return None
        actual = outcome(operation, twin.real)
        assert actual == expected, f"{twin.virtual!r}: {expected}, but really {actual}"
        self.wait_idle()
        return expected

    def fill(self, twin: Twin) -> None:
        """Send until no more is taken; how much that is may differ."""
        reader = twin.end.peer
        amounts = self.crowded[reader] = [len(reader.received)] * 2
        amounts[0] += filled(twin.virtual)

        def full() -> bool:
            amounts[1] += filled(twin.real)
            return amounts[1] > 2 * RECEIVES

        self._wait_until(full, lambda: f"{twin.virtual!r} is full, but really takes {amounts[1]} bytes")
        self.wait_idle()

    def drain(self, twin: Twin) -> None:
        """Read all there is, up to an error or the end of stream. How much a reset has lost may differ."""
        expected, end = drained(twin.virtual)
        sent, really_sent = self.crowded.pop(twin.end, [len(expected)] * 2)
        least = really_sent if len(expected) == sent else 0
        actual, actual_end = b"", AGAIN

        def as_much() -> bool:
            nonlocal actual, actual_end
            data, actual_end = drained(twin.real)
            actual += data
            return actual_end == end and len(actual) >= least

        self._wait_until(as_much, lambda: f"{twin.virtual!r}: {end}, but really {len(actual)} bytes and {actual_end}")
        assert FILLED.sub(b"x", actual) == FILLED.sub(b"x", expected)
        self.wait_idle()

    def wait_idle(self) -> None:
        """Return when the real ends are where the virtual ones are."""
        for twin in self.twins:
            if twin.virtual.fileno() >= 0:
                self._wait_idle(twin, self.foreseen(twin))

    def _wait_idle(self, twin: Twin, foreseen: tuple[object, ...]) -> None:
        self._wait_until(
            lambda: self.seen(twin) == foreseen,
            lambda: f"{twin.virtual!r} is {foreseen}, but really {self.seen(twin)}",
        )

    def _wait_until(self, holds: Callable[[], bool], otherwise: Callable[[], str]) -> None:
        try:
            wait_until(holds, otherwise, self.bound)
        except AssertionError:
            Worlds.bound = SHORT_TIMEOUT
            raise

    def foreseen(self, twin: Twin) -> tuple[object, ...]:
        """Return what can be seen of an end, by the virtual one."""
        end = twin.end
        mask = happens(end)
        if end.is_over():
            state = "close"
        elif end.finishing:
            state = "last" if end.ended else "fin-wait"
        else:
            state = "close-wait" if end.ended else "established"
        return self.comparable(end, state, mask, len(end.received))

    def seen(self, twin: Twin) -> tuple[object, ...]:
        """Return the same of the real one."""
        poll = select.poll()
        poll.register(twin.real, select.POLLIN | select.POLLOUT | select.POLLRDHUP)
        mask = dict(poll.poll(0)).get(twin.real.fileno(), 0)
        state = STATES[twin.real.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]]
        (unread,) = struct.unpack("i", ioctl(twin.real, termios.FIONREAD, bytes(4)))
        return self.comparable(twin.end, state, mask, unread)

    def comparable(self, end: End, state: str, mask: int, unread: int) -> tuple[object, ...]:
        """Leave out what the kernel may decide."""
        if end.peer in self.crowded and not end.broken:
            mask &= ~select.POLLOUT
        return state, mask, bool(unread) if end in self.crowded else unread


def filled(sock: socket.socket | Socket) -> int:
    """Send as much as a socket takes; return how many bytes that is."""
    taken = 0
    with suppress(BlockingIOError):
        while True:
            taken += sock.send(FILLING, socket.MSG_DONTWAIT)
    return taken


def drained(sock: socket.socket | Socket) -> tuple[bytes, Outcome]:
    """Return what can be read of a socket that does not wait, and how it ended."""
    read = b""
    while True:
        how, data = last = outcome(sock.recv, RECEIVES)
        if how == "raised" or not data:
            return read, last
        read += data
