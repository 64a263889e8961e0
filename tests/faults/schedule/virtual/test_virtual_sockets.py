"""Virtual sockets do what real ones do: the same operations on both have the same results, errors and end states.

What is not compared, because the kernel decides it, is told in `two_worlds.py`, and left out here by `sends`, `reads`
and `reads_on`. What threads see that wait is in `test_virtual_waiting.py`.
"""

import itertools
import re
import socket
from collections.abc import Callable, Sequence
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from socketserver_faults.schedule.virtual.connection import READING
from socketserver_faults.schedule.virtual.network import Network, Socket
from socketserver_reference.conformance.targets.parting import ABORT
from tests.support.scheduling.two_worlds import NoThreads, Outcome, Twin, Worlds, outcome

MOST = 4
"""Sockets of one example: the two ends, and others made from them."""

WHICH = st.integers(0, MOST - 1)
DATA = st.sampled_from([b"", b"a", b"bc", b"hello"])
SIZE = st.sampled_from([1, 3, 100])
WAIT = st.sampled_from([0, socket.MSG_DONTWAIT])
HOWS = [socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR]
LINGER = (socket.SOL_SOCKET, socket.SO_LINGER)
SWITCHES = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.SOL_SOCKET, socket.SO_REUSEADDR)]
OPTIONS = [
    (socket.SOL_SOCKET, socket.SO_ERROR),
    (socket.SOL_SOCKET, socket.SO_TYPE),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    LINGER,
    *SWITCHES,
]


def recv_into(sock: Any, size: int) -> tuple[int, bytes]:
    buffer = bytearray(3)
    return sock.recv_into(buffer, size), bytes(buffer)


def shown(sock: Any) -> str:
    """Return what repr() shows, without the numbers that each world has of its own."""
    return re.sub(r"(fd=|', )[1-9]\d*", r"\1N", repr(sock))


