"""The checks of what the server itself does: shutdown() in a handler, overridden methods, an address that is taken,
handlers with files.
"""

import gc
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

from socketserver_reference.address import server_address
from socketserver_reference.conformance.checks.base import decides
from socketserver_reference.conformance.inprocess.coordinator import ExchangeLog
from socketserver_reference.conformance.inprocess.hosts import ThreadHost, open_sockets, remove_path
from socketserver_reference.conformance.inprocess.overriding import OVERRIDDEN, OneHandler, Overriding, Wrapping
from socketserver_reference.conformance.inprocess.server_session import ServerSession, SessionClient, quiet
from socketserver_reference.conformance.inprocess.streaming import Streaming
from socketserver_reference.conformance.inprocess.support import (
    NEGATIVE_CHECK_SECONDS,
    NO_HANDLER,
    ServerChecks,
    describe_end,
)
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.violation import VIOLATIONS

LINE = b"a line\n"

MOST_ATTEMPTS = 20
"""Attempts to start a handler, in NEGATIVE_CHECK_SECONDS, of a server that waits between two."""

SHORTLY = 0.002
"""Seconds between two looks at a server that ends."""

LOSS_CONFIRMATIONS = 3
"""Fresh servers that must all lose a client: on a busy machine, one that hurries may miss what a client says."""


