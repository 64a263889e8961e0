"""The `learn` command: a dialect on stdout, or one line that says why there is none."""

import html
import io
import re
import shlex
import signal
import sys
import textwrap
import tomllib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from socketserver_reference.address import Address, server_address
from socketserver_reference.cli import learn, learning
from socketserver_reference.cli.main import main
from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.driver import budget
from socketserver_reference.conformance.learn import chat as questions
from socketserver_reference.conformance.learn.dialect_writer import toml_value
from socketserver_reference.conformance.learn.propose import Proposal
from tests.support.checking import BARE_PYTHON, Lifeline, bad
from tests.support.planted import Planted
from tests.support.serving import serving, unserved

pytestmark = pytest.mark.usefixtures("quick_learning")


@pytest.mark.slow
def test_a_launched_server_is_learned_and_ended(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = f"{BARE_PYTHON} -m socketserver_reference serve chat --port {{port}}"
    file = tmp_path / "mine.toml"
    assert main(["learn", "chat", "--launch", command, "--output", str(file)]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert loader.load(file).stream
    assert f"next: socketserver-reference check chat --launch '{command}' --dialect {file}" in err
    assert "the server was at rest" in file.read_text()


@pytest.mark.slow
def test_a_running_server_is_learned_by_its_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with serving("chat", Address("tcp", "127.0.0.1")) as server:
        assert main(["learn", "chat", str(server_address(server)), "--timeout", "0.05"]) == 0
    out = capsys.readouterr().out
    assert loader.read(out, "learned", "learned").protocols == ("chat",)
    assert "Where nothing came: 0.05 s of silence" in re.sub(r"\n#\s+", " ", out)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["chat"], "name a server: an address such as tcp://127.0.0.1:10007, or --launch COMMAND"),
        (["chat", "udp://127.0.0.1:9"], "a chat needs connections"),
        (["echo", "nowhere"], "is not an address"),
        (["chat", "--launch", bad("hangs-up")], "nothing could be learned: a client that had not said anything got"),
        (["chat", "--launch", "no-such-program {port}"], "found no program 'no-such-program'"),
    ],
)
def test_what_cannot_be_learned_is_told_in_one_line(
    arguments: list[str], why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("socketserver-reference learn: ")
    assert why in line


def test_how_an_echo_that_takes_long_is_given_time_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "echo", "--launch", bad("silent"), "--timeout", "0.05"]) == 2
    assert capfd.readouterr().err.endswith("nor with a blank line; if it takes longer: --timeout SECONDS\n")


def test_an_address_where_no_server_is_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with unserved() as address:
        assert main(["learn", "echo", str(address)]) == 2
    assert f"nothing to check at {address}: connection refused" in capfd.readouterr().err


