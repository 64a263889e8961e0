"""Files of a run: those of sockets, whose locks the scheduler knows, and those that a program writes, kept in memory.

Next: `socket_object.py`.
"""

import io
import os
import socket
from importlib import import_module
from typing import Any, cast

from socketserver_faults.schedule.core.footprints import NEEDS, OPENS, READ, WRITE, Touch
from socketserver_faults.schedule.virtual.descriptors import Points
from socketserver_faults.schedule.virtual.paths import Paths

_pyio: Any = import_module("_pyio")
"""The library's files in Python: their locks can be replaced."""


class FileLock:
    """The lock of a buffered file: a point only for a thread that must wait."""

    def __init__(self, points: Points) -> None:
        self._points = points
        self._label = points.label()
        self._held = False

    def _is_free(self) -> bool:
        self._points.touch(self._label, READ | NEEDS)
        return not self._held

    def __enter__(self) -> None:
        if not self._is_free():
            self._points.point("waits for the file of its socket", self._is_free)
        self._points.touch(self._label, WRITE)
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._points.touch(self._label, WRITE | OPENS)
        self._held = False

    def acquire(self, blocking: bool = True) -> bool:
        """Take the lock; return whether it was free."""
        if self._held and not blocking:
            return False
        self.__enter__()
        return True

    def release(self) -> None:
        """Release the lock."""
        self.__exit__()


def socket_file(
    points: Points,
    sock: Any,
    mode: str = "r",
    buffering: int | None = None,
    *,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
) -> Any:
    """Return what makefile() returns, of the library's own classes in Python, with locks of the scheduler."""
    if not set(mode) <= {"r", "w", "b"}:
        raise ValueError(f"invalid mode {mode!r} (only r, w, b allowed)")
    reading, writing = "r" in mode or "w" not in mode, "w" in mode
    raw = socket.SocketIO(cast(socket.socket, sock), "r" * reading + "w" * writing)  # type: ignore[arg-type]
    sock._touch(READ | WRITE)
    sock._io_refs += 1
    size = io.DEFAULT_BUFFER_SIZE if buffering is None or buffering < 0 else buffering
    if not size:
        if "b" not in mode:
            raise ValueError("unbuffered streams must be binary")
        return raw
    kind = _pyio.BufferedRWPair if reading and writing else _pyio.BufferedReader if reading else _pyio.BufferedWriter
    buffered: Any = kind(raw, raw, size) if reading and writing else kind(raw, size)
    for one in (buffered, getattr(buffered, "reader", None), getattr(buffered, "writer", None)):
        for name in ("_read_lock", "_write_lock"):
            if hasattr(one, name):
                setattr(one, name, FileLock(points))
    if "b" in mode:
        return buffered
    text = _pyio.TextIOWrapper(buffered, encoding, errors, newline)
    text.mode = mode
    return text


class _MemoryFile(io.RawIOBase):
    """One open file in memory: a position of its own in the content, which all open files of a path share."""

    def __init__(self, path: str, mode: str, content: bytearray, touch: Touch) -> None:
        self._touch = touch
        self.name, self.mode = path, mode
        self._content = content
        self._position = 0
        self._reads, self._writes = "r" in mode or "+" in mode, "r" not in mode or "+" in mode

    def readable(self) -> bool:
        return self._reads

    def writable(self) -> bool:
        return self._writes

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._touch(("file", self.name), READ)
        read = self._content[self._position : self._position + len(buffer)]
        buffer[: len(read)] = read
        self._position += len(read)
        return len(read)

    def write(self, data: Any) -> int:
        self._touch(("file", self.name), READ | WRITE)
        if "a" in self.mode:
            self._position = len(self._content)
        self._content.extend(bytes(max(0, self._position - len(self._content))))
        end = self._position + len(data)
        self._content[self._position : end] = data
        self._position = end
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._touch(("file", self.name), READ)
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._content)}[whence]
        if origin + offset < 0:
            raise OSError(22, os.strerror(22))
        self._position = origin + offset
        return self._position

    def truncate(self, size: int | None = None) -> int:
        self._touch(("file", self.name), READ | WRITE)
        size = self._position if size is None else size
        self._content[size:] = bytes(max(0, size - len(self._content)))  # cut off, or zeros added
        return size


class Files:
    """The open() of a virtual process: what is written is kept in memory, and forgotten when the run ends."""

    def __init__(self, touch: Touch) -> None:
        self._touch = touch
        self.paths = Paths(touch)

    def begin(self) -> None:
        """Begin a run."""
        self.paths.begin()

    def open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        **keywords: Any,
    ) -> Any:
        """Open a file that exists for reading, or one in memory."""
        writes = bool(set(mode) & set("wax+"))
        path = file if isinstance(file, int) else self.paths.whole(file, READ | WRITE * writes)
        if isinstance(path, int) or not (writes or self.paths.in_memory(path)):
            return open(file, mode, buffering, encoding, errors, newline, **keywords)
        raw = _MemoryFile(path, mode, self.paths.content(file, mode), self._touch)
        if buffering == 0:
            if "b" not in mode:
                raise ValueError("can't have unbuffered text I/O")
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedWriter if writes else io.BufferedReader
        buffered = kind(raw, buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
        if "a" in mode:
            buffered.seek(0, io.SEEK_END)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, encoding, errors, newline, line_buffering=buffering == 1)
