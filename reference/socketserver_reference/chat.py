"""The group chat: what one member says, every member hears.

::

    anna       server          bert, a lurker
      | "hi" ----> |             |
      | <- "ackhi" | "ackhi" --> |      one delivery, to every member, including the sender
      | "quit" --> |             |      delivered to no member
      | <-- end of |             |
      |     stream |             |

A client is a **member** while its handler runs: it joins in setup and leaves in finish, which `socketserver` calls even
if handle raises. The handlers run in threads of one process and share the `Room`, a mix-in for their server.

Three decisions determine the rest.

*One lock, and deliveries happen under it.* See `Room`.

*A delivery never waits.* The kernel's send buffer is the queue of each member. A member without room for a delivery
leaves the room at once and is cut off.

*Only its own handler closes a request.* A speaker that finds a dead or slow member removes it from the room and calls
shutdown(), which wakes the recv() of that member's handler; the handler then ends the normal way, and closes. close()
would wake no thread, and free a socket that is in use: see `overthreaded.py`.

Left out: framing. Two utterances in one segment are one chunk, so `hi` and `quit` may arrive as `hiquit`.

Next: `overthreaded.py`, the same chat with one thread too many.
"""

import logging
import socket
import socketserver
import threading
from contextlib import nullcontext, suppress
from typing import Any

from socketserver_reference.echo import DISCONNECT_ERRORS, brief
from socketserver_reference.lifecycle import Server

log = logging.getLogger(__name__)

ACK = b"ack"
QUIT = b"quit"


class Room(Server):
    """Mix-in that gives a server its members.

    A thread holds `lock` to read or change `members`, and to send to them, and never waits for the network meanwhile.
    So deliveries are one sequence, the same for all members, and a client joins or leaves between two of them.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        # [SRV-7] members on the server, which all handlers share
        # [SRV-10] and not on its class, which other servers share
        self.members: set[socket.socket] = set()
        self.lost: set[socket.socket] = set()  # cut off, and not closed yet
        self.lock = threading.Lock()
        self.turn = threading.Lock()  # to deliver a full chunk: taken before `lock`
        super().__init__(*args, **keywords)

    def join(self, member: socket.socket) -> None:
        """Add a member: later deliveries reach it."""
        with self.lock:
            self.members.add(member)

    def leave(self, member: socket.socket) -> None:
        """Remove a member, if it is one."""
        # [CHAT-11] this changes nothing for others, and an empty room still works
        with self.lock:
            self.members.discard(member)
            self.lost.discard(member)

    def has_lost(self, member: socket.socket) -> bool:
        """Whether this member has been cut off; a single look needs no lock."""
        return member in self.lost

    def deliver(self, delivery: bytes) -> None:
        """Offer a delivery to every member, and cut off those that cannot take it."""
        # [CHAT-13] under the lock: all members see one order
        with self.lock:
            lost = [member for member in self.members if not self.offer(member, delivery)]
            for member in lost:
                self.cut_off(member)

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        """Send without waiting; return whether the member took the whole delivery."""
        # [CHAT-15] no waiting: a member that does not read delays no other
        try:
            sent = member.send(delivery, socket.MSG_DONTWAIT)
        # [CHAT-12] the reset of a member does not concern the speaker
        except OSError:  # the buffer is full (EAGAIN), or the member is gone (ECONNRESET, EPIPE)
            return False
        # [CHAT-14] whole, or the member is cut off: nothing is sent after a part of a delivery
        return sent == len(delivery)

    def cut_off(self, member: socket.socket) -> None:
        """Remove a member and end its connection in both directions."""
        # [CHAT-15] now, not when its handler has delivered all that the client said before: until then each delivery
        # would cost two system calls, and N members that leave at once N squared
        self.members.discard(member)
        self.lost.add(member)
        with suppress(OSError):  # it is gone already
            member.shutdown(socket.SHUT_RDWR)


class ChatHandler(socketserver.BaseRequestHandler):
    """Serve one member from its joining to its leaving."""

    server: Room
    chunk_size = 1024

    # [SRV-2] finish runs even if handle raises, so every member that joins leaves

    def setup(self) -> None:
        """Join before the first chunk."""
        # [CHAT-9] a client that connects is a member
        # [CHAT-1] joining is silent: no greeting, no notice
        self.server.join(self.request)
        log.info("%r joined", self.client_address)

    def handle(self) -> None:
        """Receive, decide, deliver, until the client leaves."""
        # [CHAT-5] the next chunk is received after the one before has been delivered
        while True:
            chunk = self.receive()
            if self.leaves(chunk):
                return
            self.deliver(chunk)

    def finish(self) -> None:
        self.server.leave(self.request)
        log.info("%r left", self.client_address)

    def receive(self) -> bytes:
        """Return the next chunk, or b"" at the end: end of stream, a reset, or the server has hung up."""
        # [CHAT-6] 1 to 1024 bytes, and every byte once: chunks concatenate to what was said
        # [CHAT-21] without a timeout
        try:
            chunk: bytes = self.request.recv(self.chunk_size)
        # [CHAT-12] a reset is leaving
        except DISCONNECT_ERRORS as gone:
            log.info("%r is gone: %s", self.client_address, gone)
            return b""
        # [CHAT-15] [SRV-9] after a cut or a hang-up, recv() still returns what the client said before: drop it
        if self.server.stopping or self.server.has_lost(self.request):
            return b""
        log.info("%r said %s", self.client_address, brief(chunk))
        return chunk

    def leaves(self, chunk: bytes) -> bool:
        """Whether the client leaves with this chunk."""
        # [CHAT-10] end of stream; the chunks before it have been delivered
        # [CHAT-7] quit, with or without white space around it
        # [CHAT-8] and no other chunk
        return chunk == b"" or chunk.strip() == QUIT

    def deliver(self, chunk: bytes) -> None:
        """Deliver a chunk to the room."""
        # [CHAT-2] to every member, including the sender
        # [CHAT-4] once, and nothing else
        # [CHAT-15] full chunks, mostly parts of much more, take turns: a member that says one word waits for one of
        # them, not for one of each member
        with self.server.turn if len(chunk) == self.chunk_size else nullcontext():
            self.server.deliver(self.delivery(chunk))

    def delivery(self, chunk: bytes) -> bytes:
        """Return a chunk as members receive it."""
        # [CHAT-3] its bytes unchanged
        return ACK + chunk
