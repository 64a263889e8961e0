"""`make fuzz`: what should not happen is found, and told with its seed. ci/targets runs it, in a short form."""

import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as st

from socketserver_reference.address import Address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.results import known_file
from tests.support.serving import ROOT, connect_to

HERE = ROOT / "ci" / "fuzz"


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that imports a module of the folder."""
    monkeypatch.syspath_prepend(HERE)
    yield importlib.import_module
    for file in HERE.glob("*.py"):
        sys.modules.pop(file.stem, None)


@pytest.fixture
def run(fuzz: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that fuzzes with one function alone, and returns the exit status and the output."""

    def fuzz_with(kind: str, one: Any) -> tuple[int, str]:
        module = fuzz("fuzz")
        module.KINDS = {kind: {"mine": one}}
        return module.main(["--seconds", "1", "--only", kind]), capsys.readouterr().out

    return fuzz_with


def test_what_fails_is_cut_down_and_told_with_its_seed(run: Any) -> None:
    def fails_from_1000(data: st.DataObject) -> None:
        assert data.draw(st.integers(0)) < 1000

    status, out = run("readers", fails_from_1000)
    assert status == 1
    assert "Draw 1: 1000\n" in out
    assert out.endswith("readers, mine fails with --only readers --seed 0\n")


def test_an_interrupt_ends_it_in_one_line(run: Any) -> None:
    def is_interrupted(_: st.DataObject) -> None:
        raise KeyboardInterrupt

    assert run("readers", is_interrupted) == (130, "interrupted: nothing found in 0 rounds\n")


def test_a_reader_that_fails_as_none_should_is_found(run: Any, fuzz: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_file, "read", lambda file: file.read_bytes().decode())
    monkeypatch.setattr(known_file, "update", lambda *_: None)
    status, out = run("readers", fuzz("readers").READERS["known failures"])
    assert status == 1
    assert "UnicodeDecodeError" in out


@pytest.mark.parametrize(
    ("printed", "code"), [("Traceback (most recent call last):", 1), ("\x1b[31m", 0), ("fine", 3), ("two\nlines", 2)]
)
def test_a_command_that_prints_or_ends_as_none_should_is_found(fuzz: Any, printed: str, code: int) -> None:
    def command(_: object) -> int:
        print(printed, file=sys.stderr)
        return code

    with pytest.raises(AssertionError):
        fuzz("readers").ended([], command)


@pytest.mark.parametrize(
    ("method", "what"), [("receive", "is not served"), ("leaves", "the handler of"), ("finish", "threads are left")]
)
def test_a_server_that_fails_for_some_client_is_found(
    run: Any, fuzz: Any, monkeypatch: pytest.MonkeyPatch, method: str, what: str
) -> None:
    served = fuzz("served")
    monkeypatch.setattr(served, "TIMEOUT", 0.2)
    over = threading.Event()

    def receive(self: Any) -> bytes:
        return bytes(self.request.recv(4))  # and so "fence" comes in two chunks

    def leaves(_: object, chunk: bytes) -> bool:
        return chunk == b"" or chunk[0] / 1 == chunk.count(b"\0") / (1 - chunk.count(b"\0"))

    def finish(self: Any) -> None:
        self.server.leave(self.request)
        threading.Thread(target=over.wait, daemon=True).start()

    monkeypatch.setattr(ChatHandler, method, {"receive": receive, "leaves": leaves, "finish": finish}[method])
    try:
        status, out = run("served", served.SERVED["chat tcp threading"])
    finally:
        over.set()
    assert (status, what in out) == (1, True), out


@pytest.mark.parametrize(
    ("printed", "code"), [(b"Traceback (most recent call last):", 1), (b"\x1b[31m", 0), (b"killed", -9)]
)
def test_a_check_that_fails_as_none_should_is_found(
    run: Any, fuzz: Any, monkeypatch: pytest.MonkeyPatch, printed: bytes, code: int
) -> None:
    suite = fuzz("suite")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=printed, returncode=code))
    assert run("suite", suite.COMMANDS["check chat"])[0] == 1


def test_a_server_answers_as_was_drawn(fuzz: Any) -> None:

    suite = fuzz("suite")
    behaviour = suite.Behaviour(b"hi", [("room", b"ack"), ("upper", b""), ("end", b"")], joint=False)
    with suite.serving(behaviour) as port, connect_to(Address("tcp", "127.0.0.1", port)) as client:
        assert client.recv(2) == b"hi"
        client.send(b"one")
        assert client.recv(100) == b"ackone"
        client.send(b"two")
        assert client.recv(100) == b"TWO"
        client.send(b"three")
        assert client.recv(100) == b""
