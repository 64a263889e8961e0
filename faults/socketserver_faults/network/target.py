"""A target behind the network: any server, as the conformance suite sees it through the proxy.

    class TestMine(ChatConformance):
        target = Through(Launched("node server.js {port}"), Conditions(delay=0.05, jitter=0.05))

A server must never be blamed for what the network did, so the site that this makes can say what that was.

What a conformance suite sees through it. Measured with the reference and with every planted bug that a client can see,
calm, with delays and with coalescing: all verdicts are the same but one, and one is found out less sharply:

    CHAT-16   whether a delivery waits for the client's delayed acknowledgement cannot be seen: the network acknowledges
              to the server at once, and sends to the client without waiting. (And jitter of 20 ms looks like a wait.)
    CHAT-15   that a member is not cut off while less than 64 KiB wait for it: the network's buffers hold them, too, so
              that a server with too small a buffer shows itself only when more than all of them is waiting.

A server whose queue of connections is short (CHAT-17) is seen all the same: the network accepts a client at once, but
the client hears nothing until the server has. A server that refuses connections seems to reset them. And a bug that is
a race shows itself as often as the conditions bring it about: while words are collected, a reset overtakes what others
say, so a server that stumbles over a reset in the middle of a delivery (`reset-ends-the-speaker`) may pass.

Under `split` an utterance is no chunk any more, so the scenarios' expectations do not hold; and what the network
resets, ends, drops, doubles or swaps looks like the server's doing. `Through` knows it from `journal.py`; who is given
the address of a proxy alone cannot. Nor can one who has the address alone wait for the words of a client that is gone:
where they are carried slowly (`--rate`), they may be delivered in the next scenario, and look like nobody's.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from socketserver_faults.network.conditions import UNIMPAIRED, Conditions
from socketserver_faults.network.proxy import Proxy
from socketserver_faults.network.relay import CannotCarry
from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.base import CannotCheck, Site, Target
from socketserver_reference.conformance.targets.external import Running

HELD_TIMEOUT_SHARE = 4
"""Which part of the timeout the network may take for anything, each way, before a silence may be its doing."""

MAX_IDLE_ROUNDS = 20
"""Times at most that network and server take turns in coming to rest."""

UNOBSERVABLE = {
    "CHAT-16": "the network acknowledges to the server in the place of its clients, so it never has to wait for them"
}
"""Clause -> why nobody can see through a proxy whether it holds."""


@dataclass(frozen=True)
class Through:
    """A target, the conditions on the way to it, and the seed of what happens there."""

    target: Target | str
    conditions: Conditions = UNIMPAIRED
    seed: int = 0

    def start(self, timeout: float) -> "ThroughSite":
        return ThroughSite(self, timeout)

    def __str__(self) -> str:
        return f"{self.target} through a network ({self.conditions})"


class ThroughSite:
    """A server and the network before it."""

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

    def interference(self) -> str:
        """Return what the network did that the server might be blamed for, or "" if it did nothing.

        That is any event that it injected since the server was last restarted, or a thing that it held for long since
        `drain`.
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

    def wait_idle(self) -> None:
        """Let the network come to rest, then the server, until neither says anything to the other any more."""
        for _ in range(MAX_IDLE_ROUNDS):
            settled = self.proxy.settle(self._timeout)
            before = self.proxy.events
            self.server.wait_idle()
            if not settled or self.proxy.events == before:
                return

    def drain(self) -> None:
        self.wait_idle()
        self.server.drain()
        self.wait_idle()
        self.proxy.journal.longest_held = 0.0

    def cpu_time(self) -> float | None:
        """Return None: where the server is of this process, so is the network, and nobody tells their work apart."""
        return None

    def exit_report(self) -> str:
        return self.server.exit_report()

    def close(self) -> None:
        self._stack.close()
