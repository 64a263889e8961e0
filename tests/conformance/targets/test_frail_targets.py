"""Servers that die, at any time, and that cannot be started again at once: each is told, and none spoils the next."""

import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets import launched, parting, ports, time_wait
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.client import Client
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.ports import free_port
from socketserver_reference.conformance.targets.proc_files import rows
from tests.support.checking import BARE_PYTHON, Checker, Lifeline, checking
from tests.support.serving import LONG_TIMEOUT, TIMEOUT

QUICK = ("--timeout", 3, "--examples", 2)


def frail(name: str, address: object = "{port}", *arguments: object) -> str:
    """Return the command that launches one of the frail servers."""
    return " ".join(map(str, [BARE_PYTHON, "-m", "tests.servers.frail_servers", name, address, *arguments]))


@pytest.fixture
def fixed() -> Address:
    """An address for a server that brings its own."""
    return Address("tcp", "127.0.0.1", free_port())


# Death


@pytest.mark.slow
def test_a_server_that_dies_of_its_first_client_is_told_with_how(check: Checker) -> None:
    outcome = check("chat", "--launch", frail("dies-on-connecting"), *QUICK, "--profile", "basic", "--examples", 0)
    assert outcome.code in (1, 2)
    assert "exit status 7, its last output: out of \\x1b[5mcheese" in outcome.out + outcome.err


@pytest.mark.sweep
def test_a_server_that_dies_between_two_scenarios_is_told_and_started_again(check: Checker) -> None:
    outcome = check("chat", "--launch", frail("dies-between"), *QUICK, "--profile", "basic")
    assert outcome.code == 1
    broken = [outcome.clause(id) for id in outcome.clauses_that("violated")]
    assert broken
    assert all("the server ended with exit status 8" in clause["observed"] for clause in broken)
    assert not any("restarted" in (clause["why"] or "") for clause in outcome.document["clauses"])


@pytest.mark.sweep
def test_a_server_that_dies_again_and_again_is_started_as_often(check: Checker, lifeline: Lifeline) -> None:
    command = frail("gets-tired", "{port}", lifeline.path)
    outcome = check("chat", "--launch", command, *QUICK, "--profile", "basic")
    assert outcome.code == 1
    broken = [outcome.clause(id) for id in outcome.clauses_that("violated")]
    assert broken
    assert all("exit status 9, its last output: out of \\x1b[5mcheese" in clause["observed"] for clause in broken)
    assert "CHAT-1" in outcome.clauses_that("holds")
    lifeline.wait_for_the_end()
    assert lifeline.read.count(b"up\n") > 2


@pytest.mark.slow
def test_a_server_that_ends_slowly_has_the_time_to(check: Checker, lifeline: Lifeline) -> None:
    command = frail("ends-slowly", "{port}", lifeline.path)
    assert check("chat", "--launch", command, "--only", "CHAT-2", "--examples", 0).code == 0
    lifeline.wait_for_the_end()
    assert lifeline.read == b"up\nended\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the parent of a command is what ends it")
@pytest.mark.parametrize("name", ["kills-its-parent", "stops-its-parent"])
def test_a_server_that_turns_on_its_parent_ends_with_the_check(check: Checker, lifeline: Lifeline, name: str) -> None:
    check("chat", "--launch", frail(name, "{port}", lifeline.path), *QUICK, "--only", "CHAT-2")
    lifeline.wait_for_the_end()


# A port of its own


def test_a_port_that_somebody_else_took_is_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports_of_choice = iter([other.getsockname()[1], free_port()])
        monkeypatch.setattr(launched, "free_port", lambda: next(ports_of_choice))
        with closing(Launched(frail("plain")).start(TIMEOUT)) as site:
            assert ports.is_served(site.address)
            assert site.address != Address("tcp", *other.getsockname())


def test_a_command_that_ends_at_two_ports_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_served", lambda _: True)
    starts = iter([free_port(), free_port()])
    monkeypatch.setattr(launched, "free_port", lambda: next(starts))
    with pytest.raises(CannotCheck, match="cannot be checked: the server ended"):
        Launched(f"{BARE_PYTHON} -c pass {{port}}").start(TIMEOUT)
    assert next(starts, None) is None


