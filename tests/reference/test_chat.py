"""The chat and the over-threaded chat, by plain sockets."""

import errno
import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.family import PROGRAMS, make_server
from socketserver_reference.overthreaded import OverthreadedChatHandler
from tests.support.serving import (
    LOOPBACK,
    TIMEOUT,
    connect,
    errors,
    read,
    read_to_end,
    reset,
    running,
    serving,
    settle,
    somewhere,
)


class WatchedRoom(Room):
    """A room that says when somebody has joined, left or been cut off."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.joined = threading.Semaphore(0)
        self.left = threading.Semaphore(0)
        self.cut = threading.Event()
        super().__init__(*args, **keywords)

    def join(self, member: socket.socket) -> None:
        super().join(member)
        self.joined.release()

    def leave(self, member: socket.socket) -> None:
        super().leave(member)
        self.left.release()

    def cut_off(self, member: socket.socket) -> None:
        super().cut_off(member)
        self.cut.set()


def watched(program: str) -> Any:
    return replace(PROGRAMS[program], mix_ins=(WatchedRoom,))


def join(server: Any) -> socket.socket:
    """Connect, and return when the client is a member."""
    client = connect(server)
    assert server.joined.acquire(timeout=TIMEOUT)
    return client


def wait_until_left(server: Any) -> None:
    assert server.left.acquire(timeout=TIMEOUT)


@pytest.fixture(params=[(p, t) for p in ("chat", "overthreaded") for t in ("tcp", "unix")], ids="-".join)
def chat(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    program, transport = request.param
    with serving(watched(program), somewhere(transport, tmp_path)) as server:
        yield server


def test_what_one_member_says_every_member_hears_the_lurker_and_the_sender_included(chat: Any) -> None:
    with join(chat) as anna, join(chat) as bert, join(chat) as lurker:
        anna.sendall(b" hi\n")
        assert [read(member, 7) for member in (anna, bert, lurker)] == [b"ack hi\n"] * 3
        bert.sendall(b"\x00\xff")
        assert [read(member, 5) for member in (anna, bert, lurker)] == [b"ack\x00\xff"] * 3


@pytest.mark.parametrize("word", [b"quit", b" \r\nquit\t\v\f"])
def test_quit_makes_its_sender_leave_and_is_delivered_to_nobody(chat: Any, word: bytes) -> None:
    with join(chat) as anna, join(chat) as bert:
        anna.sendall(word)
        assert read_to_end(anna) == b""
        bert.sendall(b"fence")
        assert read(bert, 8) == b"ackfence"


@pytest.mark.parametrize("chunk", [b"QUIT", b"quit now", b"xquit", b" ", b"x" * 1024])
def test_anything_else_is_a_chunk(chat: Any, chunk: bytes) -> None:
    with join(chat) as anna:
        anna.sendall(chunk)
        assert read(anna, 3 + len(chunk)) == b"ack" + chunk


def test_a_long_stream_is_delivered_in_chunks_that_concatenate_to_it(chat: Any) -> None:
    with join(chat) as anna:
        anna.sendall(b"x" * 5000)
        anna.shutdown(socket.SHUT_WR)
        heard = read_to_end(anna)
        chunks = heard.split(b"ack")[1:]
        assert b"".join(chunks) == b"x" * 5000
        assert all(0 < len(chunk) <= 1024 for chunk in chunks)


def test_a_half_closed_member_hears_what_it_said_and_then_leaves(chat: Any) -> None:
    with join(chat) as anna, join(chat) as bert:
        anna.sendall(b"bye")
        anna.shutdown(socket.SHUT_WR)
        assert read_to_end(anna) == b"ackbye"
        assert read(bert, 6) == b"ackbye"


def test_a_reset_makes_a_member_leave_and_the_room_goes_on(chat: Any, caplog: pytest.LogCaptureFixture) -> None:
    with join(chat) as anna:
        reset(join(chat))
        wait_until_left(chat)
        anna.sendall(b"hi")
        assert read(anna, 5) == b"ackhi"
    assert errors(caplog) == []


def test_a_member_that_is_gone_costs_the_speaker_nothing() -> None:
    """The room finds the dead connection before its own handler does."""
    with serving(watched("chat"), LOOPBACK) as server, join(server) as anna:
        dead, other = socket.socketpair()
        other.close()
        server.join(dead)
        anna.sendall(b"hi")
        assert read(anna, 5) == b"ackhi"
        assert server.cut.wait(TIMEOUT)
        server.leave(dead)
        dead.close()


def test_an_empty_room_is_a_room(chat: Any) -> None:
    with join(chat) as first:
        first.sendall(b"quit")
        assert read_to_end(first) == b""
    wait_until_left(chat)
    assert chat.members == set()
    with join(chat) as second:
        second.sendall(b"hi")
        assert read(second, 5) == b"ackhi"


def test_a_member_that_does_not_read_is_cut_off_and_everybody_else_hears_on(chat: Any) -> None:
    with join(chat) as lazy, join(chat) as anna:
        delivery = b"ack" + b"x" * 1024
        said = 0
        while not chat.cut.is_set():
            anna.sendall(delivery.removeprefix(b"ack"))
            assert read(anna, len(delivery)) == delivery
            said += 1
        wait_until_left(chat)
        assert len(chat.members) == 1
        heard = read_to_end(lazy)
    assert len(heard) >= 65536
    assert (delivery * said).startswith(heard)  # whole deliveries, but perhaps for the last


def test_a_member_that_takes_only_a_part_of_a_delivery_is_cut_off(chat: Any) -> None:
    with join(chat) as lazy:
        chat.deliver(b"x" * 2**25)  # more than any send buffer, and nobody reads
        assert chat.cut.is_set()
        wait_until_left(chat)
        assert (chat.members, chat.lost) == (set(), set())
        assert 0 < len(read_to_end(lazy)) < 2**25


@pytest.mark.parametrize(("transport", "size"), [("tcp", 4), ("tcp", 1027), ("unix", 200), ("unix", 1027)])
def test_64_kib_of_deliveries_can_wait_for_a_member(transport: str, size: int, tmp_path: Path) -> None:
    """Not ("unix", 4): what net.core.wmem_max grants decides that, as lifecycle.py says."""
    with serving(watched("chat"), somewhere(transport, tmp_path)) as server, join(server) as lazy:
        delivery = b"ack".ljust(size, b"x")
        count = 65536 // size + 1
        for _ in range(count):
            server.deliver(delivery)
        assert not server.cut.is_set()
        assert read(lazy, count * size) == delivery * count


def test_everybody_hears_one_order_however_many_speak(chat: Any) -> None:
    speakers = [join(chat) for _ in range(8)]
    lurkers = [join(chat) for _ in range(2)]
    said = 50

    def speak(number: int) -> None:
        for _ in range(said):
            speakers[number].sendall(bytes([number]) * 5)

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(len(speakers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for speaker in speakers:
        speaker.shutdown(socket.SHUT_WR)
    for _ in speakers:
        wait_until_left(chat)
    chat.shutdown()
    first, second = (read_to_end(lurker) for lurker in lurkers)
    assert first == second
    assert sorted(first.replace(b"ack", b"")) == sorted(bytes(range(8)) * 5 * said)
    for client in speakers + lurkers:
        client.close()


def test_two_hundred_clients_connect_in_the_same_instant_and_hear_one_another() -> None:
    server = make_server(watched("chat"), LOOPBACK)
    clients = [connect(server) for _ in range(200)]  # all of them in the backlog: nobody accepts yet
    with running(server):
        for _ in clients:
            assert server.joined.acquire(timeout=TIMEOUT)  # type: ignore[attr-defined]
        clients[0].sendall(b"hi")
        assert {read(client, 5) for client in clients} == {b"ackhi"}
    for client in clients:
        client.close()


def test_two_servers_share_no_members(tmp_path: Path) -> None:
    here, there = somewhere("tcp", tmp_path), somewhere("unix", tmp_path)
    program = watched("chat")
    with serving(program, here) as one, serving(program, there) as other, join(one) as anna, join(other) as bert:
        anna.sendall(b"hi")
        assert read(anna, 5) == b"ackhi"
        bert.sendall(b"fence")
        assert read(bert, 8) == b"ackfence"


def test_an_exception_in_a_handler_ends_that_connection_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Fragile(ChatHandler):
        def leaves(self, chunk: bytes) -> bool:
            if chunk == b"break":
                raise RuntimeError("broken")
            return super().leaves(chunk)

    fragile = replace(watched("chat"), connection_handler=Fragile)
    with serving(fragile, LOOPBACK) as server, join(server) as anna, join(server) as bert:
        anna.sendall(b"break")
        assert read_to_end(anna) == b""
        wait_until_left(server)
        assert len(server.members) == 1
        bert.sendall(b"hi")
        assert read(bert, 5) == b"ackhi"
    assert [message for message in errors(caplog) if "failed" in message]


def test_without_the_join_the_request_is_closed_under_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The closed-request bug, and so the reason for OverthreadedChatHandler.wait_for."""
    closed = threading.Event()
    seen: list[Any] = []

    class Unjoined(OverthreadedChatHandler):
        def wait_for(self, worker: threading.Thread) -> None:
            seen.append(worker)

        def receive(self) -> bytes:
            assert closed.wait(TIMEOUT)
            return super().receive()

    monkeypatch.setattr(threading, "excepthook", lambda hook: seen.append(hook.exc_value))
    unjoined = replace(watched("overthreaded"), connection_handler=Unjoined)
    with serving(unjoined, LOOPBACK) as server, join(server) as anna:
        assert read_to_end(anna) == b""
        server.shutdown()
        server.server_close()
        closed.set()
        worker: threading.Thread = seen[0]
        worker.join(TIMEOUT)
    assert isinstance(seen[1], OSError)
    assert seen[1].errno == errno.EBADF


