"""Addresses: written as they are read, and refused with the form that would do."""

import socket
from types import SimpleNamespace

import pytest

from socketserver_reference.address import Address, BadAddress
from socketserver_reference.conformance.targets import ports


@pytest.mark.parametrize(
    "text", ["tcp://127.0.0.1:10007", "udp://[::1]:9", "tcp://localhost:0", "unix:///a b", "unix-datagram:///run/x"]
)
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1:1", "http://a:1", "tcp://a", "tcp://:1", "tcp://a:x", "tcp://a:65536", "tcp://[a:1", "tcp://a:1/b"],
)
def test_what_is_no_address_is_refused_with_the_form_that_would_do(text: str) -> None:
    with pytest.raises(BadAddress, match=r"write \S+:(//host:port|///path)"):
        Address.parse(text)


def test_a_unix_address_is_an_absolute_path() -> None:
    with pytest.raises(BadAddress, match="no absolute path: write unix:///path"):
        Address.parse("unix://socket")


def test_the_address_family_follows_from_the_address() -> None:
    families = [Address.parse(text).family for text in ("tcp://127.0.0.1:1", "tcp://[::1]:1", "unix:///a")]
    assert families == [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX]


@pytest.mark.parametrize(("looks", "free"), [(0, True), (2, True), (3, True), (4, False)])
def test_a_port_that_is_held_is_looked_at_again_until_it_is_free_or_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch, looks: int, free: bool
) -> None:
    clock: list[float] = []
    held = iter([*[True] * looks, False])
    monkeypatch.setattr(ports, "is_taken", lambda _address: next(held))
    monkeypatch.setattr(ports, "time", SimpleNamespace(monotonic=lambda: sum(clock), sleep=clock.append))
    assert ports.await_free(Address("tcp", "127.0.0.1", 1), until=2.5 * ports.PORT_POLL_INTERVAL) is free
    assert clock == [ports.PORT_POLL_INTERVAL] * min(looks, 3)


def test_the_same_address_at_another_port() -> None:
    assert str(Address.parse("udp://[::1]:9").with_port(10)) == "udp://[::1]:10"
