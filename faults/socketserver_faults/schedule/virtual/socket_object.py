"""Python's side of a virtual socket: the object, with its number, its timeout and its methods.

    socket object  -->  descriptor, a number  -->  open file  -->  connection

The object has a number until it is closed or detached; then each operation fails with EBADF, because -1 is no
descriptor. With a timeout an operation is two system calls, poll() and the operation itself. Each reads the object's
number, so the socket may be closed between them. Without a timeout it is one call.

Every operation that another thread could notice is a point before it acts, and another point if it must wait. To set
an option or a timeout is none: only the next operation shows its effect.

`makefile()` returns files of the library's own classes, with locks of the scheduler.

Next: `network.py`.
"""

import errno
import socket
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from socketserver_faults.schedule.core.footprints import READ, WRITE
from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.virtual import options
from socketserver_faults.schedule.virtual.connection import BOTH, SocketAddress, failure
from socketserver_faults.schedule.virtual.descriptors import FIRST_DESCRIPTOR, FIRST_DESCRIPTOR_OF_CLIENTS, OpenFile
from socketserver_faults.schedule.virtual.files import socket_file
from socketserver_faults.schedule.virtual.kernel import Kernel
from socketserver_faults.schedule.virtual.other_sockets import OtherSocket, refusal

Data = bytes | bytearray | memoryview

MAX_NOTED_BYTES = 16
"""Most bytes that a story shows of one send, or read; the exchange beside it has more."""

DONT_WAIT, NO_SIGNAL, PEEK = int(socket.MSG_DONTWAIT), int(socket.MSG_NOSIGNAL), int(socket.MSG_PEEK)

SHUTS = {
    socket.SHUT_RD: "stops reading from",
    socket.SHUT_WR: "sends end of stream to",
    socket.SHUT_RDWR: "hangs up on",
}


class VirtualMachine(Protocol):
    """The virtual machine of a class of sockets."""

    kernel: Kernel
    """That of the current run."""

    socket: "type[Socket]"
    """The class of what accept() returns, even if a program has one of its own that listens."""


