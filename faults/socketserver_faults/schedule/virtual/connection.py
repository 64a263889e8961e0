"""The kernel's side of a virtual connection: what Linux does with TCP, and nothing of descriptors or threads.

    one end                                        the other end
      send -->  unsent  -->  the network  -->  received  --> recv
      recv <--  received  <--             <--  unsent    <-- send

Sent bytes stay with the sender, `unsent`, until the other end has room for them, and are then `received`, to be read.
So a connection holds a limited number of bytes each way, and takes more only after some are read. An end of stream
(TCP's FIN) arrives after the bytes sent before it. A reset arrives at once: `unsent` bytes are lost, `received` ones
can still be read.

Nothing here waits: an operation that cannot be done now fails with EAGAIN. `kernel.py` does the waiting, and asks
`readable()` and `writable()`. The network takes no time: bytes arrive as soon as there is room.

The rules are those of Linux, from its source (net/ipv4/tcp.c, tcp_input.c, af_inet.c); a test compares both. A few
attributes stand for the states of TCP:

    over                            CLOSE: never connected, reset, or ended both ways
    ended and not finishing         CLOSE_WAIT
    finishing, not ended            FIN_WAIT
    finishing and ended             LAST_ACK or CLOSING
    none of these                   ESTABLISHED

Next: `kernel.py`.
"""

import errno
import os
from collections import deque

SocketAddress = tuple[str, int]

READING = 1
WRITING = 2
BOTH = READING | WRITING
"""Directions that can be shut down."""


def failure(number: int) -> OSError:
    """Return the exception that Python raises for an error number: ConnectionResetError for ECONNRESET, and so on."""
    return OSError(number, os.strerror(number))


class End:
    """One end of a connection, or a socket that is not connected yet."""

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        """The story's name for the other end."""
        self.address: SocketAddress = ("0.0.0.0", 0)
        self.capacity = capacity
        """Most bytes sent to this end and not yet read; with more, the sender must wait."""
        self.window = capacity - capacity // 2
        """How many of them have arrived; the others stay with the sender."""
        self.received = bytearray()
        self.unsent = bytearray()
        self.shut = 0
        self.over = True
        self.finishing = False
        self.ended = False
        self.error = 0
        self.changes = 0
        """Number of changes that wake a thread in poll()."""
        self.peer = self  # until connected

    def join(self, peer: "End") -> None:
        """Establish the connection of two ends."""
        self.peer, peer.peer = peer, self
        self.over = peer.over = False
        self._change()
        peer._change()

    def readable(self) -> bool:
        """Whether recv returns at once."""
        return bool(self.received or self.shut & READING or self.error or self.over)

    def writable(self) -> bool:
        """Whether send returns at once."""
        return bool(self.broken or self._room() > 0)

    @property
    def broken(self) -> bool:
        """Whether send fails."""
        return bool(self.over or self.shut & WRITING)

    def recv(self, size: int, peek: bool = False) -> bytes:
        """Return what has arrived, at most `size` bytes; b"" at the end of stream. A reset is reported once."""
        if self.received:
            data = bytes(self.received[:size])
            if not peek:
                del self.received[:size]
                self.peer._change()
                self.peer._flow()
            return data
        if self.ended:  # even if a reset came after it
            return b""
        if self.error:
            raise failure(self.take_error())
        if self.shut & READING:
            return b""
        raise failure(errno.ENOTCONN if self.over else errno.EAGAIN)

    def send(self, data: bytes) -> int:
        """Take the bytes that there is room for. The first send to a closed end succeeds: no reset has come yet."""
        if self.broken:
            raise failure(self.take_error() or errno.EPIPE)
        if data and self._room() <= 0:
            raise failure(errno.EAGAIN)
        taken = data[: self._room()]
        self.unsent += taken
        self._flow()
        return len(taken)

    def shutdown(self, how: int) -> None:
        """End one direction or both, for all descriptors of this end. Bytes that arrive later are still readable."""
        unconnected = self.over
        self.shut |= how
        if how & WRITING and not unconnected:
            self._finish()
        self._change()
        if unconnected:
            raise failure(errno.ENOTCONN)

    def release(self, reset: bool) -> None:
        """Close the end: with an end of stream, or with a reset if `reset` or if there are unread bytes."""
        reset = reset or bool(self.received)
        self.received.clear()
        self.shut = BOTH
        if self.over:
            return
        if reset:
            self._stop()
            self.peer._reset()
        else:
            self._finish()

    def take_error(self) -> int:
        """Return the number of the pending error, or 0; each is reported once."""
        error, self.error = self.error, 0
        return error

    def peer_address(self) -> SocketAddress:
        """Return the address of the other end."""
        if self.over:
            raise failure(errno.ENOTCONN)
        return self.peer.address

    def _room(self) -> int:
        return self.peer.capacity - len(self.peer.received) - len(self.unsent)

    def _change(self) -> None:
        self.changes += 1

    def _flow(self) -> None:
        """Deliver what is unsent as far as there is room, then the end of stream."""
        peer = self.peer
        room = peer.window - len(peer.received)
        if self.unsent and room > 0:
            if peer.finishing and peer.shut & READING:  # it will never be read, nor answered
                peer._reset()
                self._reset()
                return
            peer.received += self.unsent[:room]
            del self.unsent[:room]
            peer._change()
        if self.finishing and not self.unsent and not self.over and not peer.ended:
            peer.ended = True
            peer.shut |= READING
            if self.ended:
                self._stop()
                peer._stop()
            peer._change()

    def _finish(self) -> None:
        """Send the end of stream, after all that is unsent."""
        self.finishing = True
        self._flow()

    def _reset(self) -> None:
        """Receive a reset: the connection no longer exists."""
        if not self.over:
            self.error = errno.EPIPE if self.ended and not self.finishing else errno.ECONNRESET
            self._stop()

    def _stop(self) -> None:
        self.over = True
        self.shut = BOTH
        self.unsent.clear()
        self._change()


