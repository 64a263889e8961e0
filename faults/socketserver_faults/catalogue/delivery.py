"""What arrives, where, and how often. See also `slow_members.py`."""

import itertools
import socket

from socketserver_faults.catalogue.race_window import widen
from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.lifecycle import StreamServer


@fault("CHAT-1")
class Greets(ChatHandler):
    """The server greets every client that connects.

    Thought: a greeting is polite, and shows that the connection works.

    Seen: a program that talks to the server takes the greeting for a delivery. Every client needs a rule for what to
    skip.

    Fixed: send nothing before a member speaks. A protocol with a greeting says so, and where it ends.
    """

    def setup(self) -> None:
        self.request.sendall(b"welcome\n")
        super().setup()


@fault("CHAT-1", "CHAT-4")
class AnnouncesWhoJoins(Room):
    """The server tells the members when a client joins.

    Thought: members like to know who is there.

    Seen: the notices are deliveries that no member said. A client cannot tell them from words: any member can say "***
    ben has left".

    Fixed: send no notices without framing that marks them.
    """

    def join(self, member: socket.socket) -> None:
        self.deliver(b"*** somebody has joined\n")
        super().join(member)


@fault("CHAT-1", "CHAT-4")
class AnnouncesWhoLeaves(Room):
    """The server tells the members when a client leaves.

    Thought: otherwise members go on talking to a client that is not there any more.

    Seen: as with `announces-who-joins`, members receive bytes that no member said and that any member can forge.

    Fixed: send no notices without framing that marks them.
    """

    def leave(self, member: socket.socket) -> None:
        super().leave(member)
        self.deliver(b"*** somebody has left\n")


@fault("CHAT-2")
class SkipsTheSender(ChatHandler):
    """A chunk is delivered to all other members, but not to its sender.

    Thought: the sender knows what it said.

    Seen: a member cannot know whether the room received its words, or at which point of the conversation. Two members
    that speak at once see two different conversations, and neither can tell.

    Fixed: deliver to every member. The sender's own copy is its receipt, and shows it the order that all others see.
    """

    def deliver(self, chunk: bytes) -> None:
        with self.server.lock:
            for member in self.server.members - {self.request}:
                if not self.server.offer(member, self.delivery(chunk)):
                    self.server.cut_off(member)


@fault("CHAT-2", "SRV-7")
class DeliversToTheSenderOnly(ChatHandler):
    """A chunk is delivered to its sender and to no other member.

    Thought: the program began as an echo server, and the test has one client.

    Seen: each client is alone. From outside, this cannot be told apart from `members-on-the-handler`, so both clauses
    are reported for both faults.

    Fixed: loop over the members.
    """

    def deliver(self, chunk: bytes) -> None:
        with self.server.lock:
            self.server.offer(self.request, self.delivery(chunk))


@fault("CHAT-3")
class StripsWhiteSpace(ChatHandler):
    """White space at both ends of a chunk is not delivered.

    Thought: quit is compared after strip(), so strip first and go on with the result.

    Seen: lines run into each other, because their newlines are gone. A chunk may end anywhere, so spaces also vanish in
    the middle of long texts, at a different place each time.

    Fixed: strip what is compared; deliver what was received.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.strip())


@fault("CHAT-3")
class DiesOfInvalidUtf8(ChatHandler):
    """A chunk is decoded as UTF-8, and invalid bytes end the connection of its sender.

    Thought: people send text, and text is UTF-8.

    Seen: people do. But a chunk may end between the two bytes of an umlaut, and then its sender loses the connection.
    So does every client with another encoding.

    Fixed: pass bytes on as bytes. To decode, use an incremental decoder, and decide what to do with the rest.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.decode().encode())


