"""The same events wake a thread that waits at a virtual socket and at a real one, with the same result.

Each story is played in both worlds. A thread begins an operation and has to wait. What the story says next is done by
another thread, and at last the first comes back. In the virtual world it goes on as soon as it can; in the real one the
kernel says when, so no story depends on it: those that do are told of the virtual world alone.
"""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.scheduling.two_worlds import AGAIN, outcome
from tests.support.serving import read, reset
from tests.support.waiting import (
    BAD,
    BROKEN,
    LARGE,
    LONG,
    NOTHING,
    RESETS,
    SHORT,
    TIMED_OUT,
    TOLD,
    RealWorld,
    VirtualWorld,
    World,
    accept,
    listener,
)


@pytest.fixture(params=[RealWorld, VirtualWorld])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param is RealWorld and not TOLD:
        pytest.skip("this system does not tell where a thread waits")
    with closing(request.param()) as made:
        yield made


@pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_RDWR])
def test_a_reader_is_woken_by_a_shutdown(world: World, how: int) -> None:
    world.begin(world.server, lambda sock: sock.recv(9))
    world.server.shutdown(how)
    assert world.end() == NOTHING


def test_a_reader_is_woken_by_the_peers_end_of_stream(world: World) -> None:
    world.begin(world.server, lambda sock: sock.recv(9))
    world.client.shutdown(socket.SHUT_WR)
    assert world.end() == NOTHING


def test_a_reader_is_woken_by_a_reset(world: World) -> None:
    world.begin(world.server, lambda sock: sock.recv(9))
    reset(world.client)
    assert world.end() == RESETS
    assert outcome(world.server.recv, 9) == NOTHING


def test_a_reader_is_not_woken_by_a_close_and_gets_what_comes(world: World) -> None:
    """The second row of the closed-request bug."""
    world.begin(world.server, lambda sock: sock.recv(9))
    world.server.shutdown(socket.SHUT_WR)
    world.server.close()
    assert world.client.recv(9) == b""
    world.client.sendall(b"words")
    assert world.end() == ("returned", b"words")
    assert outcome(world.server.sendall, b"ackwords") == BAD
    assert outcome(world.client.send, b"more") == ("returned", 4)
    world.until_lost(world.client)
    assert outcome(world.client.send, b"more") == BROKEN


def test_a_connection_that_is_closed_under_a_reader_stays_open_until_it_is_back(world: World) -> None:
    world.begin(world.server, lambda sock: sock.recv(9))
    world.server.close()
    assert outcome(world.client.recv, 9, socket.MSG_DONTWAIT) == AGAIN
    world.client.sendall(b"words")
    assert world.end() == ("returned", b"words")
    assert world.client.recv(9) == b""


def test_a_reader_is_not_woken_by_a_close_and_reads_the_end_of_stream(world: World) -> None:
    """The third row: the bug hides."""
    world.begin(world.server, lambda sock: sock.recv(9))
    world.server.shutdown(socket.SHUT_WR)
    world.server.close()
    world.client.close()
    assert world.end() == NOTHING


def test_a_reader_with_a_timeout_finds_its_socket_closed(world: World) -> None:
    """The fourth row."""
    world.server.settimeout(LONG)
    world.begin(world.server, lambda sock: sock.recv(9))
    world.server.close()
    world.client.sendall(b"words")
    assert world.end() == BAD


@pytest.mark.parametrize("says", [b"words", b""])
def test_a_reader_with_a_timeout_reads_what_comes(world: World, says: bytes) -> None:
    world.server.settimeout(LONG)
    world.begin(world.server, lambda sock: sock.recv(9))
    world.client.sendall(says)
    world.client.close()
    assert world.end() == ("returned", says)


@pytest.mark.parametrize("how", [socket.SHUT_WR, socket.SHUT_RDWR])
def test_a_writer_is_woken_by_a_shutdown(world: World, how: int) -> None:
    world.begin(world.server, lambda sock: sock.sendall(LARGE))
    world.server.shutdown(how)
    assert world.end() == BROKEN


def test_a_writer_is_woken_by_a_reset_and_told_by_the_next_send(world: World) -> None:
    world.begin(world.server, lambda sock: 0 < sock.send(LARGE) < len(LARGE))
    reset(world.client)
    assert world.end() == ("returned", True)
    assert outcome(world.server.send, b"more") == RESETS
    assert outcome(world.server.send, b"more") == BROKEN


def test_a_writer_in_sendall_gets_the_reset(world: World) -> None:
    world.begin(world.server, lambda sock: sock.sendall(LARGE))
    reset(world.client)
    assert world.end() == RESETS


def test_a_writer_is_not_woken_by_a_close_and_goes_on(world: World) -> None:
    world.begin(world.server, lambda sock: sock.sendall(LARGE))
    world.server.close()
    assert read(world.client, len(LARGE) + 1) == LARGE
    assert world.end() == ("returned", None)


