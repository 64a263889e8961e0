"""Every row of the tables for echoes is reached by what a client may read of a broken one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.attribution import DATAGRAM_ROWS, ECHO_ROWS, Row
from socketserver_reference.conformance.oracles.datagram import DatagramOracle
from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.oracles.measured import delay, exhaustion, growth, port_reuse, resting
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Say
from socketserver_reference.conformance.scenario.transcript import (
    Did,
    Entry,
    Heard,
    Transcript,
    UnexpectedSourceDatagram,
)
from tests.servers.dialect_echoes import DIALECTS

Happening = Callable[[Any], object]


def reads(*pieces: bytes) -> Happening:
    """Return what happens if ann reads this, of which the last piece is wrong."""

    def happen(oracle: Any) -> None:
        assert [oracle.feed("ann", piece) for piece in pieces] == [True] * (len(pieces) - 1) + [False]
        oracle.explain_mismatch("ann", pieces[-1])

    return happen


def reads_nothing(oracle: Any) -> None:
    oracle.explain_silence("ann")


def reads_the_reply_and_nothing(oracle: Any) -> None:
    assert oracle.feed("ann", b"HELLO")
    oracle.explain_silence("ann")


def reads_the_reply_and_a_reset(oracle: Any) -> None:
    assert oracle.feed("ann", b"HELLO")
    oracle.feed_end("ann", "reset")


def reads_the_end(oracle: Any) -> None:
    oracle.feed_end("ann", "eof")


def reads_an_empty_line_at_the_end(oracle: Any) -> None:
    oracle.dialect = DIALECTS["stripped lines"]
    oracle.begin(HalfClose("ann"), idle_before=True)
    reads(b"\n")(oracle)


def reads_more_than_the_words_around(oracle: Any) -> None:
    oracle.dialect = DIALECTS["one counted"]
    reads(b"reply 1, ", b"at 2> .")(oracle)


def reads_one_byte_too_many_with_words_behind(oracle: Any) -> None:
    oracle.dialect = replace(DIALECTS["words around"], reply_template=Template("{body}.."), persistent=False)
    reads(b"a" * 1025 + b"..")(oracle)


def reads_more_where_nobody_hangs_up(oracle: Any) -> None:
    oracle.demands_ends = False
    reads(b"A" * 1025)(oracle)


def is_late(_: Any) -> None:
    entries: list[Entry] = [Did(Say("ben", b"hello"), when=1.0), Heard("ben", b"HELLO", 1.0)]
    delay.finding(
        Transcript([*entries, Did(Say("ann", b"hello"), when=2.0), Heard("ann", b"HELLO", 9.0)]), ["ben"], "ann"
    )


def finds_nobody(oracle: Any) -> None:
    oracle.explain_refusal("ann", "connection refused")


def elsewhere() -> UnexpectedSourceDatagram:
    datagram = UnexpectedSourceDatagram(b"HELLO")
    datagram.source = "elsewhere"
    return datagram


LONG = b"a" * 2000

ECHOES: dict[tuple[str, str, str], tuple[bytes | None, Happening]] = {
    ("extra", "at the end", ""): (None, reads_an_empty_line_at_the_end),
    ("extra", "kept", ""): (LONG, reads_more_where_nobody_hangs_up),
    ("extra", "answered", "long"): (LONG, reads(b"A" * 1025)),
    ("extra", "answered", "blank"): (b" \n", reads_more_than_the_words_around),
    ("extra", "answered", ""): (b"hello", reads(b"HELLO", b"HELLO")),
    ("extra | altered", "", "blank"): (b" \n", reads(b"?")),
    ("extra", "", "long"): (LONG, reads_one_byte_too_many_with_words_behind),
    ("extra", "", ""): (None, reads(b"welcome")),
    ("altered", "", "long"): (LONG, reads(b"x")),
    ("altered", "", ""): (b"hello", reads(b"hello")),
    ("no end", "", ""): (b"hello", reads_the_reply_and_nothing),
    ("early end", "answered", ""): (b"hello", reads_the_reply_and_a_reset),
    ("missing | cut | early end", "", "unusual"): (b"\xe9", reads_nothing),
    ("missing | cut | early end", "", "long"): (LONG, reads_nothing),
    ("missing | cut | early end", "", "blank"): (b" \n", reads_nothing),
    ("early end", "", ""): (b"hello", reads_the_end),
    ("missing | cut", "", ""): (b"hello", reads_nothing),
    ("refused | died", "", ""): (None, finds_nobody),
    ("late", "", ""): (b"hello", is_late),
    ("grows", "", ""): (None, lambda _: growth.finding(ECHO_ROWS, "threads", [9, 18], [2, 11], "")),
    ("starves", "", ""): (None, lambda _: exhaustion.spinning(ECHO_ROWS, 1.0)),
    ("no restart", "", ""): (None, lambda _: port_reuse.finding(ECHO_ROWS, "tcp://127.0.0.1:1", "address in use")),
    ("spins", "", ""): (None, lambda _: resting.finding(ECHO_ROWS, [], 1.0)),
}
"""Shapes, circumstance and kind of a row -> what ann asks, if anything, and what happens then."""

OF_DATAGRAMS: dict[tuple[str, str, str], tuple[bytes | None, Happening]] = {
    ("misdirected", "", ""): (b"hello", reads(elsewhere())),
    ("missing | altered", "", "blank"): (b"", reads_nothing),
    ("cut", "", "long"): (LONG, reads(b"A" * 512)),
    ("missing | altered", "", "long"): (LONG, reads_nothing),
    ("missing", "concurrent", ""): (b"hello", reads_nothing),
    ("missing", "", ""): (b"hello", reads_nothing),
    ("extra | altered | cut", "", ""): (b"hello", reads(b"hello")),
    ("refused | died", "", "blank"): (b"", finds_nobody),
    ("refused | died", "", "long"): (LONG, finds_nobody),
    ("refused | died", "", ""): (b"hello", finds_nobody),
}
"""The same for datagrams."""

CASES: list[Any] = [(ECHO_ROWS, EchoOracle, row, *case) for row, case in ECHOES.items()]
CASES += [(DATAGRAM_ROWS, DatagramOracle, row, *case) for row, case in OF_DATAGRAMS.items()]


@pytest.mark.parametrize(("table", "cases"), [(ECHO_ROWS, ECHOES), (DATAGRAM_ROWS, OF_DATAGRAMS)])
def test_every_row_has_a_case(table: tuple[Row, ...], cases: dict[tuple[str, str, str], object]) -> None:
    assert [(row.shapes, row.circumstance, row.kind) for row in table] == [*cases]


@pytest.mark.parametrize(("table", "oracle", "row", "asked", "happen"), CASES, ids=[str(case[2]) for case in CASES])
def test_a_broken_echo_reaches_the_row(
    table: tuple[Row, ...], oracle: Any, row: tuple[str, str, str], asked: bytes | None, happen: Happening
) -> None:
    judging = oracle(NOTE)
    others = ["ben"] if "concurrent" in row else []
    for who in ("ann", *others):
        judging.begin(Connect(who), idle_before=True)
        if asked is not None:
            judging.begin(Say(who, asked), idle_before=True)
    with mock.patch.object(attribution, "clauses", wraps=attribution.clauses) as looked_up:
        happen(judging)
    used, shape, facts = looked_up.call_args.args
    reached = next(one for one in used if one.fits(shape, facts))
    assert used is table
    assert (reached.shapes, reached.circumstance, reached.kind) == row
