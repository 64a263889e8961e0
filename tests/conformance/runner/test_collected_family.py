"""The classes that `check family` collects."""

import socket
from typing import Any

import pytest

from socketserver_reference import family
from socketserver_reference.conformance.runner import collected_family
from tests.support.checking import Checker


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


@pytest.mark.parametrize(
    ("member", "clause", "refused"),
    [
        ("ForkingEchoOverTcp", "SRV-6", "a forking chat over tcp"),
        ("ThreadingEchoOverUdp", "SRV-7", "a threading chat over udp"),
    ],
)
def test_a_room_that_the_family_does_not_refuse_is_told(
    member: str, clause: str, refused: str, check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "refusal", lambda *_: "")
    outcome = check("family", f"--only={clause}", "--", "-k", member)
    assert outcome.code == 1
    assert f"expected: {refused} is refused" in outcome.out


def test_a_server_that_the_family_refuses_without_need_cannot_be_checked(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "platform_lacks", lambda transport, _: "no" if transport == "unix" else "")
    outcome = check("family", "--only=SRV-12")
    assert outcome.code == 2
    assert "the server cannot be made: Refused: no sync echo over unix: no" in outcome.out
