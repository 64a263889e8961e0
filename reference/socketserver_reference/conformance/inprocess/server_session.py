"""A session with one server: the server being served, the coordinator its handlers report to, its clients, and the
exchange.

    with ServerSession(spec, timeout, forker) as session:
        ann = session.connect("ann")
        session.wait("ann", "handle")

However a check ends, leaving the session ends everything: it releases held handlers, closes the clients, ends the
server, and waits for its threads and processes.
"""

import contextlib
import gc
import io
import logging
import os
import select
import socket
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from typing import Self

from socketserver_reference.address import Address
from socketserver_reference.conformance.inprocess.coordinator import Coordinator, ExchangeLog, PhaseReport
from socketserver_reference.conformance.inprocess.fork_host import Forker
from socketserver_reference.conformance.inprocess.hosts import Host, ServerSpec, ThreadHost
from socketserver_reference.conformance.inprocess.probes import tracked_thread_starts
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets import quiescence
from socketserver_reference.conformance.targets.client import Client, Unreachable, describe

LEAVE_TIMEOUT = 1.0
"""Seconds that a client which leaves waits for the server to close its connection."""


class SessionClient:
    """A client with a name, and the bytes it has read so far."""

    def __init__(self, name: str, connection: Client, exchange: ExchangeLog) -> None:
        self.name = name
        self.heard = b""
        self.ended: Ending | None = None
        self.connection = connection
        self._exchange = exchange

    @property
    def address(self) -> object:
        """Return the client's own address."""
        return self.connection.socket.getsockname()

    def say(self, text: bytes) -> None:
        """Send these bytes."""
        self._exchange.does(f"{self.name} says {show(text)}")
        self.connection.send(text)

    def hears(self, text: bytes) -> bool:
        """Read until these bytes have come; return False at the end of the stream or the timeout."""
        while text not in self.heard and self._read():
            pass
        return text in self.heard

    def ends(self) -> bool:
        """Read until the stream ends; return False at the timeout."""
        while self._read():
            pass
        return self.ended is not None

    def _read(self) -> bool:
        if self.ended:
            return False
        match self.connection.receive():
            case None:
                self._exchange.sees(f"{self.name} reads nothing for {self.connection.timeout:g} s")
                return False
            case "eof" | "reset" as ending:
                self.ended = ending
                self._exchange.sees(f"{self.name} reads {ENDINGS[ending]}")
                return False
            case data:
                self.heard += data
                self._exchange.sees(f"{self.name} reads {show(data)}")
                return True

    def half_close(self) -> None:
        """End the sending side of the connection."""
        self._exchange.does(f"{self.name} half-closes")
        self.connection.half_close()

    def leave(self) -> None:
        """Leave in an orderly way, having read everything: a room may promise something only to polite clients."""
        self.connection.half_close()
        self.connection.set_timeout(min(self.connection.timeout, LEAVE_TIMEOUT))
        self.ends()

    def finds_it_closed(self) -> bool:
        """Return whether the server closed the connection, not only shut it down: it then refuses data."""
        self.connection.send(b"?")
        waiting = select.poll()
        waiting.register(self.connection.socket, 0)  # poll() always reports hang-ups and errors
        return bool(waiting.poll(self.connection.timeout * 1000))


