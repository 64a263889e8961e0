"""A scene: a server being served, the desk its handlers report to, the clients who visit it, and the story of it all.

    with Scene(served, timeout, forker) as scene:
        ann = scene.visit("ann")
        scene.wait("ann", "handle")

However a check ends, leaving the scene ends all of it: held handlers go on, clients hang up, the server is ended, and
what belongs to it is waited for.
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
from socketserver_reference.conformance.inprocess.coordinator import Desk, Event, Story
from socketserver_reference.conformance.inprocess.fork_host import Forker
from socketserver_reference.conformance.inprocess.hosts import Host, Served, ThreadHost
from socketserver_reference.conformance.inprocess.probes import parentage
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets import quiescence
from socketserver_reference.conformance.targets.client import Client, Unreachable, describe

LEAVING = 1.0
"""Seconds that a server may take to let go of a client who leaves; it is left alone then."""


class Guest:
    """A client with a name, and what it has read so far."""

    def __init__(self, name: str, client: Client, story: Story) -> None:
        self.name = name
        self.heard = b""
        self.ended: Ending | None = None
        self.client = client
        self._story = story

    @property
    def address(self) -> object:
        """Return the client's own address."""
        return self.client.socket.getsockname()

    def say(self, text: bytes) -> None:
        """Send something."""
        self._story.does(f"{self.name} says {show(text)}")
        self.client.send(text)

    def hears(self, text: bytes) -> bool:
        """Read until this has come; return False if the stream ends before it does, or the timeout."""
        while text not in self.heard and self._read():
            pass
        return text in self.heard

    def ends(self) -> bool:
        """Read until the stream ends; return False if it does not."""
        while self._read():
            pass
        return self.ended is not None

    def _read(self) -> bool:
        if self.ended:
            return False
        match self.client.receive():
            case None:
                self._story.sees(f"{self.name} reads nothing for {self.client.timeout:g} s")
                return False
            case "eof" | "reset" as ending:
                self.ended = ending
                self._story.sees(f"{self.name} reads {ENDINGS[ending]}")
                return False
            case data:
                self.heard += data
                self._story.sees(f"{self.name} reads {show(data)}")
                return True

    def half_close(self) -> None:
        """Say that nothing more will be said."""
        self._story.does(f"{self.name} half-closes")
        self.client.half_close()

    def leave(self) -> None:
        """Leave in order, having read everything: a room may promise something to polite clients alone."""
        self.client.half_close()
        self.client.set_timeout(min(self.client.timeout, LEAVING))
        self.ends()

    def finds_it_closed(self) -> bool:
        """Return whether the connection is closed, and not only shut down: then it refuses what is sent."""
        self.client.send(b"?")
        waiting = select.poll()
        waiting.register(self.client.socket, 0)  # hang-ups and errors are reported unasked
        return bool(waiting.poll(self.client.timeout * 1000))


