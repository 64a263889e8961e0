"""The triggers of each clause: the directed scenarios hold them, and the rewritings take them out."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.driver import rewritings
from socketserver_reference.conformance.driver.conditions import Steps, anything, more_than_a_chunk, shared_name
from socketserver_reference.conformance.driver.triggers import TRIGGERS, still_decides
from socketserver_reference.conformance.oracles.measured.exhaustion import Exhaustion
from socketserver_reference.conformance.oracles.measured.growth import Visits
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner.direct import SUITES, checks
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Approach,
    Begin,
    Close,
    Connect,
    Crowd,
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
from tests.support.known_failures import knowing, seen

LINES = Dialect(framing_in=Framing("line"), framing_out=Framing("line"))


class Recorder:
    """A `play` that only keeps the steps."""

    address = Address("tcp")
    dialect = NOTE
    idle = 1.0

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def __call__(self, *steps: Step) -> None:
        self.steps += steps

    def measure_lag(self, *steps: Step, **_: str) -> None:
        self.steps += steps

    def measure_delay(self, *steps: Step, **_: Any) -> None:
        self.steps += steps

    def scale(self, room: Callable[[int], Any], many: int) -> bool:
        self.steps += room(many).steps
        return True

    def grow(self, visits: Visits) -> None:
        self.steps += visits.steps(1)

    def exhaust(self, exhausts: Exhaustion) -> None:
        self.steps += exhausts.steps

    def come_back(self, *steps: Step) -> None:
        self.steps += steps

    def rest(self, *steps: Step) -> None:
        self.steps += steps

    def needs_exact_chunks(self) -> None:
        pass

    def not_applicable(self, why: str) -> None:
        raise NotApplicable(why)


def directed() -> Iterator[tuple[str, str, list[Step]]]:
    for suite in SUITES.values():
        for clause, name in checks(suite):
            play = Recorder()
            with suppress(NotApplicable):
                getattr(suite(), name)(play)
                yield clause, name, play.steps


DIRECTED = list(directed())


def holds_trigger(clause: str, steps: Steps, dialect: Dialect) -> bool:
    """Whether the steps can show that the clause is broken."""
    return any(trigger.present(steps, dialect) for trigger in TRIGGERS.get(clause, ()))


def test_every_clause_that_is_decided_over_the_network_has_a_row() -> None:
    due = [clause.id for clause in CLAUSES.values() if clause.group != "SRV"]
    assert list(TRIGGERS) == due, f"the rows of TRIGGERS in driver/triggers.py, in this order: {due}"


@pytest.mark.parametrize(("clause", "name", "steps"), DIRECTED, ids=[name for _, name, _ in DIRECTED])
def test_the_scenarios_of_a_clause_hold_its_trigger(clause: str, name: str, steps: list[Step]) -> None:
    shows = holds_trigger(clause, steps, NOTE) or TRIGGERS.get(clause) == ()
    assert shows, f"{name} decides {clause}; no trigger of {clause} in driver/triggers.py finds that in its steps"


@pytest.mark.parametrize("clause", [clause for clause in TRIGGERS if any(one.without for one in TRIGGERS[clause])])
def test_the_last_rewriting_of_each_trigger_takes_it_out(clause: str) -> None:
    for own, _, steps in DIRECTED:
        for trigger in TRIGGERS[clause] if own == clause else ():
            for dialect in (NOTE, LINES) if clause.startswith("CHAT") else (NOTE,):
                if trigger.present(steps, dialect) and trigger.without:
                    assert not trigger.present(trigger.without[-1](steps, dialect), dialect)


PLAIN = [*join("ann", "ben"), Say("ann", b"hello"), Say("ben", b"hi")]


def test_a_plain_conversation_holds_no_trigger_but_those_that_anything_is() -> None:
    plain = [*join("ann"), Say("ann", b"hello")]
    held = [clause for clause in TRIGGERS if clause.startswith("CHAT") and holds_trigger(clause, plain, NOTE)]
    assert held == [clause for clause in TRIGGERS if clause.startswith("CHAT") and holds_trigger(clause, PLAIN, NOTE)]
    assert held == [
        clause for clause, triggers in TRIGGERS.items() if clause in held and triggers[-1].present is anything
    ]
    assert held == ["CHAT-1", "CHAT-2", "CHAT-4"]


@pytest.mark.parametrize("text", ['reply = "you said: {body}"\ntransform = "identity"', 'transform = "reverse"'])
def test_capital_letters_are_nothing_special_to_an_echo_whatever_it_says_around_them(text: str) -> None:
    dialect = read(f'protocol = "echo"\n[echo]\n{text}\nrequests = "many"', "around", "around")
    special, *_ = TRIGGERS["ECHO-2"]
    asked: list[Step] = [Connect("ann"), Say("ann", b"\xe9t\xe9"), Say("ann", b"two\0words")]
    assert special.present(asked, dialect)
    assert special.present([Say("ann", b"hello")], dialect) == (dialect.transform == "reverse")
    assert special.present([Say("ann", b" \t")], dialect)
    assert not special.present(special.without[0](asked, dialect), dialect)


ABOUT_BYTES = {"CHAT-3", "CHAT-5", "CHAT-6", "CHAT-7", "CHAT-8", "CHAT-12", "CHAT-13", "CHAT-14", "CHAT-15"}


def test_scenarios_say_plain_short_words_unless_they_are_about_more() -> None:
    unusual = {clause for clause, _, steps in DIRECTED if holds_trigger("CHAT-3", steps, NOTE)}
    known = ABOUT_BYTES | {"CHAT-10", "CHAT-17"}
    found = {clause for clause in unusual if clause.startswith("CHAT")} - known
    assert not found, f"say plain, short words in their checks, or add them to ABOUT_BYTES: {found}"


@pytest.mark.parametrize(
    ("clause", "steps", "held"),
    [
        ("CHAT-3", [Say("ann", b"hello\n")], True),
        ("CHAT-3", [Say("ann", b"two words")], False),
        ("CHAT-3", [Send("ann", b"two words")], True),  # a chunk may end at the space
        ("CHAT-3", [Say("ann", b"x" * 81)], True),
        ("CHAT-6", [Send("ann", b"x" * 600), Send("ann", b"x" * 600)], True),
        ("CHAT-6", [Send("ann", b"x" * 600), Settle(), Send("ann", b"x" * 600)], False),
        ("CHAT-5", [Send("ann", b"1"), Send("ben", b"2")], False),
        ("CHAT-5", [Send("ann", b"1"), Send("ann", b"2")], True),
        ("CHAT-5", [Stall("ben")], True),
        ("CHAT-6", [Connect("ann", with_words=True), Send("ann", b"hello")], True),
        ("CHAT-8", [Say("ann", b"Q U I T")], True),
        ("CHAT-9", [Connect("ann"), Connect("ben"), Say("ben", b"hi")], True),
        ("CHAT-9", [Crowd(("ann", "ben")), Close("ann"), Say("ben", b"hi")], False),
        ("CHAT-9", [*join("ann"), WaitUntilHeard("lou", "ann")], True),
        ("CHAT-11", [*join("ann"), Stall("ann"), Send("ben", b"x" * 5000)], True),
        ("CHAT-12", [Send("ann", b"hi"), Settle(), Close("ann")], False),
        ("CHAT-12", [Send("ann", b"hi"), Close("ann")], True),
        ("CHAT-12", [Abandon("ann")], True),
        ("CHAT-13", [Send("ann", b"a"), Send("ann", b"a")], False),
        ("CHAT-13", [Send("ann", b"a"), Settle(), Send("ben", b"b")], False),
        ("CHAT-13", [Send("ann", b"a"), Send("ben", b"b")], True),
        ("CHAT-13", [Reset("ann"), Say("ben", b"b"), Connect("cal")], True),
        ("CHAT-13", [Send("ann", b"a"), HalfClose("ben")], True),
        ("CHAT-15", [Stall("ben"), Resume("ben"), Send("ann", b"x" * 5000)], False),
        ("CHAT-15", [Stall("ben"), HalfClose("ben"), Send("ann", b"x" * 5000)], False),
        ("CHAT-17", [Crowd(tuple("abcdefghijklmnopqrstu"))], True),
        ("CHAT-17", [step for who in "abcdefghijklmnopqrstu" for step in (Connect(who), Close(who))], False),
        ("UDP-3", [Say("ann", b"")], True),
        ("SRV-1", PLAIN, False),
    ],
)
def test_steps_hold_a_trigger_or_not(clause: str, steps: list[Step], held: bool) -> None:
    assert holds_trigger(clause, steps, NOTE) is held


def test_in_frames_a_space_is_as_good_as_a_letter() -> None:
    assert not holds_trigger("CHAT-3", [Send("ann", b"two words")], LINES)


def test_what_is_about_volume_is_not_decided_by_less() -> None:
    flood = [*join("ann", "ben"), Stall("ben"), Send("ann", b"x" * 90_000)]
    less = [*join("ann", "ben"), Stall("ben"), Send("ann", b"x" * 40_000)]
    assert still_decides("CHAT-15", flood, flood, NOTE)
    assert not still_decides("CHAT-15", flood, less, NOTE)
    assert still_decides("CHAT-5", flood, less, NOTE)


def test_a_clause_is_decided_without_a_trigger_only_by_all_others_of_its_own() -> None:
    leaving = [*join("ann", "ben", "cal"), Quit("ben"), HalfClose("cal"), Say("ann", b"still here")]
    assert still_decides("CHAT-11", leaving, leaving, NOTE)
    assert not still_decides("CHAT-11", leaving, rewritings.half_closing(leaving, NOTE), NOTE)
    assert not still_decides("CHAT-12", leaving, leaving, NOTE)


def test_in_frames_long_utterances_and_several_in_a_row_break_what_is_said_of_long_streams() -> None:
    in_a_row = [Send("ann", b"1"), Send("ann", b"2")]
    assert not holds_trigger("CHAT-6", [Say("ann", b"x" * 100)], NOTE)
    assert not holds_trigger("CHAT-6", in_a_row, NOTE)
    assert holds_trigger("CHAT-6", [Say("ann", b"x" * 100)], LINES)
    assert holds_trigger("CHAT-6", in_a_row, LINES)
    assert not holds_trigger("CHAT-6", rewritings.one_each(in_a_row, LINES), LINES)


@pytest.mark.parametrize(
    ("rewriting", "before", "after"),
    [
        (rewritings.letters, [Say("ann", b"a\0\n"), Say("ann", b"b c")], [Say("ann", b"aak"), Say("ann", b"b c")]),
        (rewritings.letters, [Say("ann", b"qui\x86")], [Say("ann", b"quie")]),
        (
            rewritings.letters,
            [Say("ann", b"qui\x81"), Say("ann", b"\xffquit")],
            [Say("ann", b"quiz"), Say("ann", b"xxxxx")],
        ),
        (rewritings.short, [Say("ann", b"quit" + b" " * 90)], []),
        (rewritings.capitals, [Say("ann", b"a b"), Say("ann", b"")], [Say("ann", b"TGU")]),
        (rewritings.unlike_quit, [Say("ann", b"QUIT"), Quit("ann")], [Say("ann", b"anything else"), Quit("ann")]),
        (rewritings.speaking, [WaitUntilHeard("lou", "ann")], [Say("lou", b"lou is here")]),
        (rewritings.half_closing, [Quit("ann"), Reset("ben")], [HalfClose("ann"), HalfClose("ben")]),
        (
            rewritings.quitting,
            [Say("ann", b"hi"), HalfClose("ann"), HalfClose("lou")],
            [Say("ann", b"hi"), Settle(), Quit("ann", b"quit")],
        ),
        (
            rewritings.quitting,  # one that is within an utterance cannot say the word
            [*join("ann"), Begin("ann", b"half of"), Abandon("ann")],
            [*join("ann"), Begin("ann", b"half of")],
        ),
        (rewritings.staying, [Quit("ann"), Abandon("ben"), HalfClose("cal")], [Abandon("ben")]),
        (
            rewritings.one_at_a_time,
            [Send("ann", b"1"), Send("ann", b"2"), Send("ben", b"3"), Settle(), Connect("cal")],
            [Send("ann", b"1"), Send("ann", b"2"), Settle(), Send("ben", b"3"), Settle(), Connect("cal")],
        ),
        (
            rewritings.one_each,
            [Send("ann", b"1"), Send("ben", b"2"), Send("ann", b"3"), Say("cal", b"4"), Send("ann", b"5")],
            [Send("ann", b"1"), Send("ben", b"2"), Settle(), Send("ann", b"3"), Say("cal", b"4"), Send("ann", b"5")],
        ),
        (
            rewritings.alone,
            [*join("ann", "ben"), Say("ben", b"hello"), Crowd(("cal", "dan")), HalfClose("ann")],
            [*join("ben"), Say("ben", b"hello")],
        ),
        (rewritings.settled, [Stall("ann"), Send("ben", b"x" * 90)], [Send("ben", b"x" * 60), Settle()]),
        (rewritings.always_reading, [Stall("ann"), Send("ben", b"x"), Resume("ann")], [Send("ben", b"x")]),
        (rewritings.in_one_piece, [Say("ann", b"x", in_pieces=True), Quit("ann")], [Say("ann", b"x"), Quit("ann")]),
        (
            rewritings.answering_first,
            [Connect("ann", with_words=True), Send("ann", b"x")],
            [Connect("ann"), Send("ann", b"x")],
        ),
        (
            rewritings.closing,
            [Connect("lou"), HalfClose("lou"), Connect("ann"), Say("ann", b"x"), HalfClose("ann")],
            [Connect("lou"), Settle(), Close("lou"), Connect("ann"), Say("ann", b"x"), HalfClose("ann")],
        ),
        (rewritings.waiting_for_the_reply, [Send("ann", b"x"), HalfClose("ann")], [Say("ann", b"x")]),
        (
            rewritings.chunk_by_chunk,
            [Stall("ann"), Send("ann", b"x" * 90), Resume("ann"), Send("ann", b"y" * 1500), Send("ann", b"z")],
            [
                Stall("ann"),
                Send("ann", b"x" * 80),
                Resume("ann"),
                *(Settle(), Send("ann", b"y" * 500), Send("ann", b"y" * 500)),
                *(Settle(), Send("ann", b"y" * 500), Settle()),
                Send("ann", b"z"),
            ],
        ),
    ],
)
def test_a_rewriting_leaves_the_rest_as_it_is(
    rewriting: rewritings.Rewriting, before: list[Step], after: list[Step]
) -> None:
    assert rewriting(before, NOTE) == after


def test_where_there_is_no_quit_word_no_client_says_it() -> None:
    steps: list[Step] = [*join("ann"), HalfClose("ann")]
    assert rewritings.quitting(steps, replace(NOTE, quit=b"")) == steps


def test_at_an_echo_that_answers_everything_clients_close_instead_of_half_closing() -> None:
    everything = Dialect(protocols=("echo",), persistent=True)
    visits: list[Step] = [
        Connect("ann"),
        Say("ann", b"1"),
        Connect("ben"),
        Send("ben", b"2"),
        HalfClose("ben"),
        Connect("cal"),
    ]
    assert rewritings.closing(visits, NOTE) == visits
    assert rewritings.closing(visits, everything) == [
        *(Connect("ann"), Say("ann", b"1"), Close("ann")),
        *(Connect("ben"), Send("ben", b"2"), Settle(), Close("ben")),
        Connect("cal"),
    ]


def test_in_frames_a_long_utterance_is_more_than_a_chunk_and_is_cut() -> None:
    steps = [Say("ann", b"x" * 200)]
    assert more_than_a_chunk(steps, LINES)
    assert not more_than_a_chunk([Say("ann", b"short")], LINES)
    assert rewritings.chunk_by_chunk(steps, LINES) == rewritings.short(steps, LINES) != steps


@pytest.mark.parametrize(
    ("namesake", "fails", "explained"),
    [
        ("", "namesake", ""),
        ("", "namesake and dialogue", "CHAT-2"),
        ("", "neither", "CHAT-2"),  # in some other way
        ("ann", "namesake", "CHAT-2"),
    ],
)
def test_taking_the_name_of_another_explains_nothing_where_nobody_does(
    namesake: str, fails: str, explained: str
) -> None:
    masking = knowing("CHAT-2", fails=lambda steps: ("namesake" if shared_name(steps, LINES) else "dialogue") in fails)
    after = [*join("ann", "ben"), Approach("cal", 1, namesake=namesake), Reset("cal"), Say("ann", b"hm")]
    assert masking.explanation_of(seen("CHAT-12", "CHAT-12", "CHAT-2", after=after)) == explained


def test_each_gives_its_own_name_where_a_name_that_is_taken_breaks_the_chat() -> None:
    own = [*join("ann", "ben"), Approach("cal", 1), Close("cal")]
    taken = [*join("ann", "ben"), Approach("cal", 1, namesake="ann"), Close("cal")]
    assert rewritings.own_names(taken, LINES) == rewritings.own_names(own, LINES) == own
