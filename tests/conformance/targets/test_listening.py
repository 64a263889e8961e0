"""Whether a server listens is seen without a connection, and only its own sockets count."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets import listening, proc_files
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.listening import Sight, listeners, look
from socketserver_reference.conformance.targets.ports import free_port, is_served
from socketserver_reference.conformance.targets.process import Launch

pytestmark = pytest.mark.skipif(not listening.SEES_LISTENERS, reason="this system does not tell")


@contextmanager
def launched(how: str, where: object) -> Iterator[Launch]:
    """Launch a program that listens."""
    launch = Launch([sys.executable, "-m", "tests.servers.listeners", how, str(where)])
    try:
        yield launch
    finally:
        launch.close()


def sight(launch: Launch, address: Address) -> Sight:
    """Look until the program listens somewhere."""
    while True:
        seen = launch.look(address, elsewhere=True)
        assert seen is not None
        if seen.listens or seen.elsewhere:
            return seen
        assert not launch.ended_within(0.02), launch.exit_report()


@pytest.mark.parametrize("how", ["tcp", "everywhere", "forks", "turns-daemon", "runs-another"])
def test_a_server_listens_whichever_of_its_processes_does(how: str) -> None:
    port = free_port()
    with launched(how, port) as launch:
        assert sight(launch, Address("tcp", "127.0.0.1", port)) == Sight(True)
        assert sight(launch, Address("tcp", "localhost", port)).listens


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
@pytest.mark.parametrize(
    ("how", "host", "listens"),
    [
        ("everywhere-6", "127.0.0.1", True),
        ("everywhere-6", "::1", True),
        ("mapped", "127.0.0.1", True),
        ("only-6", "::1", True),
        ("only-6", "127.0.0.1", False),
        ("everywhere", "::1", False),
    ],
)
def test_a_server_listens_where_its_clients_reach_it(how: str, host: str, listens: bool) -> None:
    port = free_port()
    try:
        socket.create_server(("::1", port), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with launched(how, port) as launch:
        assert sight(launch, Address("tcp", host, port)).listens == listens


def test_a_server_of_datagrams_listens_where_its_socket_is_bound() -> None:
    port = free_port()
    with launched("udp", port) as launch:
        assert sight(launch, Address("udp", "127.0.0.1", port)).listens
        assert sight(launch, Address("tcp", "127.0.0.1", port)) == Sight(False, (Address("udp", "127.0.0.1", port),))


@pytest.mark.parametrize(("how", "transport"), [("unix", "unix"), ("unix-datagram",) * 2, ("relative", "unix")])
def test_a_server_listens_at_its_path(tmp_path: Path, how: str, transport: str) -> None:
    address = Address(transport, path=str(tmp_path / "the socket"))
    with launched(how, address.path) as launch:
        assert sight(launch, address) == Sight(True)
        other = Address(transport, path=str(tmp_path / "other"))
        assert not sight(launch, other).listens


def test_the_socket_of_another_process_is_none_of_the_servers() -> None:
    port = free_port()
    address = Address("tcp", "127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)), launched("next-port", port) as launch:
        assert sight(launch, address) == Sight(False, (address.with_port(port + 1),), taken=True)


def test_a_server_that_does_not_let_itself_be_looked_at_listens_if_any_process_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(directory: str) -> list[str]:
        if directory.endswith("/fd"):
            raise PermissionError
        return real(directory)

    real = os.listdir
    address = Address("tcp", "127.0.0.1", free_port())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE):
        monkeypatch.setattr(os, "listdir", forbidden)
        assert look(os.getpid(), address, elsewhere=True) == Sight(False)
        with socket.create_server(("127.0.0.1", address.port)):
            assert look(os.getpid(), address) == Sight(True)


def test_where_else_a_server_listens_is_looked_for_only_if_wanted() -> None:
    port = free_port()
    address = Address("tcp", "127.0.0.1", port)
    with launched("next-port", port) as launch:
        assert sight(launch, address).elsewhere == (address.with_port(port + 1),)
        assert launch.look(address) == Sight(False)


@pytest.mark.parametrize("fixed", [False, True])
def test_a_server_that_listens_elsewhere_is_told_where(monkeypatch: pytest.MonkeyPatch, fixed: bool) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.targets.launched.START_TIMEOUT", 0.0)
    address = Address("tcp", "127.0.0.1", free_port())
    command = f"{sys.executable} -m tests.servers.listeners next-port {address.port if fixed else '{port}'}"
    elsewhere = (Address("tcp", "127.0.0.1", 80), Address("udp", "127.0.0.1", 81))
    monkeypatch.setattr(Launch, "look", lambda *_, **__: Sight(False, elsewhere))
    with pytest.raises(CannotCheck) as refused:
        Launched(command, address if fixed else None).start(0.0)
    remedy = "give that as the target"
    if not fixed:
        remedy = (
            "write {port} where the command takes its address; if it takes none, without it give that as the target"
        )
    assert f"it listens at tcp://127.0.0.1:80 and udp://127.0.0.1:81 instead ({remedy})" in str(refused.value)


@pytest.mark.parametrize("target", [None, "tcp://127.0.0.1:1"])
def test_a_server_of_another_transport_is_told_how_to_name_that(
    monkeypatch: pytest.MonkeyPatch, target: str | None
) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.targets.launched.START_TIMEOUT", 0.0)
    monkeypatch.setattr(
        Launch,
        "look",
        lambda _, address, **__: Sight(False, (Address("udp", "0.0.0.0", address.port),)),
    )
    with pytest.raises(CannotCheck) as refused:
        Launched(f"{sys.executable} -m tests.servers.listeners tcp {{port}}", target).start(0.0)
    remedy = "give that as the target" if target else "its transport is udp: --transport udp"
    assert f"instead ({remedy})" in str(refused.value)


def test_an_address_that_another_process_serves_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.targets.launched.START_TIMEOUT", 0.0)
    monkeypatch.setattr(Launch, "look", lambda *_, **__: Sight(False, taken=True))
    with pytest.raises(CannotCheck, match="a process that it did not start listens there"):
        Launched("sleep 600 {port}").start(0.0)


def test_a_system_without_proc_tells_nothing(tmp_path: Path) -> None:
    assert proc_files.read(str(tmp_path / "stat")) == ""
    assert proc_files.rows(str(tmp_path / "tcp")) == []
    assert proc_files.first_rows(str(tmp_path / "tcp"), "") == []
    assert proc_files.listed(str(tmp_path / "task")) == []
    assert proc_files.link(str(tmp_path / "fd")) == ""


def test_of_a_long_table_no_more_is_read_than_what_comes_first(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_bytes(b"  sl st\n 0: 0A first\n 1: 0A \xff\n 2: 06 later\n 3: 0A last\n")
    assert proc_files.first_rows(str(table), " 0A ") == [["0:", "0A", "first"], ["1:", "0A", "\ufffd"]]


def test_linux_lists_what_listens_over_tcp_before_all_connections() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as early,
        socket.create_connection(early.getsockname()),
        socket.create_server(("127.0.0.1", 0)) as late,
    ):
        ports = {one.address.port for one in listeners("tcp")}
        assert {early.getsockname()[1], late.getsockname()[1]} <= ports
        listed = [columns[3] for columns in proc_files.rows("/proc/net/tcp")]
    listening_rows = listed.count("0A")
    assert listed[:listening_rows] == ["0A"] * listening_rows
    assert len(listed) > listening_rows


def test_a_process_that_ends_while_it_is_looked_at_has_no_sockets() -> None:
    assert listening.sockets_of(["0"]) == set()


def test_what_cannot_be_seen_is_not_told() -> None:
    assert look(0, Address("tcp", "127.0.0.1", 1)) is None


def test_a_host_without_an_address_is_nowhere() -> None:
    (one, *_) = [one for one in _listening() if one.address.port]
    assert not one.serves(Address("tcp", "no.such.host.invalid", one.address.port)) or one.address.host == "0.0.0.0"


def _listening() -> list[listening.ListeningSocket]:
    with socket.create_server(("127.0.0.1", 0)):
        return list(listeners("tcp"))


def test_an_address_is_served_while_a_socket_listens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for sees in (True, False):
        monkeypatch.setattr("socketserver_reference.conformance.targets.ports.SEES_LISTENERS", sees)
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = Address("tcp", *server.getsockname())
            assert is_served(address)
        assert not is_served(address)
