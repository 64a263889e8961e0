"""The classes that `check family` collects."""

import os
import socket
from types import ModuleType
from typing import Any

import pytest

from socketserver_reference import family
from socketserver_reference.address import is_of_this_host
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner import collected_family
from tests.support.checking import Checker


def test_servers_at_an_address_of_ipv6_are_collected_where_there_are_such_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over_ipv6 = {name for name in collected_family.CLASSES if name.endswith("Ipv6")}
    there = {f"{name}AndIpv6" for name in collected_family.CLASSES if name.endswith(("Tcp", "Udp"))}
    assert {"TestThreadingChatOverTcpAndIpv6", "TestSyncEchoOverUdpAndIpv6", "TestForkingEchoOverTcpAndIpv6"} <= there
    assert over_ipv6 == (there if is_of_this_host("::1", socket.AF_INET6) else set())
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
    outcome = check("family", f"--only={clause}", "--", "-k", f"{member} and not Ipv6")
    assert outcome.code == 1
    assert f"expected: {refused} is refused" in outcome.out


def test_a_server_that_the_family_refuses_without_need_cannot_be_checked(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "platform_lacks", lambda transport, _: "no" if transport == "unix" else "")
    outcome = check("family", "--only=SRV-12", "--", "-k", "SyncEchoOverUnix")
    assert outcome.code == 2
    assert "the server cannot be made: Refused: no sync echo over unix: no" in outcome.out


@pytest.mark.parametrize(
    ("transport", "concurrency", "module", "lacking"),
    [("unix", "sync", socket, "AF_UNIX"), ("tcp", "forking", os, "fork")],
)
def test_what_the_system_cannot_serve_is_not_collected(
    transport: str, concurrency: str, module: ModuleType, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert collected_family.can_serve("echo", transport, concurrency)
    monkeypatch.delattr(module, lacking)
    assert not collected_family.can_serve("echo", transport, concurrency)


def test_a_server_that_may_have_a_room_is_not_asked_to_refuse_it() -> None:
    served = next(one for one in collected_family.family(["tcp"]) if one.concurrency == "threading")
    subject = type("Subject", (collected_family.FamilyConformance,), {"target": served})
    with pytest.raises(NotApplicable, match="such a server can have a room"):
        subject().test_no_room_is_served_whose_members_are_never_there_at_once()
