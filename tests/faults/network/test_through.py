"""The suite through the hostile network: no server is blamed for what the network did."""

from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from socketserver_faults.network import UNIMPAIRED, Conditions, Proxy, Through
from socketserver_faults.network.target import UNOBSERVABLE
from socketserver_reference.address import Address, server_address
from socketserver_reference.conformance.checks.base import Conformance
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.checks.datagram import DatagramConformance
from socketserver_reference.conformance.checks.echo import EchoConformance
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.runner.direct import checks, open_session
from socketserver_reference.conformance.scenario.steps import Reset, Say, Send, join
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.family import make_server
from tests.support.carrying import carrying, is_reset, segments_received
from tests.support.checking import Checker
from tests.support.serving import LOOPBACK, TIMEOUT, connect_to, read, serving, somewhere

SAME_VERDICT = {
    "delay": Conditions(delay=0.0005, jitter=0.001),
    "rate": Conditions(rate=2e6),
    "coalesce": Conditions(coalesce=0.001),
    "stall": Conditions(stall_every=0.02, stall_for=0.01),
}

LONG = (
    "test_a_member_that_does_not_read_delays_no_other",
    "test_a_delivery_to_a_slow_reader_is_whole",
    "test_two_hundred_members_come_one_after_another",
    "test_two_hundred_clients_connect_in_one_instant",
)
"""Checks that take long: in slow conditions, seconds. They hold as well."""


def target_of(program: str, address: Address) -> InProcess:
    return InProcess(partial(make_server, program, address))


def conforms(suite: type[Conformance], program: str, address: Address, conditions: Conditions) -> None:
    """Check a server of the reference through the proxy; raise the first Violation."""
    with closing(open_session(suite.protocol, Through(target_of(program, address), conditions), TIMEOUT)) as session:
        for clause, name in checks(suite):
            if name not in LONG and clause not in UNOBSERVABLE:
                with suppress(NotApplicable):  # the server's processor time cannot be measured there
                    getattr(suite(), name)(ScenarioRunner(session, clause))
        site: Any = session.site
        assert site.interference() == ""


@pytest.mark.sweep
@pytest.mark.parametrize("conditions", SAME_VERDICT)
def test_the_chat_holds_what_it_holds_without_a_network_between(conditions: str) -> None:
    conforms(ChatConformance, "chat", LOOPBACK, SAME_VERDICT[conditions])


@pytest.mark.parametrize("conditions", SAME_VERDICT)
def test_the_echo_holds_what_it_holds_without_a_network_between(conditions: str) -> None:
    conforms(EchoConformance, "echo", LOOPBACK, SAME_VERDICT[conditions])


@pytest.mark.parametrize("conditions", [name for name in SAME_VERDICT if name != "coalesce"])
def test_the_datagrams_hold_what_they_hold_without_a_network_between(conditions: str) -> None:
    conforms(DatagramConformance, "echo", Address("udp", "127.0.0.1"), SAME_VERDICT[conditions])


@pytest.mark.slow
def test_the_command_line_checks_a_server_through_a_proxy(check: Checker) -> None:
    conditions = Conditions(delay=0.001, coalesce=0.001)
    with serving("chat", LOOPBACK) as server, Proxy(LOOPBACK, server_address(server), conditions) as proxy:
        outcome = check("chat", proxy.address, "--examples", 3, "--only", "CHAT-7", "--only", "CHAT-12")
    assert (outcome.code, outcome.clauses_that("holds")) == (0, ["CHAT-7", "CHAT-12"])


def test_a_settled_utterance_stays_one_chunk() -> None:
    for conditions in SAME_VERDICT.values():
        with carrying(conditions) as ends:
            client, server = ends.connect()
            with client, server:
                client.sendall(b"x" * 1024)
                assert read(server, 1024) == b"x" * 1024
                assert segments_received(server) == 1


# Whose doing it was


def play_once(target: Through, *steps: Any) -> tuple[Violation | None, str]:
    """Play a scenario without an oracle; return what the server would be blamed for, and what the network did."""
    with closing(open_session("chat", target, TIMEOUT)) as session:
        site: Any = session.site
        with session.stage() as stage:
            try:
                stage.play(steps)
            except Violation as violation:
                return violation, site.interference()
            return None, site.interference()


