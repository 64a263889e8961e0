"""Who is in the room: joining, leaving, and the set that both change."""

import logging
import socket
import sys
from contextlib import suppress
from typing import Any, ClassVar

from faults.catalogue import fault
from faults.programs.racing import widen
from reference.chat import ChatHandler, Room

log = logging.getLogger(__name__)


class Trusting(Room):
    """A room that trusts its members to be open, as most programs do: no fault as long as everybody leaves properly.

    The reference takes any failure to send for a member that is gone. That hides a socket that this very process has
    closed and left in the set. Here it is an error, so those who leave it behind are found out.
    """

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        if member.fileno() == -1:
            raise OSError("a closed socket is among the members")
        return super().offer(member, delivery)


@fault("CHAT-2", "SRV-7")
class MembersOnTheHandler(ChatHandler):
    """Each handler keeps a set of members of its own, with one member in it.

    Thought: self.members is where members belong; it is what a class is for.

    Seen: everybody sits alone in a room and hears the echo of what they say. With one client, as in the test, it looks
    right.

    Mended: socketserver makes a new handler for each client. What they share is the server: keep the members there.
    """

    def deliver(self, chunk: bytes) -> None:
        members = self.__dict__.setdefault("members", {self.request})
        with self.server.lock:
            for member in members:
                self.server.offer(member, self.delivery(chunk))


@fault("CHAT-9")
class JoinsWhenItSpeaks(ChatHandler):
    """A client becomes a member with its first word, not when it connects.

    Thought: members are added where chunks are received; why keep somebody in the set who says nothing?

    Seen: who only wants to listen hears nothing. Say something, and the room comes alive.

    Mended: join in setup(), before the first recv().
    """

    def setup(self) -> None:
        with suppress(OSError):  # a reset is a word of a kind
            self.request.recv(1, socket.MSG_PEEK)
        super().setup()


@fault("CHAT-11", "SRV-8", room=Trusting)
class LeavesTheQuitterBehind(ChatHandler):
    """Who quits, or fails, stays in the set; only who closes its connection is taken out.

    Thought: the set is cleaned up when the connection ends, and recv() tells when that is.

    Seen: after somebody has quit, the next one to speak is thrown out, for its delivery fails on a closed socket; then
    the one after that. The one who quit is fine.

    Mended: take out in finish(), whatever the reason: it runs in every case.
    """

    def finish(self) -> None:
        with suppress(OSError):
            if self.request.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                super().finish()


