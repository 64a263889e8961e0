"""Any legal talk, damaged in one place: the oracle finds the shape of the damage, and so the clause."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.scenario.steps import HalfClose, Quit, Say, Send, Settle, Step, join
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.scenario.violation import Shape
from tests.servers.framed_room import FramedRoom
from tests.support.simulation import Connection, Room, Spoil, violation_in

CHAT = 'protocol = "chat"\n[framing]\nin = "line"\n'
LABELLED = read(CHAT + '[delivery]\ntemplate = "{sender}: {body}"\n', "labelled", "labelled")
COUNTED = read(
    CHAT + 'out = "length"\nheader = "%4d"\n[delivery]\ntemplate = "<{sender}> {body}"\n', "counted", "counted"
)
JSON = read(
    CHAT + """[delivery]\ntemplate = '{"message": "{body}", "sender": "{sender}"}'\n""", "json-lines", "json-lines"
)
TIMED = read(CHAT + '[delivery]\ntemplate = "{sender}: {body} ({any})"\n', "timed", "timed")
OBJECTS = read(
    CHAT + """out = "none"\n[delivery]\ntemplate = '{"{sender}": "{body}", "at": "{any}"}'\n""", "objects", "objects"
)
UNMARKED = read(CHAT + 'out = "none"\n[delivery]\ntemplate = "<{sender}> {body}"\n', "unmarked", "unmarked")

NAMES = ["ann", "ben", "cal"]
LETTERS = "abcdefghijklmnoprstuvwxyz"

EXAMPLES = settings(
    max_examples=20, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
CHANCES = st.integers(0, 1 << 40)
MARKED = st.sampled_from([NOTE, LABELLED, COUNTED, JSON, TIMED])
DIALECTS = MARKED | st.sampled_from([UNMARKED, OBJECTS])
CHUNKS = st.integers(3, 9)

Damage = Callable[[bytes, bytes, Dialect], bytes]
"""Takes a delivery, the one before it, and the dialect; returns what comes instead."""


class WholeRoom(Room):
    """A room in which every utterance is one chunk."""

    def cut(self, connection: Connection) -> bytes:
        connection.settled.pop(0)
        return connection.incoming.pop(0)


def room_for(dialect: Dialect, seed: int, spoil: Spoil) -> Room:
    return WholeRoom(Random(seed), spoil) if dialect.stream else FramedRoom(Random(seed), dialect, spoil)


def around(delivery: bytes, dialect: Dialect, change: Callable[[bytes], bytes]) -> bytes:
    """Return the delivery with its text changed, in a frame that is right."""
    if dialect.stream:
        return dialect.prefix + change(delivery.removeprefix(dialect.prefix))
    frame, _ = dialect.framing_out.cut(delivery) or (delivery, 0)
    body = dialect.template.body(frame)
    assert body
    return dialect.framing_out.put(frame.replace(body, change(body)))


DAMAGES: dict[Shape, tuple[Damage, str]] = {
    "missing": (lambda *_: b"", "CHAT-2"),
    "duplicated": (lambda one, _, __: one + one, "CHAT-4"),
    "altered": (lambda one, _, dialect: around(one, dialect, bytes.upper), "CHAT-3"),
    "torn": (lambda one, _, dialect: around(one, dialect, lambda body: body[:-3]) + one, "CHAT-3"),
    "mixed": (
        lambda one, other, d: around(one, d, lambda body: body[:4] + b"##" + body_of(other, d) + body[4:]),
        "CHAT-14",
    ),
    "empty": (lambda one, _, dialect: around(one, dialect, lambda _: b"") + one, "CHAT-10"),
    "extra": (lambda one, _, dialect: around(one, dialect, lambda _: b"nobody said this") + one, "CHAT-4"),
    "split": (
        lambda one, _, dialect: (
            around(one, dialect, lambda body: body[:5]) + around(one, dialect, lambda body: body[5:])
        ),
        "CHAT-2",
    ),
}
"""The damage to one delivery of which the speaker waits, and the clause of it."""


def body_of(delivery: bytes, dialect: Dialect) -> bytes:
    kept = [b""]

    def keep(body: bytes) -> bytes:
        kept[0] = body
        return body

    around(delivery, dialect, keep)
    return kept[0]


def talk(seed: int, rounds: int = 3) -> list[Step]:
    """Return a talk of members who take turns, in which no two utterances are alike."""
    chance = Random(seed)

    def words() -> bytes:
        return "".join(chance.choices(LETTERS, k=chance.randint(9, 30))).encode()

    return [*join(*NAMES), *(Say(who, words()) for _ in range(rounds) for who in chance.sample(NAMES, 3))]


@pytest.mark.parametrize("shape", DAMAGES)
@given(seed=CHANCES, dialect=DIALECTS, number=CHUNKS, everybody=st.booleans())
@EXAMPLES
def test_the_shape_of_any_damage_is_found_and_its_clause(
    shape: Shape, seed: int, dialect: Dialect, number: int, everybody: bool
) -> None:
    damage, clause = DAMAGES[shape]
    last: list[bytes] = [b""]

    def spoil(chunk: int, outgoing: list[tuple[Connection, bytes]]) -> list[tuple[Connection, bytes]]:
        wrong = [
            (
                member,
                damage(delivery, last[0], dialect) if chunk == number and (everybody or at == seed % 3) else delivery,
            )
            for at, (member, delivery) in enumerate(outgoing)
        ]
        last[0] = outgoing[0][1]
        return wrong

    found = violation_in(room_for(dialect, seed, spoil), *talk(seed))
    assert (found.shape, found.clause_id) == (shape, clause), str(found)


@pytest.mark.parametrize(("out", "told"), [("chunk", ("extra", "CHAT-4")), ("line", ("altered", "CHAT-3"))])
@given(seed=CHANCES, number=CHUNKS)
@EXAMPLES
def test_what_stands_before_a_delivery_was_said_by_nobody_where_nothing_ends_a_text(
    out: str, told: tuple[Shape, str], seed: int, number: int
) -> None:
    bare = read(f'protocol = "chat"\n[framing]\nin = "{out}"\n[delivery]\ntemplate = "{{body}}"\n', "bare", "bare")

    def spoil(chunk: int, outgoing: list[tuple[Connection, bytes]]) -> list[tuple[Connection, bytes]]:
        return [(member, b"* who came *" * (chunk == number) + one) for member, one in outgoing]

    found = violation_in(room_for(bare, seed, spoil), *talk(seed))
    assert (found.shape, found.clause_id) == told, str(found)


@given(seed=CHANCES, dialect=DIALECTS, number=CHUNKS, length=st.integers(1, 4))
@EXAMPLES
def test_a_delivery_that_breaks_off_is_cut_and_its_place_is_told(
    seed: int, dialect: Dialect, number: int, length: int
) -> None:
    def spoil(chunk: int, outgoing: list[tuple[Connection, bytes]]) -> list[tuple[Connection, bytes]]:
        kept = len(dialect.prefix) + length if dialect.stream else length
        return [(member, one[: kept if chunk == number else len(one)]) for member, one in outgoing]

    found = violation_in(room_for(dialect, seed, spoil), *talk(seed))
    assert (found.shape, found.clause_id) == ("cut", "CHAT-3"), str(found)
    assert found.place.startswith("delivery ")
    assert found.place.endswith(f", {length} bytes of it came")


@given(seed=CHANCES, dialect=MARKED, same_speaker=st.booleans())
@EXAMPLES
def test_deliveries_in_another_order_are_of_one_speaker_or_of_two(
    seed: int, dialect: Dialect, same_speaker: bool
) -> None:
    held: list[tuple[Connection, bytes]] = []

    def spoil(chunk: int, outgoing: list[tuple[Connection, bytes]]) -> list[tuple[Connection, bytes]]:
        victims = outgoing if same_speaker else outgoing[seed % 3 :][:1]
        if chunk == 3:
            held.extend(victims)
            return [one for one in outgoing if one not in victims]
        return [*outgoing, *held] if chunk == 4 else outgoing

    second = "ann" if same_speaker else "ben"
    steps = [*join(*NAMES), Send("ann", b"the first of two"), Send(second, b"another word"), Settle()]
    found = violation_in(room_for(dialect, seed, spoil), *steps)
    expected = ("reordered", "CHAT-5") if same_speaker else ("two orders", "CHAT-13")
    assert (found.shape, found.clause_id) == expected, str(found)


@given(seed=CHANCES, dialect=DIALECTS, number=CHUNKS)
@EXAMPLES
def test_a_stream_that_ends_too_early_is_told_by_what_was_due(seed: int, dialect: Dialect, number: int) -> None:
    def spoil(chunk: int, outgoing: list[tuple[Connection, bytes]]) -> list[tuple[Connection, bytes]]:
        if chunk == number:
            outgoing[0][0].finished = True
            room.leave(outgoing[0][0], "eof")
            return outgoing[1:]
        return outgoing

    room = room_for(dialect, seed, spoil)
    found = violation_in(room, *talk(seed))
    assert (found.shape, found.clause_id) == ("early end", "CHAT-2"), str(found)


@given(seed=CHANCES, dialect=DIALECTS, way=st.sampled_from([Quit, HalfClose]))
@EXAMPLES
def test_a_client_that_leaves_has_to_read_the_end_of_its_stream(
    seed: int, dialect: Dialect, way: type[Quit] | type[HalfClose]
) -> None:
    def keep(connection: Connection, ending: Ending) -> None:  # noqa: ARG001
        connection.left = True

    room = room_for(dialect, seed, lambda _, outgoing: outgoing)
    room.leave = keep  # type: ignore[method-assign]
    found = violation_in(room, *join(*NAMES), way("ben"), Say("ann", b"and now?"))
    assert (found.shape, found.clause_id) == ("no end", "CHAT-7" if way is Quit else "CHAT-10"), str(found)
