"""What the network itself did to its clients: the journal that tells its doing from the server's.

From outside, a reset by the path and a reset by the server are the same. So the network writes down whatever a peer
could take for the other peer's doing, before it does it: an effect is seen after its event is there.
"""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Literal

from socketserver_faults.network.conditions import Way
from socketserver_faults.network.link import Fate

log = logging.getLogger("socketserver_faults.network")

MAX_JOURNAL_EVENTS = 10_000
"""Events that are kept, the latest."""

InjectedKind = Fate | Literal["reset", "half-close", "refuse"]

EVENT_WORDS: dict[InjectedKind, str] = {
    "reset": "resets both sides after {place} bytes {way}",
    "half-close": "sends end of stream after {place} bytes {way}, and loses what follows",
    "refuse": "turns the client away: there is no room for its connection",
    "drop": "loses datagram {place} {way}",
    "duplicate": "doubles datagram {place} {way}",
    "reorder": "lets the next overtake datagram {place} {way}",
    "no room": "has no room for datagram {place} {way}",
}


@dataclass(frozen=True)
class InjectedEvent:
    """Something that the network did to connection number `connection`, from `client`; both count from 1.

    `place` is how many bytes had arrived that way by then, or how many datagrams had been sent that way before.
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
    """The injected events of one proxy, and how much and how long it held things back."""

    def __init__(self) -> None:
        self.injected_events: deque[InjectedEvent] = deque(maxlen=MAX_JOURNAL_EVENTS)
        self.done = 0
        """Events so far, those forgotten included."""
        self.most_held = 0
        """Bytes of one direction of one connection that were ever held at a time, at most."""
        self.longest_held = 0.0
        """Seconds for which anything was held, at most; whoever wants to know about a while sets it to 0 before."""

    def note(self, injected: InjectedEvent) -> None:
        """Write an event down."""
        self.injected_events.append(injected)
        self.done += 1
        log.info("%s", injected)

    def held(self, seconds: float) -> None:
        """Note for how long something is held."""
        self.longest_held = max(self.longest_held, seconds)
