"""The oracle of the chat, on simulated rooms: no false alarm whatever a conforming server does, no miss of a changed
byte.
"""

from collections.abc import Callable
from contextlib import suppress
from random import Random
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketserver_reference.conformance.driver import stage as stage_module
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles import chat_room as room_module
from socketserver_reference.conformance.oracles import stream_chat
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.scenario.scene import Politeness
from socketserver_reference.conformance.scenario.violation import Violation
from tests.support import simulation
from tests.support.simulated_clients import Clients, talk
from tests.support.simulation import Connection, Room

SMALL = 3000
"""Bytes that a simulated server keeps for a member that does not read, in place of 64 KiB."""

EXAMPLES = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


CHANCES = st.integers(0, 1 << 40)
MANNERS = st.sampled_from(["abrupt", "polite", "polite at first"])


def act_at_random(stage: Stage, seed: int, steps: int) -> None:
    """Let clients do so many things, and the final steps, or as many as can be judged."""
    clients = Clients(stage, Random(seed + 1))
    with suppress(Ambiguous):
        for _ in range(steps):
            clients.one_more()
        clients.do(*stage.oracle.final_steps())


@pytest.mark.sweep
@given(seed=CHANCES, steps=st.integers(1, 50), politeness=MANNERS)
@EXAMPLES
def test_a_conforming_server_is_never_accused_however_it_cuts_delays_and_orders(
    seed: int, steps: int, politeness: Politeness
) -> None:
    with simulation.stage(Room(Random(seed)), politeness=politeness) as stage:
        act_at_random(stage, seed, steps)


@pytest.mark.sweep
@given(seed=CHANCES, steps=st.integers(1, 50))
@EXAMPLES
def test_nor_is_it_where_so_much_is_said_that_all_who_read_are_read_all_the_time(seed: int, steps: int) -> None:
    with mock.patch.object(stage_module, "FLOOD_THRESHOLD_BYTES", 40), simulation.stage(Room(Random(seed))) as stage:
        act_at_random(stage, seed, steps)


@pytest.mark.sweep
@given(seed=CHANCES, steps=st.integers(1, 50))
@EXAMPLES
def test_a_server_that_cuts_off_who_does_not_read_is_not_accused(seed: int, steps: int) -> None:
    with (
        mock.patch.object(room_module, "MIN_BACKLOG_BYTES", SMALL),
        simulation.stage(Room(Random(seed), buffer=SMALL)) as stage,
    ):
        act_at_random(stage, seed, steps)


@pytest.mark.sweep
@given(seed=CHANCES)
@settings(EXAMPLES, max_examples=20)
def test_a_long_scenario_is_judged_though_its_beginning_is_forgotten(seed: int) -> None:
    with mock.patch.object(stream_chat, "KEPT_LOG_BYTES", 200), simulation.stage(Room(Random(seed))) as stage:
        act_at_random(stage, seed, 60)


# Mutations: what only one member, or everybody, reads of one chunk

Outgoing = list[tuple[Connection, bytes]]


def changed(delivery: bytes, chance: Random) -> bytes:
    """Return the delivery with one byte changed."""
    at = chance.randrange(len(delivery))
    return delivery[:at] + bytes([delivery[at] ^ chance.randint(1, 255)]) + delivery[at + 1 :]


def torn(delivery: bytes, chance: Random) -> bytes:
    """Return the delivery without its last bytes."""
    return delivery[: chance.randrange(1, len(delivery))]


def dropped(delivery: bytes, chance: Random) -> bytes:  # noqa: ARG001  # chance has no say in it
    """Return nothing."""
    return b""


def doubled(delivery: bytes, chance: Random) -> bytes:  # noqa: ARG001  # chance has no say in it
    """Return the delivery twice."""
    return delivery * 2


def grown(delivery: bytes, chance: Random) -> bytes:
    """Return the delivery with a byte more."""
    at = chance.randrange(len(delivery) + 1)
    return delivery[:at] + b"~" + delivery[at:]


MUTATIONS = [changed, torn, dropped, doubled, grown]


@given(seed=CHANCES, number=st.integers(0, 13), victim=st.integers(0, 2), mutation=st.sampled_from(MUTATIONS))
@EXAMPLES
def test_whatever_one_member_reads_wrongly_is_seen(
    seed: int, number: int, victim: int, mutation: Callable[[bytes, Random], bytes]
) -> None:
    chance = Random(seed + 1)
    spoiled: list[bytes] = []

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        if chunk != number:
            return outgoing
        spoiled.append(outgoing[0][1])
        index = victim % len(outgoing)
        member, delivery = outgoing[index]
        return [*outgoing[:index], (member, mutation(delivery, chance)), *outgoing[index + 1 :]]

    refused = False
    try:
        with talk(Room(Random(seed), spoil)) as stage:
            stage.play(stage.oracle.final_steps())
    except Violation:
        refused = True
    assert refused or not spoiled


@given(seed=CHANCES, number=st.integers(0, 12), mutation=st.sampled_from(MUTATIONS))
@EXAMPLES
def test_whatever_all_members_read_wrongly_is_seen(
    seed: int, number: int, mutation: Callable[[bytes, Random], bytes]
) -> None:
    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        if chunk != number:
            return outgoing
        wrong = mutation(outgoing[0][1], Random(seed + 1))
        return [(member, wrong) for member, _ in outgoing]

    with pytest.raises(Violation), talk(Room(Random(seed), spoil)) as stage:
        stage.play(stage.oracle.final_steps())


@pytest.mark.slow
@given(seed=CHANCES, number=st.integers(3, 10), victim=st.integers(0, 2))
@EXAMPLES
def test_two_deliveries_swapped_for_one_member_alone_are_seen(seed: int, number: int, victim: int) -> None:
    kept: Outgoing = []

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        if chunk == number:
            kept.append(outgoing[victim])
            return [*outgoing[:victim], *outgoing[victim + 1 :]]
        if kept and chunk > number:
            late = kept.pop()
            return [*outgoing, late] if any(member is late[0] for member, _ in outgoing) else outgoing
        return outgoing

    with pytest.raises(Violation), talk(Room(Random(seed), spoil)) as stage:
        stage.play(stage.oracle.final_steps())