class TwoWorlds(RuleBasedStateMachine):
    """Anything, in any order, from both ends."""

    def __init__(self) -> None:
        super().__init__()
        self.worlds = Worlds()

    def twin(self, which: int) -> Twin:
        return self.worlds.twins[which % len(self.worlds.twins)]

    def sends(self, twin: Twin) -> bool:
        """Whether what comes of sending does not depend on room that the kernel may or may not have."""
        return twin.end.peer not in self.worlds.crowded or twin.end.broken or twin.virtual.fileno() < 0

    def does_not_wait(self, twin: Twin) -> bool:
        """Make it so, unless it is closed."""
        return self.worlds.do(twin, lambda sock: sock.setblocking(False)) == ("returned", None)

    def reads(self, twin: Twin) -> bool:
        """Whether what comes of reading does not depend on how much of it has arrived."""
        return twin.end not in self.worlds.crowded or not twin.end.received or twin.virtual.fileno() < 0

    def reads_on(self, twin: Twin, how: int) -> bool:
        """Whether this leaves no data waiting for room at an end that is not read: Linux does not notify the sender."""
        return twin.end not in self.worlds.crowded or how == socket.SHUT_WR

    @rule(which=WHICH, data=DATA, flags=WAIT)
    def send(self, which: int, data: bytes, flags: int) -> None:
        if self.sends(twin := self.twin(which)):
            self.worlds.do(twin, lambda sock: sock.send(data, flags))

    @rule(which=WHICH, data=DATA, flags=WAIT)
    def sendall(self, which: int, data: bytes, flags: int) -> None:
        if self.sends(twin := self.twin(which)):
            self.worlds.do(twin, lambda sock: sock.sendall(data, flags))

    @rule(which=WHICH, size=SIZE, flags=WAIT)
    def recv(self, which: int, size: int, flags: int) -> None:
        if self.reads(twin := self.twin(which)):
            self.worlds.do(twin, lambda sock: sock.recv(size, flags))

    @rule(which=WHICH, size=SIZE, flags=WAIT)
    def peek(self, which: int, size: int, flags: int) -> None:
        self.worlds.do(self.twin(which), lambda sock: sock.recv(size, flags | socket.MSG_PEEK))

    @rule(which=WHICH, size=st.sampled_from([1, 3]))
    def recvfrom(self, which: int, size: int) -> None:
        if self.reads(twin := self.twin(which)):
            self.worlds.do(twin, lambda sock: sock.recvfrom(size))

    @rule(which=WHICH, size=st.sampled_from([0, 1, 3]))
    def recv_into(self, which: int, size: int) -> None:
        if self.reads(twin := self.twin(which)):
            self.worlds.do(twin, lambda sock: recv_into(sock, size))

    @rule(which=WHICH)
    def fill(self, which: int) -> None:
        twin = self.twin(which)
        if self.sends(twin) and not twin.end.broken and not twin.end.peer.shut & READING and self.does_not_wait(twin):
            self.worlds.fill(twin)

    @rule(which=WHICH)
    def drain(self, which: int) -> None:
        twin = self.twin(which)
        if self.does_not_wait(twin):
            self.worlds.drain(twin)

    @rule(which=WHICH, how=st.sampled_from([*HOWS, 3]))
    def shutdown(self, which: int, how: int) -> None:
        if self.reads_on(twin := self.twin(which), how):
            self.worlds.do(twin, lambda sock: sock.shutdown(how))

    @rule(which=WHICH)
    def close(self, which: int) -> None:
        self.worlds.do(self.twin(which), lambda sock: sock.close())

    @rule(which=WHICH)
    def reset(self, which: int) -> None:
        twin = self.twin(which)
        self.worlds.do(twin, lambda sock: sock.setsockopt(*LINGER, ABORT))
        self.worlds.do(twin, lambda sock: sock.close())

    @rule(which=WHICH, seconds=st.sampled_from([None, 0, 0.001]))
    def settimeout(self, which: int, seconds: float | None) -> None:
        self.worlds.do(self.twin(which), lambda sock: sock.settimeout(seconds))

    @rule(which=WHICH, option=st.sampled_from(OPTIONS), length=st.sampled_from([0, 4, 8]))
    def getsockopt(self, which: int, option: tuple[int, int], length: int) -> None:
        self.worlds.do(self.twin(which), lambda sock: sock.getsockopt(*option, length))

    @rule(which=WHICH, option=st.sampled_from(SWITCHES), value=st.sampled_from([0, 1, 2, b"", b"\0\0\0\1"]))
    def setsockopt(self, which: int, option: tuple[int, int], value: int | bytes) -> None:
        self.worlds.do(self.twin(which), lambda sock: sock.setsockopt(*option, value))

    @rule(which=WHICH, value=st.sampled_from([0, ABORT[:4], ABORT, bytes(8)]))
    def linger(self, which: int, value: int | bytes) -> None:
        self.worlds.do(self.twin(which), lambda sock: sock.setsockopt(*LINGER, value))

    @rule(which=WHICH)
    def ask(self, which: int) -> None:
        self.worlds.do(
            self.twin(which),
            lambda sock: (sock.gettimeout(), sock.getblocking(), sock.fileno() < 0, sock.family, sock.type),
        )
        self.worlds.do(self.twin(which), lambda sock: sock.getpeername() and None)
        self.worlds.do(self.twin(which), lambda sock: sock.getsockname() and None)
        self.worlds.do(self.twin(which), shown)

    @rule(which=WHICH)
    def dup(self, which: int) -> None:
        twin = self.twin(which)
        if len(self.worlds.twins) < MOST and twin.virtual.fileno() >= 0:
            self.worlds.twins.append(Twin(twin.real.dup(), twin.virtual.dup(), twin.end))

    @rule(which=WHICH)
    def detach(self, which: int) -> None:
        twin = self.twin(which)
        if len(self.worlds.twins) < MOST and twin.virtual.fileno() >= 0:
            real, virtual = (
                socket.socket(fileno=twin.real.detach()),
                self.worlds.network.socket(fileno=twin.virtual.detach()),
            )
            self.worlds.twins.append(Twin(real, virtual, twin.end))

    def teardown(self) -> None:
        try:
            for which in range(len(self.worlds.twins)):
                self.drain(which)
            for which in range(len(self.worlds.twins)):
                self.close(which)
                for other in range(len(self.worlds.twins)):
                    self.drain(other)
        finally:
            self.worlds.close()


TestTwoWorlds = TwoWorlds.TestCase
TestTwoWorlds.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_a_test_here_calls_each_method_of_a_socket() -> None:
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    methods = [name for name, value in vars(Socket).items() if isfunction(value) and not name.startswith("_")]
    uncalled = [name for name in methods if not re.search(rf"\.{name}\b", tests)]
    assert not uncalled, f"call these on real and virtual sockets, as TwoWorlds and OPERATIONS do: {uncalled}"


# Everything that is short

MOVES: dict[str, Callable[[TwoWorlds, int], None]] = {
    "send": lambda machine, which: machine.send(which, b"ab", socket.MSG_DONTWAIT),
    "recv": lambda machine, which: machine.recv(which, 1, socket.MSG_DONTWAIT),
    "read no more": lambda machine, which: machine.shutdown(which, socket.SHUT_RD),
    "half-close": lambda machine, which: machine.shutdown(which, socket.SHUT_WR),
    "hang up": lambda machine, which: machine.shutdown(which, socket.SHUT_RDWR),
    "close": lambda machine, which: machine.close(which),
    "reset": lambda machine, which: machine.reset(which),
}


