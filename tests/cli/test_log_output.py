"""The log of a server: no handler waits for it, what it costs is bounded, and its numbers add up."""

import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from socketserver_faults.cli.main import main as faults_main
from socketserver_reference.address import Address
from socketserver_reference.cli.log_handler import MAX_QUEUED_LINES
from socketserver_reference.cli.main import main
from socketserver_reference.echo import MAX_LOGGED_BYTES, brief
from tests.support.log_pipes import LEFT_OUT, Pipe, accounted
from tests.support.serving import LOOPBACK, TIMEOUT, connect, connect_to, read, read_to_end, serving, somewhere

# Servers in processes of their own, that log to a pipe


@contextmanager
def served(pipe: Pipe, *command: str) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    """Run a command that serves."""
    line = (sys.executable, "-m", *command)
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=pipe.entrance, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, Address.parse(process.stdout.readline().strip())
        finally:
            process.kill()


def stop(process: subprocess.Popen[str]) -> int:
    """Stop a server by a signal; return its exit status."""
    process.send_signal(signal.SIGTERM)
    return process.wait(TIMEOUT)


def say(speaker: socket.socket, utterance: bytes, *hearers: socket.socket) -> None:
    """Let a member speak, and all who are there hear it."""
    speaker.sendall(utterance)
    for hearer in hearers:
        assert read(hearer, len(utterance) + 3) == b"ack" + utterance


def join_two(address: Address) -> tuple[socket.socket, socket.socket]:
    """Return two members; 2 lines are logged about that, and 2 about what they said."""
    anna = connect_to(address)
    say(anna, b"anna", anna)
    bert = connect_to(address)
    say(bert, b"bert", bert, anna)
    return anna, bert