def test_members_that_say_much_wait_for_each_other_and_a_short_utterance_for_one_of_them() -> None:
    """However many say much at once, at most one of them competes with a member that says one word."""
    received: queue.SimpleQueue[bytes] = queue.SimpleQueue()  # by the handlers: the first byte of each chunk
    entered: queue.SimpleQueue[bytes] = queue.SimpleQueue()  # into the delivery
    gate = threading.Event()

    class Announcing(ChatHandler):
        def leaves(self, chunk: bytes) -> bool:
            received.put(chunk[:1])
            return super().leaves(chunk)

    class Gated(WatchedRoom):
        def deliver(self, delivery: bytes) -> None:
            entered.put(delivery[3:4])
            if len(delivery) > 1000:
                assert gate.wait(TIMEOUT)
            super().deliver(delivery)

    program = replace(PROGRAMS["chat"], connection_handler=Announcing, mix_ins=(Gated,))
    with serving(program, LOOPBACK) as server, join(server) as anna, join(server) as ben, join(server) as cal:
        ben.sendall(b"b" * 1024)
        assert entered.get(timeout=TIMEOUT) == b"b"
        cal.sendall(b"c" * 1024)
        assert [received.get(timeout=TIMEOUT) for _ in "bc"] == [b"b", b"c"]
        for _ in range(3):
            settle(anna)
            assert entered.get(timeout=TIMEOUT) not in b"bc"
        gate.set()
        assert entered.get(timeout=TIMEOUT) == b"c"