def play(moves: Sequence[tuple[str, int]], filled: Sequence[int] = ()) -> None:
    """Make moves in both worlds, each with one of the two ends, and read what is left."""
    machine = TwoWorlds()
    try:
        for which in filled:
            machine.fill(which)
        for move, which in moves:
            MOVES[move](machine, which)
    finally:
        machine.teardown()


@pytest.mark.sweep
@pytest.mark.parametrize("first", MOVES)
def test_any_three_moves_on_a_connection(first: str) -> None:
    for moves in itertools.product(itertools.product(MOVES, (0, 1)), repeat=2):
        play([(first, 0), *moves])


def test_a_reset_that_overtakes_an_end_of_stream_on_either_side() -> None:
    play([("half-close", 1), ("half-close", 0), ("reset", 1), ("send", 0)], filled=[0])
    play([("half-close", 0), ("half-close", 1), ("reset", 1), ("send", 0)], filled=[0])
    play([("half-close", 0), ("reset", 0), ("recv", 1), ("send", 1)], filled=[0])


@pytest.mark.sweep
@pytest.mark.parametrize("filled", [[0], [0, 1]])
def test_any_two_moves_on_a_connection_that_is_full(filled: Sequence[int]) -> None:
    for moves in itertools.product(itertools.product(MOVES, (0, 1)), repeat=2):
        play(moves, filled)


# Sockets without a connection


def bound(module: Any) -> Any:
    sock = module.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


def listening(module: Any) -> Any:
    sock = bound(module)
    sock.listen()
    return sock


def stopped(module: Any) -> Any:
    sock = listening(module)
    sock.shutdown(socket.SHUT_RDWR)
    return sock


def closed(module: Any) -> Any:
    sock = bound(module)
    sock.close()
    return sock


def unconnected(module: Any) -> Any:
    return module.socket()


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "recv": lambda sock: sock.recv(1),
    "recv nothing": lambda sock: sock.recv(0),
    "recv less": lambda sock: sock.recv(-1),
    "peek": lambda sock: sock.recv(1, socket.MSG_PEEK),
    "recvfrom": lambda sock: sock.recvfrom(2),
    "recv into": lambda sock: recv_into(sock, 2),
    "recv into a small buffer": lambda sock: recv_into(sock, 4),
    "recv less into": lambda sock: recv_into(sock, -1),
    "recv into nothing": lambda sock: sock.recv_into(bytearray()),
    "send": lambda sock: sock.send(b"a"),
    "send nothing": lambda sock: sock.send(b""),
    "sendall": lambda sock: sock.sendall(b"ab"),
    "shutdown to read": lambda sock: sock.shutdown(socket.SHUT_RD),
    "shutdown to write": lambda sock: sock.shutdown(socket.SHUT_WR),
    "shutdown": lambda sock: sock.shutdown(socket.SHUT_RDWR),
    "shutdown of nothing": lambda sock: sock.shutdown(7),
    "bind": lambda sock: sock.bind(("127.0.0.1", 0)),
    "listen": lambda sock: sock.listen(1),
    "accept": lambda sock: sock.accept(),
    "getpeername": lambda sock: sock.getpeername(),
    "getsockname": lambda sock: (sock.getsockname()[0], bool(sock.getsockname()[1])),
    "error": lambda sock: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
    "timeout": lambda sock: (sock.settimeout(0.001), sock.gettimeout(), sock.getblocking()),
    "timeout below nothing": lambda sock: sock.settimeout(-1),
    "kind": lambda sock: (sock.family, sock.type, sock.proto, sock.fileno() < 0),
    "repr": shown,
    "dup": lambda sock: sock.dup().close(),
    "close": lambda sock: sock.close(),
}


def outcomes(sock: Any, operations: Sequence[str]) -> list[Outcome]:
    with sock:
        outcome(sock.setblocking, False)
        return [outcome(OPERATIONS[operation], sock) for operation in operations]


@pytest.mark.parametrize("make", [unconnected, bound, listening, stopped, closed])
def test_any_two_operations_on_a_socket_without_a_connection(make: Callable[[Any], Any]) -> None:
    for operations in itertools.product(OPERATIONS, repeat=2):
        if make in (listening, stopped) and "bind" in operations:
            continue  # once it no longer listens, Linux has given up its port, if that was not asked for by number
        virtual = outcomes(make(Network(NoThreads()).module), operations)
        assert outcomes(make(socket), operations) == virtual, operations
