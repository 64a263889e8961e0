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

    closed, or ended both ways      CLOSE: never connected, reset, or over
    ended and not finishing         CLOSE_WAIT
    finishing, not ended            FIN_WAIT
    finishing and ended             LAST_ACK or CLOSING
    none of these                   ESTABLISHED

Next: `listener.py`.
"""

import errno
import os
from collections import deque

from socketserver_faults.schedule.core.footprints import CHANGES, MERGE, NEEDS, OPENS, READ, WRITE, Name, Touch

SocketAddress = tuple[str, int]

READING = 1
WRITING = 2
BOTH = READING | WRITING
"""Directions that can be shut down."""


def failure(number: int) -> OSError:
    """Return the exception that Python raises for an error number: ConnectionResetError for ECONNRESET, and so on."""
    return OSError(number, os.strerror(number))


class End:
    """One end of a connection, or a socket that is not connected yet.

    The bytes of each send that come to it have a place of their own, `0`, `1`..., and what ends the stream comes to the
    place behind them. So what comes matters to a thread that reads only if it has come to that place. `last` is the
    sending side, and `next` the reading side: how much was read matters to a sender only if room may be short.
    """

    def __init__(self, name: str, capacity: int, label: Name = None, touch: Touch | None = None) -> None:
        self._label, self._touch_name = label, touch
        self.name = name
        """The story's name for the other end."""
        self.address: SocketAddress = ("0.0.0.0", 0)
        self.resize(capacity)
        self.received = bytearray()
        self.unsent = bytearray()
        self.shut = 0
        self.closed = True
        """Whether there is no connection: not yet, or no more, because of a reset."""
        self.finishing = False
        self.ended = False
        self.error = 0
        self.changes = 0
        """Number of changes that may wake a thread in poll()."""
        self.states = 0
        """Number of those that wake any: not of bytes that come, nor of room for others."""
        self.said = 0
        """How many bytes the other end has sent."""
        self._delayed = False
        """Whether the end of stream came later than it was sent, behind bytes that there was no room for."""
        self._came = 0
        self._lengths: deque[int] = deque()
        """For each place with bytes that have come and were not read, their number."""
        self.peer = self  # until connected

    def resize(self, capacity: int) -> None:
        """Set how many bytes may be sent to this end and not yet read; with more, the sender must wait."""
        self.capacity = capacity
        self.window = capacity - capacity // 2
        """How many of them have arrived; the others stay with the sender."""

    def join(self, peer: "End") -> None:
        """Establish the connection of two ends."""
        self._touch(WRITE, "closed", self._came)
        peer._touch(WRITE, "closed", peer._came)
        self.peer, peer.peer = peer, self
        self.closed = peer.closed = False
        self._change()
        peer._change()

    def readable(self, needed: bool = False) -> bool:
        """Whether recv returns at once; it is `needed` if a thread waits for that and for nothing else."""
        if self._touch_name is not None:  # asked at each decision
            self._touch(READ, "next")  # another thread may read
            self._touch(READ | NEEDS * needed, self._came - len(self._lengths))
        return bool(self.received or self.shut & READING or self.error or self.closed)

    def writable(self) -> bool:
        """Whether send returns at once."""
        self.peer._touch(READ, "last")
        return bool(self.broken or self._room(1) > 0)

    @property
    def broken(self) -> bool:
        """Whether send fails."""
        self._touch(READ, "closed", "writing")
        return bool(self.closed or self.shut & WRITING)

    def is_over(self) -> bool:
        """Whether the connection is no more: it was reset, or has ended both ways; or it has never been."""
        self._touch(READ, "closed")
        if self.closed:
            return True
        self.peer._touch(READ, "ended")
        if not self.peer.ended:  # then it does not matter whether the other direction has ended
            return False
        self._touch(READ, "ended")
        return self.ended

    def mishaps(self) -> tuple[bool, bool, bool]:
        """Return what poll() reports unasked: whether an error waits, and whether both directions are over; and
        whether the other end sends no more.
        """
        self._touch(READ, "states", "error")
        return bool(self.error), self.shut == BOTH or self.closed, bool(self.shut & READING)

    def recv(self, size: int, peek: bool = False, one_send: bool = False) -> bytes:
        """Return what has arrived, at most `size` bytes; b"" at the end of stream. A reset is reported once.

        With `one_send`, return no more than what came by one send.
        """
        self._touch(READ, "next")
        if self.received:
            size = min(size, self._lengths[0]) if one_send else size
            self._touch_places(size)
            data = bytes(self.received[:size])
            if not peek:
                self._take(len(data))
                self.peer._change(state=False)
                if self.peer.unsent:
                    self.peer._flow()
            return data
        self._touch(READ, self._came, *(("ended",) if self._delayed else ()))
        if self.ended:  # even if a reset came after it
            return b""
        if self.closed:
            self._touch(READ, "error")
        if self.error:
            raise failure(self.take_error())
        if self.shut & READING:
            return b""
        raise failure(errno.ENOTCONN if self.closed else errno.EAGAIN)

    def send(self, data: bytes) -> int:
        """Take the bytes that there is room for. The first send to a closed end succeeds: no reset has come yet."""
        if self.broken:
            raise failure(self.take_error() or errno.EPIPE)
        self.peer._touch(READ | WRITE, "last")
        room = self._room(len(data))
        if data and room <= 0:
            raise failure(errno.EAGAIN)
        taken = data[:room]
        self.peer.said += len(taken)
        self.unsent += taken
        self._flow()
        return len(taken)

    def shutdown(self, how: int) -> None:
        """End one direction or both, for all descriptors of this end. Bytes that arrive later are still readable."""
        unconnected = self.is_over()
        self._shut(how)
        if how & WRITING and not unconnected:
            self._finish()
        self._change()
        if unconnected:
            raise failure(errno.ENOTCONN)

    def release(self, reset: bool) -> None:
        """Close the end: with an end of stream, or with a reset if `reset` or if there are unread bytes."""
        if not reset:
            self._touch(READ, "next", self._came - 1 if self.received else (self._came, "bytes"))
        reset = reset or bool(self.received)
        if self.received:
            self._take(len(self.received))
        self._shut(BOTH)
        self._touch(READ, "finishing")
        if (self.finishing and not reset) or self.is_over():  # all is said
            return
        if reset:
            self._stop()
            self.peer._reset()
        else:
            self._finish()

    def take_error(self) -> int:
        """Return the number of the pending error, or 0; each is reported once."""
        self._touch(READ | WRITE, "error")
        error, self.error = self.error, 0
        return error

    def peer_address(self) -> SocketAddress:
        """Return the address of the other end."""
        if self.is_over():
            raise failure(errno.ENOTCONN)
        return self.peer.address

    def changed_since(self, seen: int) -> bool:
        """Whether there were changes that may wake a thread in poll()."""
        self._touch(READ, "changes")
        return self.changes != seen

    def state_since(self, seen: int) -> bool:
        """Whether there were changes of the connection's state."""
        self._touch(READ, "states")
        return self.states != seen

    def _touch(self, how: int, *names: object) -> None:
        if self._touch_name is None:
            return
        if how & CHANGES and not (self.shut & READING or self.error or self.closed):
            how |= OPENS  # the place behind the last bytes was empty
        for name in names:
            self._touch_name((self._label, name), how)

    def _shut(self, how: int) -> None:
        for direction, names in ((READING, ("reading", self._came)), (WRITING, ("writing",))):
            if how & direction & ~self.shut:
                self._touch(MERGE, *names)
        self.shut |= how
        self._note_gone()

    def _note_gone(self) -> None:
        """Note that this end neither reads nor sends any more, if that is so and anything can still come."""
        if self.finishing and self.shut & READING and not self.ended:
            self._touch(MERGE, "gone")

    def _touch_places(self, size: int) -> None:
        """Note that so many bytes are read, from the places where they are; fewer if another send could add to them."""
        if self._touch_name is None:
            return
        place = self._came - len(self._lengths)
        for length in self._lengths:
            if size <= 0:
                return
            self._touch(READ, place)
            place, size = place + 1, size - length
        if size > 0:
            self._touch(READ, (place, "bytes"))

    def _take(self, size: int) -> None:
        """Remove the first bytes that have come."""
        self._touch(READ | WRITE, "next")
        del self.received[:size]
        while size:
            taken = min(size, self._lengths[0])
            size, self._lengths[0] = size - taken, self._lengths[0] - taken
            if not self._lengths[0]:
                self._lengths.popleft()

    def _room(self, wanted: int) -> int:
        """Return for how many bytes there is room; that is known if all that was sent would fit, and more is wanted."""
        if self.peer.said + wanted > self.peer.window:
            self.peer._touch(READ, "next")
        return self.peer.capacity - len(self.peer.received) - len(self.unsent)

    def _change(self, state: bool = True) -> None:
        self._touch(MERGE, "changes", *(("states",) if state else ()))
        self.changes += 1
        self.states += state

    def _flow(self) -> None:
        """Deliver what is unsent as far as there is room, then the end of stream."""
        peer = self.peer
        if self.unsent:
            peer._touch(READ | WRITE, "last")
        room = peer.window - len(peer.received)
        if self.unsent and room > 0:
            peer._touch(READ, "gone")
            if peer.finishing and peer.shut & READING:  # it will never be read, nor answered
                peer._reset()
                self._reset()
                return
            peer._touch(WRITE, peer._came, (peer._came, "bytes"))
            peer._lengths.append(len(self.unsent[:room]))
            peer._came += 1
            peer.received += self.unsent[:room]
            del self.unsent[:room]
            peer._change(state=False)
        if self.finishing and not self.unsent:
            self._touch(READ, "closed")
            peer._delayed = True
            self._deliver_end()

    def _finish(self) -> None:
        """Send the end of stream, after all that is unsent: until then whoever reads that delivers it."""
        if self.finishing:
            return
        self._touch(MERGE, "finishing")
        self.finishing = True
        self._note_gone()
        self._touch(READ, "closed")
        self.peer._note_ended()
        self._deliver_end()

    def _note_ended(self) -> None:
        """Note that the stream to this end ends: after it has stopped reading, it reads the same as before."""
        self._touch(MERGE, "ended", *(() if self.shut & READING else ("reading", self._came)))

    def _deliver_end(self) -> None:
        peer = self.peer
        if not self.unsent and not self.closed and not peer.ended:  # a second time would change nothing
            peer._note_ended()
            peer.ended = True
            peer.shut |= READING
            peer._change()

    def _reset(self) -> None:
        """Receive a reset: the connection no longer exists."""
        if not self.is_over():
            self._touch(READ, "ended", "finishing")
            self._touch(WRITE, "error")
            self._touch(MERGE, self._came)
            self.error = errno.EPIPE if self.ended and not self.finishing else errno.ECONNRESET
            self._stop()

    def _stop(self) -> None:
        self._touch(MERGE, "closed")
        if self.unsent:
            self.peer._touch(READ | WRITE, "last", "next")
        self._shut(BOTH)
        self.closed = True
        self.unsent.clear()
        self._change()
