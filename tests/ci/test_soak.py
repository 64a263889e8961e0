"""`make soak`: what a server loses or keeps is told. ci/targets runs it with the reference, in a short form."""

import importlib
import json
import shlex
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.address import Address
from tests.support.serving import ROOT, TIMEOUT

HERE = ROOT / "ci" / "soak"
SMALL = ["--seconds", "2", "--members", "20", "--rate", "50"]


@pytest.fixture
def soak(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(HERE)
    yield importlib.import_module("soak")
    for file in HERE.glob("*.py"):
        sys.modules.pop(file.stem, None)


def command(*words: str) -> list[str]:
    return ["--launch", f"{shlex.join([sys.executable, '-m', *words])} {{port}}"]


@pytest.mark.slow
def test_what_a_server_keeps_of_clients_is_told_and_all_rows_so_far_are_kept(
    soak: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "RELEASE_TIMEOUT", 0.5)
    file = tmp_path / "new" / "soak.json"
    keeping = command("socketserver_faults", "serve", "leaves-its-writer", "--quiet", "--port")
    assert soak.main([*SMALL, *keeping, "--json", str(file)]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("it holds more after ")
    assert "threads: " in last
    found = json.loads(file.read_text())
    assert [row["server"] for row in found["rows"]] == ["all it wants", "few descriptors"]
    assert "it holds more" in found["failure"]


@pytest.mark.slow
def test_a_chat_that_a_reset_breaks_loses_words_of_the_witness(
    soak: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.import_module("witness"), "WORD_TIMEOUT", 1.0)
    assert soak.main([*SMALL, *command("socketserver_faults.tutorial", "chat")]) == 1
    assert " of the witness: " in capsys.readouterr().out


def test_an_interrupt_keeps_what_was_found(
    soak: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def rows(_: object) -> Iterator[dict[str, Any]]:
        yield dict.fromkeys(soak.COLUMNS, 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(soak, "rows", rows)
    file = tmp_path / "soak.json"
    assert soak.main(["--json", str(file)]) == 130
    assert len(json.loads(file.read_text())["rows"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "interrupted: 1 visits, 1 words"


def test_a_server_that_cannot_be_launched_ends_it_with_2(soak: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--launch", "/no/such/program {port}"]) == 2
    assert "no/such/program" in capsys.readouterr().out.splitlines()[-1]


def served_by(answer: Callable[[bytes], bytes], soak: Any) -> str:
    """Let the witness speak to a room that delivers this in place of a word; return what the witness says of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        witness = soak.Witness(Address("tcp", *listener.getsockname()))
        members = [listener.accept()[0] for _ in range(2)]

        def deliver() -> None:
            number = 0
            with suppress(OSError):  # the witness has gone
                while word := members[number % 2].recv(1024):
                    for member in members:
                        member.sendall(answer(word) if number else b"ack" + word)
                    number += 1

        room = threading.Thread(target=deliver)
        room.start()
        witness.start()
        try:
            for _ in range(2):
                witness.hears_more()
            return str(witness.failure)
        finally:
            for member in members:
                member.shutdown(socket.SHUT_RDWR)
            witness.close()
            room.join()
            for member in members:
                member.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda word: b"ackhello" + b"ack" + word, ""),
        (lambda word: word, "in place of word 1 "),
        (lambda word: b"ack" + word.replace(b"1", b"7"), "ann has heard b'ack<00000007>' in place of word 1 "),
        (lambda word: (b"ack" + word) * 2, "in place of word 2 "),
    ],
    ids=["amid other words", "torn", "another", "twice"],
)
def test_the_witness_hears_each_word_once_whole_and_in_order(
    answer: Callable[[bytes], bytes], told: str, soak: Any
) -> None:
    failure = served_by(answer, soak)
    assert told in failure
    assert bool(told) == bool(failure)