class ServerSession:
    """See the module. With `own` the server runs the program's own handler, otherwise one that only reports."""

    def __init__(
        self,
        spec: ServerSpec,
        timeout: float,
        forker: Forker,
        *,
        own: bool = False,
        exchange: ExchangeLog | None = None,
    ) -> None:
        self.spec = spec
        self.timeout = timeout
        self.exchange = exchange or ExchangeLog()
        self.clients: list[SessionClient] = []
        self._forker = forker
        self._own = own
        self._violated = False
        self._wait_idle = quiescence.IdleWaiter(quiescence.other_threads)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="clients-"))
            stack.enter_context(quiet())
            stack.enter_context(tracked_thread_starts())
            self.coordinator = Coordinator(self.exchange)
            stack.callback(self.coordinator.close)
            self.host = self._host()
            stack.callback(self._collect_garbage)
            stack.callback(self.host.close, self.timeout)
            stack.callback(self._clear)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _host(self) -> Host:
        if self.spec.concurrency == "forking":
            return self._forker.host(self.spec, self._own, self.coordinator.address)
        try:
            return ThreadHost(self.spec, self._own, self.coordinator.address)
        except Exception as error:  # any exception of the maker
            raise NotChecked(f"the server cannot be made: {type(error).__name__}: {error}") from None

    def _clear(self) -> None:
        """Close all clients."""
        self.coordinator.release_all()
        for client in self.clients:
            if self._own and self.spec.chat:
                client.leave()
            client.connection.close()

    def _collect_garbage(self) -> None:
        """Free the resources that a broken server left open now, not during a later test."""
        del self.host
        if self._violated:
            gc.collect()

    def connect(self, name: str) -> SessionClient:
        """Have a client connect, or send its name as a datagram; raise NotChecked if it cannot connect."""
        self.exchange.does(f"{name} {'sends a datagram' if self.spec.datagram else 'connects'}")
        with self.coordinator.changed:
            try:
                connection = Client(self.host.address, self.timeout, connected=self._prepared(name))
            except Unreachable as error:
                self.exchange.sees(f"{name} cannot: {error}")
                raise NotChecked(f"{name} cannot connect: {error}") from None
            client = SessionClient(name, connection, self.exchange)
            self.clients.append(client)
            self.coordinator.introduce(client.address, name)
        if self.spec.datagram:
            connection.send(name.encode())
        return client

    def _prepared(self, name: str) -> socket.socket | None:
        """Return a socket whose address both sides know, or None where any socket has such an address."""
        address = self.host.address
        if address.transport not in ("unix", "udp"):
            return None
        prepared = socket.socket(address.family, address.kind)
        try:
            prepared.settimeout(self.timeout)
            if address.datagram:  # unbound, its own address would be 0.0.0.0
                prepared.bind((source(address), 0))
            else:
                prepared.bind(os.path.join(self._directory, name))
                prepared.connect(address.sockaddr)
        except OSError as error:
            prepared.close()
            raise Unreachable(describe(error)) from None
        return prepared

    def wait(self, name: str, phase: str) -> PhaseReport | None:
        """Wait for the report of that client's handler from that phase; return it, or None after the timeout."""
        event = self.coordinator.wait(name, phase, self.timeout)
        if event is None:
            self.exchange.sees(f"{name}'s handler does not get to {phase} within {self.timeout:g} s")
        return event

    def wait_idle(self) -> None:
        """Wait until the server rests: a room may deliver to others after the speaker has heard itself."""
        self._wait_idle()

    def hold(self, name: str, phase: str) -> None:
        """Hold that client's handler when it reaches that phase."""
        with self.coordinator.changed:
            self.coordinator.held.add((name, phase))

    def plan(self, answer: str, name: str, *phases: str) -> None:
        """Give that client's handler this answer in these phases: see `Coordinator`."""
        with self.coordinator.changed:
            self.coordinator.plan.update({(name, phase): answer for phase in phases})

    def release(self, name: str, phase: str) -> None:
        """Let that client's handler continue."""
        self.exchange.does(f"{name}'s handler may go on")
        self.coordinator.release(name, phase)

    def ask_to_end(self) -> None:
        """Call shutdown() and server_close(), without waiting for them."""
        self.exchange.does("shutdown(), server_close()")
        self.host.ask_to_end()

    def end(self) -> str:
        """Call both; return the one that has not returned in time, or ""."""
        self.ask_to_end()
        return self.stuck()

    def stuck(self) -> str:
        """Wait for the end of both calls; return the one that has not returned in time, or ""."""
        stuck = self.host.stuck(self.timeout)
        self.exchange.sees(f"{stuck} does not return within {self.timeout:g} s" if stuck else "both have returned")
        return stuck

    def left_behind(self) -> list[str]:
        """Return the resources that the ended server left behind, with its clients still open."""
        return self.host.leftovers(inodes(client.connection.socket for client in self.clients))

    def violation(self, clause: str, expected: str, observed: str) -> Violation:
        """Return the exception that reports a violation."""
        if failure := self.host.failure():
            self.exchange.sees(failure)
        self._violated = True
        with self.coordinator.changed:
            return VIOLATIONS[clause](expected, observed, list(self.exchange.lines))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress output about exceptions and open sockets: the checks provoke it, and observe these otherwise."""
    before, level = threading.excepthook, logging.root.manager.disable
    threading.excepthook = lambda _: None
    logging.disable()  # a record would keep a reference to the exception, and so to the server
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
    finally:
        threading.excepthook = before
        logging.disable(level)


def source(address: Address) -> str:
    """Return the source host of datagrams to an address; connecting a datagram socket sends nothing."""
    with socket.socket(address.family, address.kind) as probe:
        probe.connect(address.sockaddr)
        return str(probe.getsockname()[0])


def inodes(sockets: Iterable[socket.socket]) -> frozenset[str]:
    """Return sockets as `open_sockets` names them."""
    return frozenset(f"socket:[{os.fstat(one.fileno()).st_ino}]" for one in sockets if one.fileno() != -1)
