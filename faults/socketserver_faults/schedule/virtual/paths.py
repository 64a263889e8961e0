"""The paths of a run: what a program makes, changes and removes stays in memory, over the disk, which is only read.

Next: `files.py`.
"""

import errno
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from socketserver_faults.schedule.core.footprints import READ, WRITE, Touch
from socketserver_faults.schedule.core.namespace import NotModelled

AnyPath = str | bytes | os.PathLike[Any]


def failure(number: int, *paths: AnyPath) -> OSError:
    """Return the exception that Python raises for an error number and a path, or two."""
    return OSError(number, os.strerror(number), *[one for path in paths for one in (os.fspath(path), None)][:3])


class Paths:
    """See the module. Methods without a docstring do what those of `os` and `os.path` do."""

    def __init__(self, touch: Touch) -> None:
        self._touch = touch
        self._contents: dict[str, bytearray] = {}
        self._folders: set[str] = set()
        self._gone: set[str] = set()
        """What the program has removed; it may be on the disk."""

    def begin(self) -> None:
        """Begin a run."""
        self._contents.clear()
        self._folders.clear()
        self._gone.clear()

    def whole(self, path: AnyPath, how: int = READ) -> str:
        """Return the whole path, and note how it is touched."""
        whole = os.path.abspath(os.fsdecode(path))
        self._touch(("file", whole), how)
        return whole

    def in_memory(self, path: str) -> bool:
        """Whether a whole path is that of a file in memory, or of one that is no more."""
        return path in self._contents or path in self._gone

    def isfile(self, path: AnyPath) -> bool:
        whole = self.whole(path)
        return whole in self._contents or (whole not in self._gone and os.path.isfile(whole))

    def isdir(self, s: AnyPath) -> bool:
        whole = self.whole(s)
        return whole in self._folders or (whole not in self._gone and os.path.isdir(whole))

    def exists(self, path: AnyPath | int) -> bool:
        if isinstance(path, int):
            return os.path.exists(path)
        return self.isfile(path) or self.isdir(path)

    def getsize(self, filename: AnyPath) -> int:
        whole = self.whole(filename)
        if whole in self._gone:
            raise failure(errno.ENOENT, filename)
        return len(self._contents[whole]) if whole in self._contents else os.path.getsize(filename)

    def listdir(self, path: AnyPath = ".") -> list[str]:
        whole = self.whole(path)
        self._touch(("folder", whole), READ)
        if not self.isdir(path):
            raise failure(errno.ENOTDIR if self.isfile(path) else errno.ENOENT, path)
        there = os.listdir(whole) if os.path.isdir(whole) else []
        made = [os.path.basename(one) for one in (*self._contents, *self._folders) if os.path.dirname(one) == whole]
        return [one for one in dict.fromkeys([*there, *made]) if os.path.join(whole, one) not in self._gone]

    def mkdir(self, path: AnyPath, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        del mode, dir_fd
        if self.exists(path):
            raise failure(errno.EEXIST, path)
        self._folders.add(self._added(path))

    def makedirs(self, name: AnyPath, mode: int = 0o777, exist_ok: bool = False) -> None:
        outer = os.path.dirname(self.whole(name))
        if not self.exists(outer):
            self.makedirs(outer, mode, exist_ok=True)
        if not (exist_ok and self.isdir(name)):
            self.mkdir(name, mode)

    def remove(self, path: AnyPath, *, dir_fd: int | None = None) -> None:
        del dir_fd
        if not self.isfile(path):
            raise failure(errno.EISDIR if self.isdir(path) else errno.ENOENT, path)
        self._contents.pop(self._removed(path), None)

    def rmdir(self, path: AnyPath, *, dir_fd: int | None = None) -> None:
        del dir_fd
        if not self.isdir(path):
            raise failure(errno.ENOTDIR if self.isfile(path) else errno.ENOENT, path)
        if self.listdir(path):
            raise failure(errno.ENOTEMPTY, path)
        self._folders.discard(self._removed(path))

    def replace(
        self, src: AnyPath, dst: AnyPath, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        del src_dir_fd, dst_dir_fd
        if self.isdir(src):
            raise NotModelled("the scheduler does not model that a program renames a folder")
        if not self.isfile(src):
            raise failure(errno.ENOENT, src, dst)
        content = self.content(src, "r")
        self.remove(src)
        self._contents[self._added(dst)] = content

    def content(self, path: AnyPath, mode: str) -> bytearray:
        """Return the content of a path, which all open files share, made or emptied as the mode of open() says."""
        exists = self.exists(path)
        if "x" in mode and exists:
            raise failure(errno.EEXIST, path)
        if "r" in mode and not exists:
            raise failure(errno.ENOENT, path)
        if self.isdir(path):
            raise failure(errno.EISDIR, path)
        whole = self.whole(path)
        if whole not in self._contents:
            kept = bytearray(_read(whole) if exists and "w" not in mode else b"")
            self._contents[self._added(path)] = kept
        elif "w" in mode:
            self._contents[whole].clear()
        return self._contents[whole]

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions of `os`."""
        names = ("listdir", "mkdir", "makedirs", "remove", "rmdir", "replace")
        return {**{name: getattr(self, name) for name in names}, "unlink": self.remove, "rename": self.replace}

    def module(self) -> ModuleType:
        """Return the `os.path`."""
        module = ModuleType(os.path.__name__)
        names = ("exists", "isfile", "isdir", "getsize")
        vars(module).update(vars(os.path), **{name: getattr(self, name) for name in names}, lexists=self.exists)
        return module

    def _added(self, path: AnyPath) -> str:
        """Note that there is something at the path from now on."""
        whole = self._changed(path)
        self._gone.discard(whole)
        return whole

    def _removed(self, path: AnyPath) -> str:
        whole = self._changed(path)
        self._gone.add(whole)
        return whole

    def _changed(self, path: AnyPath) -> str:
        whole = self.whole(path, READ | WRITE)
        folder = os.path.dirname(whole)
        self._touch(("folder", folder), WRITE)
        if not self.isdir(folder):
            raise failure(errno.ENOENT, path)
        return whole


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
