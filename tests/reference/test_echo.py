"""The echo, over connections and over datagrams, by plain sockets."""

import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.address import Address, server_address
from socketserver_reference.echo import EchoHandler
from socketserver_reference.family import PROGRAMS, make_server
from tests.support.serving import LOOPBACK, TIMEOUT, connect, connect_to, errors, read_to_end, reset, serving, somewhere

# Echo over connections


@pytest.fixture(params=[(t, c) for t in ("tcp", "unix") for c in ("sync", "threading")], ids="-".join)
def echo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    transport, concurrency = request.param
    with serving("echo", somewhere(transport, tmp_path), concurrency) as server:
        yield server


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"hello", b"HELLO"),
        (b" \t\r\n\v\fhi there\n", b"HI THERE"),
        (b"\x00gr\xc3\xbc\xdfe\xff\x85", b"\x00GR\xc3\xbc\xdfE\xff\x85"),
        (b" \n ", b""),
        (b"x" * 1024, b"X" * 1024),
    ],
)
def test_an_echo_is_stripped_and_upper_cased_and_then_the_stream_ends(echo: Any, sent: bytes, reply: bytes) -> None:
    with connect(echo) as client:
        client.sendall(sent)
        assert read_to_end(client) == reply


def test_of_a_long_request_a_prefix_is_answered_and_the_stream_ends_in_order(echo: Any) -> None:
    with connect(echo) as client:
        client.sendall(b"x" * 5000)
        assert read_to_end(client) in [b"X" * length for length in range(1, 1025)]


def test_a_half_closed_client_gets_its_reply(echo: Any) -> None:
    with connect(echo) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == b"HELLO"


def test_a_client_that_says_nothing_and_half_closes_reads_end_of_stream(echo: Any) -> None:
    with connect(echo) as client:
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == b""


def test_a_reset_before_the_request_is_no_error(echo: Any, caplog: pytest.LogCaptureFixture) -> None:
    reset(connect(echo))
    with connect(echo) as client:
        client.sendall(b"next")
        assert read_to_end(client) == b"NEXT"
    assert errors(caplog) == []


def test_a_reset_before_the_reply_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    received, gone = threading.Event(), threading.Event()

    class Slow(EchoHandler):
        def decide(self, request: bytes) -> bytes:
            received.set()
            assert gone.wait(TIMEOUT)
            return super().decide(request)

    with serving(replace(PROGRAMS["echo"], connection_handler=Slow), LOOPBACK) as server:
        client = connect(server)
        client.sendall(b"hello")
        assert received.wait(TIMEOUT)
        reset(client)
        gone.set()
        server.shutdown()
        server.server_close()
    assert "left before its reply" in caplog.text
    assert errors(caplog) == []


def test_what_a_client_wrote_is_logged_as_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving("echo", LOOPBACK) as server, connect(server) as client:
        client.sendall(b"\x1b[31mred\n")
        read_to_end(client)
    assert r"b'\x1b[31mred\n'" in caplog.text
    assert "\x1b" not in caplog.text


def test_a_silent_client_delays_the_others_of_a_synchronous_server_only_until_it_leaves() -> None:
    with serving("echo", LOOPBACK, "sync") as server, connect(server) as silent, connect(server) as client:
        client.sendall(b"hello")
        silent.close()
        assert read_to_end(client) == b"HELLO"


def test_a_silent_client_delays_nobody_on_a_threading_server() -> None:
    with serving("echo", LOOPBACK) as server, connect(server), connect(server) as client:
        client.sendall(b"hello")
        assert read_to_end(client) == b"HELLO"


def test_a_server_listens_on_ipv6() -> None:
    with serving("echo", Address("tcp", host="::1")) as server, connect(server) as client:
        client.sendall(b"hello")
        assert read_to_end(client) == b"HELLO"
        assert server_address(server).host == "::1"


def test_tcp_connections_have_their_options_and_unix_connections_theirs(tmp_path: Path) -> None:
    for transport, least in (("tcp", 128 * 1024), ("unix", 128 * 1024)):
        with make_server("echo", somewhere(transport, tmp_path)) as server, connect(server):
            request, _ = server.get_request()
            assert request.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) >= least
            if transport == "tcp":
                assert request.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            server.close_request(request)


