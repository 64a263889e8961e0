"""Files in memory behave as real ones do: the same calls have the same results."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.virtual.chance import Chance
from socketserver_faults.schedule.virtual.files import Files
from socketserver_faults.schedule.virtual.process import Os


def results(open: Callable[..., Any], path: Path) -> Iterator[object]:
    """Yield what calls on files of a folder return."""

    def content(name: str) -> bytes:
        with open(path / name, "rb") as file:
            return bytes(file.read())

    with open(path / "log", "a") as one, open(path / "log", "a") as other:
        for file, text in ((one, "a"), (other, "b"), (one, "c")):
            yield file.write(text)
            file.flush()
        other.write("not yet")
        yield content("log"), one.tell()
    yield content("log")
    with open(path / "log", "r+b") as file, open(path / "log", "rb", 0) as raw:
        yield file.seek(-3, io.SEEK_END), file.read(2), file.seek(1, io.SEEK_CUR), file.tell()
        yield file.write(b"past the end"), file.seek(1), file.write(b"BB"), file.flush()
        yield raw.read(5), raw.read(), raw.read(1), raw.readable(), raw.writable(), raw.seekable()
        with pytest.raises(OSError, match="Invalid argument"):
            raw.seek(-1)
        yield file.truncate(3), file.truncate(5), file.seek(10), file.write(b"x")
    yield content("log")
    with open(path / "lines", "w+", 1, newline="\r\n", encoding="latin-1") as file:
        yield file.write("\xe9\n"), content("lines"), file.seek(0), file.readline(), content("lines")
    with open(path / "lines", "w"), contextlib.suppress(UnicodeDecodeError):
        yield content("lines")
    for name, mode, buffering in (("lines", "x", -1), ("none", "r+", -1), ("none", "r", -1), ("lines", "w", 0)):
        with pytest.raises((OSError, ValueError)) as failed:
            open(path / name, mode, buffering)
        yield type(failed.value), str(failed.value).replace(str(path), "")
    with open(path / "made", "xb", 0) as file:
        yield file.write(b"made"), content("made")


def test_files_in_memory_behave_as_real_ones_do(tmp_path: Path) -> None:
    real, none = tmp_path / "real", tmp_path / "none"
    real.mkdir()
    none.mkdir()
    files = Files(lambda *_: None)
    assert list(results(files.open, none)) == list(results(open, real))
    assert os.listdir(none) == []
    (none / "lines").write_bytes(b"of the disk")
    with files.open(none / "lines", "a") as file:
        file.write("!")
    assert files.open(none / "lines").read() == "!"
    files.begin()
    assert files.open(none / "lines", "r+").read() == "of the disk"


def outcomes(open: Callable[..., Any], system: Any, folder: Path) -> Iterator[object]:
    """Yield what calls on files and folders return or raise, without the folder's name."""
    path = system.path
    for call, *names in (
        (path.exists, ""),
        (path.isdir, ""),
        (system.mkdir, "logs"),
        (system.mkdir, "logs"),
        (system.mkdir, "none/logs"),
        (lambda path: open(path, "w"), "none/file"),
        (lambda path: open(path, "w"), "logs"),
        (path.isdir, "logs"),
        (path.isfile, "logs"),
        (system.makedirs, "logs/2026/11"),
        (system.makedirs, "logs/2026/11"),
        (lambda name: system.makedirs(name, exist_ok=True), "logs/2026/11"),
        (system.listdir, "logs"),
        (system.rmdir, "logs"),
        (system.rmdir, "logs/2026/11"),
        (path.exists, "logs/2026/11"),
        (path.getsize, "users"),
        (system.rename, "users", "logs/users"),
        (system.listdir, ""),
        (system.listdir, "logs/users"),
        (system.listdir, "none"),
        (path.getsize, "logs/users"),
        (path.getsize, "users"),
        (system.replace, "users", "none"),
        (system.remove, "logs"),
        (system.remove, "none"),
        (system.rmdir, "logs/users"),
        (system.remove, "logs/users"),
        (system.unlink, "logs/users"),
        (path.lexists, "logs/users"),
        (lambda path: open(path, "w").close(), "logs/users"),
        (system.listdir, "logs"),
        (system.remove, "logs/users"),
        (system.listdir, "logs"),
        (open, "users"),
        (lambda path: open(path, "r+"), "users"),
        (system.mkdir, "users"),
    ):
        try:
            found = call(*(folder / name for name in names))
            yield sorted(found) if isinstance(found, list) else found
        except OSError as error:
            yield type(error).__name__, str(error).replace(str(folder), "")


def test_what_a_program_does_to_files_and_folders_stays_in_memory(tmp_path: Path) -> None:
    real, kept = tmp_path / "real", tmp_path / "kept"
    for folder in (real, kept):
        folder.mkdir()
        (folder / "users").write_bytes(b"ann")
    files = Files(lambda *_: None)
    system = Os(lambda: None, Chance(lambda *_: None), files.paths, lambda *_: None)  # type: ignore[arg-type, return-value]
    assert list(outcomes(files.open, system, kept)) == list(outcomes(open, os, real))
    assert os.listdir(kept) == ["users"]
    assert system.path.exists(1) == os.path.exists(1)
    files.begin()
    assert system.path.isfile(kept / "users")
    with pytest.raises(NotModelled, match="renames a folder"):
        system.rename(kept, real)
