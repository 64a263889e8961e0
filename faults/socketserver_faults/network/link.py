"""Delays and changes the traffic of one direction of one connection: no sockets, threads or clock.

A link takes the bytes that a sender sends, and returns segments for the receiver, in order, each at its time::

    take, end  ->  collect  ->  cut into segments  ->  does it pass, and when?  ->  next, from `due` on

Time is a number of seconds that the caller passes. Each random number is a function of the seed, the connection, the
direction and the place (how many bytes, or datagrams, came before), so in every run the same happens to the same
segment, whatever the timing of threads.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Literal

from socketserver_faults.network.conditions import MAX_HELD_BYTES, Conditions, Way

MAX_SEGMENT_BYTES = 1460
"""Most bytes of a segment where the rate is limited, so that a stream flows; an utterance of 1024 stays whole."""

OVERTAKE_TIMEOUT = 0.05
"""Most seconds that a datagram waits for the next one to overtake it."""

DATAGRAM_OVERHEAD_BYTES = 64
"""Bytes that each datagram counts in addition to its own, so that the number of empty ones is bounded."""

LinkEnding = Literal["end of stream", "reset", "half-close", "cut"]
"""How a direction ends: the first two by the sender, the others by the network."""

Fate = Literal["drop", "duplicate", "reorder", "no room"]
"""What the network may do to a datagram."""


class SeededRandom:
    """The random numbers and the conditions of one direction of one connection."""

    def __init__(self, conditions: Conditions, seed: int, connection: int, way: Way) -> None:
        self.conditions = conditions.towards(way)
        self._name = f"{seed} {connection} {way}"

    def happens(self, what: str, chance: float, place: int) -> bool:
        """Whether an event of that probability happens at that place."""
        return chance > 0 and self._draw(what, place) < chance

    def uniform(self, what: str, most: float, place: int) -> float:
        """Return a random number from 0 to that, for that place."""
        return most * self._draw(what, place) if most else 0.0

    def _draw(self, what: str, place: int) -> float:
        return Random(f"{self._name} {what} {place}").random()


class Link:
    """Base of the links for streams and datagrams: when something that is sent now arrives.

    `began` is the time at which the network began; stalls count from it. `held` is called with the seconds for which
    each segment or datagram is held.
    """

    def __init__(self, rng: SeededRandom, began: float, held: Callable[[float], None] = lambda _: None) -> None:
        self.rng = rng
        self.conditions = rng.conditions
        self.size = 0
        """Bytes held."""
        self._began = began
        self._held = held
        self._last = -math.inf

    @property
    def room(self) -> int:
        """How many bytes it has room for."""
        return max(0, MAX_HELD_BYTES - self.size)

    def _arrival(self, size: int, place: int, now: float) -> float:
        """Return when so many bytes arrive: not before any that were sent earlier."""
        begins = now + self.conditions.delay + self.rng.uniform("jitter", self.conditions.jitter, place)
        ends = max(self._last, begins) + (size / self.conditions.rate if self.conditions.rate else 0.0)
        self._last = self._began + self.conditions.open_from(ends - self._began)
        self._held(self._last - now)
        return self._last


class StreamLink(Link):
    """One direction of a connection."""

    def __init__(self, rng: SeededRandom, began: float, held: Callable[[float], None] = lambda _: None) -> None:
        super().__init__(rng, began, held)
        self.passed = 0
        """Bytes sent to the receiver."""
        self._taken = 0
        self._closed = False  # by the network: nothing more arrives from the sender but its reset
        self._over = False
        self._collected = bytearray()
        self._collects_until = math.inf
        self._queue: deque[tuple[float, bytes | LinkEnding]] = deque()

    def take(self, data: bytes, now: float) -> None:
        """Take bytes from the sender."""
        if self._closed or self._over:
            return
        ends = [
            (place, how)
            for place, how in ((self.conditions.reset_after, "cut"), (self.conditions.half_close_after, "half-close"))
            if place is not None and place <= self._taken + len(data)
        ]
        data = data[: min(ends)[0] - self._taken] if ends else data
        if not self._collected:
            self._collects_until = now + self.conditions.coalesce
        self._held(self.conditions.coalesce)
        self._collected += data
        self._taken += len(data)
        self.size += len(data)
        if len(self._collected) >= (self.conditions.coalesce_bytes or MAX_HELD_BYTES) or now >= self._collects_until:
            self._pass_on(now)
        if ends:
            self._finish("cut" if min(ends)[1] == "cut" else "half-close", now)

    def end(self, how: Literal["end of stream", "reset"], now: float) -> None:
        """Take the end of the sender's stream. A reset may follow the end of stream."""
        if how == "reset" or not self._closed:
            self._finish(how, now)

    def _finish(self, how: LinkEnding, now: float) -> None:
        self._pass_on(now)
        if not self._over:
            self._closed = True
            self._over = how in ("reset", "cut")
            self._queue.append((self._arrival(0, self._taken, now), how))

    def _pass_on(self, now: float) -> None:
        """Send off what has been collected."""
        data, self._collected = bytes(self._collected), bytearray()
        place = self._taken - len(data)
        for piece in self._pieces(data):
            if self.rng.happens("reset", self.conditions.reset, place):
                self.size -= self._taken - place
                self._taken = place
                self._over = self._closed = True
                self._queue.append((self._arrival(0, place, now), "cut"))
                return
            self._queue.append((self._arrival(len(piece), place, now), piece))
            place += len(piece)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield the segments into which the data is cut."""
        size = min(
            self.conditions.split or MAX_HELD_BYTES, MAX_SEGMENT_BYTES if self.conditions.rate else MAX_HELD_BYTES
        )
        return (data[at : at + size] for at in range(0, len(data), size))

    def next(self, now: float) -> bytes | LinkEnding | None:
        """Return what is due now: a segment, which remains until it is `sent`, or the ending."""
        if self._collected and now >= self._collects_until:
            self._pass_on(now)
        if not self._queue or self._queue[0][0] > now:
            return None
        item = self._queue[0][1]
        if not isinstance(item, bytes):
            self._queue.popleft()
        return item

    def sent(self, count: int) -> None:
        """Record that so many bytes of the segment were sent to the receiver."""
        due, item = self._queue.popleft()
        assert isinstance(item, bytes)
        if count < len(item):
            self._queue.appendleft((due, item[count:]))
        self.size -= count
        self.passed += count

    def lose(self) -> None:
        """Discard everything, now and later: the receiver has gone."""
        self._over = self._closed = True
        self._collected.clear()
        self._queue.clear()
        self.size = 0

    @property
    def due(self) -> float:
        """Return when something is due next; infinity if nothing is held."""
        return min(
            self._collects_until if self._collected else math.inf, self._queue[0][0] if self._queue else math.inf
        )


class DatagramLink(Link):
    """One direction of the datagrams between one client and the server."""

    def __init__(self, rng: SeededRandom, began: float, held: Callable[[float], None] = lambda _: None) -> None:
        super().__init__(rng, began, held)
        self.taken = 0
        """Number of datagrams so far."""
        self._overtaken: list[bytes] = []
        self._overtaken_until = math.inf
        self._queue: deque[tuple[float, bytes]] = deque()

    def take(self, data: bytes, now: float) -> list[Fate]:
        """Take a datagram; return what the network does to it, if anything."""
        place = self.taken
        self.taken += 1
        if self.rng.happens("drop", self.conditions.drop, place):
            return ["drop"]
        copies, fates = 1, list[Fate]()
        if self.rng.happens("duplicate", self.conditions.duplicate, place):
            copies, fates = 2, ["duplicate"]
        if copies * (len(data) + DATAGRAM_OVERHEAD_BYTES) > self.room:
            return ["no room"]
        self.size += copies * (len(data) + DATAGRAM_OVERHEAD_BYTES)
        if self.rng.happens("reorder", self.conditions.reorder, place):
            if not self._overtaken:
                self._overtaken_until = now + OVERTAKE_TIMEOUT
            self._held(OVERTAKE_TIMEOUT)
            self._overtaken += [data] * copies
            return [*fates, "reorder"]
        self._pass_on([data] * copies, now)
        self._pass_overtaken(now)
        return fates

    def _pass_on(self, datagrams: list[bytes], now: float) -> None:
        for data in datagrams:
            self._queue.append((self._arrival(len(data), self.taken, now), data))

    def _pass_overtaken(self, now: float) -> None:
        overtaken, self._overtaken = self._overtaken, []
        self._pass_on(overtaken, now)

    def next(self, now: float) -> bytes | None:
        """Remove and return the next datagram that is due now."""
        if self._overtaken and now >= self._overtaken_until:
            self._pass_overtaken(now)
        if not self._queue or self._queue[0][0] > now:
            return None
        data = self._queue.popleft()[1]
        self.size -= len(data) + DATAGRAM_OVERHEAD_BYTES
        return data

    @property
    def due(self) -> float:
        """Return when something is due next; infinity if nothing is held."""
        return min(
            self._overtaken_until if self._overtaken else math.inf, self._queue[0][0] if self._queue else math.inf
        )
