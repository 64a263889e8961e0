"""A file that is written all at once."""

import os
from pathlib import Path

import pytest

from socketserver_reference.conformance.results import output_file


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "file"
    output_file.write(file, b"one")
    assert file.stat().st_mode & 0o777 == 0o644
    file.chmod(0o600)
    output_file.write(file, b"two")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_no_regular_file_is_written_as_it_is(tmp_path: Path) -> None:
    output_file.write(Path(os.devnull), b"gone")
    assert not Path(os.devnull).is_file()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    output_file.write(fifo, b"through")
    assert os.read(reading, 100) == b"through"
    os.close(reading)


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        output_file.write(tmp_path / "file", b"one")
    assert list(tmp_path.iterdir()) == []
