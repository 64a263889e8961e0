"""Files of a run: those of sockets, whose locks the scheduler knows, and those that a program writes, kept in memory.

Next: `socket_object.py`.
"""

import io
import os
import socket
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from socketserver_faults.schedule.virtual.kernel import Points

_pyio: Any = import_module("_pyio")
"""The library's files in Python: their locks can be replaced."""


class FileLock:
    """The lock of a buffered file: a point only for a thread that must wait."""

    def __init__(self, points: Points) -> None:
        self._points = points
        self._held = False

    def __enter__(self) -> None:
        if self._held:
            self._points.point("waits for the file of its socket", lambda: not self._held)
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False

    def acquire(self, blocking: bool = True) -> bool:
        """Take the lock; return whether it was free."""
        if self._held and not blocking:
            return False
        self.__enter__()
        return True

    def release(self) -> None:
        """Release the lock."""
        self._held = False


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


class _Written(io.BytesIO):
    """A file in memory, whose content is kept when it is closed or flushed."""

    def __init__(self, content: bytes, keep: Callable[[bytes], None], at_end: bool) -> None:
        super().__init__(content)
        self._keep = keep
        self.seek(0, io.SEEK_END if at_end else io.SEEK_SET)

    def flush(self) -> None:
        self._keep(self.getvalue())

    def close(self) -> None:
        if not self.closed:
            self.flush()
        super().close()


class Files:
    """The open() of a virtual process: what is written is kept in memory, and forgotten when the run ends."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    def begin(self) -> None:
        """Begin a run."""
        self._content.clear()

    def open(self, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **keywords: Any) -> Any:
        """Open a file that exists for reading, or one in memory."""
        path = file if isinstance(file, int) else os.path.abspath(os.fsdecode(file))
        writes = bool(set(mode) & set("wax+"))
        if isinstance(path, int) or not (writes or path in self._content):
            return open(file, mode, buffering, *rest, **keywords)
        exists = path in self._content or os.path.exists(path)
        if "x" in mode and exists:
            raise FileExistsError(17, os.strerror(17), file)
        content = b""
        if "w" not in mode and exists:
            content = self._content[path] if path in self._content else _read(path)
        elif "r" in mode:
            raise FileNotFoundError(2, os.strerror(2), file)

        def keep(written: bytes) -> None:
            self._content[path] = written

        opened = _Written(content, keep if writes else lambda _: None, "a" in mode)
        if writes:
            keep(content)
        if "b" in mode:
            return opened
        return io.TextIOWrapper(opened, *rest, **{"write_through": True, **keywords})


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
