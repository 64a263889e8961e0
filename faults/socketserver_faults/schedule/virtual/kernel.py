"""The kernel's side of virtual sockets: listeners, connections, and system calls that wait.

A system call that must wait says so to the `Points`, with what it waits for. `poll()` waits for a number, not for a
file: when the file that it found first changes, it looks the number up again, and may find none, or another file.

Next: `options.py`.
"""

import errno
import itertools
from collections import Counter
from collections.abc import Callable
from functools import partial

from socketserver_faults.schedule.core.footprints import READ, WRITE, Touch
from socketserver_faults.schedule.core.unrecorded import unrecorded
from socketserver_faults.schedule.virtual.connection import End, SocketAddress, failure
from socketserver_faults.schedule.virtual.descriptors import FIRST_DESCRIPTOR_OF_CLIENTS, Descriptors, OpenFile, Points
from socketserver_faults.schedule.virtual.listener import Listener

FIRST_PORT = 40001

MANY_ENDS = 100
"""A server that reads the end of a stream more often than that reads it for ever."""

END_SECONDS = 0.001
"""Virtual seconds that each time takes then, for each time before: so clients that wait go on before the run has too
many steps.
"""


def _waiting_to(do: str, end: End | Listener) -> str:
    """Return the story's text for a thread that waits at an end."""
    return f"waits to {do} {end.name}" if isinstance(end, End) else f"waits for a connection to {end.name}"