class ServingChecks(ServerChecks):
    """See the module."""

    @decides("SRV-11")
    def test_shutdown_in_the_thread_of_a_handler_returns(self) -> None:
        self.only_for("threading", "by threads")
        with self.session() as session:
            session.hold("lou", "handle")
            self.arrives(session, "lou")
            session.plan("shut down", "ann", "setup")
            session.connect("ann")
            try:
                event = self.began(session, "ann", "setup")  # beside lou's: else SRV-5 is broken
            except BaseException:
                session.plan("go", "ann", "setup")  # in the thread of the loop, shutdown() would wait for itself
                raise
            if event.seen["server"] != session.host.server:
                raise NotChecked("the handler has another server, which SRV-1 is about")
            if session.wait("ann", "handle") is None:
                expected = "shutdown() returns in setup, though lou's handler still runs"
                violation = session.violation("SRV-11", expected, "it does not return")
                session.release("lou", "handle")  # ann's handler may wait for it
                session.wait("lou", "finish")
                raise violation

    @decides("SRV-12")
    def test_verify_request_and_process_request_are_called_for_each_request(self) -> None:
        with self.session(through=Overriding) as session:
            ann = self.arrives(session, "ann", "finish")
            if not self.target.datagram and not ann.ends():
                raise NotChecked("connections do not end when their handlers have ended, which SRV-3 is about")
            for phase, method in OVERRIDDEN.items():
                if session.coordinator.find("ann", phase) is None:
                    raise session.violation("SRV-12", f"the server calls {method} for ann", "it does not")
            session.plan("refuse", "ben", "verify")
            ben = session.connect("ben")
            ended = self.target.datagram or ben.ends()
            self.served(session, "cal", "SRV-12", "after ben, for whom verify_request() returned False")
            if session.coordinator.find("ben", "setup"):
                raise session.violation("SRV-12", "no handler runs for ben", "one runs")
            if not ended:
                raise session.violation("SRV-12", "ben's connection ends", describe_end(ben))

    @decides("SRV-9")
    def test_shutdown_returns_when_the_loop_has_ended(self) -> None:
        with self.session(through=Overriding) as session:
            session.hold("ann", "verify")
            self.arrives(session, "ann", "verify")  # in the loop, as it must be
            session.ask_to_end()
            if session.host.stuck(NEGATIVE_CHECK_SECONDS) == "serve_forever()":
                expected = "shutdown() returns when serve_forever() has ended"
                raise session.violation("SRV-9", expected, "it returns while verify_request() runs in the loop")

    @decides("SRV-9")
    def test_a_server_that_wraps_its_connections_ends_promptly_too(self) -> None:
        with self._wrapping() as session:
            self.arrives(session, "ann")
            self._wrapped_ends(session, session.end())

    @decides("SRV-9")
    def test_a_client_that_comes_while_the_server_ends_does_not_delay_it(self) -> None:
        with self._wrapping() as session:
            session.hold("ann", "accept")
            self.arrives(session, "ann", "accept")
            session.ask_to_end()
            session.coordinator.wait("ann", "handle", NEGATIVE_CHECK_SECONDS)
            session.release("ann", "accept")
            self._wrapped_ends(session, session.stuck())

    def _wrapping(self) -> ServerSession:
        if self.target.datagram:
            raise NotApplicable("a datagram's request is no connection that could be wrapped")
        return self.session(own=True, through=Wrapping)

    def _wrapped_ends(self, session: ServerSession, stuck: str) -> None:
        """Check the same of a server that wraps connections, which its verify_request() remembers."""
        if stuck and session.coordinator.find("ann", "verify") is None:
            raise NotChecked("verify_request() is not called, which SRV-12 is about")
        self._ends(session, stuck, "get_request() wraps connections")

    def _ends(self, session: ServerSession, stuck: str, though: str) -> None:
        """Check that both calls have returned, and that clients read end of stream."""
        if stuck:
            expected = f"shutdown() and server_close() return promptly, though {though}"
            raise session.violation("SRV-9", expected, f"{stuck} does not return")
        for client in session.clients if not self.target.datagram else []:
            if not client.ends():
                raise session.violation("SRV-9", f"{client.name}'s stream ends", describe_end(client))

    @decides("SRV-13")
    def test_a_server_that_finds_its_address_taken_leaves_nothing_behind(self) -> None:
        if self.serves_nobody:
            raise NotChecked(NO_HANDLER)
        exchange = ExchangeLog()
        with quiet():
            left, refused, there = self._second(exchange)
            if left:
                gc.collect()  # now, not during a later test
        if left and self._leaves_sockets():
            raise NotChecked("server_close() leaves sockets open, which SRV-9 is about")
        for wrong, expected, observed in (
            (left, "no socket of the second stays open", f"{left} stays open"),
            (not there, "the socket file of the first stays", "it is removed"),
        ):
            if wrong:
                raise VIOLATIONS["SRV-13"](expected, observed, exchange.lines)
        if not refused:
            raise NotChecked("its class makes no second server for an address that is taken, or none at all")

    def _second(self, exchange: ExchangeLog) -> tuple[int, bool, bool]:
        """Make two servers for one address; return how many sockets of the second stay open, whether it was refused,
        and whether the first is still there.
        """
        first = self._made()
        address, sockets = server_address(first), open_sockets()
        exchange.does("a second server of the same class is made for the address of the first")
        try:
            type(first)(first.server_address, first.RequestHandlerClass).server_close()
        except Exception as error:  # it keeps what the second server has left open
            exchange.sees(f"{type(error).__name__}: {error}")
            left, refused = len(open_sockets() - sockets), isinstance(error, OSError)
        else:
            left, refused = 0, False
        there = not address.path or os.path.exists(address.path)
        with suppress(OSError):
            first.server_close()
        first.socket.close()
        remove_path(address)
        return left, refused, there

    def _made(self) -> Any:
        try:
            return self.target.make(None)
        except Exception as error:  # any exception of the maker
            raise NotChecked(f"the server cannot be made: {type(error).__name__}: {error}") from None

    @decides("SRV-13")
    def test_a_server_that_is_closed_once_more_takes_nothing_from_the_next_at_its_address(self) -> None:
        if self.serves_nobody:
            raise NotChecked(NO_HANDLER)
        if not self.target.transport.startswith("unix"):
            raise NotApplicable("a port cannot be taken from the server that listens there")
        exchange = ExchangeLog()
        with quiet(), ExitStack() as stack:
            first = self._made()
            address = server_address(first)
            stack.callback(remove_path, address)
            stack.callback(first.socket.close)
            exchange.does("a server is closed, and another of the same class is made for its address")
            try:
                first.server_close()
                second = type(first)(first.server_address, first.RequestHandlerClass)
            except Exception as error:  # any exception of the program
                raise NotApplicable(
                    f"no other can be made where one was closed: {type(error).__name__}: {error}"
                ) from None
            stack.callback(second.socket.close)
            exchange.does("the first is closed once more")
            with suppress(Exception):
                first.server_close()
            if not os.path.exists(address.path):
                raise VIOLATIONS["SRV-13"]("the socket file of the other stays", "it is removed", exchange.lines)

    def _leaves_sockets(self) -> bool:
        """Whether a server that has served leaves something open, too."""
        with self.session() as session:
            session.end()
            return bool(session.left_behind())

    @decides("SRV-15")
    def test_a_client_waits_while_no_handler_can_be_started(self) -> None:
        with self._crowded() as session:
            session.coordinator.wait("ann", "setup", NEGATIVE_CHECK_SECONDS)
            attempts = [event.phase for event in session.coordinator.of("ann")].count("start")
            if attempts > MOST_ATTEMPTS:
                raise session.violation("SRV-15", "the server waits", "it tries again and again, without a pause")
            session.release("lou", "handle")
            if session.wait("lou", "finish") is None:
                raise session.violation("SRV-15", "lou, who came before, is still served", "she is not")
            if session.wait("ann", "handle") is None:
                raise session.violation("SRV-15", "ann is served when lou's handler has ended", "she is not served")

    @decides("SRV-9")
    def test_a_server_ends_promptly_while_a_client_waits_for_a_handler(self) -> None:
        with self._crowded() as session:
            session.ask_to_end()
            until = time.monotonic() + NEGATIVE_CHECK_SECONDS
            while session.host.stuck(SHORTLY) == "shutdown()" and time.monotonic() < until:
                pass  # while the loop runs, ann's handler may still be started
            session.release("lou", "handle")
            self._ends(session, session.stuck(), "no handler can be started for ann")
            self.leaves_nothing(session)

    @contextmanager
    def _crowded(self) -> Iterator[ServerSession]:
        """Enter a session in a system that allows one handler, that of lou, and in which ann has come."""
        forks = self.target.concurrency == "forking"
        if not forks:
            self.only_for("threading", "by threads or processes")
        with self.session(through=partial(OneHandler, forks=forks)) as session:
            session.exchange.does(f"the system allows one {'process' if forks else 'thread'} for handlers")
            session.hold("lou", "handle")
            self.arrives(session, "lou")
            session.connect("ann")
            if session.wait("ann", "start") is None:
                raise NotChecked("the loop starts nothing for a client, which SRV-5 and SRV-6 are about")
            yield session

    @decides("SRV-16")
    def test_a_datagram_from_the_servers_own_address_is_not_served(self) -> None:
        if not self.target.datagram:
            raise NotApplicable("the source of a connection cannot be forged")
        with self.session() as session:
            if not isinstance(session.host, ThreadHost):
                raise NotApplicable("its socket is in another process, and cannot send from here")
            session.exchange.does("a datagram comes whose source is the server's own address")
            session.host.send_to_itself(b"itself")
            self.arrives(session, "ann", "finish")  # the one before has been taken from the socket
            if not session.end() and session.coordinator.find("itself", "setup"):
                raise session.violation(
                    "SRV-16", "no handler runs for it", "one does, and its reply goes to the server"
                )

    # Handlers with files

    @decides("SRV-14")
    def test_a_handler_reads_a_whole_line_and_what_it_writes_arrives_at_once(self) -> None:
        with self._streaming() as session:
            session.hold("ann", "handled")
            ann = self.arrives(session, "ann")
            ann.say(LINE[:3])
            if session.coordinator.wait("ann", "handled", NEGATIVE_CHECK_SECONDS):
                raise session.violation("SRV-14", "rfile waits for the rest of ann's line", "it does not")
            ann.say(LINE[3:])
            if not ann.hears(LINE):
                expected = "ann hears the line that her handler reads from rfile and writes to wfile, before it ends"
                raise session.violation("SRV-14", expected, describe_end(ann))

    @decides("SRV-14")
    def test_what_a_handler_writes_through_a_buffer_arrives_when_finish_runs(self) -> None:
        with self._streaming(buffered=True) as session:
            session.plan("send", "ann", "finish")
            ann = self._spoken(session, "ann")
            if not ann.hears(LINE):
                if not ann.heard:
                    raise NotChecked("nothing can be sent in finish, which SRV-3 is about")
                expected = "ann hears the line that her handler writes to a wfile with a buffer, when finish runs"
                raise session.violation("SRV-14", expected, describe_end(ann))

    @decides("SRV-8")
    def test_a_client_that_is_gone_before_its_reply_is_sent_ends_its_own_connection_alone(self) -> None:
        for _ in range(LOSS_CONFIRMATIONS):
            with self._streaming(buffered=True) as session:
                session.hold("ann", "handled")
                if not self._spoken(session, "zoe").hears(LINE):
                    raise NotChecked("what a handler writes does not arrive, which SRV-14 is about")
                ann = self._spoken(session, "ann")
                self._written(session, "ann")
                session.exchange.does("ann resets")
                ann.connection.reset()
                session.release("ann", "handled")
                with suppress(NotChecked):
                    if self._spoken(session, "ben").hears(LINE):
                        return
                expected = "ben is served after ann, to whom finish could not send what handle had written"
                lost = session.violation("SRV-8", expected, "he is not served")
        raise lost

    @decides("SRV-3")
    def test_a_stream_ends_though_a_file_of_the_request_is_still_open(self) -> None:
        with self._streaming(keeping=True) as session:
            ann = self._spoken(session, "ann")
            self._written(session, "ann")
            if not ann.ends():
                expected = "ann's stream ends after finish, although a file that her handler made of it is still open"
                raise session.violation("SRV-3", expected, describe_end(ann))

    def _streaming(self, *, buffered: bool = False, keeping: bool = False) -> ServerSession:
        """Return a session whose handlers read and write files: see `Streaming`."""
        if self.target.datagram:
            raise NotApplicable("what is written for a datagram's client is sent in one piece")
        return self.session(through=partial(Streaming, buffered=buffered, keeping=keeping))

    def _spoken(self, session: ServerSession, name: str) -> SessionClient:
        """Have a client connect, wait for its handler, and have it say a line."""
        client = self.arrives(session, name)
        client.say(LINE)
        return client

    def _written(self, session: ServerSession, name: str) -> None:
        """Wait until that client's handler has written; raise NotChecked if it does not."""
        if session.wait(name, "handled") is None:
            raise NotChecked("a handler cannot read a line and write it, which SRV-14 is about")
