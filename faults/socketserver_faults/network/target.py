"""A target behind the network: any server, checked through the proxy.

    class TestMine(ChatConformance):
        target = Through(Launched("node server.js {port}"), Conditions(delay=0.05, jitter=0.05))

No server must be blamed for what the network did, so the site that this makes can say what the network did.

Verdicts through the network, measured with the reference and with every planted bug that a client can observe, without
conditions, with delays and with coalescing: all are the same but one, and one check is less sensitive:

    CHAT-16   whether a delivery waits for the client's delayed acknowledgement cannot be observed: the network
              acknowledges to the server at once, and sends to the client at once. (And jitter of 20 ms looks like a
              wait.)
    CHAT-15   whether a member is cut off while less than 64 KiB wait for it: the network's buffers hold some of them,
              so a server with too small a buffer is found only when more wait than the network holds.

A short queue of connections (CHAT-17) is found all the same: the network accepts a client at once, but the client reads
nothing until the server accepts it. A server that refuses connections seems to reset them. A race is found as often as
the conditions produce it: while bytes are collected, a reset overtakes what others say, so a server that fails if a
reset comes during a delivery (`reset-ends-the-speaker`) may pass.

Under `split` an utterance is no longer one chunk, so the expectations of the scenarios do not hold; and what the
network resets, ends, drops, duplicates or reorders looks like an action of the server. `Through` reads it in the
journal; a check that has only the address of a proxy cannot. Nor can such a check wait for the bytes of a client that
has left: if they are slow (`--rate`), they may be delivered in the next scenario, where no client said them.
"""

import contextlib
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from socketserver_faults.network.conditions import UNIMPAIRED, Conditions
from socketserver_faults.network.proxy import Proxy
from socketserver_faults.network.relay import CannotCarry
from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.base import CannotCheck, Site, Target
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.resources import DescriptorsLeft, Resources

HELD_TIMEOUT_SHARE = 4
"""After a quarter of the timeout, each way, a delay of the network may be the cause of a silence."""

MAX_IDLE_ROUNDS = 20
"""Most rounds of waiting for the network, then the server, to be idle."""

UNOBSERVABLE = {
    "CHAT-16": "the network acknowledges to the server instead of its clients, so the server never waits for theirs"
}
"""Clause -> why it cannot be observed through a proxy."""


@dataclass(frozen=True)
class Through:
    """A target, the network conditions on the way to it, and their seed."""

    target: Target | str
    conditions: Conditions = UNIMPAIRED
    seed: int = 0

    def start(self, timeout: float) -> "ThroughSite":
        return ThroughSite(self, timeout)

    def __str__(self) -> str:
        return f"{self.target} through a network ({self.conditions})"


class ThroughSite:
    """A server and the network in front of it."""

    def __init__(self, through: Through, timeout: float) -> None:
        self.unobservable: Mapping[str, str] = UNOBSERVABLE
        self._timeout = timeout
        self._before = 0
        with contextlib.ExitStack() as stack:
            target = Running(through.target) if isinstance(through.target, str) else through.target
            self.server: Site = target.start(timeout)
            stack.callback(self.server.close)
            listen = Address(self.server.address.transport, "127.0.0.1")
            if self.server.address.path:
                directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="network-"))
                listen = Address(listen.transport, path=os.path.join(directory, "socket"))
            try:
                self.proxy = Proxy(listen, self.server.address, through.conditions, through.seed)
            except (CannotCarry, ValueError) as error:
                raise CannotCheck(str(error)) from None
            stack.enter_context(self.proxy)
            self._stack = stack.pop_all()
        self.address = self.proxy.address
        self.restartable = self.server.restartable
        self.start_timeout = self.server.start_timeout
        self.deadline = math.inf

    def absence(self, why: str) -> str:
        return self.server.absence(why)

    def interference(self) -> str:
        """Return what the network did that the server might be blamed for; "" if nothing.

        That is an event that it injected since the server last started, or a long delay since `drain`.
        """
        journal = self.proxy.journal
        for injected in islice(
            journal.injected_events, max(0, len(journal.injected_events) - (journal.done - self._before)), None
        ):
            return str(injected)
        if self.proxy.stalled:
            return "the network is stalled"
        if journal.longest_held > self._timeout / HELD_TIMEOUT_SHARE:
            return f"the network held something for {journal.longest_held:g} s"
        return ""

    def restart(self) -> bool:
        restarted = self.server.restart()
        self.proxy.redirect(self.server.address)
        self._before = self.proxy.journal.done
        return restarted

    def wait_idle(self) -> bool:
        """Wait until the network is idle, then the server, until neither sends anything to the other."""
        idle = False
        for _ in range(MAX_IDLE_ROUNDS):
            settled = self.proxy.settle(self._timeout)
            before = self.proxy.events
            idle = self.server.wait_idle()
            if not settled or self.proxy.events == before:
                break
        return idle

    def note_flood(self) -> None:
        self.server.note_flood()

    def drain(self) -> None:
        self.wait_idle()
        self.server.drain()
        self.wait_idle()
        self.proxy.journal.longest_held = 0.0

    def cpu_time(self) -> float | None:
        """Return None: in this process, the work of the server cannot be told from that of the network."""
        return None

    def resources(self) -> Resources | None:
        """Return None: in this process, what the server holds cannot be told from what the network does."""
        return None

    def few_descriptors(self, spare: int) -> contextlib.AbstractContextManager[DescriptorsLeft] | None:  # noqa: ARG002
        """Return None: the network holds a descriptor of its own for each client."""
        return None

    def come_back(self, clients_leave: Callable[[], None]) -> str | None:  # noqa: ARG002
        """Return None: the clients are connected to the network."""
        return None

    def exit_report(self) -> str:
        return self.server.exit_report()

    def last_error(self) -> str:
        return self.server.last_error()

    def close(self) -> None:
        self._stack.close()
