"""The suite through the hostile network: nobody is blamed for what the network did."""

from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faults.network import CALM, Proxy, Through, Weather
from faults.network.through import HIDDEN
from reference.address import Address
from reference.conformance.chat import ChatConformance
from reference.conformance.datagram import DatagramConformance
from reference.conformance.directed import checks, performer
from reference.conformance.echo import EchoConformance
from reference.conformance.performer import Playing
from reference.conformance.scenario import Reset, Say, Send, join
from reference.conformance.suite import Conformance, NotApplicable, NotChecked
from reference.conformance.target import CannotCheck, InProcess, Launched
from reference.conformance.violation import Violation
from reference.family import make_server, server_address
from tests.carrying import LOCALHOST, carrying, is_reset, segments_received
from tests.checking import Checker
from tests.serving import PATIENCE, connect_to, read, serving, somewhere

SAME_VERDICT = {
    "delay": Weather(delay=0.0005, jitter=0.001),
    "rate": Weather(rate=2e6),
    "coalesce": Weather(coalesce=0.001),
    "stall": Weather(stall_every=0.02, stall_for=0.01),
}

LONG = (
    "test_who_does_not_read_delays_nobody",
    "test_a_delivery_to_a_slow_reader_is_whole",
    "test_two_hundred_members_come_at_once",
)
"""Checks that take long: in slow weather, seconds. They hold as well."""


def target_of(program: str, address: Address) -> InProcess:
    return InProcess(partial(make_server, program, address))


def conforms(suite: type[Conformance], program: str, address: Address, weather: Weather) -> None:
    """Check a server of the reference through the weather; raise the first Violation."""
    with closing(performer(suite.protocol, Through(target_of(program, address), weather), PATIENCE)) as performing:
        for clause, name in checks(suite):
            if name not in LONG and clause not in HIDDEN:
                with suppress(NotApplicable):  # nobody sees there what the server costs
                    getattr(suite(), name)(Playing(performing, clause))
        site: Any = performing.site
        assert site.interference() == ""


@pytest.mark.unmeasured
@pytest.mark.parametrize("weather", SAME_VERDICT)
def test_the_chat_holds_what_it_holds_without_a_network_between(weather: str) -> None:
    conforms(ChatConformance, "chat", LOCALHOST, SAME_VERDICT[weather])


@pytest.mark.parametrize("weather", SAME_VERDICT)
def test_the_echo_holds_what_it_holds_without_a_network_between(weather: str) -> None:
    conforms(EchoConformance, "echo", LOCALHOST, SAME_VERDICT[weather])


@pytest.mark.parametrize("weather", [name for name in SAME_VERDICT if name != "coalesce"])
def test_the_datagrams_hold_what_they_hold_without_a_network_between(weather: str) -> None:
    conforms(DatagramConformance, "echo", Address("udp", "127.0.0.1"), SAME_VERDICT[weather])


def test_the_command_line_checks_a_server_through_a_proxy(check: Checker) -> None:
    weather = Weather(delay=0.001, coalesce=0.001)
    with serving("chat", LOCALHOST) as server, Proxy(LOCALHOST, server_address(server), weather) as proxy:
        outcome = check("chat", proxy.address, "--only", "CHAT-7", "--only", "CHAT-12")
    assert (outcome.code, outcome.clauses_that("holds")) == (0, ["CHAT-7", "CHAT-12"])


def test_a_settled_utterance_stays_one_chunk() -> None:
    for weather in SAME_VERDICT.values():
        with carrying(weather) as ends:
            client, server = ends.connect()
            with client, server:
                client.sendall(b"x" * 1024)
                assert read(server, 1024) == b"x" * 1024
                assert segments_received(server) == 1


# Whose doing it was


def play_once(target: Through, *steps: Any) -> tuple[Violation | None, str]:
    """Play a scenario with nobody to judge; return what the server would be blamed for, and what the network did."""
    with closing(performer("chat", target, PATIENCE)) as performing:
        site: Any = performing.site
        with performing.stage() as stage:
            try:
                stage.play(steps)
            except Violation as violation:
                return violation, site.interference()
            return None, site.interference()