class Listener:
    """A listening socket."""

    def __init__(self, name: str, address: SocketAddress, capacity: int, backlog: int) -> None:
        self.name = name
        self.address = address
        self.capacity = capacity
        self.backlog = backlog
        self.arrived: deque[End] = deque()
        self.over = False
        self.changes = 0
        self.broken = True

    def readable(self) -> bool:
        """Whether accept returns at once."""
        return bool(self.arrived or self.over)

    def writable(self) -> bool:
        """Whether poll reports it writable: never."""
        return False

    def crowded(self) -> bool:
        """Whether another client must wait to connect. Linux accepts one more than the backlog."""
        return len(self.arrived) > self.backlog

    def arrive(self, end: End) -> None:
        """Queue a connection of a client."""
        self.arrived.append(end)
        self.changes += 1

    def accept(self) -> End:
        """Return the first connection in the queue."""
        if self.over:
            raise failure(errno.EINVAL)
        if not self.arrived:
            raise failure(errno.EAGAIN)
        return self.arrived.popleft()

    def recv(self, size: int, peek: bool = False) -> bytes:  # noqa: ARG002 - the signature of End
        """Fail: a listener cannot be read."""
        raise failure(errno.ENOTCONN)

    def send(self, data: bytes) -> int:  # noqa: ARG002 - the signature of End
        """Fail: a listener cannot send."""
        raise failure(errno.EPIPE)

    def shutdown(self, how: int) -> None:
        """Stop listening, if reading is shut down: threads that wait in accept() wake, and fail."""
        if how & READING:
            self._stop()

    def release(self, reset: bool) -> None:  # noqa: ARG002 - the signature of End
        """Close it. Connections that were not accepted are reset."""
        self._stop()

    def take_error(self) -> int:
        """Return 0: there is never an error."""
        return 0

    def peer_address(self) -> SocketAddress:
        """Fail: there is no other end."""
        raise failure(errno.ENOTCONN)

    def _stop(self) -> None:
        self.over = True
        self.changes += 1
        while self.arrived:
            self.arrived.popleft().release(reset=True)