@fault("CHAT-11", room=Trusting)
class LeavesTheGoneBehind(ChatHandler):
    """Who closes its connection stays in the set; only who quits is taken out.

    Thought: quit is how one leaves. Who just disappears has no more business with us.

    Seen: a client is closed by its window's cross instead of by the word, and the next one to speak is thrown out. So
    the room works for as long as everybody is well-behaved, which on a network is an afternoon.

    Mended: take out in finish(), whatever the reason: it runs in every case.
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
    """Who resets its connection stays in the set, since its departure raises where it is looked up.

    Thought: say in the log who leaves, with the address; if that cannot be found out, there is nobody to take out.

    Seen: one client is killed, and an innocent one that speaks next loses its connection. Then the next.

    Mended: nothing that may fail comes before taking out; finish() is for that alone. client_address is known anyway.
    """

    def finish(self) -> None:
        with suppress(OSError):
            self.request.getpeername()
            super().finish()


@fault("SRV-8", room=Trusting)
class LeavesTheFailedBehind(ChatHandler):
    """A member whose handler fails stays in the set.

    Thought: leaving is the last thing a conversation does, so it stands at its end.

    Seen: nothing, until some handler raises. Then the room is broken for all, though the exception in the log is about
    one connection.

    Mended: finish(), or a `finally`, is where to take out. What has been put in must come out on every path.
    """

    def finish(self) -> None:
        if sys.exc_info()[0] is None:
            super().finish()


@fault("SRV-10")
class RoomOnTheClass(Room):
    """The members are kept on the class, so all servers of the process share one room.

    Thought: a class attribute is the shortest way to share something between handlers.

    Seen: a second server is started in the same process, on another port, for other people; each room hears the other.
    Tests that start a server each see one another's clients.

    Mended: keep members on the server instance. A class attribute is a global variable with a longer name.
    """

    everybody: ClassVar[set[socket.socket]] = set()

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.members = self.everybody


@fault("CHAT-12", "CHAT-13", "CHAT-15", "CHAT-17")
class ChangesTheSetUnderALoop(Room):
    """Members join without the lock, while a delivery loops over the set.

    Thought: adding to a set is one operation, and Python's lock makes single operations safe.

    Seen: once in a while somebody is thrown out in the middle of a word, because somebody else has just come: "Set
    changed size during iteration", in the log of the one who did nothing.

    Mended: whoever changes the set holds the lock that the loop over it holds.
    """

    def deliver(self, delivery: bytes) -> None:
        for member in self.members:
            taken = self.offer(member, delivery)
            if not taken:
                with suppress(OSError):
                    member.shutdown(socket.SHUT_RDWR)
            widen(delivery if taken and len(self.members) < 4 else b"")


@fault(
    "CHAT-2",
    "CHAT-9",
    unseen="the threads would have to be switched between two lines, where CPython with its global lock never does; "
    "`python -m faults schedule joins-a-copy --lines` does",
)
class JoinsACopy(Room):
    """Who joins is added to a copy of the set, and the copy takes the set's place, all without the lock.

    Thought: a set that is never changed needs no lock; whoever loops over it has the old one or the new one.

    Seen: two come at the same moment, both copy the same set, and the one who is first is lost: it says something, and
    neither it nor anybody else ever hears of it. On a Python with one global lock this has never been seen, so far.

    Mended: to read, to change and to put back is one step, and takes a lock, however safe each of the three is.
    """

    def join(self, member: socket.socket) -> None:
        members = self.members | {member}
        self.members = members


@fault("CHAT-11")
class DiesWithItsLastMember(Room):
    """When the last member leaves, the room is closed, and nobody can enter any more.

    Thought: an empty room needs no memory.

    Seen: the server runs, the port is open, connections are accepted and end at once. It began when everybody had gone
    to lunch.

    Mended: an empty set is a set. What is made once is not thrown away while somebody may still come.
    """

    def leave(self, member: socket.socket) -> None:
        super().leave(member)
        if not self.members:
            self.members = frozenset()  # type: ignore[assignment]  # nobody can be added: that is the fault


@fault("CHAT-11", "SRV-8")
class EmptiesTheRoom(Room):
    """When one member leaves, all are taken out of the set.

    Thought: clear() is the opposite of what setup did.

    Seen: somebody leaves, and the others go on talking, each into a void.

    Mended: discard(member).
    """

    def leave(self, member: socket.socket) -> None:
        with self.lock:
            if member in self.members:
                self.members.clear()


@fault("CHAT-12")
class ResetEndsTheSpeaker(Room):
    """Sending to a member that has reset its connection raises in the handler of the one who speaks.

    Thought: log every delivery, with the address it goes to. What could go wrong with a log?

    Seen: somebody's connection breaks while somebody else is speaking, and both are gone. It needs bad timing, so it
    never happens in the test.

    Mended: whatever is done to a member's socket may fail, and is about that member. Catch it for each member, and let
    the loop go on.
    """

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        log.info("%d bytes to %r", len(delivery), member.getpeername())
        return super().offer(member, delivery)


@fault("CHAT-17")
class HasAHundredSeats(Room):
    """The hundred and first member is turned away.

    Thought: some limit is needed, and a hundred is a lot.

    Seen: it works until the day it matters, and then those who come late read end of stream, without a reason.

    Mended: measure what the server can do (hundreds, here) and set the limit there; and tell whom it hits.
    """

    def join(self, member: socket.socket) -> None:
        super().join(member)
        with self.lock:
            if len(self.members) > 100:
                self.cut_off(member)
