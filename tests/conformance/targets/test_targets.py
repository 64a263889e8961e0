"""Addresses, clients and targets: the edge of the suite."""

import random
import socket
import socketserver
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from socketserver_reference.address import Address, BadAddress, server_address
from socketserver_reference.conformance.targets import client, in_process, ports
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.client import Client, Unreachable
from socketserver_reference.conformance.targets.crowd import connect_at_once
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.ports import free_port
from socketserver_reference.conformance.targets.process import Launch
from socketserver_reference.echo import EchoHandler
from socketserver_reference.family import PROGRAMS, make_server
from tests.support.checking import bad
from tests.support.serving import TIMEOUT

BURNING = 0.2
"""Seconds of processor time."""


@pytest.mark.parametrize(
    "text", ["tcp://127.0.0.1:10007", "udp://[::1]:9", "tcp://localhost:0", "unix:///a b", "unix-datagram:///run/x"]
)
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1:1", "http://a:1", "tcp://a", "tcp://:1", "tcp://a:x", "tcp://a:65536", "tcp://[a:1", "tcp://a:1/b"],
)
def test_what_is_no_address_is_refused_with_the_form_that_would_do(text: str) -> None:
    with pytest.raises(BadAddress, match=r"write \S+:(//host:port|///path)"):
        Address.parse(text)


def test_a_unix_address_is_an_absolute_path() -> None:
    with pytest.raises(BadAddress, match="no absolute path: write unix:///path"):
        Address.parse("unix://socket")


def test_the_address_family_follows_from_the_address() -> None:
    families = [Address.parse(text).family for text in ("tcp://127.0.0.1:1", "tcp://[::1]:1", "unix:///a")]
    assert families == [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX]


@pytest.mark.parametrize(("looks", "free"), [(0, True), (2, True), (3, True), (4, False)])
def test_a_port_that_is_held_is_looked_at_again_until_it_is_free_or_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch, looks: int, free: bool
) -> None:
    clock: list[float] = []
    held = iter([*[True] * looks, False])
    monkeypatch.setattr(ports, "is_taken", lambda _address: next(held))
    monkeypatch.setattr(ports, "time", SimpleNamespace(monotonic=lambda: sum(clock), sleep=clock.append))
    assert ports.await_free(Address("tcp", "127.0.0.1", 1), until=2.5 * ports.PORT_POLL_INTERVAL) is free
    assert clock == [ports.PORT_POLL_INTERVAL] * min(looks, 3)


def test_the_same_address_at_another_port() -> None:
    assert str(Address.parse("udp://[::1]:9").with_port(10)) == "udp://[::1]:10"


def burn() -> None:
    """Use the processor for a while."""
    until = time.thread_time() + BURNING
    while time.thread_time() < until:
        pass


class Burning(EchoHandler):
    def handle(self) -> None:
        burn()
        super().handle()


def test_the_processor_time_of_a_server_in_this_process_is_not_that_of_its_clients() -> None:
    program = replace(PROGRAMS["echo"], connection_handler=Burning)
    with closing(InProcess(partial(make_server, program, Address("tcp", "127.0.0.1"))).start(TIMEOUT)) as site:
        before = site.cpu_time()
        assert before is not None
        burn()
        between = site.cpu_time()
        assert between is not None
        assert between - before < BURNING / 2
        with Client(site.address, TIMEOUT) as one:
            one.send(b"hello")
            assert one.receive() == b"HELLO"
        after = site.cpu_time()
        assert after is not None
        assert after - between >= BURNING


def test_the_processor_time_of_a_command_is_seen_as_long_as_it_runs() -> None:
    site = Launched(bad("well-behaved")).start(TIMEOUT)
    with closing(site):
        assert (site.cpu_time() or 0.0) > 0.0  # to start Python takes some
        running = Running(site.address).start(TIMEOUT)
        assert running.cpu_time() is None
    assert site.cpu_time() is None


def test_a_port_is_not_free_while_anything_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "PORTS", range(port, port + 1))
        monkeypatch.setattr(random.SystemRandom, "sample", lambda _self, ports, _count: list(ports))
        with pytest.raises(CannotCheck, match=f"no free port on 127.0.0.1 among a hundred tried from {port} to {port}"):
            free_port()


