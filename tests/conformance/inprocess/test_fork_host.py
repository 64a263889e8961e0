"""The host in a process that forks, where there is no server, no process or no fork."""

import signal
import socketserver
from collections.abc import Iterator

import pytest

from socketserver_reference.conformance.inprocess import fork_host
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.fork_host import Forker
from socketserver_reference.conformance.inprocess.hosts import ServerSpec
from socketserver_reference.conformance.inprocess.probes import Handler
from socketserver_reference.conformance.results.outcomes import NotChecked


def no_server(_: Handler | None = None) -> socketserver.BaseServer:
    raise OSError("no room left")


@pytest.fixture
def subject() -> Iterator[ServerConformance]:
    """Checks of a forking server that cannot be made."""

    class Subject(ServerConformance):
        target = ServerSpec("none", "tcp", "forking", no_server)
        forker = Forker()

    yield Subject()
    Subject.teardown_class()


@pytest.mark.slow
def test_a_forking_server_that_cannot_be_made_is_not_checked(subject: ServerConformance) -> None:
    with pytest.raises(NotChecked, match="no room left"):
        subject.test_a_handler_knows_its_request_its_client_and_its_server()


def test_without_a_process_to_fork_in_nothing_is_checked(
    subject: ServerConformance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_host, "START_TIMEOUT", 0.05)
    monkeypatch.setattr(fork_host, "HOST_CODE", "raise SystemExit(3)")
    with pytest.raises(NotChecked, match="no process to fork in"):
        subject.test_a_handler_knows_its_request_its_client_and_its_server()


def test_where_there_is_no_fork_nothing_is_checked(subject: ServerConformance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGUSR1")
    with pytest.raises(NotChecked, match="no fork"):
        subject.test_a_handler_knows_its_request_its_client_and_its_server()
