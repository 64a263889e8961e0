"""Servers that are hostile in frames: bounded time and memory, a clear verdict, nothing of theirs on a terminal."""

import contextlib
import itertools
import socketserver
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Connect, Say, join
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server
from tests.servers.dialects_served import Speaker

TIMEOUT = 0.3

LINES = """
protocol = "chat"
[framing]
in = "line"
[[handshake]]
wait = "Name? "
send = "{name}\\n"
[delivery]
template = "{sender}: {body}"
notices = ["* {any} has {any} come"]
prompts = ["> "]
"""
LENGTHS = 'protocol = "chat"\n[framing]\nin = "length"\nheader = "%9d"\n'
UNMARKED = 'protocol = "chat"\n[framing]\nin = "line"\nout = "none"\n[delivery]\ntemplate = "{sender}: {body}"\n'


def endlessly(data: bytes) -> Iterator[bytes]:
    return itertools.repeat(data)


HOSTILE: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "a line without end": (LINES, lambda: itertools.chain([b"Name? "], endlessly(b"a" * 65536))),
    "notices without end": (LINES, lambda: itertools.chain([b"Name? "], endlessly(b"* x has y come\n" * 1000))),
    "near notices without end": (LINES, lambda: itertools.chain([b"Name? "], endlessly(b"*  has " * 600 + b"\n"))),
    "prompts without end": (LINES, lambda: itertools.chain([b"Name? "], endlessly(b"> " * 1000))),
    "a handshake without end": (LINES, lambda: endlessly(b"Name " * 100)),
    "a handshake in drips": (LINES, lambda: endlessly(b"N")),
    "no handshake": (LINES, lambda: iter(())),
    "a length that lies": (LENGTHS, lambda: endlessly(b"999999999" + b"x" * 1000)),
    "a negative length": (LENGTHS, lambda: endlessly(b"      -12" + b"x" * 12)),
    "letters for a length": (LENGTHS, lambda: endlessly(b"ninechars" + b"x" * 12)),
    "no end of anything": (UNMARKED, lambda: endlessly(b"bob: said something " * 500)),
    "escapes for a label": (LINES, lambda: iter([b"Name? ", b"\x1b[31m\0<b>: nobody said this\n"])),
}


def served(dialect: Dialect, story: Callable[[], Iterator[bytes]]) -> InProcess:
    """Return a server that tells every client the story, as long as the client listens."""

    class Hostile(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                for data in story():
                    self.request.sendall(data)
                while self.request.recv(65536):
                    pass

    handler: Any = type("Hostile", (Hostile,), {"dialect": dialect})
    program = replace(PROGRAMS["echo"], connection_handler=handler)
    return InProcess(partial(make_server, program, Address("tcp", "127.0.0.1")))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name.endswith("without end") else []) for name in HOSTILE]
)
def test_a_hostile_server_gets_its_verdict_in_bounded_time(name: str) -> None:
    text, story = HOSTILE[name]
    dialect = read(text, "hostile", "hostile")
    session = open_session("chat", served(dialect, story), TIMEOUT, dialect)
    try:
        with pytest.raises((Violation, NotChecked)) as raised:
            session.play(*join("ann", "ben"), about="CHAT-2")
        seen = raised.value.violation if isinstance(raised.value, NotChecked) else raised.value
        assert isinstance(seen, Violation)
        lines = "\n".join(seen.lines())
        assert lines.isascii()
        assert "\x1b" not in lines
        assert len(lines) < 20_000
        assert seen.transcript is not None
        assert sum(len(getattr(entry, "data", b"")) for entry in seen.transcript.entries) < 40_000_000
    finally:
        session.close()


def test_labels_of_any_bytes_are_learned_and_shown_as_python_writes_them() -> None:
    dialect = read(LINES, "strange", "strange")

    class Strange(Speaker):
        def setup(self) -> None:
            super().setup()
            self.number = b"\x1b[31m\0" + self.number

    handler: Any = type("Strange", (Strange,), {"dialect": dialect})
    program = replace(PROGRAMS["chat"], connection_handler=handler)
    target = InProcess(partial(make_server, program, Address("tcp", "127.0.0.1")))
    session = open_session("chat", target, 5.0, dialect)
    try:
        transcript = session.play(Connect("ann"), Say("ann", b"hello"), *join("ben"), about="CHAT-2")
    finally:
        session.close()
    assert any(r"\x1b[31m\x00" in line for line in transcript.lines())
    assert "\x1b" not in "\n".join(transcript.lines())
