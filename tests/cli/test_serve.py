"""`socketserver-reference serve` as its user meets it: the first line, the signals, the refusals."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from socketserver_reference.address import Address
from socketserver_reference.cli import serve, serving, signals
from socketserver_reference.family import PROGRAMS
from tests.support.serving import LONG_TIMEOUT, connect_to, read, read_to_end

COMMAND = (sys.executable, "-m", "socketserver_reference", "serve")
PORT = ("--port", "0")


class Launched:
    """A server in a process of its own, in a process group of its own, as a shell would start it."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.address = Address.parse(self.process.stdout.readline().strip())

    def stop(self, number: int, whole_group: bool = False) -> tuple[int, str]:
        """Send a signal and return the exit code and the log; nothing of the group may outlive the process."""
        (os.killpg if whole_group else os.kill)(self.process.pid, number)
        _, log = self.process.communicate(timeout=LONG_TIMEOUT)
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)
        return self.process.returncode, log


def settle(client: socket.socket) -> None:
    """Return when the client is a member, which it is when it hears what it says."""
    client.sendall(b"fence")
    assert read(client, 8) == b"ackfence"


@contextmanager
def launched(*arguments: str) -> Iterator[Launched]:
    server = Launched(*arguments)
    try:
        yield server
    finally:
        with server.process:
            server.process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("program", ["chat", "overthreaded"])
def test_a_signal_ends_a_chat_with_its_members_connected(
    program: str, transport: str, number: signal.Signals, tmp_path: Path
) -> None:
    where = ("--path", str(tmp_path / "socket")) if transport == "unix" else PORT
    with launched(program, "--transport", transport, *where) as server:
        with connect_to(server.address) as anna:
            settle(anna)
            with connect_to(server.address) as bert:
                settle(bert)
                anna.sendall(b"\x1b[31mhi")
                assert read(bert, 10) == b"ack\x1b[31mhi"
                assert read(anna, 18) == b"ackfenceack\x1b[31mhi"
                code, log = server.stop(number)
                assert code == 0
                assert read_to_end(anna) == b""
                assert read_to_end(bert) == b""
        assert "Traceback" not in log
        assert "\x1b" not in log
        assert list(tmp_path.iterdir()) == []


@pytest.mark.sweep
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("concurrency", ["sync", "threading", "forking"])
def test_a_signal_ends_an_echo_server_with_a_silent_client(concurrency: str, number: signal.Signals) -> None:
    with launched("echo", "--concurrency", concurrency, *PORT) as server:
        with connect_to(server.address) as client:
            client.sendall(b"hello")
            assert read_to_end(client) == b"HELLO"
        with connect_to(server.address) as silent:
            code, log = server.stop(number, whole_group=number == signal.SIGINT)  # as Ctrl-C in a terminal does
            assert code == 0
            with suppress(ConnectionResetError):  # a synchronous server may not have got round to accepting it
                assert read_to_end(silent) == b""
        assert "Traceback" not in log


@pytest.mark.parametrize("transport", ["udp", "unix-datagram"])
@pytest.mark.parametrize("concurrency", ["sync", "threading", "forking"])
def test_every_concurrency_answers_datagrams(transport: str, concurrency: str, tmp_path: Path) -> None:
    where = ("--path", str(tmp_path / "socket")) if transport == "unix-datagram" else PORT
    with launched("echo", "--transport", transport, "--concurrency", concurrency, *where) as server:
        with connect_to(server.address) as client:
            client.send(b" hello ")
            assert client.recv(100) == b"HELLO"
        code, log = server.stop(signal.SIGTERM)
        assert code == 0
        assert "Traceback" not in log
        assert list(tmp_path.iterdir()) == []


def test_every_client_of_a_forking_server_has_a_process_of_its_own() -> None:
    with launched("echo", "--concurrency", "forking", *PORT) as server, connect_to(server.address):
        with connect_to(server.address) as client:  # served although the one before it is silent
            client.sendall(b"hello")
            assert read_to_end(client) == b"HELLO"
        assert server.stop(signal.SIGTERM)[0] == 0


def test_the_address_comes_alone_and_first_with_the_port_that_was_picked() -> None:
    with launched("echo", *PORT) as server:
        assert server.address.host == "127.0.0.1"
        assert server.address.port > 0
        os.kill(server.process.pid, signal.SIGTERM)
        output, _ = server.process.communicate(timeout=LONG_TIMEOUT)
        assert output == ""


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_defaults_are_loopback_and_the_ports_of_the_programs() -> None:
    assert [str(serving.read_address(options(program), serving.DEFAULT_PORTS[program])) for program in PROGRAMS] == [
        "tcp://127.0.0.1:9999",
        "tcp://127.0.0.1:10007",
        "tcp://127.0.0.1:10007",
    ]


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    address = serving.read_address(options("chat", "--transport", "unix", "--path", "socket"), 0)
    assert address == Address("unix", path=str(tmp_path / "socket"))
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("echo", "--port", "65536"), "--port '65536' is not a port: choose one from 0 to 65535"),
        (("echo", "--port", "-1"), "--port '-1' is not a port"),
        (("echo", "--port", "http"), "--port 'http' is not a port"),
        (("echo", "--port", "9" * 5000), "is not a port"),
        (("echo", "--host", ""), "--host '' is not a host"),
        (("echo", "--host", "a\nb"), r"--host 'a\nb' is not a host"),
        (("echo", "--host", "[::1]"), "--host '[::1]' is not a host"),
        (("echo", "--host", "no-such-host.invalid"), "choose an address of this machine"),
        (("echo", "--path", "socket"), "--transport tcp has no path: use --host and --port"),
        (("echo", "--transport", "unix"), "--transport unix needs --path"),
        (("echo", "--transport", "unix", "--path", "a\nb"), r"not 'a\nb'"),
        (("echo", "--transport", "unix", "--path", "socket", "--port", "1"), "has no host and no port: use --path"),
        (("echo", "--transport", "unix", "--path", "/no-such-directory/socket"), "No such file or directory"),
        (("chat", "--transport", "udp", "--port", "0"), "no threading chat over udp: datagrams have no connections"),
        (("chat", "--concurrency", "forking", "--port", "0"), "no forking chat over tcp: forked handlers share no"),
        (("overthreaded", "--concurrency", "sync", "--port", "0"), "no sync overthreaded over tcp: a synchronous"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_served_is_refused_in_one_line(
    arguments: tuple[str, ...], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve.run(options(*arguments)) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert what in error
    assert error.startswith("socketserver-reference serve: ")
    assert error.count("\n") == 1


def test_a_port_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert serve.run(options("echo", "--port", str(taken.getsockname()[1]))) == 2
    assert "choose a port that is not taken, 0 for any" in capsys.readouterr().err


def test_the_handlers_of_signals_are_put_back_if_none_came() -> None:
    before = [signal.getsignal(number) for number in signals.SIGNALS]
    with signals.stopped_by_signals():
        assert all(isinstance(signal.getsignal(number), signals.Signals) for number in signals.SIGNALS)
    assert [signal.getsignal(number) for number in signals.SIGNALS] == before