class Kernel(Descriptors):
    """The open files of a virtual process, and the addresses of its listeners."""

    def __init__(self, points: Points, capacity: int, partial: bool) -> None:
        Descriptors.__init__(self, points)
        self._ends: type[End] = End if points.recorded else unrecorded(End)
        self._queues: type[Listener] = Listener if points.recorded else unrecorded(Listener)
        self.capacity = capacity
        self.partial = partial
        self.over = False
        """Whether the run has ended: what is still closed then, by the garbage collector say, is of no run."""
        self.ends_read: Counter[str] = Counter()
        """Client -> how often the server has read the end of its stream."""
        self.forgotten: set[str] = set()
        """The story's names for what the program has not closed, and nothing refers to any more."""
        self._listeners: dict[int, Listener] = {}
        self._ports = itertools.count(FIRST_PORT)
        self._serials = itertools.count(1)
        self._serials_of_clients = itertools.count(1)

    # Descriptors

    def close(self, number: int) -> None:
        """Free the descriptor."""
        self._let_go(self.free(number))

    def forget(self, number: int) -> None:
        """Note that nothing refers to a descriptor any more."""
        file = self._files.get(number)
        if file is not None:
            self.forgotten.add(file.end.name)

    def called(self, number: int) -> str:
        """Return the story's name for the file of a descriptor."""
        end = self.file(number).end
        return f"the connection to {end.name}" if isinstance(end, End) else f"the listening socket of {end.name}"

    @property
    def listens_at(self) -> SocketAddress | None:
        """The address of the first listener; None if there is none."""
        self.points.touch("the listeners", READ)
        return next((listener.address for listener in self._listeners.values()), None)

    def end_process(self) -> None:
        """Close all that listens, and every connection that was accepted: the process of the program has ended."""
        for number, file in list(self._files.items()):
            if file.accepted or isinstance(file.end, Listener):
                self.close(number)

    def who_listens(self, address: SocketAddress) -> str:
        """Return the story's name for the listener at an address, or else the address."""
        self.points.touch("the listeners", READ)
        listener = self._listeners.get(address[1])
        return listener.name if listener else "{}:{}".format(*address)

    def _hold(self, number: int) -> OpenFile:
        file = self.file(number)
        file.holders += 1
        return file

    def _let_go(self, file: OpenFile) -> None:
        file.holders -= 1
        if not file.holders:
            self.points.touch((file.label, "options"), READ)
            file.end.release(file.resets)
            if isinstance(file.end, Listener):
                self.points.touch("the listeners", READ | WRITE)
                del self._listeners[file.end.address[1]]

    # Making connections

    def end(self, name: str) -> End:
        """Return an end that is not connected."""
        return self._ends(name, self.capacity, self.points.label(), self._toucher())

    def _toucher(self) -> Touch | None:
        return self.points.touch if self.points.recording else None

    def free_address(self) -> SocketAddress:
        """Return an address that has never been used."""
        self.points.touch("the ports", READ | WRITE)
        return "127.0.0.1", next(self._ports)

    def next_serial(self, of_client: bool) -> int:
        """Return the serial number of the next socket."""
        if of_client:
            return next(self._serials_of_clients)
        self.points.touch("the serial numbers", READ | WRITE)
        return next(self._serials)

    def bind(self, number: int, address: SocketAddress) -> None:
        """Give a socket its address; port 0 stands for a free one."""
        end, (host, port) = self.file(number).end, address
        self.points.touch("the ports", READ | WRITE)
        self.points.touch("the listeners", READ)
        if end.address[1]:
            raise failure(errno.EINVAL)
        if port in self._listeners:
            raise failure(errno.EADDRINUSE)
        end.address = (host or "0.0.0.0", port or next(self._ports))

    def listen(self, number: int, backlog: int) -> None:
        """Listen at the address of a socket; one that listens keeps its queue."""
        file = self.file(number)
        if isinstance(file.end, Listener):
            file.end.resize(backlog)
            return
        if not file.end.address[1]:
            self.bind(number, file.end.address)
        address = file.end.address
        self.points.touch("the listeners", READ | WRITE)
        file.end = self._listeners[address[1]] = self._queues(
            file.end.name, address, self.capacity, backlog, self.points.label(), self._toucher()
        )

    def accept(self, number: int) -> tuple[int, End]:
        """Wait for a connection; return its descriptor and its end."""
        file = self._hold(number)
        try:
            listener = file.end
            if not isinstance(listener, Listener):
                raise failure(errno.EINVAL)
            if not self._nonblocking(file) and (self.points.recording or not listener.readable()):
                self._wait(file, _waiting_to("accept", listener), lambda: listener.readable(needed=True))
            end = listener.accept()
        finally:
            self._let_go(file)
        accepted = OpenFile(end, self.points.label())
        accepted.accepted = True
        return self.open(accepted), end

    def connect(self, number: int, address: SocketAddress, timeout: float | None, name: str = "") -> End:
        """Connect to the listener at the address, which knows this client by `name`; wait while its queue is full."""
        file = self._hold(number)
        try:
            self.points.touch("the listeners", READ)
            client, listener = file.end, self._listeners.get(address[1])
            if not isinstance(client, End) or client.peer is not client:
                raise failure(errno.EISCONN)
            if listener is None:
                raise failure(errno.ECONNREFUSED)
            if listener.crowded():
                what = f"waits until {listener.name} accepts a connection"
                if not self._wait(file, what, lambda: not listener.crowded(), timeout):
                    raise TimeoutError("timed out")
            if listener.over:
                raise failure(errno.ECONNREFUSED)
            if not client.address[1]:
                client.address = self.free_address()
            client.name = listener.name
            server = self.end(name or f"client {client.address[1]}")
            server.address = address
            server.join(client)
            listener.arrive(server)
            return client
        finally:
            self._let_go(file)

    # Using them

    def recv(self, number: int, size: int, peek: bool, dont_wait: bool) -> bytes:
        """Return what has arrived; wait for it unless `dont_wait`."""
        file = self.file(number)
        end = file.end
        waits = isinstance(end, End) and not (dont_wait or self._nonblocking(file))
        if not waits or (not self.points.recording and end.readable()):  # then nobody can close it meanwhile
            return self._received(file, number, size, peek)
        file.holders += 1
        try:
            ready = partial(end.readable, needed=True) if self.recorded else end.readable
            self._wait(file, _waiting_to("read from", end), ready)
            return self._received(file, number, size, peek)
        finally:
            self._let_go(file)

    def _received(self, file: OpenFile, number: int, size: int, peek: bool) -> bytes:
        """Return what has arrived."""
        # a client of a recorded run reads one send at a time: what it makes of them does not depend on that
        one_send = self.points.recording and number >= FIRST_DESCRIPTOR_OF_CLIENTS
        data: bytes = file.end.recv(size, peek, one_send)
        if data:
            self.points.progress()
        elif size and file.accepted:
            self._note_end(file.end.name)
        return data

    def _note_end(self, client: str) -> None:
        """Note that the server reads the end of a client's stream; if it does so for ever, let time pass meanwhile."""
        self.ends_read[client] = times = self.ends_read.get(client, 0) + 1
        if times > MANY_ENDS and not self.points.recording:
            self.points.point(f"reads the end of {client}, {times} times now", lambda: False, times * END_SECONDS)

    def send(self, number: int, data: bytes, dont_wait: bool) -> int:
        """Send all data, waiting for room; with `dont_wait`, the part that there is room for. Return its length."""
        if self.over:  # a file that is garbage now writes what was left in its buffer
            return len(data)
        file = self._hold(number)
        try:
            end = file.end
            waits = isinstance(end, End) and not (dont_wait or self._nonblocking(file))
            sent = 0
            while True:
                if not waits or end.writable():
                    sent += end.send(data[sent:])
                    if sent:
                        self.points.progress()
                if sent == len(data) or (sent and (self.partial or not waits)):
                    return sent
                self._wait(file, _waiting_to("send to", end), end.writable)
                if sent and end.broken:  # the next call raises the reason
                    return sent
        finally:
            self._let_go(file)

    def shutdown(self, number: int, how: int) -> None:
        """End one direction of the connection or both, for all its users; waiting ones are woken."""
        file = self.file(number)
        end = file.end
        end.shutdown(how)
        if isinstance(end, Listener) and end.over:  # on Linux it becomes an unconnected socket
            self.points.touch("the listeners", READ | WRITE)
            del self._listeners[end.address[1]]
            file.end = self.end(end.name)
            file.end.address = end.address

    def poll(self, number: int, writing: bool, until: float) -> bool:
        """Wait until the number can be read or written, or is closed; return False after `until`."""
        file = self.file(number)
        if not self.points.recording and self._ready(number, file, writing):
            return True
        file.holders += 1
        try:
            end = file.end
            what = _waiting_to("send to" if writing else "read from", end)
            if self.points.recording and number >= FIRST_DESCRIPTOR_OF_CLIENTS:  # nobody else closes it
                timeout = until - self.points.now
                needed = not writing and timeout > 0
                ready = (lambda: end.readable(needed)) if not writing else end.writable
                return self._wait(file, what, ready, timeout)
            while not self._ready(number, file, writing):
                if isinstance(end, End) and self._files.get(number) is file:
                    wakes = self._wakes(end, writing)
                else:
                    wakes = self._changed(end)
                if not self._wait(file, what, wakes, until - self.points.now):
                    return False
            return True
        finally:
            self._let_go(file)

    def _ready(self, number: int, before: OpenFile, writing: bool) -> bool:
        """Whether the number can be read or written; the file behind it may be another than before."""
        if self.recorded:
            self.points.touch((before.label, "descriptors"), READ)
        file = self._files.get(number)
        if file is not before:
            self.observe(number)
        return file is None or (file.end.writable() if writing else file.end.readable())

    def _wakes(self, end: End, writing: bool) -> Callable[[], bool]:
        """Return what wakes a thread in poll(): that it can go on, or that the connection's state changes."""
        ready, seen = end.writable if writing else end.readable, end.states
        return lambda: ready() or end.state_since(seen)

    def _changed(self, end: End | Listener) -> Callable[[], bool]:
        seen = end.changes
        if not self.recorded:
            return lambda: end.changes != seen
        end.changed_since(seen)
        return lambda: end.changed_since(seen)

    def _nonblocking(self, file: OpenFile) -> bool:
        if self.recorded:
            self.points.touch((file.label, "options"), READ)
        return file.nonblocking

    def _wait(self, file: OpenFile, what: str, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait; return whether it is ready. Without a timeout it always is."""
        if self.points.aborting:  # no thread is left to wait for
            raise failure(errno.ECONNABORTED)
        if not self.recorded:
            return self.points.point(what, ready, timeout)
        self.points.touch((file.label, "holders"), WRITE)
        try:
            return self.points.point(what, ready, timeout)
        finally:
            self.points.touch((file.label, "holders"), READ | WRITE)
