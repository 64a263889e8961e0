"""The classes that `check family` collects."""

import socket
from typing import Any

import pytest

from socketserver_reference.conformance.runner import collected_family


def test_servers_at_an_address_of_ipv6_are_collected_where_there_are_such_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over_ipv6 = {name for name in collected_family.CLASSES if name.endswith("Ipv6")}
    there = {f"{name}AndIpv6" for name in collected_family.CLASSES if name.endswith(("Tcp", "Udp"))}
    assert {"TestThreadingChatOverTcpAndIpv6", "TestSyncEchoOverUdpAndIpv6", "TestForkingEchoOverTcpAndIpv6"} <= there
    assert over_ipv6 == (there if collected_family.has_ipv6() else set())
    for served in collected_family.family_over_ipv6():
        server: Any = served.make(None)
        server.server_close()
        assert server.address_family == socket.AF_INET6

    def refuse(*_: object) -> None:
        raise OSError("Cannot assign requested address")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert collected_family.family_over_ipv6() == []
