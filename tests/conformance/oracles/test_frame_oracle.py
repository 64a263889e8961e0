"""The oracle of chats in frames, on simulated rooms that speak any dialect: no false alarm, no miss."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.oracles import chat_room as room_module
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.scenario.scene import Politeness
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Connect,
    Quit,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from tests.servers.framed_room import FramedRoom
from tests.support import simulation, speaking
from tests.support.simulated_clients import Clients, talk
from tests.support.simulation import Connection

SMALL = 3000
"""Bytes that a simulated server keeps for a member that does not read, in place of 64 KiB; notices may take half."""

EXAMPLES = settings(
    max_examples=25, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
CHANCES = st.integers(0, 1 << 40)
MANNERS = st.sampled_from(["abrupt", "polite", "polite at first"])
LABELS = st.sampled_from(sorted(speaking.LABELS))


@pytest.mark.slow
@given(seed=CHANCES, steps=st.integers(1, 50), politeness=MANNERS, label=LABELS)
@EXAMPLES
def test_a_server_that_speaks_its_dialect_is_never_accused(
    seed: int, steps: int, politeness: Politeness, label: str
) -> None:
    room = FramedRoom(Random(seed), speaking.drawn(Random(seed)), label=label)
    with simulation.stage(room, politeness=politeness) as stage:
        clients = Clients(stage, Random(seed + 1))
        for _ in range(steps):
            clients.one_more()
        clients.do(*stage.oracle.final_steps())


@pytest.mark.sweep
@given(seed=CHANCES, steps=st.integers(1, 50))
@EXAMPLES
def test_a_server_that_cuts_off_who_does_not_read_is_not_accused(seed: int, steps: int) -> None:
    room = FramedRoom(Random(seed), speaking.drawn(Random(seed)), buffer=SMALL)
    with mock.patch.object(room_module, "MIN_BACKLOG_BYTES", SMALL // 2), simulation.stage(room) as stage:
        clients = Clients(stage, Random(seed + 1))
        for _ in range(steps):
            clients.one_more()
        clients.do(*stage.oracle.final_steps())


OTHERS = read('protocol = "chat"\n[framing]\nin = "line"\n[delivery]\nto_sender = "nothing"', "others", "others")
"""A dialect in which nobody hears themselves."""


@pytest.mark.parametrize(
    "then",
    [
        [Say("ben", b"am I here?"), *join("cal"), Say("cal", b"no")],
        [Connect("lou"), WaitUntilHeard("lou", "ben"), *join("cal"), Say("cal", b"is anybody there?")],
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_of_who_has_fallen_far_behind_nothing_is_demanded_until_it_is_heard(seed: int, then: list[Step]) -> None:
    flood = [Send("ann", b"x" * 50)] * (2 * SMALL // 50)
    room = FramedRoom(Random(seed), OTHERS, buffer=SMALL)
    with mock.patch.object(room_module, "MIN_BACKLOG_BYTES", SMALL // 2), simulation.stage(room) as stage:
        stage.play([*join("ann", "ben"), Stall("ben"), *flood, Settle(), Abandon("ann"), Resume("ben"), *then])
    assert room.connections[2].left  # behind ann and her witness


def test_a_member_that_speaks_and_does_not_read_may_be_cut_off_before_the_server_has_read_that() -> None:
    oracle = FramedChatOracle(OTHERS)
    for step in (*join("ann"), Connect("ben"), Stall("ben"), Send("ben", b"unheard")):
        oracle.begin(step, idle_before=False)
    assert not oracle.due("ann")
    assert oracle.feed("ann", b"ackunheard\n")
    oracle.begin(Resume("ben"), idle_before=False)
    assert oracle.feed_end("ben", "reset") is None


def test_a_member_that_reads_too_slowly_may_be_cut_off() -> None:
    oracle = FramedChatOracle(OTHERS)
    for step in (*join("ann", "ben"), Send("ben", b"hello")):
        oracle.begin(step, idle_before=False)
    oracle.lags("ann")
    assert oracle.feed_end("ann", "eof") is None
    assert not oracle.due("ann")


def test_where_a_reset_may_lose_much_the_amount_that_waited_is_unknown() -> None:
    for count, rightly in ((64, True), (63, False)):
        oracle = FramedChatOracle(OTHERS)
        for step in (*join("ann"), *join("ben"), *[Send("ben", b"x" * 1020)] * count):  # 1024 as a delivery
            oracle.begin(step, idle_before=False)
        assert (oracle.feed_end("ann", "reset") is None) is rightly


# Alterations: what one member, or everybody, reads of one utterance


Outgoing = list[tuple[Connection, bytes]]
Alteration = Callable[[bytes, Dialect, Random], bytes]


def lost(delivery: bytes, dialect: Dialect, chance: Random) -> bytes:  # noqa: ARG001  # some need less than others
    """Return nothing."""
    return b""


def doubled(delivery: bytes, dialect: Dialect, chance: Random) -> bytes:  # noqa: ARG001
    """Return the delivery twice."""
    return delivery * 2


def changed(delivery: bytes, dialect: Dialect, chance: Random) -> bytes:  # noqa: ARG001
    """Return the delivery with one letter of what was said in another case."""
    at = chance.choice([count for count, byte in enumerate(delivery) if chr(byte).isalpha() and byte < 128])
    return delivery[:at] + delivery[at : at + 1].swapcase() + delivery[at + 1 :]


def torn(delivery: bytes, dialect: Dialect, chance: Random) -> bytes:  # noqa: ARG001
    """Return the delivery without its last bytes."""
    return delivery[: chance.randrange(1, len(delivery.rstrip(b" .")))]


def grown(delivery: bytes, dialect: Dialect, chance: Random) -> bytes:  # noqa: ARG001
    """Return the delivery with a byte more inside."""
    at = chance.randrange(1, len(delivery.rstrip(b" .\r\n")))
    return delivery[:at] + b"~" + delivery[at:]


def accompanied(delivery: bytes, dialect: Dialect, chance: Random) -> bytes:  # noqa: ARG001
    """Return the delivery with what nobody said before it."""
    invented = dialect.template.fill(body=b"nobody said this", sender=b"0")
    return (invented if dialect.framing_out.kind == "none" else dialect.framing_out.put(invented)) + delivery


ALTERATIONS = [lost, doubled, changed, torn, grown, accompanied]


def marked(chance: Random, *, label: bool = False) -> Dialect:
    """Return a dialect in which nothing hides an alteration: one that marks where things begin."""
    while True:
        dialect = speaking.drawn(chance, anything=False)
        told = isinstance(dialect.to_sender, Template) and not dialect.to_sender.has_body
        labelled = dialect.template.has_sender and "{any}" not in dialect.template.text
        if not told and (labelled or not label) and "{any}" not in dialect.template.text:
            return dialect


def seen(room: FramedRoom) -> bool:
    """Return whether something is found wrong with a room, from the talk to the last goodbye."""
    try:
        with talk(room) as stage:
            stage.play(stage.oracle.final_steps())
    except Violation:
        return True
    return False


@given(seed=CHANCES, number=st.integers(4, 16), victim=st.integers(0, 2), alteration=st.sampled_from(ALTERATIONS))
@EXAMPLES
def test_whatever_one_member_reads_wrongly_is_seen(seed: int, number: int, victim: int, alteration: Alteration) -> None:
    chance, dialect = Random(seed + 1), marked(Random(seed))
    spoiled: list[bytes] = []

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        if chunk != number or not outgoing:
            return outgoing
        index = victim % len(outgoing)
        member, delivery = outgoing[index]
        spoiled.append(delivery)
        return [*outgoing[:index], (member, alteration(delivery, dialect, chance)), *outgoing[index + 1 :]]

    assert seen(FramedRoom(Random(seed), dialect, spoil)) or not spoiled


@given(seed=CHANCES, number=st.integers(4, 16), alteration=st.sampled_from(ALTERATIONS))
@EXAMPLES
def test_whatever_all_members_read_wrongly_is_seen(seed: int, number: int, alteration: Alteration) -> None:
    dialect = marked(Random(seed))
    spoiled: list[bytes] = []

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        if chunk != number:
            return outgoing
        spoiled.extend(delivery for _, delivery in outgoing)
        return [(member, alteration(delivery, dialect, Random(seed + 1))) for member, delivery in outgoing]

    assert seen(FramedRoom(Random(seed), dialect, spoil)) or not spoiled


@given(seed=CHANCES, number=st.integers(3, 10), victim=st.integers(0, 2))
@EXAMPLES
def test_two_deliveries_swapped_for_one_member_alone_are_seen(seed: int, number: int, victim: int) -> None:
    kept: Outgoing = []
    swapped: Outgoing = []

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        if chunk == number and outgoing:
            index = victim % len(outgoing)
            kept.append(outgoing[index])
            return [*outgoing[:index], *outgoing[index + 1 :]]
        if kept and chunk > number:
            late = kept.pop()
            if any(member is late[0] for member, _ in outgoing):
                swapped.append(late)
                return [*outgoing, late]
        return outgoing

    dialect = replace(marked(Random(seed)), to_sender="same")
    found = seen(FramedRoom(Random(seed), dialect, spoil))
    assert found or not swapped or not effects.asks_one_order(dialect)


@given(seed=CHANCES, number=st.integers(6, 12))
@EXAMPLES
def test_words_ascribed_to_another_are_seen(seed: int, number: int) -> None:
    class Liar(FramedRoom):
        def deliveries(self, speaker: Connection, chunk: bytes) -> Outgoing:
            others = [member for member in self.members() if member is not speaker]
            lie = self.chunks == number and others
            self.lied |= bool(lie)
            return super().deliveries(others[0] if lie else speaker, chunk)

        lied = False

    room = Liar(Random(seed), replace(marked(Random(seed), label=True), to_sender="same"))
    assert seen(room) or not room.lied


@given(seed=CHANCES)
@EXAMPLES
def test_a_quit_that_is_delivered_is_seen(seed: int) -> None:
    class Deaf(FramedRoom):
        def leave(self, connection: Connection, ending: Ending) -> None:
            if not connection.finished:  # it has quit
                for member, data in self.deliveries(connection, self.dialect.quit):
                    self.offer(member, data)
            super().leave(connection, ending)

    dialect = replace(marked(Random(seed)), quit=b"quit")
    with simulation.stage(Deaf(Random(seed), dialect)) as stage, pytest.raises(VIOLATIONS["CHAT-7"]):
        stage.play([*join("ann", "ben"), Quit("ben"), Say("ann", b"who?"), Connect("cal"), Say("cal", b"and?")])


@given(seed=CHANCES, number=st.integers(2, 8))
@EXAMPLES
def test_whoever_is_cut_off_is_seen(seed: int, number: int) -> None:
    cut: list[int] = []

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        if chunk == number:
            cut.append(number)
            outgoing[0][0].finished = True
            room.leave(outgoing[0][0], "eof")
        return outgoing[1:] if chunk == number else outgoing

    room = FramedRoom(Random(seed), replace(marked(Random(seed)), to_sender="same"), spoil)
    assert seen(room) or not cut
