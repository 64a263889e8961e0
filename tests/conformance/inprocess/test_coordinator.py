"""Handlers that are held where they are report to the coordinator, and go on when it lets them."""

import contextlib
import json
import socket

from socketserver_reference.conformance.inprocess.coordinator import Desk, Story
from tests.support.serving import PATIENCE


class Reporter:
    """Somebody who reports to a desk as a handler does."""

    def __init__(self, name: str, desk: Desk) -> None:
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.settimeout(PATIENCE)
        self._line.connect(desk.address)
        seen = {"label": name, "handler": name, "phase": "handle", "peer": "", "client_address": ""}
        self._line.send(json.dumps(seen).encode())

    def answer(self) -> bytes:
        with self._line:
            return self._line.recv(64)


def test_when_one_of_two_held_handlers_may_go_on_the_other_is_still_held() -> None:
    with contextlib.closing(Desk(Story())) as desk:
        desk.held |= {("ann", "handle"), ("ben", "handle")}
        ann, ben = Reporter("ann", desk), Reporter("ben", desk)
        for name in ("ann", "ben"):
            assert desk.wait(name, "handle", PATIENCE)
        desk.release("ann", "handle")
        assert ann.answer() == b"go"
        desk.plan["ben", "handle"] = "say"  # an answer that ben had been given before would not be this one
        desk.release("ben", "handle")
        assert ben.answer() == b"say"
