"""A target behind the network: any server, as the conformance suite sees it through the weather.

    class TestMine(ChatConformance):
        target = Through(Launched("node server.js {port}"), Weather(delay=0.05, jitter=0.05))

A server must never be blamed for what the network did, so the site that this makes can say what that was.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from faults.network.carrier import CannotCarry
from faults.network.proxy import Proxy
from faults.network.weather import CALM, Weather
from reference.address import Address
from reference.conformance.target import CannotCheck, Running, Site, Target

SHARE = 4
"""Which part of the patience the network may take for anything, each way, before a silence may be its doing."""

ROUNDS = 20
"""Times at most that network and server take turns in coming to rest."""

HIDDEN = {
    "CHAT-16": "the network acknowledges to the server in the place of its clients, so it never has to wait for them"
}
"""Clause -> why nobody can see through a proxy whether it holds."""


@dataclass(frozen=True)
class Through:
    """A target, the weather on the way to it, and the seed of what happens there."""

    target: Target | str
    weather: Weather = CALM
    seed: int = 0

    def start(self, patience: float) -> "ThroughSite":
        return ThroughSite(self, patience)

    def __str__(self) -> str:
        return f"{self.target} through a network ({self.weather})"


class ThroughSite:
    """A server and the network before it."""

    def __init__(self, through: Through, patience: float) -> None:
        self.hidden: Mapping[str, str] = HIDDEN
        self._patience = patience
        self._before = 0
        with contextlib.ExitStack() as stack:
            target = Running(through.target) if isinstance(through.target, str) else through.target
            self.server: Site = target.start(patience)
            stack.callback(self.server.close)
            listen = Address(self.server.address.transport, "127.0.0.1")
            if self.server.address.path:
                directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="network-"))
                listen = Address(listen.transport, path=os.path.join(directory, "socket"))
            try:
                self.proxy = Proxy(listen, self.server.address, through.weather, through.seed)
            except (CannotCarry, ValueError) as error:
                raise CannotCheck(str(error)) from None
            stack.enter_context(self.proxy)
            self._stack = stack.pop_all()
        self.address = self.proxy.address
        self.renewable = self.server.renewable

    def interference(self) -> str:
        """Return what the network did that the server might be blamed for, or "" if it did nothing.

        That is any of its deeds since the server was last renewed, or a thing that it held for long since `calm`.
        """
        account = self.proxy.account
        for deed in islice(account.deeds, max(0, len(account.deeds) - (account.done - self._before)), None):
            return str(deed)
        if self.proxy.stalled:
            return "the network is stalled"
        if account.longest_held > self._patience / SHARE:
            return f"the network held something for {account.longest_held:g} s"
        return ""

    def renew(self) -> bool:
        renewed = self.server.renew()
        self.proxy.lead_to(self.server.address)
        self._before = self.proxy.account.done
        return renewed

    def rest(self) -> None:
        """Let the network come to rest, then the server, until neither says anything to the other any more."""
        for _ in range(ROUNDS):
            settled = self.proxy.settle(self._patience)
            before = self.proxy.events
            self.server.rest()
            if not settled or self.proxy.events == before:
                return

    def calm(self) -> None:
        self.rest()
        self.server.calm()
        self.rest()
        self.proxy.account.longest_held = 0.0

    def cpu_time(self) -> float | None:
        """Return None: where the server is of this process, so is the network, and nobody tells their work apart."""
        return None

    def obituary(self) -> str:
        return self.server.obituary()

    def close(self) -> None:
        self._stack.close()
