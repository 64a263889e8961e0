"""Connections that a server closed first, and that hold its port."""

import socket
import sys

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets import ports, proc_files, time_wait

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of closed connections")


def closed_first_by(server: socket.socket, host: str) -> None:
    """Have a server close a connection first, and the client after it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((host, ports.free_port()))  # one that no other program has as well
        client.connect((host, server.getsockname()[1]))
        served, _ = server.accept()
        served.close()
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    ("family", "bound", "host"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::", "127.0.0.1"),  # one socket for both kinds of addresses
    ],
)
def test_they_are_ended_and_the_port_is_free(family: int, bound: str, host: str) -> None:
    with socket.create_server((bound, 0), family=family, dualstack_ipv6=bound == "::") as server:
        address = Address("tcp", host=bound, port=server.getsockname()[1])
        for _ in range(3):
            closed_first_by(server, host)
    assert ports.is_taken(address)
    time_wait.end_all(address)
    assert not ports.is_taken(address)


def test_a_connection_that_is_open_is_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address("tcp", host="127.0.0.1", port=server.getsockname()[1])
        with socket.create_connection(server.getsockname()) as client, server.accept()[0] as served:
            server.close()
            time_wait.end_all(address)
            client.sendall(b"still here")
            assert served.recv(64) == b"still here"


def test_a_client_of_another_machine_cannot_be_stood_in_for(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = ["0100007F:1F90", "010200C0:C001", "06"]  # 192.0.2.1
    monkeypatch.setattr(proc_files, "rows", lambda *_: [["0:", *elsewhere]])
    time_wait.end_all(Address("tcp", host="127.0.0.1", port=8080))


def test_a_connection_that_takes_its_time_to_close_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([[], [], ["one"]])
    monkeypatch.setattr(time_wait, "_held", lambda _: iter(next(looks)))
    assert time_wait.await_held(Address("tcp", host="127.0.0.1", port=8080))
    assert next(looks, None) is None
