"""A client that is lost after another has gone: told if it is lost each time, as by chance it may be once."""

import socketserver
from collections.abc import Iterator
from itertools import repeat
from typing import Any, ClassVar

import pytest

from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.scenario.violation import Violation
from tests.servers.family.making_families import made

TIMEOUT = 5.0


class MissesTheThird(socketserver.BaseServer):
    misses: ClassVar[Iterator[bool]]
    """Whether the next server misses its third client."""
    come = 0

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.come += 1
        if self.come != 3 or not next(self.misses, False):
            super().finish_request(request, client_address)


def check() -> None:
    target = made(MissesTheThird, "tcp", "sync")
    subject = type("Subject", (ServerConformance,), {"target": target, "timeout": TIMEOUT})()
    subject.test_a_client_that_is_gone_before_its_reply_is_sent_ends_its_own_connection_alone()


@pytest.mark.slow
def test_a_server_that_misses_a_client_once_may_have_been_too_busy_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MissesTheThird, "misses", iter([True]), raising=False)
    check()


@pytest.mark.slow
def test_a_server_that_misses_one_client_each_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MissesTheThird, "misses", repeat(True), raising=False)
    with pytest.raises(Violation, match="ben is served after ann"):
        check()