@pytest.mark.slow
def test_a_server_whose_port_is_not_free_yet_is_started_when_it_is(lifeline: Lifeline, fixed: Address) -> None:
    command = frail("plain", fixed.port, lifeline.path)
    with socket.socket() as holding:
        holding.bind((fixed.host, fixed.port))
        with checking("chat", str(fixed), "--launch", command, "--only", "CHAT-2", "--examples", 0) as process:
            lifeline.wait_for(b"taken")
            holding.close()
            out, err = process.communicate(timeout=LONG_TIMEOUT)
    assert (process.returncode, err) == (0, "")
    assert "conforms" in out


def leave_a_connection_behind(address: Address) -> None:
    """Have the server close a connection first, and the client after it: that holds the port for a minute."""
    with socket.create_connection((address.host, address.port), TIMEOUT) as leaving:
        leaving.sendall(b"quit")
        assert leaving.recv(1) == b""


def test_an_address_where_the_last_server_still_listens_is_waited_for(
    fixed: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = iter([True, True, False])
    monkeypatch.setattr(ports, "is_served", lambda _: next(served))
    monkeypatch.setattr(ports, "PORT_POLL_INTERVAL", 0.0)
    assert launched.fixed_address(Launched("serve", fixed), wait=TIMEOUT) == fixed
    assert next(served, None) is None


def test_a_port_that_closed_connections_hold_is_waited_for_within_bounds(
    fixed: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launched, "PORT_FREE_TIMEOUT", 0.2)
    monkeypatch.setattr(time_wait, "end_all", lambda _: None)  # as on a system that ignores resets in TIME_WAIT
    with closing(Launched(frail("plain", fixed.port), fixed).start(TIMEOUT)) as site:
        leave_a_connection_behind(fixed)
        with pytest.raises(CannotCheck) as refused:
            site.restart()
    assert str(refused.value).endswith(
        f"its last output: [Errno 98] Address already in use; {fixed} is still not free after 0.2 s: let the server "
        "set SO_REUSEADDR, or write {port} in its command"
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose the other end is")
@pytest.mark.parametrize("end", [Client.close, Client.half_close, Client.part], ids=lambda end: end.__name__)
def test_a_client_that_closes_last_keeps_no_port(
    fixed: Address, monkeypatch: pytest.MonkeyPatch, end: Callable[[Client], None]
) -> None:
    monkeypatch.setattr(launched, "PORT_FREE_TIMEOUT", 0.0)
    with closing(Launched(frail("plain", fixed.port), fixed).start(TIMEOUT)) as site:
        with Client(fixed, TIMEOUT) as ann:
            ann.send(b"quit")
            assert ann.receive() == "eof"
            while end is not Client.part and is_served_by_a_process(ann.socket):
                os.sched_yield()  # the server has ended its stream, and closes the socket next
            end(ann)
        assert site.restart()


def is_served_by_a_process(client: socket.socket) -> bool:
    """Whether the other end of a connection within this machine belongs to a process."""
    ours, theirs = client.getsockname()[1], client.getpeername()[1]
    (row,) = [row for row in rows("/proc/net/tcp", f":{theirs:04X} ") if row[2].endswith(f":{ours:04X}")]
    return row[9] != parting.NO_INODE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose the other end is")
def test_a_client_resets_no_connection_of_a_server_that_could_notice(fixed: Address) -> None:
    with socket.create_server((fixed.host, fixed.port)) as listener:
        parting.PORTS_TO_FREE.add(fixed.port)
        try:
            with Client(fixed, TIMEOUT) as ann:
                served, _ = listener.accept()
                with served:
                    served.shutdown(socket.SHUT_WR)
                    assert ann.receive() == "eof"
                    ann.close()
                    assert served.recv(1) == b""
        finally:
            parting.PORTS_TO_FREE.discard(fixed.port)


def test_the_port_of_a_server_is_no_matter_of_clients_once_it_has_ended(fixed: Address) -> None:
    with closing(Launched(frail("plain", fixed.port), fixed).start(TIMEOUT)):
        assert fixed.port in parting.PORTS_TO_FREE
    assert fixed.port not in parting.PORTS_TO_FREE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of closed connections")
def test_a_server_is_started_though_its_last_connections_hold_its_port(
    fixed: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launched, "PORT_FREE_TIMEOUT", 0.0)
    monkeypatch.setattr(ports, "is_taken", lambda _: not ended)
    ended: list[Address] = []
    monkeypatch.setattr(time_wait, "end_all", ended.append)
    with closing(Launched(frail("plain", fixed.port), fixed).start(TIMEOUT)):
        assert ended == [fixed]


def test_a_server_that_reuses_its_port_is_not_waited_for(fixed: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launched, "PORT_FREE_TIMEOUT", 0.0)
    with closing(Launched(frail("reusing", fixed.port), fixed).start(TIMEOUT)) as site:
        leave_a_connection_behind(fixed)
        assert site.restart()
        assert site.address == fixed


def test_who_still_listens_where_a_server_was_is_waited_for_within_bounds(
    fixed: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launched, "PORT_CLOSE_TIMEOUT", 0.0)
    with (
        closing(Launched(frail("shares-its-port", fixed.port), fixed).start(TIMEOUT)) as site,
        listener(fixed),
        pytest.raises(CannotCheck, match=f"another server already listens at {fixed}"),
    ):
        site.restart()


def listener(address: Address) -> socket.socket:
    """Return a socket that listens where another does already, and lets it."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)
    listening.bind((address.host, address.port))
    listening.listen()
    return listening


def test_a_server_is_started_when_who_listened_there_has_gone(fixed: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Launched(frail("shares-its-port", fixed.port), fixed).start(TIMEOUT)) as site:
        lingering = listener(fixed)
        monkeypatch.setattr("time.sleep", lambda _seconds: lingering.close())
        assert site.restart()


def test_a_name_that_a_killed_server_leaves_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with closing(Launched(frail("crashing", path), f"unix://{path}").start(TIMEOUT)) as site:
        with Client(site.address, TIMEOUT) as ann:
            for _ in range(3):
                ann.send(b"hello")
                ann.receive()
            assert site._launch is not None
            assert site._launch.ended_within(TIMEOUT)
            assert site.exit_report() == "the server ended by signal 9, without output"
        assert site.restart()
    assert not path.exists()


# A slow start


def dialect(directory: Path, limits: str) -> Path:
    """Return a file with the reference's dialect and these limits."""
    file = directory / "limited.toml"
    file.write_text(f'protocol = "chat"\n\n[limits]\n{limits}\n')
    return file


@pytest.mark.sweep
def test_a_server_that_starts_slowly_is_given_the_time_that_its_dialect_says_each_time(
    check: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launched, "START_TIMEOUT", 0.1)
    slow = ("--launch", frail("starts-slowly"), *QUICK, "--only", "CHAT-1", "--only", "CHAT-2", "--only", "CHAT-9")
    assert "does not listen at tcp://127.0.0.1:" in check.refusal("chat", *slow, "--timeout", 0.1)
    outcome = check("chat", *slow, "--dialect", dialect(tmp_path, "start = 30"))
    assert outcome.code == 1
    assert outcome.clauses_that("violated") == ["CHAT-2"]
    assert outcome.verdicts["CHAT-9"] == "holds"


@pytest.mark.slow
def test_all_starts_together_are_bounded(check: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launched, "TOTAL_START_TIMEOUT", 0.5)
    outcome = check("chat", "--launch", frail("starts-slowly"), *QUICK, "--dialect", dialect(tmp_path, "start = 30"))
    assert outcome.code == 1
    assert outcome.clause("CHAT-12")["why"].startswith(
        "the server could not be restarted after the violation of CHAT-2: its starts, 1 so far, have taken "
    )
