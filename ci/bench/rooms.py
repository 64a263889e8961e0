"""Rooms: N members who all listen, and one of them speaks.

The speaker says one short word after the other, each when the one before has arrived everywhere, so every server sees
the same chunks and makes the same deliveries. Measured are, for the server: processor time and memory of a member who
joins, and processor time of a delivery; for its members: deliveries a second, and the time from a word to the last
member who reads it. `load` is the share of a processor that the clients need: above 0.9 they were the limit, and the
server could have been faster.

Next: `echoes.py`.
"""

import argparse
import select
import socket
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import results
import served
from served import JOIN_BATCH, Served, Usage, serving

from socketserver_reference.conformance.targets.base import CannotCheck

DELIVERIES = 60_000
"""Deliveries of one measurement, but at least MIN_ROUNDS and at most MAX_ROUNDS words."""

MIN_ROUNDS, MAX_ROUNDS = 60, 2000
WARM_UP = 5
"""Words that do not count."""

SIZES = [10, 100, 500, 1000, 2000]
SHORT_SIZES = [10, 100]
COMPARED = ("reference", "floor", "uvloop")
"""Servers in the larger rooms of a short run."""

DELIVERY_TIMEOUT = 20.0
WORD = b"%011d\n"


@dataclass(frozen=True)
class Chat:
    """A chat: its command, what it puts before a chunk, and whether the speaker hears itself."""

    command: str
    prefix: bytes = b"ack"
    hears_itself: bool = True


def chats(names: list[str] | None) -> dict[str, Chat]:
    """Return the chats that can be measured here, by name."""
    found = {
        "reference": Chat(served.reference("chat", "tcp")),
        "reference --quiet": Chat(served.reference("chat", "tcp", "--quiet")),
        "floor": Chat(served.peer("floor", "chat", "tcp")),
        "note": Chat(served.peer("note", "chat", "tcp")),
        "asyncio-protocol": Chat(served.peer("asyncio-protocol", "chat", "tcp")),
        "asyncio-streams": Chat(served.peer("asyncio-streams", "chat", "tcp")),
    }
    for name in ("uvloop", "trio", "twisted"):
        if (names is None or name in names) and not served.missing(name):
            found[name] = Chat(served.peer(name, "chat", "tcp"))
    if ncat := served.ncat():
        command = f"{ncat} --listen --broker --max-conns 5000 127.0.0.1 {{port}}"
        found["ncat --broker"] = Chat(command, b"", hears_itself=False)
    else:
        print("ncat is left out: it is not on this machine (make interop SERVERS=ncat-broker fetches it)")
    return {name: chat for name, chat in found.items() if names is None or name in names}


class Room:
    """The members of a chat, connected."""

    def __init__(self, server: Served, chat: Chat, size: int) -> None:
        self._chat = chat
        self._buffer = bytearray(1 << 16)
        self.members: dict[int, socket.socket] = {}
        self._ready = select.epoll()
        try:
            for count in range(size):
                self._join(server)
                if count % JOIN_BATCH == 0:
                    server.accepted()
        except OSError:
            self.close()
            raise
        self._speaker = next(iter(self.members.values()))

    def _join(self, server: Served) -> None:
        member = socket.create_connection((server.address.host, server.address.port))
        member.setblocking(False)
        self.members[member.fileno()] = member
        self._ready.register(member, select.EPOLLIN)

    def say(self, word: bytes) -> None:
        """Say a word, and return when it has arrived everywhere."""
        listeners = len(self.members) - (not self._chat.hears_itself)
        due = listeners * len(self._chat.prefix + word)
        self._speaker.send(word)
        while due > 0:
            ready = self._ready.poll(DELIVERY_TIMEOUT)
            if not ready:
                raise TimeoutError(f"{due} bytes have not come within {DELIVERY_TIMEOUT:g} s")
            for number, _ in ready:
                read = self.members[number].recv_into(self._buffer)
                if not read:
                    raise ConnectionError("the server has hung up on a member")
                due -= read
        if due:
            raise ConnectionError(f"{-due} bytes too many have come")

    def close(self) -> None:
        """Let all members leave."""
        self._ready.close()
        for member in self.members.values():
            member.close()


def measure_room(chat: Chat, size: int, deliveries: int) -> dict[str, float]:
    """Return the figures of one room."""
    rounds = min(MAX_ROUNDS, max(MIN_ROUNDS if deliveries == DELIVERIES else 5, deliveries // size))
    with serving(chat.command) as server:
        cpu, memory = server.rest(), server.memory()
        room = Room(server, chat, size)
        try:
            joined, full = server.rest(), server.memory()
            for number in range(WARM_UP):
                room.say(WORD % number)
            usage, times = Usage(server.cpu), []
            for number in range(rounds):
                begun = results.now()
                room.say(WORD % number)
                times.append(results.now() - begun)
            usage.stop()
        finally:
            room.close()
    total = rounds * (size - (not chat.hears_itself))
    return {
        "cpu_us": usage.server / total * 1e6,
        "per_second": total / usage.seconds,
        "median_ms": statistics.median(times) * 1e3,
        "p99_ms": results.percentile(times, 99) * 1e3,
        "join_us": (joined - cpu) / size * 1e6,
        "member_kib": (full - memory) / size / 1024,
        "load": usage.load,
    }


def measure(options: argparse.Namespace) -> Iterator[results.Table]:
    """Measure rooms of all sizes; yield the table, then fill and print it."""
    table = results.Table("rooms", "Full rooms: one member speaks, all listen", results.ROOMS)
    yield table
    named = chats(options.servers)
    results.head(table)
    sizes = options.members or (SHORT_SIZES if options.short else SIZES)
    deliveries = 5000 if options.short else DELIVERIES
    for size in sizes:
        few = options.short and size > SHORT_SIZES[0]
        selected = {name: chat for name, chat in named.items() if not few or name in COMPARED}
        for name, figures in alternating(selected, size, deliveries, options.times):
            results.add(table, {"server": name, "members": size, **figures})


def alternating(
    named: Mapping[str, Chat], size: int, deliveries: int, times: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the medians of each chat, measured in turn."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in named}
    for _ in range(times):
        for name, chat in named.items():
            try:
                runs[name].append(measure_room(chat, size, deliveries))
            except (OSError, CannotCheck) as error:  # it takes no such crowd
                print(f"{name} with {size} members: {error}", flush=True)
    yield from ((name, results.medians(found)) for name, found in runs.items() if found)
