"""A member that cannot take a delivery: it leaves the room in that moment, whoever finds it out."""

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.family import PROGRAMS
from tests.support.serving import LOOPBACK, TIMEOUT, connect, reset, serving, settle


class CountingRoom(Room):
    """A room that counts how often a delivery is offered to each member."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.offers: dict[socket.socket, int] = {}
        super().__init__(*args, **keywords)

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        self.offers[member] = self.offers.get(member, 0) + 1
        return super().offer(member, delivery)


@pytest.mark.parametrize("how", ["gone", "slow"])
def test_a_member_that_cannot_take_a_delivery_is_offered_no_other(how: str) -> None:
    """It is out of the room in that moment, though its own handler does not know yet."""
    program = replace(PROGRAMS["chat"], mix_ins=(CountingRoom,))
    lost, other = socket.socketpair()
    with serving(program, LOOPBACK) as server, connect(server) as anna, lost, other:
        if how == "gone":
            other.close()
        else:
            lost.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    lost.send(b"x" * 65536)
            lost.setblocking(True)
        server.join(lost)
        for _ in range(3):
            settle(anna)
        assert server.offers.pop(lost) == 1
        assert list(server.offers.values()) == [3]
        assert lost not in server.members
        assert len(server.members) == 1


def test_what_a_member_said_before_it_was_cut_off_is_delivered_no_more() -> None:
    received, gone = threading.Event(), threading.Event()
    delivered = []

    class Patient(ChatHandler):
        def deliver(self, chunk: bytes) -> None:
            delivered.append(chunk)
            if chunk.startswith(b"x"):
                received.set()
                assert gone.wait(TIMEOUT)
                super().deliver(chunk)  # finds that the speaker itself takes nothing any more
            super().deliver(chunk)

    program = replace(PROGRAMS["chat"], connection_handler=Patient)
    with serving(program, LOOPBACK) as server, connect(server) as anna:
        settle(anna)
        ben = connect(server)
        ben.sendall(b"x" * 5000)
        assert received.wait(TIMEOUT)
        reset(ben)
        gone.set()
        heard = b""
        while heard.count(b"x") < 2048:
            heard += anna.recv(65536)
        settle(anna)
    assert len([chunk for chunk in delivered if chunk.startswith(b"x")]) == 1
