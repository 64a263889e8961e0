"""What arrives, where, and how often.

One fault is missing here, because no suite can see it from outside: **a backlog without bounds**. A server that queues
deliveries for a slow member in its own memory delays nobody, drops nothing, and keeps every clause, until the process
has no memory left. Nothing short of that tells it from a server whose buffers are only large, so there is no clause
about it. Look at the code instead: what is the most that one member can make the server keep? In the reference it is
one send buffer of the kernel.
"""

import socket
from contextlib import suppress

from faults.catalogue import fault
from faults.programs.racing import widen
from reference.chat import ChatHandler, Room
from reference.lifecycle import StreamServer


@fault("CHAT-1")
class Greets(ChatHandler):
    """Everybody who connects is greeted.

    Thought: it is polite, and shows that the connection works.

    Seen: a program that talks to the server takes the greeting for somebody's words. Every client needs a rule for
    what to skip.

    Mended: speak when spoken to. If a protocol has a greeting, it says so and says where it ends.
    """

    def setup(self) -> None:
        self.request.sendall(b"welcome\n")
        super().setup()


@fault("CHAT-1", "CHAT-4")
class AnnouncesWhoJoins(Room):
    """The members are told whenever somebody comes.

    Thought: one would like to know who is there.

    Seen: the notices are deliveries that nobody said. A client cannot tell them from words: anybody can say
    "*** ben has left".

    Mended: no notices without framing that tells them from words.
    """

    def join(self, member: socket.socket) -> None:
        self.deliver(b"*** somebody has joined\n")
        super().join(member)


@fault("CHAT-1", "CHAT-4")
class AnnouncesWhoLeaves(Room):
    """The members are told whenever somebody goes.

    Thought: otherwise people go on talking to somebody who is not there any more.

    Seen: as with those who announce who joins: bytes in the stream that nobody said, and anybody can forge.

    Mended: no notices without framing that tells them from words.
    """

    def leave(self, member: socket.socket) -> None:
        super().leave(member)
        self.deliver(b"*** somebody has left\n")


@fault("CHAT-2")
class SkipsTheSender(ChatHandler):
    """What a member says is delivered to all the others, not to the member itself.

    Thought: one knows what one has said.

    Seen: a member cannot know whether it was heard, or where in the conversation its words came. Two who speak at once
    see two different conversations, and neither can tell.

    Mended: deliver to every member. The sender's own copy is its receipt, and gives it the order that all others see.
    """

    def deliver(self, chunk: bytes) -> None:
        with self.server.lock:
            for member in self.server.members - {self.request}:
                if not self.server.offer(member, self.delivery(chunk)):
                    self.server.cut_off(member)


@fault("CHAT-2", "SRV-7")
class DeliversToTheSenderOnly(ChatHandler):
    """What a member says comes back to it, and reaches nobody else.

    Thought: it was an echo server first, and the test has one client.

    Seen: everybody sits alone, as with members that are kept on the handler: from outside the two cannot be told
    apart, so both clauses are reported for both.

    Mended: loop over the members.
    """

    def deliver(self, chunk: bytes) -> None:
        with self.server.lock:
            self.server.offer(self.request, self.delivery(chunk))


@fault("CHAT-3")
class StripsWhiteSpace(ChatHandler):
    """White space at both ends of a chunk is not delivered.

    Thought: quit is compared after strip(), so strip first and go on with that.

    Seen: lines run into each other, for their newlines are gone; and since a chunk may end anywhere, spaces vanish in
    the middle of long texts, a different one each time.

    Mended: strip what is compared; deliver what was received.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.strip())


@fault("CHAT-3")
class DiesOfInvalidUtf8(ChatHandler):
    """A chunk is decoded, and what cannot be decoded ends its sender's connection.

    Thought: people send text, and text is UTF-8.

    Seen: people do. But a chunk may end between the two bytes of an umlaut, and then its sender is thrown out; and so
    is everybody with another encoding.

    Mended: pass bytes on as bytes. Who must decode uses an incremental decoder and decides what to do with the rest.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.decode().encode())


@fault("CHAT-3")
class ReplacesInvalidUtf8(ChatHandler):
    """A chunk is decoded, and what cannot be decoded is replaced by question marks in diamonds.

    Thought: decode(errors="replace") never fails.

    Seen: now and then an umlaut in a long text turns into two question marks: a chunk ended between its bytes. Anything
    that is not text is destroyed.

    Mended: pass bytes on as bytes.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.decode(errors="replace").encode())


@fault("CHAT-3")
class CutsAtNul(ChatHandler):
    """A chunk is cut at its first NUL, as C does with strings.

    Thought: none; strlen(), printf("%s") and strcpy() do it by themselves.

    Seen: half of what a client says is missing, and nothing tells it. Two programs that disagree on where a text ends
    can be played off against each other.

    Mended: keep the length that recv() returned, and use that.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.partition(b"\0")[0])


