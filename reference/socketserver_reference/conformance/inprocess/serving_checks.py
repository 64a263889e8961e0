"""The checks of what the server itself does: shutdown() in a handler, overridden methods, an address that is taken."""

import gc
import os
from contextlib import suppress
from typing import Any

from socketserver_reference.conformance.checks.base import decides
from socketserver_reference.conformance.inprocess.coordinator import ExchangeLog
from socketserver_reference.conformance.inprocess.hosts import open_sockets, remove_path
from socketserver_reference.conformance.inprocess.overriding import OVERRIDDEN
from socketserver_reference.conformance.inprocess.server_session import quiet
from socketserver_reference.conformance.inprocess.support import NO_HANDLER, ServerChecks, describe_end
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from socketserver_reference.conformance.targets.in_process import bound_address


class ServingChecks(ServerChecks):
    """See the module."""

    @decides("SRV-11")
    def test_shutdown_in_the_thread_of_a_handler_returns(self) -> None:
        self.only_for("threading", "by threads")
        with self.session() as session:
            session.hold("lou", "handle")
            session.connect("lou")
            self.began(session, "lou")
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
        with self.session(overriding=True) as session:
            ann = session.connect("ann")
            self.began(session, "ann", "finish")
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
        try:
            first: Any = self.target.make(None)
        except Exception as error:  # any exception of the maker
            raise NotChecked(f"the server cannot be made: {type(error).__name__}: {error}") from None
        address, sockets = bound_address(first), open_sockets()
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

    def _leaves_sockets(self) -> bool:
        """Whether a server that has served leaves something open, too."""
        with self.session() as session:
            session.end()
            return bool(session.left_behind())