class Socket:
    """See the module. Methods without a docstring do what those of `socket.socket` do."""

    machine: ClassVar[VirtualMachine]
    of_client: ClassVar[bool] = False
    family: int = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = 0

    def __new__(cls, family: int = -1, type: int = -1, proto: int = -1, *_: Any, **__: Any) -> Any:
        """Make another kind of socket if this is not one of TCP. A class of a program may take other arguments."""
        why = refusal(family, type, proto) if cls.__module__ == socket.__name__ else ""
        return OtherSocket(why, type, cls.machine.kernel.free_address) if why else object.__new__(cls)

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        """Make a socket that is not connected, or one for an existing descriptor."""
        if why := refusal(family, type, proto):
            raise NotModelled(why)
        self.proto = socket.IPPROTO_TCP if fileno is not None and proto < 0 else max(proto, 0)
        self.kernel = self.machine.kernel
        if family == socket.AF_INET6:
            self.family = family
        of_client = self.of_client and self.kernel.points.recording  # then they must not share numbers with the program
        self.serial = self.kernel.next_serial(of_client)
        self._label = self.kernel.points.label()
        self._timeout: float | None = None
        self._closed = False
        self._io_refs = 0
        if fileno is None:
            file = OpenFile(self.kernel.end(f"socket {self.serial}"), self.kernel.points.label())
            fileno = self.kernel.open(file, FIRST_DESCRIPTOR_OF_CLIENTS if of_client else FIRST_DESCRIPTOR)
        self._number = fileno
        self.name = self._file.end.name
        """The story's name for the other end."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if hasattr(socket.socket, name):
                raise NotModelled(f"virtual sockets have no {name}")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __del__(self) -> None:
        number = vars(self).get("_number", -1)
        if number >= 0 and not (self.kernel.over or self.kernel.points.aborting):
            self.kernel.forget(number)

    def __hash__(self) -> int:
        """Return the serial number, so that a set of sockets has the same order on every replay."""
        return self.serial

    __repr__ = socket.socket.__repr__  # of what both have: a program may show it, or tell sockets apart by it

    # Descriptor

    @property
    def _file(self) -> OpenFile:
        return self.kernel.file(self._descriptor())

    def _touch(self, how: int) -> None:
        if self.kernel.recorded and not self.kernel.over:
            self.kernel.points.touch(self._label, how)

    def _descriptor(self) -> int:
        if self.kernel.recorded:
            self._touch(READ)
        return self._number

    def fileno(self) -> int:
        self.kernel.observe(self._number)
        return self._descriptor()

    def detach(self) -> int:
        self.kernel.observe(self._number)
        return self._detach()

    def _detach(self) -> int:
        self._touch(READ | WRITE)
        self._closed = True
        number, self._number = self._number, -1
        return number

    def dup(self) -> Self:
        other = type(self)(self.family, self.type, self.proto, self.kernel.open(self._file))
        other.settimeout(self._timeout)
        return other

    def close(self) -> None:
        self._touch(READ | WRITE)
        self._closed = True
        if self._io_refs <= 0:
            self._real_close()

    def _decref_socketios(self) -> None:
        """Count down the files of makefile(), which call this; the last one completes close()."""
        self._touch(READ | WRITE)
        self._io_refs -= 1
        if self._closed:
            self.close()

    def _real_close(self) -> None:
        if self._descriptor() >= 0:
            self._point(f"closes {self.kernel.called(self._descriptor())}")
        number = self._detach()
        if number >= 0:
            self.kernel.close(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def makefile(self, *arguments: Any, **keywords: Any) -> Any:
        return socket_file(self.kernel.points, self, *arguments, **keywords)

    # Reading and writing

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        if bufsize < 0:
            raise ValueError("negative buffersize in recv")
        return self._recv(bufsize, flags)

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, None]:
        return self.recv(bufsize, flags), None  # the address is that of datagrams

    def recv_into(self, buffer: bytearray | memoryview, nbytes: int = 0, flags: int = 0) -> int:
        with memoryview(buffer) as view, view.cast("B") as target:
            if nbytes < 0:
                raise ValueError("negative buffersize in recv_into")
            if nbytes > len(target):
                raise ValueError("buffer too small for requested bytes")
            data = self._recv(nbytes or len(target), flags)
            target[: len(data)] = data
            return len(data)

    def _recv(self, size: int, flags: int) -> bytes:
        dont_wait = self._flags(flags, PEEK)
        if not size:  # Python makes no system call
            return b""
        self._point(f"reads from {self.name}")
        self._poll(writing=False)
        return self.kernel.recv(self._descriptor(), size, bool(flags and int(flags) & PEEK), dont_wait)

    def send(self, data: Data, flags: int = 0) -> int:
        dont_wait, content = self._flags(flags), bytes(data)
        self._point_to_send(content)
        return self._send(content, dont_wait, self._until())

    def sendall(self, data: Data, flags: int = 0) -> None:
        dont_wait, content = self._flags(flags), bytes(data)
        self._point_to_send(content)
        until = self._until()
        sent = self._send(content, dont_wait, until)
        while sent < len(content):
            sent += self._send(content[sent:], dont_wait, until)

    def _send(self, content: bytes, dont_wait: bool, until: float) -> int:
        self._poll(writing=True, until=until)
        return self.kernel.send(self._descriptor(), content, dont_wait)

    def shutdown(self, how: int) -> None:
        self._point(f"{SHUTS.get(how, 'shuts down')} {self.name}")
        if how not in SHUTS:
            self._file  # noqa: B018 - EBADF comes before EINVAL
            raise failure(errno.EINVAL)
        self.kernel.shutdown(self._descriptor(), (how + 1) & BOTH)

    # Connecting

    def bind(self, address: SocketAddress) -> None:
        self.kernel.bind(self._descriptor(), address[:2])

    def listen(self, backlog: int = socket.SOMAXCONN) -> None:
        self.kernel.listen(self._descriptor(), backlog)

    def accept(self) -> "tuple[Socket, Any]":
        self._point(f"accepts a connection to {self.name}")
        self._poll(writing=False)
        number, end = self.kernel.accept(self._descriptor())
        return self.machine.socket(self.family, self.type, self.proto, number), self._address(end.peer.address)

    def connect(self, address: SocketAddress, name: str = "") -> None:
        """Connect; `name`, which real sockets do not take, is this client's name in the story."""
        self._point(f"connects to {self.kernel.who_listens(address[:2])}")
        self.name = self.kernel.connect(self._descriptor(), address[:2], self._timeout, name).name

    def getsockname(self) -> Any:
        return self._address(self._file.end.address)

    def getpeername(self) -> Any:
        return self._address(self._file.end.peer_address())

    def _address(self, address: SocketAddress) -> Any:
        """Return an address in the form of the family."""
        if self.family == socket.AF_INET:
            return address
        return {"0.0.0.0": "::", "127.0.0.1": "::1"}.get(address[0], address[0]), address[1], 0, 0

    # Options

    def settimeout(self, value: float | None) -> None:
        if value is not None and value < 0:
            raise ValueError("Timeout value out of range")
        self._touch_options(WRITE)
        self._timeout = value  # even if the socket is closed
        self.kernel.points.touch((self._file.label, "options"), WRITE)
        self._file.nonblocking = value is not None

    def _touch_options(self, how: int) -> None:
        if self.kernel.recorded:
            self.kernel.points.touch((self._label, "options"), how)

    def gettimeout(self) -> float | None:
        self._touch_options(READ)
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        self.settimeout(None if flag else 0.0)

    def getblocking(self) -> bool:
        return self.gettimeout() != 0.0

    def setsockopt(self, level: int, option: int, value: int | Data) -> None:
        self.kernel.points.touch((self._file.label, "options"), READ | WRITE)
        options.change(self._file, level, option, value if isinstance(value, int) else bytes(value))

    def getsockopt(self, level: int, option: int, buflen: int = 0) -> int | bytes:
        self.kernel.points.touch((self._file.label, "options"), READ)
        value = options.value(self._file, level, option)
        return value[:buflen] if buflen else options.as_int(value)

    # Within

    def _flags(self, flags: int, *others: int) -> bool:
        """Return whether MSG_DONTWAIT is set. MSG_NOSIGNAL has no effect: Python ignores that signal."""
        if not flags:
            return False
        number = int(flags)  # those of the library are slow
        unknown = number & ~(DONT_WAIT | NO_SIGNAL | sum(others))
        if unknown:
            raise NotModelled(f"virtual sockets have no {socket.MsgFlag(unknown).name or hex(unknown)} here")
        return bool(number & DONT_WAIT)

    def _point(self, what: str) -> None:
        kernel = self.kernel
        if not (kernel.points.aborting or kernel.over):
            kernel.points.point(what)

    def _point_to_send(self, content: bytes) -> None:
        shown = f"{content!r}" if len(content) <= MAX_NOTED_BYTES else f"{content[:MAX_NOTED_BYTES]!r}.."
        self._point(f"sends {shown} to {self.name}")

    def _until(self) -> float:
        self._touch_options(READ)
        return self.kernel.points.now + self._timeout if self._timeout else 0.0

    def _poll(self, *, writing: bool, until: float | None = None) -> None:
        """With a timeout, Python makes a system call only after poll() has reported that it will not wait."""
        self._touch_options(READ)
        if self._timeout:
            until = self._until() if until is None else until
            if not self.kernel.poll(self._descriptor(), writing, until):
                raise TimeoutError("timed out")
