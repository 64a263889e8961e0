"""The proxy: a network between any client and any server that applies its conditions, and changes nothing else.

    with Proxy(Address.parse("tcp://127.0.0.1:0"), server, Conditions(delay=0.01), seed=1) as proxy:
        connect(proxy.address)

One thread does everything: it waits for sockets, for the next time at which something is due, and for its owner, and
never sleeps otherwise, so it ends at once. It owns all sockets.

Without conditions it changes nothing: bytes, ends of stream and resets arrive in each direction in order. A client is
reset if there is no room for it or its server cannot be reached, because the network has accepted it by then. A peer
that does not read slows its sender down: no direction of a connection holds more than `MAX_HELD_BYTES` bytes, and no
more are read. `split` sends every piece as a segment of its own, and `coalesce` sends one segment. But the receiver's
kernel concatenates segments that wait to be read, so a server is sure to see the pieces only with `--rate` or the like.

Random numbers depend on seed, connection, direction and place alone, so the same exchange has the same result in every
run. (If a peer sends faster than the other reads, TCP cuts the stream differently in each run.)
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
    """A proxy between the clients of one address and the server at another.

    Raise BadConditions or CannotCarry. Clients can connect at once; they are served in a thread within the `with`
    block, or by `serve`. The end leaves no connection, thread or socket behind, even if clients are connected.
    """

    def __init__(self, listen: Address, target: Address, conditions: Conditions = UNIMPAIRED, seed: int = 0) -> None:
        check_carried(listen, target)
        conditions.check(datagrams=listen.datagram)
        resolved = resolve(target)
        self._poller = Poller()
        self.journal = Journal()
        self.events = 0
        """How often a socket was ready: constant while no peer sends anything."""
        self._listener = bind(listen)
        self.address = bound(self._listener, listen)
        """The address for clients."""
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

    # For its owner, from any thread

    @property
    def injected_events(self) -> list[InjectedEvent]:
        """The events injected so far, in order."""
        return list(self.journal.injected_events)

    @property
    def most_held(self) -> int:
        """Most bytes of one direction of one connection held at any time: at most MAX_HELD_BYTES."""
        return self.journal.most_held

    @property
    def stalled(self) -> bool:
        """Whether `stall` was called, and `resume` was not."""
        return self._stalled

    def stall(self) -> None:
        """Pass nothing on from now on; the proxy reads a bounded number of bytes meanwhile."""
        self._stalled = True
        self._wake()

    def resume(self) -> None:
        """Pass on again, first what was held."""
        self._stalled = False
        self._wake()

    def redirect(self, target: Address) -> None:
        """Connect later clients to another server; raise CannotCarry if that is impossible."""
        check_carried(self.address, target)
        self._relay.target = resolve(target)

    def settle(self, seconds: float) -> bool:
        """Wait, at most so long, until only bytes are held that a peer does not read; return whether that is so.

        What `stall` holds does not count.
        """
        with self._idle:
            self._asked += 1
            asked = self._asked
            self._wake()
            self._idle.wait_for(lambda: self._answered >= asked or self._stopping, seconds)
            return self._answered >= asked

    def stop(self) -> None:
        """End `serve` soon; return at once, as a signal handler must."""
        self._stopping = True
        self._wake()

    def close(self) -> None:
        """End everything, and close all connections."""
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
        with suppress(OSError):  # a wake-up is pending already, or the thread has ended
            self._bell.send(b"!")

    # The loop

    def serve(self) -> None:
        """Serve clients until `stop`."""
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
    """Raise CannotCarry unless the target may be a server's, and both addresses carry streams, or both datagrams."""
    for address in (listen, target):
        if address.transport == "unix-datagram":
            raise CannotCarry(
                f"{address}: a sender of Unix datagrams waits instead of losing them; use tcp, udp or unix"
            )
    if listen.datagram != target.datagram:
        one, other = ("datagrams" if address.datagram else "streams" for address in (listen, target))
        raise CannotCarry(f"{listen} carries {one} and {target} {other}: let both be udp, or both tcp or unix")
    if not (target.path or target.port):
        raise CannotCarry(f"{target} is no address of a server: name the port at which it listens")


def resolve(target: Address) -> tuple[Any, Any, Any]:
    """Return family, kind and address of a server for socket() and connect(); raise CannotCarry if there is none."""
    if target.path:
        return target.family, target.kind, target.path
    try:
        family, kind, _, _, address = socket.getaddrinfo(target.host, target.port, target.family, target.kind)[0]
    except OSError as error:
        raise CannotCarry(
            f"{target} cannot be found: {error.strerror}; name a host that this machine can resolve"
        ) from None
    return family, kind, address


def bind(listen: Address) -> socket.socket:
    """Return a socket bound to the address; raise CannotCarry if that is impossible."""
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
    """Return the address at which a socket listens that was bound to this one."""
    return listen if listen.path else listen.with_port(sock.getsockname()[1])
