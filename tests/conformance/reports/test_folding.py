"""What a reader of a diagram sees first, and what is in folds."""

from collections.abc import Sequence
from dataclasses import replace

from socketserver_reference.conformance.reports.html.drawing import _parts
from socketserver_reference.conformance.reports.html.folding import UNFOLDED_ROWS, Fold, fold
from socketserver_reference.conformance.reports.html.lanes import draw
from socketserver_reference.conformance.scenario.steps import Answer, Connect, Say, join
from socketserver_reference.conformance.scenario.transcript import Entry, Heard, Waited
from tests.support.exchanges import EVERYTHING, did, story


def folded(entries: Sequence[Entry], observed: str = "ann reads nothing") -> list[str]:
    """Return the lines of an exchange as they are shown first, folds by their summaries."""
    parts = fold(draw(story(entries, observed=observed)).rows)
    return [f"[{part.summary}]" if isinstance(part, Fold) else part.event.line for part in parts]


def coming(*everyone: str) -> list[Entry]:
    """Return an exchange in which clients join, and all of them hear it."""
    told: list[Entry] = []
    for number, who in enumerate(everyone, 1):
        told += did(*join(who))
        told += [Heard(one, f"ack{who} is here".encode(), 1.0) for one in everyone[:number]]
    return told


def test_clients_that_join_in_order_are_folded_with_their_names() -> None:
    told = folded([*coming("ann", "ben"), *did(Say("ann", b"hi")), Waited("ann", 5.0)])
    assert told == ["[2 clients join: ann, ben]", "ann says b'hi'", "ann reads nothing for 5 s"]


def test_one_client_that_answers_much_is_folded_too() -> None:
    entries: list[Entry] = did(Connect("ann"))
    for word in ("name?", "room?", "colour?"):
        entries += [Heard("ann", word.encode(), 1.0), *did(Answer("ann", b"red"))]
    assert folded([*entries, Waited("ann", 5.0)])[0] == "ann connects"  # it shows in the handshake
    assert folded([*entries, *did(Say("ann", b"hi")), Waited("ann", 5.0)])[0] == "[a client joins: ann]"


def test_an_exchange_of_nothing_else_is_not_folded() -> None:
    rows = draw(story(coming("ann", "ben"))).rows
    plain = [replace(row, event=replace(row.event, shows=False)) for row in rows]
    assert fold(plain) == plain


def test_of_many_clients_that_join_some_names_are_told() -> None:
    crowd = [f"m{number}" for number in range(200)]
    (first, *_) = folded([*did(*map(Connect, crowd), Say("m0", b"hi")), Waited("m0", 5.0)], "m0 reads nothing")
    assert first == "[200 clients join: m0, m1, m2, m3, m4, m5, m6, m7, ...]"


def test_few_rows_are_not_folded() -> None:
    told = folded([*coming("ann"), *did(Say("ann", b"hi")), Waited("ann", 5.0)])
    assert told[:3] == ["ann connects", "ann says b'ann is here'", "ann reads b'ackann is here'"]


def test_the_join_in_which_the_violation_shows_is_not_folded() -> None:
    told = folded(coming("ann", "ben", "cal"), observed="ann reads b'ackcal is here'")
    assert told == [
        "[2 clients join: ann, ben]",
        "cal connects",
        "cal says b'cal is here'",
        *(f"{who} reads b'ackcal is here'" for who in ("ann", "ben", "cal")),
    ]


def test_rounds_that_differ_in_numbers_alone_are_shown_twice() -> None:
    rounds: list[Entry] = []
    for number in range(60):
        rounds += [*did(Say("ann", b"%d" % number)), Heard("ann", b"ack%d" % number, 1.0)]
    told = folded([*rounds, Waited("ann", 5.0)])
    assert told == [
        "ann says b'0'",
        "ann reads b'ack0'",
        "[these 2 events 58 times more]",
        "ann says b'59'",
        "ann reads b'ack59'",
        "ann reads nothing for 5 s",
    ]
    assert "[" not in "".join(folded(rounds, observed="ann reads b'ack30'"))


def test_a_long_middle_is_folded_unless_the_violation_shows_in_it() -> None:
    words = [f"{letter}{other}".encode() for letter in "abcdefgh" for other in "abcdefgh"]
    entries = did(*(Say("ann", word) for word in words))
    told = folded(entries)
    assert len(told) == 2 * UNFOLDED_ROWS + 1
    assert told[UNFOLDED_ROWS] == f"[{64 - 2 * UNFOLDED_ROWS} more events]"
    assert len(folded(entries, observed="ann says b'ee'")) == 64


def test_after_a_fold_that_is_the_last_part_there_is_no_empty_list() -> None:
    rows = draw(story(EVERYTHING)).rows
    assert [part.tag for part in _parts([rows[0], Fold("repeated", "again", rows[1:])], refused=False)] == [
        "ol",
        "details",
    ]
