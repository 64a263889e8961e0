"""Handlers that are held where they are report to the coordinator, and go on when it lets them."""

import contextlib
import json
import socket

from socketserver_reference.conformance.inprocess.coordinator import Coordinator, ExchangeLog
from tests.support.serving import TIMEOUT


class Reporter:
    """Somebody who reports to a coordinator as a handler does."""

    def __init__(self, name: str, coordinator: Coordinator) -> None:
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.settimeout(TIMEOUT)
        self._line.connect(coordinator.address)
        seen = {"label": name, "handler": name, "phase": "handle", "peer": "", "client_address": ""}
        self._line.send(json.dumps(seen).encode())

    def answer(self) -> bytes:
        with self._line:
            return self._line.recv(64)


def test_when_one_of_two_held_handlers_may_go_on_the_other_is_still_held() -> None:
    with contextlib.closing(Coordinator(ExchangeLog())) as coordinator:
        coordinator.held |= {("ann", "handle"), ("ben", "handle")}
        ann, ben = Reporter("ann", coordinator), Reporter("ben", coordinator)
        for name in ("ann", "ben"):
            assert coordinator.wait(name, "handle", TIMEOUT)
        coordinator.release("ann", "handle")
        assert ann.answer() == b"go"
        coordinator.plan["ben", "handle"] = "say"  # an answer that ben had been given before would not be this one
        coordinator.release("ben", "handle")
        assert ben.answer() == b"say"
