"""The group chat: what one member says, every member hears.

::

    anna       server          bert, who never speaks (a lurker)
      | "hi" ----> |             |
      | <- "ackhi" | "ackhi" --> |      one delivery, to every member, the sender included
      | "quit" --> |             |      delivered to nobody
      | <-- end of |             |
      |     stream |             |

A client is a **member** while its handler runs: it joins in setup and leaves in finish, which `socketserver` runs even
when handle raises. A **chunk** is what one recv(1024) returned; a **delivery** is `ack` + chunk. The handlers run in
threads of one process and share a single thing, the `Room`, which is a mix-in for their server.

Three decisions carry the rest.

*One lock, and deliveries happen under it.* See `Room`. Without it a join changes the set under somebody's loop over it.

*A delivery never waits.* The kernel's send buffer is the queue of each member. Whoever is a whole buffer behind when a
delivery does not fit is cut off; it delays nobody. Measured, this serves a room of 100 to 500 members at 4 to 5
microseconds a delivery, as fast as an event loop, with neither writer threads nor queues of our own.

*Only its own handler closes a request.* Whoever finds a dead or slow member calls shutdown() on it, which wakes the
recv() that its handler is blocked in; that handler then leaves the normal way. close() would wake nobody and pull the
socket from under its user. `overthreaded.py` tells what comes of that.

What is deliberately left out: names, rooms, history, framing. Two utterances in one segment are one chunk (CHAT-6), so
`hi` and `quit` sent in one breath may arrive as `hiquit`, which is no quit.

Next: `overthreaded.py`, the same chat with one thread too many.
"""

import logging
import socket
import socketserver
import threading
from contextlib import suppress
from typing import Any

from reference.echo import GONE

log = logging.getLogger(__name__)

ACK = b"ack"
QUIT = b"quit"


class Room(socketserver.BaseServer):
    """Mix-in that gives a server its members.

    The contract of `lock`: whoever reads or changes `members` holds it, and so does whoever sends to one. Deliveries
    are therefore one sequence, the same for all members, each of them whole; and a client joins or leaves between two
    deliveries, never within one. Nobody waits for the network while holding it.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        # [SRV-7] on the server, where every handler finds the same members: a handler instance has one client alone
        # [SRV-10] on this server, not on a class, so that two servers of one process share none
        self.members: set[socket.socket] = set()
        self.lost: set[socket.socket] = set()
        self.lock = threading.Lock()
        super().__init__(*args, **keywords)

    def join(self, member: socket.socket) -> None:
        """Let every delivery from now on reach this connection too."""
        with self.lock:
            self.members.add(member)

    def leave(self, member: socket.socket) -> None:
        """Let no further delivery reach this connection; one that has left already may leave again."""
        # [CHAT-11] taking out one member touches no other, and an empty room is a room
        with self.lock:
            self.members.discard(member)
            self.lost.discard(member)

    def has_lost(self, member: socket.socket) -> bool:
        """Whether this connection was a member and has been cut off."""
        with self.lock:
            return member in self.lost

    def deliver(self, delivery: bytes) -> None:
        """Offer a delivery to every member, in one step as the room sees it, and cut off those that cannot take it."""
        # [CHAT-13] one delivery after another under the lock: all members see one order
        with self.lock:
            lost = [member for member in self.members if not self.offer(member, delivery)]
            for member in lost:
                self.cut_off(member)

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        """Send without waiting; return whether the member took the whole delivery."""
        # [CHAT-15] no waiting: a member that does not read, or is gone, delays nobody
        try:
            sent = member.send(delivery, socket.MSG_DONTWAIT)
        # [CHAT-12] a member that has reset its connection is its own handler's business, not the speaker's
        except OSError:  # its buffer is full, or it is gone: ECONNRESET, EPIPE
            return False
        # [CHAT-14] whole or, for a member that is cut off for it, torn: nothing is ever sent after a part of a delivery
        return sent == len(delivery)

    def cut_off(self, member: socket.socket) -> None:
        """Take a member out, `lock` held, and end its connection both ways; its handler, and nobody else, closes it."""
        # [CHAT-15] now: who is cut off and stays would cost every later delivery two system calls, until it has left
        self.members.discard(member)
        self.lost.add(member)
        with suppress(OSError):  # it is gone already
            member.shutdown(socket.SHUT_RDWR)


class ChatHandler(socketserver.BaseRequestHandler):
    """Serve one member from its joining to its leaving; `request` is its connection, `server` has the `Room`."""

    server: Room
    chunk_size = 1024

    # [SRV-2] setup, handle, finish, once each; finish also when handle raises, so that whoever has joined leaves

    def setup(self) -> None:
        """Join before hearing or saying anything."""
        # [CHAT-9] connecting is enough to be a member
        # [CHAT-1] joining is silent: no greeting to the client, no notice to the others
        self.server.join(self.request)
        log.info("%r joined", self.client_address)

    def handle(self) -> None:
        """Receive, decide, deliver, again and again until the client leaves."""
        # [CHAT-5] the next chunk is received when the one before has been delivered: what is said first is heard first
        while True:
            chunk = self.receive()
            if self.leaves(chunk):
                return
            self.deliver(chunk)

    def finish(self) -> None:
        """Leave, whatever the reason."""
        self.server.leave(self.request)
        log.info("%r left", self.client_address)

    def receive(self) -> bytes:
        """Return the next chunk, or b"" at the end: the client's end of stream, its reset, or our hanging up."""
        # [CHAT-6] at most 1024 bytes, at least one, and every byte once: chunks concatenate to what was said
        try:
            chunk: bytes = self.request.recv(self.chunk_size)
        # [CHAT-12] a reset is a way of leaving
        except GONE as gone:
            log.info("%r is gone: %s", self.client_address, gone)
            return b""
        if self.server.has_lost(self.request):  # nobody goes on with what else it said
            return b""
        log.info("%r said %r", self.client_address, chunk)
        return chunk

    def leaves(self, chunk: bytes) -> bool:
        """Decide whether this chunk is the last: end of stream, or quit."""
        # [CHAT-10] end of stream is leaving; chunks said before it have been delivered by now
        # [CHAT-7] quit, with white space around it or not
        # [CHAT-8] nothing but quit
        return chunk == b"" or chunk.strip() == QUIT

    def deliver(self, chunk: bytes) -> None:
        """Let everybody hear a chunk."""
        # [CHAT-2] every member, the sender included
        # [CHAT-4] once, and nothing else
        self.server.deliver(self.delivery(chunk))

    def delivery(self, chunk: bytes) -> bytes:
        """Return a chunk as members receive it."""
        # [CHAT-3] bytes go out as they came in
        return ACK + chunk