def test_a_writer_comes_back_when_all_is_sent(world: World) -> None:
    world.begin(world.server, lambda sock: sock.send(LARGE))
    assert read(world.client, len(LARGE)) == LARGE
    assert world.end() == ("returned", len(LARGE))


def test_a_writer_with_a_timeout_sends_a_part(world: World) -> None:
    world.server.settimeout(SHORT)
    assert 0 < world.server.send(LARGE) < len(LARGE)
    assert outcome(world.server.send, LARGE) == TIMED_OUT
    assert outcome(world.server.sendall, LARGE) == TIMED_OUT


def test_a_writer_in_sendall_with_a_timeout_has_sent_a_part(world: World) -> None:
    world.server.settimeout(SHORT)
    assert outcome(world.server.sendall, LARGE) == TIMED_OUT
    world.server.close()
    assert 0 < len(read(world.client, len(LARGE))) < len(LARGE)


def test_a_reader_with_a_timeout_waits_no_longer(world: World) -> None:
    world.server.settimeout(SHORT)
    assert outcome(world.server.recv, 9) == TIMED_OUT


def test_who_accepts_is_woken_by_a_connection(world: World) -> None:
    with listener(world) as listening:
        world.begin(listening, accept)
        with world.socket.socket() as client:
            client.connect(listening.getsockname())
            client.sendall(b"words")
        assert world.end() == ("returned", b"words")


def test_who_accepts_is_woken_by_a_shutdown(world: World) -> None:
    with listener(world) as listening:
        world.begin(listening, accept)
        listening.shutdown(socket.SHUT_RDWR)
        assert world.end() == ("raised", "EINVAL")


def test_who_accepts_is_not_woken_by_a_close_and_accepts_one_more(world: World) -> None:
    with listener(world) as listening, world.socket.socket() as client:
        address = listening.getsockname()
        world.begin(listening, accept)
        listening.close()
        client.connect(address)
        client.sendall(b"words")
        client.close()
        assert world.end() == ("returned", b"words")


def test_connections_that_were_not_accepted_are_reset_with_their_listener(world: World) -> None:
    with listener(world) as listening, world.socket.socket() as client:
        client.connect(listening.getsockname())
        listening.close()
        assert outcome(client.recv, 9) == RESETS


def test_connections_are_accepted_in_their_order_even_those_that_are_gone(world: World) -> None:
    with listener(world) as listening, world.socket.socket() as first, world.socket.socket() as second:
        for client, says in ((first, b"one"), (second, b"two")):
            client.connect(listening.getsockname())
            client.sendall(says)
        reset(first)
        second.close()
        accepted, _ = listening.accept()
        with accepted:
            world.until_lost(accepted)
            assert outcome(accepted.recv, 9) == ("returned", b"one")
            assert outcome(accepted.recv, 9) == RESETS
        assert accept(listening) == b"two"


@pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])
def test_what_was_shut_down_before_it_was_connected_stays_so(world: World, how: int) -> None:
    with listener(world) as listening, world.socket.socket() as client:
        assert outcome(client.shutdown, how) == ("raised", "ENOTCONN")
        client.connect(listening.getsockname())
        accepted, _ = listening.accept()
        with accepted:
            accepted.sendall(b"x")
            assert client.recv(9) == b"x"
            assert outcome(client.recv, 9, socket.MSG_DONTWAIT) == (AGAIN if how == socket.SHUT_WR else NOTHING)
            assert outcome(client.send, b"y") == (("returned", 1) if how == socket.SHUT_RD else BROKEN)


def test_a_socket_connects_once_and_only_to_a_listener(world: World) -> None:
    with listener(world) as listening, world.socket.socket() as deaf, world.socket.socket() as client:
        deaf.bind(("127.0.0.1", 0))
        assert outcome(client.connect, deaf.getsockname()) == ("raised", "ECONNREFUSED")
        client.connect(listening.getsockname())
        assert client.getpeername() == listening.getsockname()
        assert outcome(client.connect, listening.getsockname()) == ("raised", "EISCONN")
        reset(listening.accept()[0])
        world.until_lost(client)
        assert outcome(client.connect, listening.getsockname()) == ("raised", "EISCONN")
        assert outcome(deaf.bind, ("127.0.0.1", 0)) == ("raised", "EINVAL")
        with world.socket.socket() as late:
            assert outcome(late.bind, listening.getsockname()) == ("raised", "EADDRINUSE")


def test_a_file_reads_lines_and_keeps_its_socket_open(world: World) -> None:
    """What StreamRequestHandler does."""
    world.client.sendall(b"one\ntwo\n")
    with world.server.makefile("rb") as lines:
        world.server.close()
        assert lines.readline() == b"one\n"
        assert world.server.fileno() >= 0
        assert lines.readline() == b"two\n"
    assert world.server.fileno() == -1
    assert world.client.recv(9) == b""