@fault("CHAT-3")
class CutsAt255Bytes(ChatHandler):
    """Of a long chunk only the first 255 bytes are delivered.

    Thought: 255 bytes are enough for a line, and fit into a buffer on the stack.

    Seen: the ends of long lines are missing. Nobody is told, not even the sender, who sees its own line cut.

    Mended: deliver all that was received; receive no more than can be delivered.
    """

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk[:255])


@fault("CHAT-4")
class DeliversTwice(ChatHandler):
    """Everything is delivered twice.

    Thought: the delivery stands in the loop, and in the function that the loop calls. Each looks right.

    Seen: everything is said twice.

    Mended: deliver in one place.
    """

    def deliver(self, chunk: bytes) -> None:
        super().deliver(chunk)
        super().deliver(chunk)


@fault("CHAT-5")
class DeliversTheLatestFirst(ChatHandler):
    """When a member speaks fast, its latest words overtake those before.

    Thought: a stack is a queue, if there is only ever one thing on it.

    Seen: with people who type all is well. A program that sends two lines at once sees them swapped.

    Mended: receive, deliver, and only then receive again; or a queue.
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
    """Up to 4096 bytes go into one delivery.

    Thought: a larger buffer makes fewer calls.

    Seen: a client that was promised at most 1024 bytes a delivery, and keeps that many, loses the rest or takes it for
    something else.

    Mended: the size that recv() is asked for is part of the protocol, as soon as one recv() makes one delivery.
    """

    def receive(self) -> bytes:
        self.chunk_size = 4096
        return super().receive()


@fault("CHAT-13")
class DeliversWithoutTheLock(Room):
    """Deliveries go out without the lock, so those of two speakers overtake each other.

    Thought: copy the set under the lock, then send without it: nobody should hold a lock while sending.

    Seen: one half of the room reads the question before the answer, the other half the answer before the question. No
    error, nothing in the log.

    Mended: send under the lock, and make sure that no send waits; or one queue for the room.
    """

    def deliver(self, delivery: bytes) -> None:
        with self.lock:
            members = list(self.members)
        for member in members:
            if not self.offer(member, delivery):
                self.cut_off(member)
            widen(delivery)


@fault("CHAT-14")
class IgnoresShortSends(Room):
    """A member that took a part of a delivery is sent the next one all the same.

    Thought: send() sends. That it returns a number is a detail.

    Seen: a member that was slow for a moment reads a delivery that breaks off in the middle and goes on as another one.
    From there on it understands nothing any more.

    Mended: send the rest before anything else, or cut the member off. sendall() does the first, and waits.
    """

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        super().offer(member, delivery)
        return True


@fault("CHAT-15")
class WaitsForTheSlow(Room):
    """Everybody waits for the slowest member: a blocking send, under the lock.

    Thought: sendall() takes care of short sends.

    Seen: somebody suspends their client with Ctrl-Z. Some megabytes later the room stands still, for all, without an
    error, until that one comes back.

    Mended: never wait for one client on behalf of another: send what fits, and cut off or queue, with a limit.
    """

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        try:
            member.sendall(delivery)
        except OSError:
            return False
        return True


@fault("CHAT-15")
class KeepsWhoIsCutOff(Room):
    """A member that is cut off stays in the set until its own handler notices.

    Thought: its handler wakes up and leaves; why should somebody else take it out?

    Seen: nothing, with ten members. Then a network fails, and three hundred who were all speaking are gone at once.
    Their handlers first deliver what had been said, each chunk to all three hundred, of whom each costs a send and a
    shutdown that both fail. The few who are still there wait for that, a minute or more; with twice as many, for four.

    Mended: whoever finds out that a member takes nothing any more takes it out, there and then. And who is no member
    is not listened to any more either.
    """

    def cut_off(self, member: socket.socket) -> None:
        with suppress(OSError):
            member.shutdown(socket.SHUT_RDWR)


@fault("CHAT-15", program="chat")
class CutsOffEarly(StreamServer):
    """Members are cut off after a few kilobytes that they have not read.

    Thought: a small send buffer saves memory with many clients.

    Seen: whoever is away from the keyboard, or has a slow line, for a second too long is thrown out.

    Mended: give everybody some room: here 64 KiB of deliveries may wait.
    """

    def prepare(self, request: socket.socket) -> None:
        super().prepare(request)
        request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)


@fault("CHAT-16", program="chat")
class WaitsForAcknowledgements(StreamServer):
    """A small delivery waits until the one before is acknowledged.

    Thought: none; it is how a TCP connection behaves unless TCP_NODELAY is set.

    Seen: everything works, and every second delivery comes 40 ms late: Nagle's algorithm here waits for the delayed
    acknowledgement there. Noticed by those who play, type, or benchmark.

    Mended: set TCP_NODELAY on connections that carry small messages which somebody waits for.
    """

    def prepare(self, request: socket.socket) -> None:
        super().prepare(request)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