def test_a_client_that_cannot_be_set_up_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "_acknowledge", interrupted)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(KeyboardInterrupt):
        Client(Address("tcp", *server.getsockname()), timeout=1)


def test_a_crowd_that_is_refused_says_how_many_got_in() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address("tcp", *server.getsockname())
    arrived, reason = connect_at_once(address, 1, 3)
    assert arrived == []
    assert reason == "connection refused after 0 of 3 connections"


def test_a_crowd_waits_no_longer_than_its_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        arrived, reason = connect_at_once(Address("tcp", *server.getsockname()), 0.1, 20)
        assert len(arrived) < 20
        assert reason == f"timed out after {len(arrived)} of 20 connections"
        for one in arrived:
            one.close()


def test_a_crowd_over_unix_sockets_that_is_refused_says_so(tmp_path: Path) -> None:
    arrived, reason = connect_at_once(Address("unix", path=str(tmp_path / "nobody")), 1, 2)
    assert arrived == []
    assert reason == "no such file or directory after 0 of 2 connections"


def test_a_client_by_name_knows_its_servers_datagrams() -> None:
    with make_server("echo", Address("udp", "127.0.0.1")) as server:
        address = server_address(server)
        with Client(Address("udp", "localhost", address.port), timeout=5) as ann:
            ann.send(b"hi")
            server.handle_request()
            assert ann.receive() == b"HI"


def test_errors_are_told_in_words() -> None:
    assert client.describe(TimeoutError()) == "timed out"
    assert client.describe(ConnectionRefusedError(111, "whatever")) == "connection refused"
    assert client.describe(OSError("no number")) == "no number"


def test_a_name_that_nobody_knows_is_told_in_words() -> None:
    with pytest.raises(Unreachable) as refused:
        Client(Address("tcp", "no.such.host.invalid", 1), timeout=1)
    assert "Errno" not in str(refused.value)


def test_targets_are_named_as_a_report_names_them() -> None:
    assert str(Running("tcp://127.0.0.1:1")) == "tcp://127.0.0.1:1"
    assert str(Launched("serve {port}")) == "serve {port}"
    assert str(InProcess(lambda: make_server("echo", Address("tcp", "127.0.0.1")))) == "in process"


@pytest.mark.parametrize("wrong", [Running("nowhere"), Launched("cat", at="nowhere")])
def test_a_target_with_a_wrong_address_cannot_be_checked(wrong: Running | Launched) -> None:
    with pytest.raises(CannotCheck, match="'nowhere' is not an address"):
        wrong.start(1)


def test_a_server_that_ends_by_itself_is_known_to_have() -> None:
    site = InProcess(lambda: make_server("echo", Address("tcp", "127.0.0.1"))).start(1)
    assert site.exit_report() == ""
    site.server.shutdown()
    site._thread.join()
    assert site.exit_report() == "serve_forever() ended by itself"
    assert site.restart()
    assert site.exit_report() == ""
    site.close()


def test_closing_a_launched_server_twice_is_once_enough(tmp_path: Path) -> None:
    listening = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nwhile 1: s.accept()"
    script = tmp_path / "listen.py"
    script.write_text(listening)
    site = Launched(f"{sys.executable} {script} {{port}}").start(5)
    site.wait_idle()
    assert site.exit_report() == ""
    site.close()
    site.close()
    site.wait_idle()
    assert site.exit_report() == ""


def test_a_supervisor_that_is_stopped_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.targets.process.GRACE_PERIOD", 0.05)
    launch = Launch(["sleep", "600"])
    launch._supervisor.send_signal(19)  # SIGSTOP: it hears nothing any more
    launch.close()
    assert launch._supervisor.returncode == -9


def test_a_server_in_this_process_that_does_not_end_is_left_to_the_end_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(in_process, "STOP_TIMEOUT", 0.01)
    may_end = threading.Event()

    class Endless(socketserver.TCPServer):
        def shutdown(self) -> None:
            may_end.wait()
            super().shutdown()

    site = InProcess(lambda: Endless(("127.0.0.1", 0), socketserver.BaseRequestHandler)).start(1.0)
    site.close()
    assert site.exit_report() == ""
    may_end.set()
    site._thread.join()
    for thread in threading.enumerate():
        if thread.name == "end":
            thread.join()
