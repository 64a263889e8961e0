"""The family: which classes there are, what they serve, and how the rest is refused."""

import os
import socket
import socketserver
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.address import TRANSPORTS, Address, server_address
from socketserver_reference.cli.family_table import family_table
from socketserver_reference.family import CONCURRENCIES, LIBRARY_NAMES, PROGRAMS, Refused, make_server, refusal
from tests.support.serving import somewhere

PAIRS = [(transport, concurrency) for transport in TRANSPORTS for concurrency in CONCURRENCIES]


@pytest.mark.parametrize(("transport", "concurrency"), PAIRS)
def test_a_server_is_composed_of_what_the_class_of_the_library_is_composed_of(
    transport: str, concurrency: str, tmp_path: Path
) -> None:
    name = CONCURRENCIES[concurrency].prefix + LIBRARY_NAMES[transport]
    server: Any
    with make_server("echo", somewhere(transport, tmp_path), concurrency) as server:
        library: Any = getattr(socketserver, name, None)
        assert library is not None or (transport.startswith("unix") and concurrency == "forking")
        if library is not None:
            spelled_out = {library, getattr(socketserver, LIBRARY_NAMES[transport])}
            assert set(library.__mro__) - spelled_out <= set(type(server).__mro__)
            assert server.address_family == library.address_family
            assert server.socket_type == library.socket_type
        assert server_address(server).transport == transport


def test_a_forking_server_has_as_many_children_as_the_table_says() -> None:
    assert f"serves {socketserver.ForkingMixIn.max_children} clients" in CONCURRENCIES["forking"].character


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_children_may_be_collected_while_they_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server: Any
    with make_server("echo", somewhere("tcp", tmp_path), "forking") as server:
        children = {1 << 30, (1 << 30) + 1, (1 << 30) + 2}  # no system has so many processes
        ended = set()

        def kill(child: int, _signal: int) -> None:
            ended.add(child)
            server.collect_children()  # as serve_forever() does in its thread, just now

        monkeypatch.setattr(os, "kill", kill)
        server.active_children = children.copy()
        server.hang_up()
    assert ended == children


@pytest.mark.parametrize("program", ["chat", "overthreaded"])
@pytest.mark.parametrize(("transport", "concurrency"), PAIRS)
def test_a_chat_is_served_by_threads_over_connections_and_refused_otherwise(
    program: str, transport: str, concurrency: str, tmp_path: Path
) -> None:
    address = somewhere(transport, tmp_path)
    if concurrency == "threading" and not address.datagram:
        make_server(program, address, concurrency).server_close()
    else:
        with pytest.raises(Refused, match=f"no {concurrency} {program} over {transport}: .+"):
            make_server(program, address, concurrency)


def test_without_unix_sockets_unix_transports_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    assert refusal(PROGRAMS["echo"], "unix-datagram", "sync") == "this platform has no Unix sockets"
    assert refusal(PROGRAMS["echo"], "tcp", "sync") == ""


def test_without_fork_forking_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert refusal(PROGRAMS["echo"], "tcp", "forking") == "this platform has no fork"


def test_without_sends_that_do_not_wait_the_chat_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "MSG_DONTWAIT")
    assert "MSG_DONTWAIT" in refusal(PROGRAMS["chat"], "tcp", "threading")
    assert refusal(PROGRAMS["echo"], "tcp", "threading") == ""


@pytest.mark.parametrize(
    ("address", "what"),
    [
        (Address("tcp", host="no-such-host.invalid"), "choose an address of this machine"),
        (Address("tcp", host="192.0.2.1"), "choose an address of this machine"),
        (Address("udp", host="127.0.0.1", port=65536), "choose a port from 0 to 65535"),
        (Address("tcp", host="a" * 64 + ".\xe9"), "choose a"),
        (Address("unix", path="/" + "x" * 200), "a path of at most 100 bytes"),
        (Address("unix", path="/no-such-directory/socket"), "choose a path in a directory that exists"),
        (Address("unix-datagram", path="/"), "a path where nothing is"),
    ],
)
def test_where_nothing_can_listen_the_refusal_says_where_why_and_what_would_do(address: Address, what: str) -> None:
    with pytest.raises(Refused) as refused:
        make_server("echo", address)
    assert str(refused.value).startswith(f"cannot listen at {address}: ")
    assert what in str(refused.value)


def test_a_port_that_is_taken_is_refused() -> None:
    with make_server("echo", Address("tcp", host="127.0.0.1")) as server, pytest.raises(Refused, match="not taken"):
        make_server("echo", server_address(server))


def test_a_path_that_is_taken_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_text("mine")
    with pytest.raises(Refused, match="a path where nothing is"):
        make_server("echo", Address("unix", path=str(path)))
    assert path.read_text() == "mine"


def test_a_socket_file_goes_with_its_server_even_if_somebody_else_was_faster(tmp_path: Path) -> None:
    with make_server("echo", somewhere("unix", tmp_path)):
        (path,) = tmp_path.iterdir()
        path.unlink()
    assert list(tmp_path.iterdir()) == []


def test_the_table_has_every_pair_with_its_class_and_fits_a_page() -> None:
    lines = family_table().splitlines()
    assert max(map(len, lines)) <= 120
    for transport, concurrency in PAIRS:
        name = CONCURRENCIES[concurrency].prefix + LIBRARY_NAMES[transport]
        (line,) = [line for line in lines if line.split()[:2] == [transport, concurrency]]
        assert name in line
        assert ("echo, chat, overthreaded" in line) == (not refusal(PROGRAMS["chat"], transport, concurrency))


def test_the_table_says_nothing_where_the_platform_serves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert family_table().count(" nothing ") == len(TRANSPORTS)
