"""The proxy: a network between any client and any server that does what its conditions say, and nothing else.

    with Proxy(Address.parse("tcp://127.0.0.1:0"), server, Conditions(delay=0.01), seed=1) as proxy:
        connect(proxy.address)

One thread does everything: it waits for sockets, for what is due next and for a word of its owner, and never sleeps
otherwise, so it ends at once. It owns all the sockets there are.

Left alone, it is faithful: bytes, ends of stream and resets arrive each way in order; a client that is turned away, or
whose server cannot be reached, is reset, since the network has accepted it by then. Whoever does not read is felt by
who speaks to it: no direction of a connection holds more than `MAX_HELD_BYTES` bytes, and nothing is read beyond them.
`split` sends every piece as a segment of its own, and `coalesce` sends one segment; but between two segments that wait
to be read, a receiver's kernel makes no difference, so that a server is sure to see the pieces only if something comes
between them: `--rate`, say.

Chance is a matter of seed, connection, direction and place alone, so the same exchange meets the same fate in every
run. (Who sends faster than the other reads cannot repeat an exchange: where TCP cuts it is a matter of time.)
"""

import math
import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Self

from socketserver_faults.network.conditions import UNIMPAIRED, Conditions
from socketserver_faults.network.connection import prepare
from socketserver_faults.network.datagram_relay import DatagramRelay
from socketserver_faults.network.journal import InjectedEvent, Journal
from socketserver_faults.network.relay import POLLIN, CannotCarry, Poller, Relay
from socketserver_faults.network.stream_relay import StreamRelay
from socketserver_reference.address import Address


class Proxy:
    """Carry everything between the clients of one address and the server at another.

    Raise BadConditions or CannotCarry. Clients can connect from the beginning; they are served in the length of the
    `with` block, in a thread, or by `serve`. The end leaves no connection, thread or socket behind, whoever is
    connected.
    """

    def __init__(self, listen: Address, target: Address, conditions: Conditions = UNIMPAIRED, seed: int = 0) -> None:
        check_carried(listen, target)
        conditions.check(datagrams=listen.datagram)
        resolved = resolve(target)
        self._poller = Poller()
        self.journal = Journal()
        self.events = 0
        """Times that a socket was ready: it stands still while nobody says anything."""
        self._listener = bind(listen)
        self.address = bound(self._listener, listen)
        """Where clients connect to."""
        self._alarm, self._bell = socket.socketpair()
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._poller.watch(self._alarm, POLLIN, self._woken)
        relay = DatagramRelay if listen.datagram else StreamRelay
        self._relay: Relay = relay(self._poller, self._listener, resolved, conditions, seed, self.journal)
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._stalled = False
        self._idle = threading.Condition()
        self._asked = self._answered = 0

    # What its owner may do, from any thread

    @property
    def injected_events(self) -> list[InjectedEvent]:
        """What the network itself did so far, the earliest first."""
        return list(self.journal.injected_events)

    @property
    def most_held(self) -> int:
        """Bytes of one direction of one connection that were ever held at a time, at most: never more than HELD."""
        return self.journal.most_held

    @property
    def stalled(self) -> bool:
        """Whether `stall` was called, and `resume` was not."""
        return self._stalled

    def stall(self) -> None:
        """Pass nothing on from now on; what is read meanwhile is bounded."""
        self._stalled = True
        self._wake()

    def resume(self) -> None:
        """Pass on again, first what has been waiting."""
        self._stalled = False
        self._wake()

    def redirect(self, target: Address) -> None:
        """Connect whoever comes from now on to another server; raise CannotCarry if that cannot be."""
        check_carried(self.address, target)
        self._relay.target = resolve(target)

    def settle(self, seconds: float) -> bool:
        """Wait, at most so long, until nothing is under way but what a peer does not take; return whether that is so.

        While a stall by hand lasts, nothing that it holds counts as under way.
        """
        with self._idle:
            self._asked += 1
            asked = self._asked
            self._wake()
            self._idle.wait_for(lambda: self._answered >= asked or self._stopping, seconds)
            return self._answered >= asked

    def stop(self) -> None:
        """End `serve` soon; return at once, as a signal handler has to."""
        self._stopping = True
        self._wake()

    def close(self) -> None:
        """End everything: clients and server find their connections closed."""
        self.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._relay.close()
        for sock in (self._listener, self._alarm, self._bell):
            if sock.fileno() >= 0:
                self._poller.ignore(sock)
                sock.close()
        if self.address.path:
            with suppress(FileNotFoundError):  # closed twice
                os.unlink(self.address.path)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve, name="network", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wake(self) -> None:
        with suppress(OSError):  # it rings already, or it is over
            self._bell.send(b"!")

    # The loop

    def serve(self) -> None:
        """Carry until `stop`."""
        try:
            while not self._stopping:
                self._turn()
        finally:
            with self._idle:
                self._stopping = True
                self._idle.notify_all()

    def _turn(self) -> None:
        asked = self._asked
        due = math.inf if self._stalled else self._relay.due
        idle = due == math.inf
        ready = self._poller.turn(0.0 if idle and asked > self._answered else due)
        self.events += ready
        if not self._stalled:
            self._relay.pass_on(time.monotonic())
        if idle and not ready and asked > self._answered:
            with self._idle:
                self._answered = asked
                self._idle.notify_all()

    def _woken(self, _event: int) -> None:
        self.events -= 1
        self._alarm.recv(4096)


def check_carried(listen: Address, target: Address) -> None:
    """Raise CannotCarry unless there can be a server at the target, and both addresses carry the same."""
    for address in (listen, target):
        if address.transport == "unix-datagram":
            raise CannotCarry(f"{address}: a Unix datagram waits where a network loses; use tcp, udp or unix")
    if listen.datagram != target.datagram:
        one, other = ("datagrams" if address.datagram else "streams" for address in (listen, target))
        raise CannotCarry(f"{listen} carries {one} and {target} {other}: let both be udp, or both tcp or unix")
    if not (target.path or target.port):
        raise CannotCarry(f"{target} is no place of a server: name the port it listens at")


def resolve(target: Address) -> tuple[Any, Any, Any]:
    """Return family, kind and address of a server as socket() and connect() take them; raise CannotCarry if none."""
    if target.path:
        return target.family, target.kind, target.path
    try:
        family, kind, _, _, address = socket.getaddrinfo(target.host, target.port, target.family, target.kind)[0]
    except OSError as error:
        raise CannotCarry(f"{target} cannot be found: {error.strerror}; name a host that this machine knows") from None
    return family, kind, address


def bind(listen: Address) -> socket.socket:
    """Return a socket bound to the address; raise CannotCarry if it cannot be."""
    sock = socket.socket(listen.family, listen.kind)
    try:
        if listen.transport == "tcp":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(listen.sockaddr)
        if not listen.datagram:
            prepare(sock)
            sock.listen(socket.SOMAXCONN)
    except OSError as error:
        sock.close()
        hint = "a path that does not exist yet" if listen.path else "an address of this machine, and port 0 for any"
        raise CannotCarry(f"cannot listen at {listen}: {error.strerror or error}; choose {hint}") from None
    return sock


def bound(sock: socket.socket, listen: Address) -> Address:
    """Return where a socket listens that was bound to the address."""
    return listen if listen.path else listen.with_port(sock.getsockname()[1])