def test_a_server_that_dies_is_told_with_its_last_words(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import socket, sys; s = socket.create_server(('127.0.0.1', {port})); s.accept(); sys.exit('aah')"
    assert main(["learn", "chat", "--launch", f'{sys.executable} -c "{code}"']) == 2
    assert "the server ended with exit status 1, its last output: aah" in capfd.readouterr().err


def test_a_proposal_that_does_not_fit_is_printed_all_the_same_and_told(capfd: pytest.CaptureFixture[str]) -> None:
    code = textwrap.dedent(
        """
        import socketserver
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                while request := self.request.recv(1000):
                    self.request.sendall(request.hex().encode())
        socketserver.ThreadingTCPServer(('127.0.0.1', {port}), Echo).serve_forever()
        """
    )
    assert main(["learn", "echo", "--launch", f'{sys.executable} -c "{code}"']) == 2
    out, err = capfd.readouterr()
    assert "# transform = " in out
    assert "socketserver-reference learn: a conversation in the dialect that was learned does not fit" in err
    assert "\nLook at echo.transform: cannot tell" in err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_prints_what_was_found_and_ends_the_server(
    number: signal.Signals, lifeline: Lifeline, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(questions, "QUESTIONS", [replace(questions.QUESTIONS[-1], ask=interrupt)])
    code = "import runpy, sys; held = open(sys.argv.pop(1), 'w'); print('up', file=held, flush=True); "
    code += "runpy.run_module('socketserver_reference', run_name='__main__')"
    command = f"{sys.executable} -c {shlex.quote(code)} {lifeline.path} serve chat --port {{port}}"
    assert main(["learn", "chat", "--launch", command]) == 130
    lifeline.wait_for_the_end()
    out, err = capfd.readouterr()
    assert '\nprotocol = "chat"' in out
    assert '\n# word = ""' in out
    assert "learn: interrupted: the proposal has what was found until then" in err
    assert "Traceback" not in err


def test_the_page_has_what_was_learned_and_also_what_was_not(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page, file = tmp_path / "learned.html", tmp_path / "mine.toml"
    with serving("echo", Address("tcp", "127.0.0.1")) as server:
        command = ["learn", "echo", str(server_address(server)), "--timeout", "0.05", "--html", str(page)]
        assert main([*command, "--output", str(file)]) == 0
    told = page.read_text(encoding="utf-8")
    assert "The dialect was learned, and a conversation in it fits" in told
    assert "echo.transform" in told
    assert html.escape(file.read_text(), quote=False) in told
    assert f"--dialect {file}" in told
    assert main(["learn", "chat", "--launch", bad("hangs-up"), "--html", str(page)]) == 2
    told = page.read_text(encoding="utf-8")
    assert "Nothing could be learned: a client that had not said anything got" in told
    assert "how clients speak" in told
    capfd.readouterr()


def test_a_page_that_cannot_be_written_is_told_before_the_server_is_started(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn", "chat", "--launch", "no-such-program {port}", "--html", str(tmp_path)]) == 2
    assert f"cannot write {tmp_path}: Is a directory" in capfd.readouterr().err


def test_what_the_budget_leaves_out_is_told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(budget, "BEGINNING_SHARE", 0.0)
    with serving("chat", Address("tcp", "127.0.0.1")) as server:
        assert main(["learn", "chat", str(server_address(server)), "--budget", "60"]) == 2
    assert "no time was left after 0 framings: see --budget" in capfd.readouterr().err
    proposal = Proposal('protocol = "chat"\n', left_out={"no time was left": ["quit.word", "limits.members"]})
    monkeypatch.setattr(learning, "learn", lambda *_: proposal)
    assert main(["learn", "chat", "tcp://127.0.0.1:1"]) == 0
    assert "learn: not asked, since no time was left: quit.word, limits.members\n" in capfd.readouterr().err


def test_a_dialect_that_cannot_be_written_is_told(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving("echo", Address("udp", "127.0.0.1")) as server:
        assert main(["learn", "echo", str(server_address(server)), "--output", str(tmp_path)]) == 2
    assert f"--output {tmp_path}: cannot write: Is a directory" in capfd.readouterr().err


def test_what_may_be_a_bug_is_told_and_accepted_only_if_asked(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(Planted("ends-at-zero").target().start(1)) as site:
        assert main(["learn", "echo", str(site.address), "--timeout", "0.05"]) == 0
        out, err = capfd.readouterr()
        assert "may be a bug: NUL" in err
        assert '\n# handling = "cut-at-nul"' in out
        assert main(["learn", "echo", str(site.address), "--timeout", "0.05", "--accept", "bytes.handling"]) == 0
    assert '\nhandling = "cut-at-nul"' in capfd.readouterr().out


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "gr\xfc\xdf dich"), ("latin-1", r"gr\U000000fc\U000000df dich")]
)
def test_letters_are_shown_and_the_file_is_valid_whatever_the_terminal_shows(
    encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    greeting = "gr\xfc\xdf dich \u202e\x1b\n"
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding))
    learn._write(None, f"greeting = {toml_value(greeting)}\n")
    sys.stdout.flush()
    text = printed.getvalue().decode()
    assert shown in text
    assert text.strip().isprintable()
    assert tomllib.loads(text) == {"greeting": greeting}
