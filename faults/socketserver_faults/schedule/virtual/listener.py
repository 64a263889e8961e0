"""A listening socket, as Linux has it: a queue of connections that were not accepted yet.

Two ends of the queue are touched apart, and each place in it: a connection that comes matters to accept() only if the
queue is empty.

Next: `descriptors.py`.
"""

import errno
from collections import deque

from socketserver_faults.schedule.core.footprints import CHANGES, NEEDS, OPENS, READ, WRITE, Name, Touch
from socketserver_faults.schedule.virtual.connection import READING, End, SocketAddress, failure


class Listener:
    """A listening socket."""

    def __init__(
        self,
        name: str,
        address: SocketAddress,
        capacity: int,
        backlog: int,
        label: Name = None,
        touch: Touch | None = None,
    ) -> None:
        self._label, self._touch_name = label, touch
        self._came = self._went = 0
        self.name = name
        self.address = address
        self.capacity = capacity
        self.backlog = backlog
        self.arrived: deque[End] = deque()
        self.over = False
        self.changes = 0
        self.broken = True

    def readable(self, needed: bool = False) -> bool:
        """Whether accept returns at once; see `End`."""
        return self.has_arrived(needed) or self.over

    def has_arrived(self, needed: bool = False) -> bool:
        """Whether a connection waits to be accepted."""
        if self._touch_name is not None:  # asked at each decision
            self._touch(READ, "next")
            self._touch(READ | NEEDS * needed, self._went, "over")
        return bool(self.arrived)

    def _touch(self, how: int, *names: object) -> None:
        if self._touch_name is None:
            return
        if how & CHANGES and not self.arrived and not self.over:
            how |= OPENS
        for name in names:
            self._touch_name((self._label, name), how)

    def writable(self) -> bool:
        """Whether poll reports it writable: never."""
        return False

    def crowded(self) -> bool:
        """Whether another client must wait to connect. Linux accepts one more than the backlog."""
        if self._came > self.backlog:  # otherwise it is not, however few were accepted
            self._touch(READ, "next")
        self._touch(READ, "last", "over")
        return len(self.arrived) > self.backlog

    def resize(self, backlog: int) -> None:
        """Let so many clients wait from now on."""
        self._touch(READ | WRITE, "last")
        self.backlog = backlog

    def changed_since(self, seen: int) -> bool:
        """Whether there were changes that wake a thread in poll()."""
        self._touch(READ, "last", "over")
        return self.changes != seen

    def arrive(self, end: End) -> None:
        """Queue a connection of a client."""
        self._touch(READ | WRITE, "last")
        self._touch(WRITE, self._came)
        self._touch(READ, "over")
        self._came += 1
        self.arrived.append(end)
        self.changes += 1

    def accept(self) -> End:
        """Return the first connection in the queue."""
        self._touch(READ | WRITE, "next")
        self._touch(READ, self._went, "over")
        if self.over:
            raise failure(errno.EINVAL)
        if not self.arrived:
            raise failure(errno.EAGAIN)
        self._went += 1
        return self.arrived.popleft()

    def recv(self, size: int, peek: bool = False, one_send: bool = False) -> bytes:  # noqa: ARG002 - the signature of End
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
        self._touch(READ | WRITE, "next", "last", "over")
        self.over = True
        self.changes += 1
        while self.arrived:
            self.arrived.popleft().release(reset=True)
