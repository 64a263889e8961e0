"""The first connection to a server: the suite makes none before it, and waits for the server with it."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.learn.conversation import Conversation
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Connect, Say, join
from socketserver_reference.conformance.targets import launched
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.client import Client, Unreachable
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.first_contact import FirstContact
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.ports import free_port
from socketserver_reference.conformance.targets.process import Launch
from socketserver_reference.family import make_server
from tests.support.checking import BARE_PYTHON, bad
from tests.support.serving import TIMEOUT, serving, unserved


@contextmanager
def counting() -> Iterator[tuple[Address, list[bytes]]]:
    """A server that replies to each client what it said first; yield its address, and that for each of its clients."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    seen.append(client.recv(1024))
                    client.sendall(seen[-1].strip().upper())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Address("tcp", *listener.getsockname()), seen
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_every_client_of_a_running_server_is_in_what_it_has_seen() -> None:
    with counting() as (address, seen), closing(open_session("echo", str(address), TIMEOUT)) as session:
        assert seen == []
        session.play(Connect("ann"), Say("ann", b"hello"), about="ECHO-2")
        connects = [step for scenario in session.seen for step in scenario.steps if isinstance(step, Connect)]
    assert len(seen) == len(connects)


def test_learning_touches_a_server_with_its_clients_alone() -> None:
    with counting() as (address, seen), Conversation(Running(address).start(TIMEOUT), 0.1) as conversation:
        conversation.hear()
        assert seen == []
        conversation.join("ann")
        conversation.say("ann", b"hi")
        assert conversation.hear(lambda heard: bool(heard["ann"]))["ann"] == b"HI"
        assert seen == [b"hi"]


def test_the_first_client_waits_until_a_server_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    address = Address("tcp", "127.0.0.1", free_port())
    contact = FirstContact(Running(address).start(TIMEOUT))
    server: list[socket.socket] = []

    def start_meanwhile(_: float) -> None:
        if not server:
            server.append(socket.create_server((address.host, address.port)))

    monkeypatch.setattr("time.sleep", start_meanwhile)
    with contact(lambda: Client(address, TIMEOUT)), server[0]:
        pass


def test_where_no_server_ever_listens_there_is_nothing_to_check() -> None:
    with unserved() as address:
        contact = FirstContact(Running(address).start(0.05))
        reason = f"nothing to check at {address}: connection refused; is the server running"
        with pytest.raises(CannotCheck, match=reason):
            contact(lambda: Client(address, TIMEOUT))


def test_a_server_that_is_said_to_run_is_not_waited_for_long() -> None:
    assert Running("tcp://127.0.0.1:9").start(3600.0).start_timeout == 10.0


def test_a_failure_that_waiting_does_not_mend_is_told_at_once() -> None:
    contact = FirstContact(Running("tcp://no.such.host.invalid:9").start(3600.0))
    with pytest.raises(CannotCheck, match=r"nothing to check at tcp://no.such.host.invalid:9: "):
        contact(lambda: Client(contact._site.address, TIMEOUT))


def test_a_later_client_does_not_wait() -> None:
    with counting() as (address, _):
        contact = FirstContact(Running(address).start(3600.0))
        contact(lambda: Client(address, TIMEOUT)).close()
    with pytest.raises(Unreachable, match="connection refused"):
        contact(lambda: Client(address, TIMEOUT))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_session_without_a_server_has_nothing_to_check(transport: str) -> None:
    if transport == "udp" and sys.platform != "linux":
        pytest.skip("only Linux tells a socket that is not connected")
    protocol = "datagram" if transport == "udp" else "echo"
    with unserved(transport) as address, closing(open_session(protocol, str(address), 0.2)) as session:
        for _ in range(2):  # the second time at once
            with pytest.raises(CannotCheck, match=f"nothing to check at {address}: connection refused"):
                session.play(Connect("ann"), about="UDP-1" if transport == "udp" else "ECHO-1")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a socket that is not connected")
def test_a_server_of_datagrams_that_starts_meanwhile_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    address = Address("udp", "127.0.0.1", free_port())
    check_health = Session._check_health
    with closing(open_session("datagram", str(address), TIMEOUT)) as session:
        seen: list[bool] = []

        def check(session: Session) -> bool:
            if not seen:
                seen.append(check_health(session))
                return False
            with serving("echo", address):
                return check_health(session)

        monkeypatch.setattr(Session, "_check_health", check)
        session.prepare()
        assert seen == [False]
        assert len(session.seen) == 1


# Where it cannot be seen whether a launched server listens


@pytest.fixture
def _unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Launch, "look", lambda *_: None)


@pytest.mark.usefixtures("_unseen")
def test_a_launched_server_that_is_not_seen_to_listen_is_met_after_each_start() -> None:
    with closing(open_session("chat", Launched(bad("well-behaved")), TIMEOUT)) as session:
        session.play(*join("ann"), about="CHAT-1")
        assert len(session.seen) == 2
        session.mark_broken("CHAT-1")
        session.play(*join("ann"), about="CHAT-1")
        assert len(session.seen) == 2  # the first is the health check


@pytest.mark.usefixtures("_unseen")
def test_a_launched_server_that_ends_before_its_first_client_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launched, "START_TIMEOUT", 3600.0)
    command = f"{BARE_PYTHON} -c 'raise SystemExit(7)' {{port}}"
    with (
        closing(open_session("chat", Launched(command), TIMEOUT)) as session,
        pytest.raises(CannotCheck, match="cannot be checked: the server ended with exit status 7, without output"),
    ):
        session.play(*join("ann"), about="CHAT-1")


@pytest.mark.usefixtures("_unseen")
def test_a_launched_server_that_cannot_be_reached_again_leaves_the_rest_unchecked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(open_session("chat", Launched(bad("well-behaved")), TIMEOUT)) as session:
        session.play(*join("ann"), about="CHAT-1")
        session.mark_broken("CHAT-1")

        def restart(site: launched.LaunchedSite) -> bool:
            site.close()
            site.start_timeout = 0.05
            return True

        monkeypatch.setattr(launched.LaunchedSite, "restart", restart)
        with pytest.raises(NotChecked, match="the server could not be restarted after the violation of CHAT-1: "):
            session.play(*join("ann"), about="CHAT-1")


def test_a_server_in_this_process_listens_already() -> None:
    with make_server("echo", Address("tcp", "127.0.0.1")) as server:
        site = InProcess(lambda: server).start(0.0)
        assert site.start_timeout == 0.0
        assert site.absence("it is full") == f"no client can connect to {site.address}: it is full"
        site.close()