CHATS = {
    "chat": ("socketserver_reference", "serve", "chat", "--port", "0"),
    "overthreaded": ("socketserver_reference", "serve", "overthreaded", "--port", "0"),
    "a fault": ("socketserver_faults", "serve", "quits-in-any-case", "--port", "0"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", CHATS.values(), ids=CHATS)
def test_members_talk_although_the_log_is_not_read_and_a_signal_ends_the_server(
    command: tuple[str, ...], pipe: Pipe
) -> None:
    pipe.fill()
    with served(pipe, *command) as (process, address):
        anna, bert = join_two(address)
        with anna, bert:
            for number in range(1000):
                say(anna, b"a%d" % number, anna, bert)
                say(bert, b"b%d" % number, anna, bert)
            assert stop(process) == 0
            assert read_to_end(anna) == read_to_end(bert) == b""


def test_the_chat_of_the_note_talks_although_its_log_is_not_read(pipe: Pipe) -> None:
    pipe.fill()
    with served(pipe, "socketserver_faults.tutorial", "chat", "0") as (_, address), connect_to(address) as anna:
        for number in range(100):
            say(anna, b"%d" % number, anna)


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", ["sync", "threading", "forking"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_echo_replies_although_its_log_is_not_read(transport: str, concurrency: str, pipe: Pipe) -> None:
    pipe.fill()
    echo = ("echo", "--transport", transport, "--concurrency", concurrency, "--port", "0")
    with served(pipe, "socketserver_reference", "serve", *echo) as (process, address):
        for number in range(40 if concurrency == "forking" else 500):
            with connect_to(address) as client:
                client.send(b"a%d" % number)
                assert client.recv(100) == b"A%d" % number
        assert stop(process) == 0


@pytest.mark.slow
def test_two_thousand_datagrams_of_one_client_are_answered_although_the_log_is_not_read(pipe: Pipe) -> None:
    pipe.fill()
    echo = ("socketserver_reference", "serve", "echo", "--transport", "udp", "--port", "0")
    with served(pipe, *echo) as (process, address), connect_to(address) as client:
        for number in range(2000):
            client.send(b"a%d" % number)
            assert client.recv(100) == b"A%d" % number
        assert stop(process) == 0


@pytest.mark.slow
def test_the_proxy_forwards_although_its_log_is_not_read(pipe: Pipe) -> None:
    pipe.fill()
    with serving("echo", LOOPBACK) as server:
        target = "tcp://{}:{}".format(*server.server_address)
        with served(pipe, "socketserver_faults", "proxy", "tcp://127.0.0.1:0", target) as (process, address):
            for _ in range(10):
                with connect_to(address) as client:
                    client.sendall(b"hello")
                    assert read_to_end(client) == b"HELLO"
            assert stop(process) == 0


def test_lines_logged_while_the_pipe_is_full_are_written_or_counted_once_it_is_read_again(pipe: Pipe) -> None:
    pipe.fill()
    with served(pipe, *CHATS["chat"]) as (process, address):
        anna, bert = join_two(address)
        with anna, bert:
            for number in range(MAX_QUEUED_LINES):
                say(anna, b"a%d" % number, anna, bert)
                say(bert, b"b%d" % number, anna, bert)
            for client in (anna, bert):
                client.sendall(b"quit")  # whose end of stream comes when all is logged
                assert read_to_end(client) == b""
        logged = 4 + 2 * MAX_QUEUED_LINES + 4
        text = pipe.read_until(logged)
        assert stop(process) == 0
        text += pipe.read_all()
    assert accounted(text) == logged
    assert LEFT_OUT.search(text)
    assert text.lstrip().partition("\n")[0].endswith(" joined")  # the earliest are kept


def test_what_was_logged_before_a_signal_is_not_lost_with_it(pipe: Pipe) -> None:
    with served(pipe, *CHATS["chat"]) as (process, address):
        anna, bert = join_two(address)
        with anna, bert:
            assert stop(process) == 0
    text = pipe.read_all()
    assert text.count(" joined\n") == text.count(" left\n") == 2
    assert text.count(" said b'anna'\n") == 1


def test_a_reader_that_goes_away_ends_the_log_and_nothing_else(pipe: Pipe) -> None:
    pipe.leave()
    with served(pipe, *CHATS["chat"]) as (process, address):
        anna, bert = join_two(address)
        with anna, bert:
            for number in range(100):
                say(anna, b"%d" % number, anna, bert)
            assert stop(process) == 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_forking_server_logs_from_its_children(transport: str, pipe: Pipe) -> None:
    echo = ("echo", "--transport", transport, "--concurrency", "forking", "--port", "0")
    with served(pipe, "socketserver_reference", "serve", *echo) as (process, address):
        for _ in range(3):
            with connect_to(address) as client:
                client.send(b"hello")
                assert client.recv(100) == b"HELLO"
        assert stop(process) == 0
    text = pipe.read_all()
    assert text.count(" MainThread ('127.0.0.1', ") == text.count(" wrote b'hello'\n") == 3


# What is logged


@pytest.mark.parametrize(
    ("words", "logged"),
    [
        ((), 4),
        (("--log-level", "debug"), 4),
        (("--log-level", "info"), 4),
        (("--log-level", "warning"), 0),
        (("--quiet",), 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_options_say_what_is_logged(words: tuple[str, ...], logged: int, pipe: Pipe) -> None:
    with served(pipe, *CHATS["chat"], *words) as (process, address), connect_to(address) as anna:
        say(anna, b"hi", anna)
        anna.sendall(b"quit")
        assert read_to_end(anna) == b""
        text = pipe.read_until(logged)
        assert stop(process) == 0
    assert accounted(text + pipe.read_all()) == logged


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--log-level", "loud"), "argument --log-level: invalid choice: 'loud'"),
        (("--log-level", "INFO"), "argument --log-level: invalid choice: 'INFO'"),
        (("--log-level",), "argument --log-level: expected one argument"),
        (("--quiet", "--log-level", "debug"), "argument --log-level: not allowed with argument --quiet"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize(
    ("run", "command"),
    [
        (main, ("serve", "chat")),
        (faults_main, ("serve", "greets")),
        (faults_main, ("proxy", "tcp://127.0.0.1:0", "tcp://127.0.0.1:1")),
    ],
    ids=["serve", "faults serve", "faults proxy"],
)
def test_what_cannot_be_a_level_is_refused_in_one_line(
    run: Callable[[list[str]], int],
    command: tuple[str, ...],
    words: tuple[str, ...],
    what: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run([*command, *words])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1


def test_what_is_long_is_shown_by_its_beginning_and_its_length() -> None:
    assert brief(b"\x00\xffhi'\n") == repr(b"\x00\xffhi'\n")
    assert brief(b"x" * MAX_LOGGED_BYTES) == f"b'{'x' * MAX_LOGGED_BYTES}'"
    assert brief(b"x" * (MAX_LOGGED_BYTES + 1)) == f"b'{'x' * MAX_LOGGED_BYTES}'... ({MAX_LOGGED_BYTES + 1} bytes)"


@pytest.mark.parametrize(
    ("program", "transport", "size", "verb"),
    [("chat", "tcp", 1024, "said"), ("echo", "tcp", 1024, "wrote"), ("echo", "udp", 8192, "wrote")],
)
def test_of_what_a_client_sends_the_log_has_the_beginning_and_the_length(
    program: str, transport: str, size: int, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(program, Address(transport, host="127.0.0.1")) as server, connect(server) as client:
        client.send(b"x" * size)
        assert client.recv(9000)
    assert f" {verb} b'{'x' * MAX_LOGGED_BYTES}'... ({size} bytes)\n" in caplog.text
    assert "x" * (MAX_LOGGED_BYTES + 1) not in caplog.text


@pytest.mark.parametrize(("program", "transport"), [("echo", "unix-datagram"), ("echo", "unix"), ("chat", "unix")])
def test_the_path_of_a_client_is_logged_escaped(
    program: str, transport: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    address = somewhere(transport, tmp_path)
    with serving(program, address), socket.socket(address.family, address.kind) as client:
        client.settimeout(TIMEOUT)
        client.bind(f"{tmp_path}/a\x1b\n")
        client.connect(address.sockaddr)
        client.send(b"hello")
        assert client.recv(100)
    assert r"/a\x1b\n'" in caplog.text
    assert "\x1b" not in caplog.text
    assert "\n'" not in caplog.text