class Scene:
    """See the module. `own` has the program's own handler at work, otherwise one that only reports."""

    def __init__(
        self, served: Served, timeout: float, forker: Forker, *, own: bool = False, story: Story | None = None
    ) -> None:
        self.served = served
        self.timeout = timeout
        self.story = story or Story()
        self.guests: list[Guest] = []
        self._forker = forker
        self._own = own
        self._accused = False
        self._wait_idle = quiescence.IdleWaiter(quiescence.other_threads)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="guests-"))
            stack.enter_context(quiet())
            stack.enter_context(parentage())
            self.desk = Desk(self.story)
            stack.callback(self.desk.close)
            self.host = self._host()
            stack.callback(self._bury)
            stack.callback(self.host.close, self.timeout)
            stack.callback(self._clear)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _host(self) -> Host:
        if self.served.concurrency == "forking":
            return self._forker.host(self.served, self._own, self.desk.address)
        try:
            return ThreadHost(self.served, self._own, self.desk.address)
        except Exception as error:  # whatever the maker raises
            raise NotChecked(f"the server cannot be made: {type(error).__name__}: {error}") from None

    def _clear(self) -> None:
        """Let everybody go."""
        self.desk.release_all()
        for guest in self.guests:
            if self._own and self.served.chat:
                guest.leave()
            guest.client.close()

    def _bury(self) -> None:
        """Let what a broken server has left open go now, not in the middle of a later test."""
        del self.host
        if self._accused:
            gc.collect()

    def visit(self, name: str) -> Guest:
        """Have a client connect, or send its name as a datagram; raise NotChecked if it cannot connect."""
        self.story.does(f"{name} {'sends a datagram' if self.served.datagram else 'connects'}")
        with self.desk.changed:
            try:
                client = Client(self.host.address, self.timeout, connected=self._prepared(name))
            except Unreachable as error:
                self.story.sees(f"{name} cannot: {error}")
                raise NotChecked(f"{name} cannot connect: {error}") from None
            guest = Guest(name, client, self.story)
            self.guests.append(guest)
            self.desk.introduce(guest.address, name)
        if self.served.datagram:
            client.send(name.encode())
        return guest

    def _prepared(self, name: str) -> socket.socket | None:
        """Return a socket with an address by which both sides know the client, or None where any socket has one."""
        address = self.host.address
        if address.transport not in ("unix", "udp"):
            return None
        prepared = socket.socket(address.family, address.kind)
        try:
            prepared.settimeout(self.timeout)
            if address.datagram:  # unbound, it would take itself for 0.0.0.0
                prepared.bind((source(address), 0))
            else:
                prepared.bind(os.path.join(self._directory, name))
                prepared.connect(address.sockaddr)
        except OSError as error:
            prepared.close()
            raise Unreachable(describe(error)) from None
        return prepared

    def wait(self, name: str, phase: str) -> Event | None:
        """Return the report of that client's handler from that phase, waiting for it; None if it does not come."""
        event = self.desk.wait(name, phase, self.timeout)
        if event is None:
            self.story.sees(f"{name}'s handler does not get to {phase} within {self.timeout:g} s")
        return event

    def wait_idle(self) -> None:
        """Give the server time to finish what it is doing: a room delivers to others after its speaker has heard."""
        self._wait_idle()

    def hold(self, name: str, phase: str) -> None:
        """Stop that client's handler in that phase, when it gets there."""
        with self.desk.changed:
            self.desk.held.add((name, phase))

    def plan(self, answer: str, name: str, *phases: str) -> None:
        """Have that client's handler told "raise" or "say" in these phases."""
        with self.desk.changed:
            self.desk.plan.update({(name, phase): answer for phase in phases})

    def release(self, name: str, phase: str) -> None:
        """Let that client's handler go on."""
        self.story.does(f"{name}'s handler may go on")
        self.desk.release(name, phase)

    def end(self) -> str:
        """Have shutdown() and server_close() called; return which of them has not returned, or ""."""
        self.story.does("shutdown(), server_close()")
        self.host.ask_to_end()
        return self.stuck()

    def stuck(self) -> str:
        """Wait for the end; return which call has not returned, or ""."""
        stuck = self.host.stuck(self.timeout)
        self.story.sees(f"{stuck} does not return within {self.timeout:g} s" if stuck else "both have returned")
        return stuck

    def left_behind(self) -> tuple[str, ...]:
        """Return what the ended server left behind, while its clients are still there."""
        return self.host.remains(inodes(guest.client.socket for guest in self.guests)).things

    def violation(self, clause: str, expected: str, observed: str) -> Violation:
        """Return the exception that reports a breach."""
        if failure := self.host.failure():
            self.story.sees(f"serve_forever() ended with {failure}")
        self._accused = True
        with self.desk.changed:
            return VIOLATIONS[clause](expected, observed, list(self.story.lines))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what is printed and logged about exceptions and open sockets: provoked here, and seen otherwise."""
    before, level = threading.excepthook, logging.root.manager.disable
    threading.excepthook = lambda _: None
    logging.disable()  # a record would also keep the exception, and with it the server
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
    finally:
        threading.excepthook = before
        logging.disable(level)


def source(address: Address) -> str:
    """Return the host that datagrams to an address come from; connecting a datagram socket sends nothing."""
    with socket.socket(address.family, address.kind) as probe:
        probe.connect(address.sockaddr)
        return str(probe.getsockname()[0])


def inodes(sockets: Iterable[socket.socket]) -> frozenset[str]:
    """Return sockets as `open_sockets` names them."""
    return frozenset(f"socket:[{os.fstat(one.fileno()).st_ino}]" for one in sockets if one.fileno() != -1)