@fault("CHAT-3")
class ReplacesInvalidUtf8(ChatHandler):
    """A chunk is decoded as UTF-8, and invalid bytes are replaced by U+FFFD, a question mark in a diamond.

    Thought: decode(errors="replace") never fails.

    Seen: now and then an umlaut in a long text becomes two question marks, because a chunk ended between its bytes.
    Data that is not text is destroyed.

    Fixed: pass bytes on as bytes.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.decode(errors="replace").encode())


@fault("CHAT-3")
class CutsAtNul(ChatHandler):
    """A chunk is cut at its first NUL byte, as C does with strings.

    Thought: none: strlen(), printf("%s") and strcpy() do it by themselves.

    Seen: half of what a client says is missing, without an error. An attacker can use two programs that disagree on
    where a text ends.

    Fixed: keep the length that recv() returned, and use that.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.partition(b"\0")[0])


@fault("CHAT-3")
class CutsAt255Bytes(ChatHandler):
    """Of a long chunk, only the first 255 bytes are delivered.

    Thought: 255 bytes are enough for a line, and fit into a buffer on the stack.

    Seen: the ends of long lines are missing, without an error. The sender, too, reads its own line cut.

    Fixed: deliver all that was received; receive no more than can be delivered.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk[:255])


@fault("CHAT-4")
class DeliversTwice(ChatHandler):
    """Every chunk is delivered twice.

    Thought: the delivery stands in the loop, and in the function that the loop calls. Each looks right.

    Seen: members receive everything twice.

    Fixed: deliver in one place.
    """

    def deliver(self, chunk: bytes) -> None:
        super().deliver(chunk)
        super().deliver(chunk)


@fault("CHAT-5")
class DeliversTheLatestFirst(ChatHandler):
    """When a member speaks fast, its second chunk is delivered before its first.

    Thought: a stack is a queue, as long as it holds one chunk at most.

    Seen: it works with people who type. A program that sends two lines in quick succession reads them swapped.

    Fixed: deliver each chunk before receiving the next; or use a queue.
    """

    def deliver(self, chunk: bytes) -> None:
        self.request.setblocking(False)
        try:
            latest = self.request.recv(self.chunk_size)
        except OSError:
            latest = b""
        self.request.setblocking(True)
        if latest:
            super().deliver(latest)
        super().deliver(chunk)


@fault("CHAT-6")
class DeliversLongChunks(ChatHandler):
    """The server takes up to 4096 bytes as one chunk, instead of 1024.

    Thought: a larger buffer needs fewer calls.

    Seen: a client with room for the 1024 bytes that were promised loses the rest, or takes it for something else.

    Fixed: receive at most 1024 bytes: as soon as one recv() makes one delivery, its size is part of the protocol.
    """

    def receive(self) -> bytes:
        self.chunk_size = 4096
        return super().receive()


@fault("CHAT-13")
class DeliversWithoutTheLock(Room):
    """Deliveries are sent without the lock, so members receive those of two speakers in different orders.

    Thought: copy the set under the lock, then send without it: a thread should not hold a lock while it sends.

    Seen: some members read the question before the answer, others the answer before the question, without an error or a
    log entry.

    Fixed: send under the lock, and make sure that no send waits; or use one queue for the room.
    """

    delivered = itertools.count()

    def deliver(self, delivery: bytes) -> None:
        with self.lock:
            members = list(self.members)
        # every second delivery may overtake the one before; a crowd would hear each delivery late
        slow = next(self.delivered) % 2 == 0 and len(members) < 8
        for member in members:
            if not self.offer(member, delivery):
                self.cut_off(member)
            if slow:
                widen(delivery)


@fault("CHAT-16", program="chat")
class WaitsForAcknowledgements(StreamServer):
    """A small delivery waits until the one before is acknowledged.

    Thought: none: a TCP connection behaves like this unless TCP_NODELAY is set.

    Seen: everything works, but every second delivery comes 40 ms late: Nagle's algorithm on the server waits for the
    delayed acknowledgement of the client. It shows in games, in typing and in benchmarks.

    Fixed: set TCP_NODELAY on connections with small messages that the peer waits for.
    """

    def prepare(self, request: socket.socket) -> None:
        super().prepare(request)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
