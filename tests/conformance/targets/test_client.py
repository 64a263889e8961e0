"""Clients, and crowds that connect at once: what they notice, what they say of it, and that nothing stays open."""

import gc
import selectors
import socket
import sys
import threading
from pathlib import Path

import pytest

from socketserver_reference.address import Address, server_address
from socketserver_reference.conformance.targets import client, crowd, parting
from socketserver_reference.conformance.targets.client import Client, Unreachable, describe
from socketserver_reference.conformance.targets.crowd import connect_at_once
from socketserver_reference.family import make_server
from tests.support.serving import LOOPBACK, server_that, serving

TIMEOUT = 5.0
SHORT_TIMEOUT = 0.5


def test_a_client_that_cannot_be_made_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Client) -> None:
        raise KeyboardInterrupt

    with serving("chat", LOOPBACK) as server:
        monkeypatch.setattr(Client, "_acknowledge", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Client(server_address(server), TIMEOUT)
    gc.collect()  # an open socket would warn, and warnings are errors


def test_last_words_that_are_held_come_with_the_end_of_the_stream() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = Address("tcp", host="127.0.0.1", port=listening.getsockname()[1])
        with Client(address, TIMEOUT) as speaker, listening.accept()[0] as accepted:
            accepted.setblocking(False)
            speaker.send(b"last words", held=True)
            with pytest.raises(BlockingIOError):
                accepted.recv(100)
            speaker.half_close()
            accepted.settimeout(TIMEOUT)
            assert accepted.recv(100) == b"last words"
            accepted.setblocking(False)
            assert accepted.recv(100) == b""


def test_a_crowd_that_gets_in_by_half_is_reported_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = crowd._await_connection
    waits = iter([real, real])

    def full(connecting: socket.socket, until: float) -> None:
        wait = next(waits, None)
        if wait is None:
            raise TimeoutError
        wait(connecting, until)

    monkeypatch.setattr(crowd, "_await_connection", full)
    with serving("chat", LOOPBACK) as server:
        arrived, why = crowd.connect_at_once(server_address(server), TIMEOUT, 4)
        for client in arrived:
            client.close()
    assert (len(arrived), why) == (2, "timed out after 2 of 4 connections")


def test_a_connection_that_never_stands_ends_with_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors.DefaultSelector, "select", lambda *_: [])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arrived, why = crowd.connect_at_once(Address("tcp", *listener.getsockname()), SHORT_TIMEOUT, 1)
    assert (arrived, why) == ([], "timed out after 0 of 1 connections")


def test_an_error_is_described_in_words() -> None:
    assert describe(ConnectionRefusedError(111, "x")) == "connection refused"
    assert describe(socket.gaierror(-2, "Name or service not known")) == "Name or service not known"
    assert describe(OSError("nothing more")) == "nothing more"
    assert describe(TimeoutError()) == "timed out"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a socket that is not connected")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_client_knows_that_no_socket_receives_its_datagrams(host: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind((host, 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        address = Address("udp", *server.getsockname()[:2])
        with Client(address, SHORT_TIMEOUT) as ann, Client(address, TIMEOUT) as ben:
            ann.send(b"one")
            assert ann.receive() is None
            assert not ann.refused
            server.close()
            ben.send(b"two")
            assert ben.receive() is None
            assert ben.refused


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a socket that is not connected")
def test_a_refused_datagram_is_told_by_the_next_one_which_is_sent() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        address = Address("udp", *server.getsockname())
        server.close()
        with Client(address, TIMEOUT) as ann, socket.socket(type=socket.SOCK_DGRAM) as again:
            ann.send(b"one")
            again.bind(("127.0.0.1", address.port))
            again.settimeout(TIMEOUT)
            ann.send(b"two")
            assert ann.refused
            assert again.recv(1024) == b"two"


def test_a_datagram_to_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with Client(Address("unix-datagram", path=str(tmp_path / "nowhere")), TIMEOUT) as ann:
        ann.send(b"one")
        assert ann.refused


def test_who_speaks_to_a_server_that_hung_up_hears_it_by_reading() -> None:
    hung_up = threading.Event()

    def hangs_up(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, parting.ABORT)
        connection.close()
        hung_up.set()

    with server_that(hangs_up) as address, Client(address, TIMEOUT) as client:
        client.send(b"!")
        assert hung_up.wait(TIMEOUT)
        assert client.receive() == "reset"
        client.send(b"hello")
        client.half_close()


def test_a_name_that_somebody_else_removed_is_no_trouble(tmp_path: Path) -> None:
    with Client(Address("unix-datagram", path=str(tmp_path / "socket")), TIMEOUT) as client:
        assert client._own_path is not None
        Path(client._own_path).unlink()


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
