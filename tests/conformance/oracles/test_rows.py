"""Every row of the table for chats is reached: by a small broken room, or by a fault of the catalogue."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from unittest import mock

import pytest

from socketserver_faults.catalogue.index import find
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.attribution import CHAT_ROWS, DATAGRAM_ROWS, ECHO_ROWS, Row
from socketserver_reference.conformance.scenario.steps import (
    Connect,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.text import numbered
from tests.servers.damaged_room import (
    ClosedRoom,
    DeafRoom,
    KeepingRoom,
    LyingRoom,
    TalkersRoom,
    WholeRoom,
    damaged,
    ending,
    swapping,
)
from tests.support.simulation import Room, violation_in

LABELLED = read(
    'protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "{sender}: {body}"\n', "labelled", "labelled"
)

TWO = join("ann", "ben")
THREE = join("ann", "ben", "cal")
TOGETHER: list[Step] = [Send("ann", b"something long"), Send("ben", b"or other"), Settle()]
LONG: list[Step] = [Send("ann", numbered(2000)), Settle()]
SLOW: list[Step] = [Stall("ben"), Say("ann", b"say one"), Say("ann", b"say two"), Resume("ben"), Say("ann", b"three")]


def breaking_off(one: bytes, last: bytes) -> bytes:
    return one[: len(one) // 2] + last


def with_another(one: bytes, last: bytes) -> bytes:
    return one[:6] + last.removeprefix(b"ack") + one[6:]


def nothing_before(one: bytes, _: bytes) -> bytes:
    return b"ack" + one


def in_two(one: bytes, _: bytes) -> bytes:
    return one[:6] + b"ack" + one[6:]


ROOMS: dict[tuple[str, str, str], tuple[Callable[[], Room], list[Step]]] = {
    ("quit delivered", "", ""): (lambda: DeafRoom(Random(1)), [*TWO, Quit("ben")]),
    ("extra | altered | torn | mixed | split | merged", "flooded", ""): (
        lambda: damaged(LABELLED, 3, lambda one, _: b"ben: > " * 1000 + one),
        [*THREE, HalfClose("ben"), Say("ann", b"say it")],
    ),
    ("two orders", "", ""): (lambda: swapping(3, 2), [*THREE, *TOGETHER]),
    ("mixed", "", ""): (lambda: damaged(NOTE, 2, with_another), [*TWO, Say("ann", b"a word or two")]),
    ("mixed", "", "in pieces"): (
        lambda: damaged(NOTE, 2, with_another),
        [*TWO, Say("ann", b"a word or two", in_pieces=True)],
    ),
    ("torn", "was slow", ""): (lambda: damaged(NOTE, 3, breaking_off, 1), [*TWO, *SLOW]),
    ("torn", "stalled", ""): (lambda: damaged(NOTE, 3, breaking_off, 0), [*THREE, Stall("ben"), Say("ann", b"say it")]),
    ("torn", "concurrent", ""): (
        lambda: damaged(LABELLED, 2, lambda one, _: one[:8] + b"\n"),
        [*TWO, *TOGETHER],
    ),
    ("torn", "", ""): (lambda: damaged(NOTE, 2, breaking_off), [*TWO, Say("ann", b"say it")]),
    ("other form | misdirected", "", ""): (
        lambda: damaged(LABELLED, 2, lambda one, _: one.partition(b": ")[2]),
        [*TWO, Say("ann", b"say it")],
    ),
    ("split | merged", "", "long"): (lambda: WholeRoom(Random(1)), [*TWO, *LONG]),
    ("split", "", "in pieces"): (
        lambda: damaged(LABELLED, 2, lambda *_: b"ann: say\nann:  it\n"),
        [*TWO, Say("ann", b"say it", in_pieces=True)],
    ),
    ("split", "", ""): (lambda: damaged(NOTE, 2, in_two), [*TWO, Say("ann", b"say it")]),
    ("merged", "", ""): (
        lambda: damaged(LABELLED, 3, lambda one, _: one.partition(b": ")[2]),
        [*TWO, Send("ann", b"one thing"), Send("ann", b"another"), Settle()],
    ),
    ("misattributed", "", ""): (
        lambda: LyingRoom(Random(1), LABELLED),
        [*TWO, Say("ann", b"say it")],
    ),
    ("empty", "reset", ""): (
        lambda: damaged(NOTE, 2, nothing_before),
        [*TWO, Connect("x"), Reset("x"), Say("ann", b"say it")],
    ),
    ("empty", "concurrent", ""): (lambda: damaged(NOTE, 2, nothing_before), [*TWO, *TOGETHER]),
    ("empty", "", "unusual"): (lambda: damaged(NOTE, 2, nothing_before), [*TWO, Say("ann", b"\0say it")]),
    ("empty", "", ""): (lambda: damaged(NOTE, 2, nothing_before), [*TWO, Say("ann", b"say it")]),
    ("extra", "", "in pieces"): (
        lambda: damaged(LABELLED, 2, lambda one, _: b"* ann\n" + one),
        [*TWO, Say("ann", b"say it", in_pieces=True)],
    ),
    ("extra", "concurrent", ""): (lambda: damaged(NOTE, 2, lambda one, _: b"hear, hear" + one), [*TWO, *TOGETHER]),
    ("extra", "", ""): (lambda: damaged(NOTE, 2, lambda one, _: b"hear, hear" + one), [*TWO, Say("ann", b"say it")]),
    ("duplicated", "", ""): (lambda: damaged(NOTE, 2, lambda one, last: last + one), [*TWO, Say("ann", b"say it")]),
    ("reordered", "", ""): (lambda: swapping(2), [*TWO, Send("ann", b"one thing"), Send("ann", b"another"), Settle()]),
    ("altered", "concurrent", ""): (
        lambda: damaged(NOTE, 2, lambda one, _: one[:6] + b"?" + one[7:]),
        [*TWO, *TOGETHER],
    ),
    ("altered", "", "long"): (lambda: damaged(NOTE, 2, lambda one, _: one[:500] + b"?"), [*TWO, *LONG]),
    ("altered", "", ""): (lambda: damaged(NOTE, 2, lambda one, _: one[:-1] + b"?"), [*TWO, Say("ann", b"say it")]),
    ("missing | cut | early end | no end", "quits", ""): (lambda: KeepingRoom(Random(1)), [*TWO, Quit("ben")]),
    ("missing | cut | early end | no end", "half-closes", ""): (
        lambda: KeepingRoom(Random(1)),
        [*TWO, HalfClose("ben")],
    ),
    ("missing | cut", "", "in pieces"): (
        lambda: damaged(LABELLED, 2, lambda *_: b""),
        [*TWO, Say("ann", b"say it", in_pieces=True)],
    ),
    ("missing", "lurks", ""): (
        lambda: TalkersRoom(Random(1)),
        [*TWO, Connect("lou"), WaitUntilHeard("lou", "ann")],
    ),
    ("early end | refused", "first", ""): (lambda: ClosedRoom(Random(1)), [Connect("ann"), Connect("ben")]),
    ("early end", "lurks", ""): (lambda: ending(2, 2), [*TWO, Connect("lou"), WaitUntilHeard("lou", "ann")]),
    ("missing | cut", "last words", ""): (
        lambda: damaged(NOTE, 2, lambda *_: b"", 0),
        [*TWO, Send("ben", b"last words"), HalfClose("ben"), Say("ann", b"gone?")],
    ),
    ("cut", "", ""): (lambda: damaged(NOTE, 2, lambda one, _: one[:5]), [*TWO, Say("ann", b"say it")]),
    ("missing | early end", "", ""): (lambda: damaged(NOTE, 2, lambda *_: b""), [*TWO, Say("ann", b"say it")]),
}
"""Shapes, circumstance and kind of a row -> a room that reaches it, and what its clients do."""

FAULTS = {
    ("early end", "at once", ""): "closes-twice",
    ("refused", "", ""): "queues-one-client",
    ("died", "", ""): "reset-ends-the-process",
    ("late", "stalled", ""): "keeps-who-is-cut-off",
    ("late", "", ""): "waits-for-acknowledgements",
    ("grows", "", ""): "leaves-its-writer",
    ("starves", "", ""): "ends-without-descriptors",
    ("no restart", "", ""): "tries-its-port-first",
    ("spins", "", ""): "looks-all-the-time",
}
"""The same -> a fault of the catalogue; `make matrix` judges those."""


def test_every_row_is_reached() -> None:
    rows = [(row.shapes, row.circumstance, row.kind) for row in CHAT_ROWS]
    assert len(set(rows)) == len(rows)
    unreached = [row for row in rows if row not in ROOMS and row not in FAULTS]
    assert not unreached, f"no room in ROOMS and no fault in FAULTS reaches these rows of CHAT_ROWS: {unreached}"
    assert {*ROOMS, *FAULTS} == {*rows}
    for (_, _, _), name in FAULTS.items():
        assert find(name)


def test_every_clause_over_the_network_is_named_by_a_row() -> None:
    named = {
        one.rstrip("?")
        for table in (CHAT_ROWS, ECHO_ROWS, DATAGRAM_ROWS)
        for row in table
        for one in row.clauses.split()
    }
    named |= {*attribution.CLAUSE_OF_DISRUPTION.values()}
    due = {clause.id for clause in CLAUSES.values() if clause.group != "SRV"}
    assert due <= named, f"no row of oracles/attribution.py names {sorted(due - named)}: no check can report it"


def test_an_utterance_in_pieces_is_seen_behind_others_of_a_client_that_does_not_hear_itself() -> None:
    dialect = replace(LABELLED, to_sender="nothing")
    spoken = [*TWO, Say("ann", b"say it", in_pieces=True)]
    assert violation_in(damaged(dialect, 3, lambda *_: b""), *spoken, timeout=0.1).candidates == (
        "CHAT-6",
        "CHAT-2",
    )


@pytest.mark.parametrize("row", ROOMS)
def test_a_broken_room_reaches_the_row(row: tuple[str, str, str]) -> None:
    make, steps = ROOMS[row]
    reached: list[Row] = []
    look_up = attribution.clauses

    def noting(table: tuple[Row, ...], shape: str, facts: list[str]) -> tuple[str, ...]:
        reached.append(next(row for row in table if row.fits(shape, facts)))  # type: ignore[arg-type]
        return look_up(table, shape, facts)  # type: ignore[arg-type]

    with mock.patch.object(attribution, "clauses", noting):
        violation_in(make(), *steps, timeout=0.1)
    assert [(one.shapes, one.circumstance, one.kind) for one in reached] == [row]
