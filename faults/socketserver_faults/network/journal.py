"""The journal: the events that the network injected, so that the suite can tell them from the server's actions.

A client cannot tell a reset by the network from a reset by the server. So the network logs each event that a peer could
take for an action of the other peer, and logs it before the event has an effect.
"""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Literal

from socketserver_faults.network.conditions import Way
from socketserver_faults.network.link import Fate

log = logging.getLogger("socketserver_faults.network")

MAX_JOURNAL_EVENTS = 10_000
"""Most events that are kept: the latest."""

InjectedKind = Fate | Literal["reset", "half-close", "refuse"]

EVENT_WORDS: dict[InjectedKind, str] = {
    "reset": "resets both sides after {place} bytes {way}",
    "half-close": "sends end of stream after {place} bytes {way}, and discards the rest",
    "refuse": "resets the client: there is no room for its connection",
    "drop": "loses datagram {place} {way}",
    "duplicate": "duplicates datagram {place} {way}",
    "reorder": "lets the next datagram overtake datagram {place} {way}",
    "no room": "has no room for datagram {place} {way}",
}


@dataclass(frozen=True)
class InjectedEvent:
    """An event that the network injected into connection number `connection`, from `client`; numbers count from 1.

    `place` is how many bytes had arrived, or how many datagrams had been sent, in that direction before.
    """

    what: InjectedKind
    connection: int
    client: str
    way: Way
    place: int

    def __str__(self) -> str:
        done = EVENT_WORDS[self.what].format(place=self.place, way=self.way)
        return f"connection {self.connection} from {self.client}: the network {done}"


class Journal:
    """The injected events of one proxy, and how much it held, for how long."""

    def __init__(self) -> None:
        self.injected_events: deque[InjectedEvent] = deque(maxlen=MAX_JOURNAL_EVENTS)
        self.done = 0
        """Number of events so far, including those that are no longer kept."""
        self.most_held = 0
        """Most bytes of one direction of one connection that were held at any time."""
        self.longest_held = 0.0
        """Longest time in seconds that anything was held; set it to 0 to begin a new measurement."""

    def note(self, injected: InjectedEvent) -> None:
        """Log an event."""
        self.injected_events.append(injected)
        self.done += 1
        log.info("%s", injected)

    def held(self, seconds: float) -> None:
        """Record that something is held for so many seconds."""
        self.longest_held = max(self.longest_held, seconds)