# Echo over datagrams


@pytest.fixture(params=[(t, c) for t in ("udp", "unix-datagram") for c in ("sync", "threading")], ids="-".join)
def datagram_echo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    transport, concurrency = request.param
    with serving("echo", somewhere(transport, tmp_path), concurrency) as server:
        yield server


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b" hello\n", b"HELLO"),
        (b"", b""),
        (b"x" * 8192, b"X" * 8192),
        (b"x" * 8192 + b"beyond", b"X" * 8192),
    ],
    ids=["short", "empty", "longest", "too long"],
)
def test_a_datagram_gets_one_datagram_back(datagram_echo: Any, sent: bytes, reply: bytes) -> None:
    with connect(datagram_echo) as client:
        client.send(sent)
        assert client.recv(65536) == reply
        client.send(b"fence")
        assert client.recv(65536) == b"FENCE"


def test_a_datagram_client_that_has_gone_disturbs_nobody(datagram_echo: Any, caplog: pytest.LogCaptureFixture) -> None:
    with connect(datagram_echo) as gone:
        gone.send(b"farewell")
    with connect(datagram_echo) as client:
        client.send(b"hello")
        assert client.recv(65536) == b"HELLO"
    assert errors(caplog) == []


def test_a_unix_datagram_client_that_does_not_read_blocks_nobody(tmp_path: Path) -> None:
    address = somewhere("unix-datagram", tmp_path)
    lazy = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with serving("echo", address, "sync") as server, lazy, connect(server) as client:
        lazy.bind("")
        for _ in range(540):  # more than its queue holds: 10 or 512
            lazy.sendto(b"hello", address.path)
        client.send(b"hello")
        assert client.recv(65536) == b"HELLO"


def test_a_unix_datagram_client_without_a_name_is_not_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    nameless = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = somewhere("unix-datagram", tmp_path)
    with serving("echo", address, "sync") as server, nameless, connect(server) as client:
        nameless.sendto(b"who am I?", address.path)
        client.send(b"hello")
        assert client.recv(65536) == b"HELLO"
    assert "no reply to a client without an address" in caplog.text


# Datagrams from oneself


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("concurrency", ["sync", "threading"])
def test_a_datagram_from_the_servers_own_address_is_not_answered(
    host: str, concurrency: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    loopback = "::1" if ":" in host else "127.0.0.1"
    with serving("echo", Address("udp", host=host), concurrency) as server:
        port = server_address(server).port
        server.socket.sendto(b"hello", (loopback, port))
        with connect_to(Address("udp", host=loopback, port=port)) as client:
            client.send(b"fence")
            assert client.recv(100) == b"FENCE"
    assert caplog.text.count("the address is this server's own") == 1
    assert "wrote b'hello'" not in caplog.text


def test_a_unix_datagram_from_the_servers_own_address_is_not_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving("echo", somewhere("unix-datagram", tmp_path)) as server, connect(server) as client:
        server.socket.sendto(b"hello", server_address(server).path)
        client.send(b"fence")
        assert client.recv(100) == b"FENCE"
    assert caplog.text.count("the address is this server's own") == 1


def test_an_address_of_another_host_is_not_the_servers_own() -> None:
    with make_server("echo", Address("udp", host="0.0.0.0")) as server:
        port = server_address(server).port
        assert server.is_own(("127.0.0.1", port))  # type: ignore[attr-defined]
        assert not server.is_own(("192.0.2.1", port))  # type: ignore[attr-defined]
        assert not server.is_own(("127.0.0.1", port + 1))  # type: ignore[attr-defined]


def test_another_address_of_this_host_is_not_the_servers_own_where_it_has_one() -> None:
    with make_server("echo", Address("udp", host="127.0.0.1")) as server:
        port = server_address(server).port
        assert server.is_own(("127.0.0.1", port))  # type: ignore[attr-defined]
        assert not server.is_own(("127.0.0.2", port))  # type: ignore[attr-defined]