def test_a_reset_by_the_network_can_be_told_from_one_by_the_server() -> None:
    calm, hostile = (
        Through(target_of("chat", LOOPBACK), conditions) for conditions in (UNIMPAIRED, Conditions(reset_after=40))
    )
    talk = [*join("ann", "ben"), *(Say("ann", b"hello") for _ in range(5))]
    assert play_once(calm, *talk) == (None, "")
    violation, injected = play_once(hostile, *talk)
    assert violation is not None
    assert "the network resets both sides after 40 bytes to-client" in injected


@pytest.mark.parametrize("conditions", [Conditions(reset_after=3000), Conditions(reset=0.01)], ids=str)
@pytest.mark.sweep
def test_a_server_is_not_blamed_for_resets_by_the_network(conditions: Conditions) -> None:
    held, reasons = [], []
    with closing(open_session("chat", Through(target_of("chat", LOOPBACK), conditions), 1.0)) as session:
        for clause, name in checks(ChatConformance):
            if name not in LONG and clause not in UNOBSERVABLE:
                try:
                    getattr(ChatConformance(), name)(ScenarioRunner(session, clause))
                    held.append(clause)
                except NotChecked as unchecked:
                    reasons.append(str(unchecked))
                except NotApplicable:
                    pass
    assert held
    assert reasons
    assert all("the network resets both sides" in reason for reason in reasons)


def test_a_silence_of_the_network_can_be_told_from_one_of_the_server() -> None:
    slow = Through(target_of("chat", LOOPBACK), Conditions(delay=0.05))
    site = slow.start(0.1)
    with closing(site), connect_to(site.address) as client:
        client.sendall(b"hello")
        assert read(client, 8) == b"ackhello"
        assert site.interference() == "the network held something for 0.05 s"
        site.drain()
        assert site.interference() == ""
        site.proxy.stall()
        assert site.interference() == "the network is stalled"


def test_a_fresh_server_is_found_behind_the_same_address_and_old_deeds_are_forgiven() -> None:
    site = Through(target_of("chat", LOOPBACK), Conditions(reset_after=100)).start(TIMEOUT)
    with closing(site):
        address = site.address
        with connect_to(address) as client:
            client.sendall(b"x" * 200)
            assert "resets both sides after 100 bytes to-server" in site.interference() or is_reset(client)
        assert "the network resets" in site.interference()
        assert site.restart()
        assert site.interference() == ""
        assert site.address == address
        with connect_to(address) as client:
            client.sendall(b"hello")
            assert read(client, 8) == b"ackhello"
        assert site.exit_report() == ""


@pytest.mark.parametrize("way_to_wait", ["wait_idle", "drain"])
def test_resting_is_waiting_for_what_is_under_way(way_to_wait: str) -> None:
    with (
        carrying() as ends,
        closing(Through(str(ends.proxy.address), Conditions(delay=0.01)).start(TIMEOUT)) as site,
        connect_to(site.address) as client,
    ):
        client.sendall(b"hello")
        server, _ = ends.listener.accept()
        with server:
            getattr(site, way_to_wait)()
            ends.settle()
            server.setblocking(False)
            assert server.recv(5) == b"hello"


def test_words_that_are_under_way_do_not_leak_into_the_next_scenario() -> None:
    slow = Through(target_of("chat", LOOPBACK), Conditions(rate=40_000.0))
    with closing(open_session("chat", slow, TIMEOUT)) as session:
        session.play(*join("ann", "cal"), Send("cal", b"x" * 4000), Reset("cal"), about="CHAT-12")
        session.play(*join("dan"), *(Say("dan", b"%d" % count) for count in range(20)), about="CHAT-2")


def test_a_target_behind_the_network_is_named_with_its_conditions(tmp_path: Path) -> None:
    assert str(Through("tcp://127.0.0.1:9", Conditions(split=1))) == "tcp://127.0.0.1:9 through a network (--split 1)"
    site = Through(target_of("chat", somewhere("unix", tmp_path))).start(TIMEOUT)
    with closing(site), connect_to(site.address) as client:
        assert site.address.transport == "unix"
        client.sendall(b"hello")
        assert read(client, 8) == b"ackhello"
    with pytest.raises(CannotCheck, match="waits instead of losing them"):
        Through(target_of("echo", somewhere("unix-datagram", tmp_path))).start(TIMEOUT)
    with pytest.raises(CannotCheck, match="found no program 'no-such-program'"):
        Through(Launched("no-such-program {port}")).start(TIMEOUT)
