"""Which clients are members: joining, leaving, and the set that both change."""

import logging
import select
import socket
import sys
from contextlib import suppress
from typing import Any, ClassVar

from socketserver_faults.catalogue.race_window import widen
from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import ChatHandler, Room

log = logging.getLogger(__name__)


class Trusting(Room):
    """A room that expects its members' sockets to be open, as most programs do: no fault if handlers remove their own.

    The reference removes a member to which it cannot send. That hides a socket that this very process has closed and
    left in the set. Here such a socket is an error as long as its handler has not left, so the faults that leave one
    behind show.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.present: set[socket.socket] = set()
        super().__init__(*args, **keywords)

    def join(self, member: socket.socket) -> None:
        self.present.add(member)
        super().join(member)

    def leave(self, member: socket.socket) -> None:
        self.present.discard(member)
        super().leave(member)

    def deliver(self, delivery: bytes) -> None:
        if any(member.fileno() == -1 for member in self.present.copy()):
            raise OSError("a closed socket is among the members")
        super().deliver(delivery)


@fault("CHAT-2", "SRV-7")
class MembersOnTheHandler(ChatHandler):
    """Each handler keeps its own set of members, with its own client alone in it.

    Thought: self.members is where members belong; that is what a class is for.

    Seen: each client is alone in a room, and receives its own words and no others. With one client, as in the test, it
    looks right.

    Fixed: socketserver makes a new handler for each client, and all handlers share the server: keep the members there.
    """

    def deliver(self, chunk: bytes) -> None:
        members = self.__dict__.setdefault("members", {self.request})
        with self.server.lock:
            for member in members:
                self.server.offer(member, self.delivery(chunk))


@fault("CHAT-9")
class JoinsWhenItSpeaks(ChatHandler):
    """A client becomes a member when it first says something, not when it connects.

    Thought: members are added where chunks are received: why keep a silent client in the set?

    Seen: a client that only listens receives nothing until it says something.

    Fixed: join in setup(), before the first recv().
    """

    def setup(self) -> None:
        with suppress(OSError):  # a client that resets joins, too
            self.request.recv(1, socket.MSG_PEEK)
        super().setup()


@fault("CHAT-11", "SRV-8", room=Trusting)
class LeavesTheQuitterBehind(ChatHandler):
    """A client that quits, or whose handler fails, stays in the set; only closing its connection removes it.

    Thought: the set is cleaned up when the connection ends, and recv() says when that is.

    Seen: after a client has quit, the next speaker loses its connection, because its delivery fails on a closed socket;
    then the speaker after that. The client that quit notices nothing.

    Fixed: remove the member in finish(): it runs in every case.
    """

    def finish(self) -> None:
        with suppress(OSError):
            if self.request.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                super().finish()


@fault("CHAT-11", room=Trusting)
class LeavesTheGoneBehind(ChatHandler):
    """A client that closes its connection stays in the set; only quit removes it.

    Thought: quit is the way to leave. A client that disappears needs nothing from the server.

    Seen: a user closes the window of a client instead of typing quit, and the next speaker loses its connection. So the
    room works as long as every client quits, which on a network is not long.

    Fixed: remove the member in finish(): it runs in every case.
    """

    def finish(self) -> None:
        try:
            gone = self.request.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except OSError:
            gone = False
        if not gone:
            super().finish()


@fault("CHAT-12", room=Trusting)
class LeavesTheResetBehind(ChatHandler):
    """A client that resets its connection stays in the set, because looking up its address for the log fails.

    Thought: log each client that leaves, with its address. Without an address there is no client to remove.

    Seen: one client is killed, and the next speaker loses its connection, although it did nothing wrong. Then the next.

    Fixed: call nothing that may fail before the removal: finish() is for that alone. client_address has the address
    anyway.
    """

    def finish(self) -> None:
        with suppress(OSError):
            self.request.getpeername()
            super().finish()


@fault("SRV-8", room=Trusting)
class LeavesTheFailedBehind(ChatHandler):
    """A member whose handler raises stays in the set.

    Thought: leaving is the last step of a conversation, so it stands at the end.

    Seen: nothing, until a handler raises. Then the room is broken for all members, although the exception in the log is
    about one connection.

    Fixed: remove the member in finish(), or in a `finally`. What is added must be removed on every path.
    """

    def finish(self) -> None:
        if sys.exc_info()[0] is None:
            super().finish()


@fault("SRV-10")
class RoomOnTheClass(Room):
    """The members are kept on the class, so all servers of the process share one room.

    Thought: a class attribute is the shortest way to share something between handlers.

    Seen: a second server in the same process, on another port and for other people, shares its deliveries with the
    first. Tests that start a server each see one another's clients.

    Fixed: keep members on the server instance. A class attribute is a global variable with a longer name.
    """

    everybody: ClassVar[set[socket.socket]] = set()

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.members = self.everybody


@fault("CHAT-12", "CHAT-13")
class ChangesTheSetUnderALoop(Room):
    """A delivery loops over the set without the lock, while other threads change the set.

    Thought: adding to a set is one operation, and Python's global lock makes single operations safe.

    Seen: now and then a member loses its connection while it speaks, because another client joins at that moment. The
    log has "Set changed size during iteration", for a member that did nothing wrong.

    Fixed: hold the same lock to change the set and to loop over it.
    """

    def deliver(self, delivery: bytes) -> None:
        lost: list[socket.socket] = []
        for member in self.members:
            if not self.offer(member, delivery):
                lost.append(member)
            widen(delivery if not lost and len(self.members) < 4 else b"")
        for member in lost:
            self.cut_off(member)


SILENCE_TIMEOUT = 60.0
"""Seconds after which a silent member is taken to be gone."""


@fault(
    "CHAT-21",
    scheduler_only="a check would have to be silent for a minute, as `check --only CHAT-21 --idle 61` is; "
    "`socketserver-faults schedule gives-up-the-silent idle` plays an hour at once",
)
class GivesUpTheSilent(ChatHandler):
    """A member that says nothing for a minute is put out.

    Thought: a client whose machine is gone never says so, and its thread would wait for ever.

    Seen: whoever listens for a minute is out, and finds out when the next word comes to nothing. Programs that talk all
    the time are never put out, so no test has shown it.

    Fixed: wait without a timeout, and let TCP ask whether the machine is still there (SO_KEEPALIVE).
    """

    def receive(self) -> bytes:
        spoken, _, _ = select.select([self.request], [], [], SILENCE_TIMEOUT)
        return super().receive() if spoken else b""


@fault(
    "CHAT-2",
    "CHAT-9",
    scheduler_only="the threads would have to switch between two lines, where CPython with its global lock never "
    "switches; `socketserver-faults schedule joins-a-copy --lines` does",
)
class JoinsACopy(Room):
    """A client joins without the lock: its handler replaces the set by a copy that includes the client.

    Thought: a set that never changes needs no lock: a loop over it has the old set or the new one.

    Seen: two clients connect at the same moment, both handlers copy the same set, and the client that was added first
    is lost: it receives nothing, not even its own words. On a Python with one global lock this has never been seen, so
    far.

    Fixed: to read, change and replace the set is one step and takes a lock, however safe each of the three is.
    """

    def join(self, member: socket.socket) -> None:
        members = self.members | {member}
        self.members = members


@fault("CHAT-11")
class DiesWithItsLastMember(Room):
    """When the last member leaves, the room closes for good: no client can join any more.

    Thought: an empty room needs no memory.

    Seen: the server runs, its port is open, and it accepts connections that end at once. It began at lunch time, when
    the last member had left.

    Fixed: an empty set is a set. Keep it, because a client may still come.
    """

    def leave(self, member: socket.socket) -> None:
        super().leave(member)
        if not self.members:
            self.members = frozenset()  # type: ignore[assignment]  # no member can be added: that is the fault


@fault("CHAT-11", "SRV-8")
class EmptiesTheRoom(Room):
    """When one member leaves, all members are removed from the set.

    Thought: clear() is the opposite of what setup did.

    Seen: one client leaves, and the others go on talking, but no client receives anything.

    Fixed: discard(member).
    """

    def leave(self, member: socket.socket) -> None:
        with self.lock:
            if member in self.members:
                self.members.clear()


@fault("CHAT-12")
class ResetEndsTheSpeaker(Room):
    """Sending to a member that has reset its connection raises in the handler of the speaker.

    Thought: log every delivery, with the address that it goes to. Logging cannot fail.

    Seen: the connection of one client breaks while another client speaks, and both are gone. It needs bad timing, so it
    never happens in the test.

    Fixed: any call on the socket of a member may fail, and the failure concerns that member alone. Catch it for each
    member, and let the loop go on.
    """

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        log.info("%d bytes to %r", len(delivery), member.getpeername())
        return super().offer(member, delivery)


@fault("CHAT-17")
class HasAHundredSeats(Room):
    """The hundred and first member is cut off.

    Thought: some limit is needed, and a hundred is a lot.

    Seen: it works until the day it matters. Then clients that come late read end of stream, without a reason.

    Fixed: measure what the server can serve (hundreds, here), set the limit there, and tell refused clients the
    reason.
    """

    def join(self, member: socket.socket) -> None:
        super().join(member)
        with self.lock:
            if len(self.members) > 100:
                self.cut_off(member)