def test_a_reset_by_the_network_can_be_told_from_one_by_the_server() -> None:
    calm, hostile = (Through(target_of("chat", LOCALHOST), weather) for weather in (CALM, Weather(reset_after=40)))
    talk = [*join("ann", "ben"), *(Say("ann", b"hello") for _ in range(5))]
    assert play_once(calm, *talk) == (None, "")
    violation, deed = play_once(hostile, *talk)
    assert violation is not None
    assert "the network resets both sides after 40 bytes to-client" in deed


@pytest.mark.parametrize("weather", [Weather(reset_after=3000), Weather(reset=0.01)], ids=str)
@pytest.mark.unmeasured
def test_a_server_is_not_blamed_for_resets_by_the_network(weather: Weather) -> None:
    held, reasons = [], []
    with closing(performer("chat", Through(target_of("chat", LOCALHOST), weather), 1.0)) as performing:
        for clause, name in checks(ChatConformance):
            if name not in LONG and clause not in HIDDEN:
                try:
                    getattr(ChatConformance(), name)(Playing(performing, clause))
                    held.append(clause)
                except NotChecked as unchecked:
                    reasons.append(str(unchecked))
                except NotApplicable:
                    pass
    assert held
    assert reasons
    assert all("the network resets both sides" in reason for reason in reasons)


def test_a_silence_of_the_network_can_be_told_from_one_of_the_server() -> None:
    slow = Through(target_of("chat", LOCALHOST), Weather(delay=0.05))
    site = slow.start(0.1)
    with closing(site), connect_to(site.address) as client:
        client.sendall(b"hello")
        assert read(client, 8) == b"ackhello"
        assert site.interference() == "the network held something for 0.05 s"
        site.calm()
        assert site.interference() == ""
        site.proxy.stall()
        assert site.interference() == "the network is stalled"


def test_a_fresh_server_is_found_behind_the_same_address_and_old_deeds_are_forgiven() -> None:
    site = Through(target_of("chat", LOCALHOST), Weather(reset_after=100)).start(PATIENCE)
    with closing(site):
        address = site.address
        with connect_to(address) as client:
            client.sendall(b"x" * 200)
            assert "resets both sides after 100 bytes to-server" in site.interference() or is_reset(client)
        assert "the network resets" in site.interference()
        assert site.renew()
        assert site.interference() == ""
        assert site.address == address
        with connect_to(address) as client:
            client.sendall(b"hello")
            assert read(client, 8) == b"ackhello"
        assert site.obituary() == ""


@pytest.mark.parametrize("way_to_wait", ["rest", "calm"])
def test_resting_is_waiting_for_what_is_under_way(way_to_wait: str) -> None:
    with carrying() as ends, closing(Through(str(ends.proxy.address), Weather(delay=0.01)).start(PATIENCE)) as site:
        probe, _ = ends.listener.accept()
        probe.close()
        with connect_to(site.address) as client:
            client.sendall(b"hello")
            server, _ = ends.listener.accept()
            with server:
                getattr(site, way_to_wait)()
                ends.settle()
                server.setblocking(False)
                assert server.recv(5) == b"hello"


def test_words_that_are_under_way_do_not_leak_into_the_next_scenario() -> None:
    slow = Through(target_of("chat", LOCALHOST), Weather(rate=40_000.0))
    with closing(performer("chat", slow, PATIENCE)) as performing:
        performing.play(*join("ann", "cal"), Send("cal", b"x" * 4000), Reset("cal"), about="CHAT-12")
        performing.play(*join("dan"), *(Say("dan", b"%d" % count) for count in range(20)), about="CHAT-2")


def test_a_target_behind_the_network_is_named_with_its_weather(tmp_path: Path) -> None:
    assert str(Through("tcp://127.0.0.1:9", Weather(split=1))) == "tcp://127.0.0.1:9 through a network (--split 1)"
    site = Through(target_of("chat", somewhere("unix", tmp_path))).start(PATIENCE)
    with closing(site), connect_to(site.address) as client:
        assert site.address.transport == "unix"
        client.sendall(b"hello")
        assert read(client, 8) == b"ackhello"
    with pytest.raises(CannotCheck, match="waits where a network loses"):
        Through(target_of("echo", somewhere("unix-datagram", tmp_path))).start(PATIENCE)
    with pytest.raises(CannotCheck, match="no program that can be run"):
        Through(Launched("no-such-program {port}")).start(PATIENCE)
