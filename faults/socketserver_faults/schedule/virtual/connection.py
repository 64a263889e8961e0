"""The kernel's side of a virtual connection: what Linux does with TCP, and nothing of descriptors or threads.

    one end                                        the other end
      send -->  unsent  -->  the network  -->  received  --> recv
      recv <--  received  <--             <--  unsent    <-- send

What is sent waits with its sender, `unsent`, until the other end has room for it, and is then `received`, to be read.
So a connection holds so many bytes each way, and takes no more until some are read. An end of stream (TCP's FIN) comes
behind what was sent before it. A reset comes at once: what is `unsent` is lost, what is `received` can still be read.

Nothing here waits: what cannot be done now fails with EAGAIN. Who waits, and for how long, is the business of
`kernel.py`, which asks `readable()` and `writable()`. The network takes no time: what can arrive has arrived.

The rules are those of Linux, as its source has them (net/ipv4/tcp.c, tcp_input.c, af_inet.c), and a test holds them
against it. A state of TCP is a few facts here:

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
    """Return the exception for an error number, as Python has it: ConnectionResetError for ECONNRESET, and so on."""
    return OSError(number, os.strerror(number))


class End:
    """One end of a connection, or of none yet."""

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        """What a story calls whatever is at the other end."""
        self.address: SocketAddress = ("0.0.0.0", 0)
        self.capacity = capacity
        """Bytes that can be on their way to this end, unread, before whoever sends them has to wait."""
        self.window = capacity - capacity // 2
        """How many of them have arrived; the others wait with their sender."""
        self.received = bytearray()
        self.unsent = bytearray()
        self.shut = 0
        self.over = True
        self.finishing = False
        self.ended = False
        self.error = 0
        self.changes = 0
        """How often something happened to this end that wakes whoever polls it."""
        self.peer = self  # until connected

    def join(self, peer: "End") -> None:
        """Establish the connection of two ends."""
        self.peer, peer.peer = peer, self
        self.over = peer.over = False
        self._change()
        peer._change()

    def readable(self) -> bool:
        """Whether recv would not have to wait."""
        return bool(self.received or self.shut & READING or self.error or self.over)

    def writable(self) -> bool:
        """Whether send would not have to wait."""
        return bool(self.broken or self._room() > 0)

    @property
    def broken(self) -> bool:
        """Whether send would fail."""
        return bool(self.over or self.shut & WRITING)

    def recv(self, size: int, peek: bool = False) -> bytes:
        """Return what has arrived, at most `size` bytes of it; b"" at the end of stream. A reset is told once."""
        if self.received:
            data = bytes(self.received[:size])
            if not peek:
                del self.received[:size]
                self.peer._change()
                self.peer._flow()
            return data
        if self.ended:  # even when a reset came after it
            return b""
        if self.error:
            raise failure(self.take_error())
        if self.shut & READING:
            return b""
        raise failure(errno.ENOTCONN if self.over else errno.EAGAIN)

    def send(self, data: bytes) -> int:
        """Take as much as there is room for. The first send to an end that is closed succeeds: nobody knows yet."""
        if self.broken:
            raise failure(self.take_error() or errno.EPIPE)
        if data and self._room() <= 0:
            raise failure(errno.EAGAIN)
        taken = data[: self._room()]
        self.unsent += taken
        self._flow()
        return len(taken)

    def shutdown(self, how: int) -> None:
        """End one direction or both, for everybody who has this end. Data that arrives later is still readable."""
        unconnected = self.over
        self.shut |= how
        if how & WRITING and not unconnected:
            self._finish()
        self._change()
        if unconnected:
            raise failure(errno.ENOTCONN)

    def release(self, reset: bool) -> None:
        """Let the end go, with an end of stream, or a reset if that is asked for or something has not been read."""
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
        """Return the number of the error that has not been told yet, or 0; it is told once."""
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
        """Let what is unsent arrive as far as there is room, and the end of stream behind it."""
        peer = self.peer
        room = peer.window - len(peer.received)
        if self.unsent and room > 0:
            if peer.finishing and peer.shut & READING:  # neither will it ever be read, nor answered
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
        """Send the end of stream, behind all that is unsent."""
        self.finishing = True
        self._flow()

    def _reset(self) -> None:
        """Be told that there is no such connection any more."""
        if not self.over:
            self.error = errno.EPIPE if self.ended and not self.finishing else errno.ECONNRESET
            self._stop()

    def _stop(self) -> None:
        self.over = True
        self.shut = BOTH
        self.unsent.clear()
        self._change()


class Listener:
    """The end that connections come to."""

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
        """Whether accept would not have to wait."""
        return bool(self.arrived or self.over)

    def writable(self) -> bool:
        """Whether poll says that it can be written: never."""
        return False

    def crowded(self) -> bool:
        """Whether whoever connects has to wait. Linux takes one more than it was told."""
        return len(self.arrived) > self.backlog

    def arrive(self, end: End) -> None:
        """Take a connection that somebody has made."""
        self.arrived.append(end)
        self.changes += 1

    def accept(self) -> End:
        """Return the connection that came first."""
        if self.over:
            raise failure(errno.EINVAL)
        if not self.arrived:
            raise failure(errno.EAGAIN)
        return self.arrived.popleft()

    def recv(self, size: int, peek: bool = False) -> bytes:  # noqa: ARG002 - as an End has it
        """Fail: nothing is read from here."""
        raise failure(errno.ENOTCONN)

    def send(self, data: bytes) -> int:  # noqa: ARG002 - as an End has it
        """Fail: nothing is sent from here."""
        raise failure(errno.EPIPE)

    def shutdown(self, how: int) -> None:
        """Stop listening, if it is reading that is shut down: whoever waits in accept is woken, and fails."""
        if how & READING:
            self._stop()

    def release(self, reset: bool) -> None:  # noqa: ARG002 - it is a reset anyway
        """Let it go. Connections that nobody has accepted are reset."""
        self._stop()

    def take_error(self) -> int:
        """Return 0: there is never an error to tell."""
        return 0

    def peer_address(self) -> SocketAddress:
        """Fail: there is no other end."""
        raise failure(errno.ENOTCONN)

    def _stop(self) -> None:
        self.over = True
        self.changes += 1
        while self.arrived:
            self.arrived.popleft().release(reset=True)
