"""What happened, by bytes alone: each shape in its plainest form, and what must not be taken for it."""

import pytest

from socketserver_reference.conformance.oracles.alignment import Alignment, Piece, Possible, difference, told
from socketserver_reference.conformance.scenario.violation import Shape

HELLO, LATER, BEFORE = b"hello", b"later", b"before"

SAID = Possible(HELLO, frame=(b"> ", b"\n"))


def shape_of(*came: bytes | Piece, **known: object) -> Shape:
    """Return the shape where `hello` was due, `later` only later, and `before` has come."""
    pieces = [one if isinstance(one, Piece) else Piece(one) for one in came]
    defaults: dict[str, object] = {"next": [Possible(HELLO)], "later": [Possible(LATER)], "heard": [BEFORE]}
    return difference(Alignment(pieces, **{**defaults, **known})).shape  # type: ignore[arg-type]  # fields by name


def raw(text: bytes) -> Piece:
    """Return something that is not in the form of a delivery."""
    return Piece(text, formed=False)


@pytest.mark.parametrize(
    ("came", "shape"),
    [
        ([LATER], "missing"),
        ([LATER, HELLO], "reordered"),
        ([BEFORE], "duplicated"),
        ([BEFORE, HELLO], "duplicated"),
        ([b"HELLO"], "altered"),
        ([b"\xef\xbf\xbd"], "altered"),
        ([b"hello!"], "altered"),
        ([b"hel"], "torn"),
        ([b"hel", LATER], "torn"),
        ([b"hel", b"lo"], "split"),
        ([b"late", HELLO], "torn"),
        ([b"hellolater"], "merged"),
        ([b"helater"], "mixed"),
        ([b"beforehello"], "mixed"),
        ([b""], "empty"),
        ([b"", HELLO], "empty"),
        ([b"welcome", HELLO], "extra"),
        ([raw(b"welcome")], "extra"),
        ([raw(b"welcome"), Piece(HELLO)], "extra"),
        ([raw(HELLO)], "other form"),
        ([raw(b"<ann> hello")], "other form"),
        ([raw(b"say hello first"), Piece(HELLO)], "extra"),
        ([raw(HELLO), Piece(LATER)], "other form"),
        ([raw(b"llo")], "torn"),
        ([raw(b"hell"), Piece(b"o and")], "torn"),
        ([raw(b"fore"), Piece(HELLO)], "torn"),
    ],
)
def test_what_came_in_place_of_a_delivery_has_a_shape(came: list[bytes | Piece], shape: Shape) -> None:
    assert shape_of(*came) == shape


@pytest.mark.parametrize(
    ("came", "known", "shape"),
    [
        ([b"hello\n> later"], {"next": [SAID], "later": [Possible(LATER, frame=(b"> ", b"\n"))]}, "merged"),
        ([b"hellolater"], {"next": [SAID], "later": [Possible(LATER, frame=(b"> ", b"\n"))]}, "merged"),
        ([b"hello, later"], {"next": [SAID], "later": [Possible(LATER, frame=(b"> ", b"\n"))]}, "mixed"),
        ([b"unfini"], {"unfinished": [b"unfinished"]}, "split"),
        ([b"unfini"], {"unfinished": [b"unfinished"], "later": [Possible(b"unfini")]}, "missing"),
        ([b"un"], {"unfinished": [b"unfinished"]}, "altered"),
        ([BEFORE], {"next": [], "later": []}, "duplicated"),
        ([b"news"], {"next": [], "later": []}, "extra"),
        ([b"quit\n"], {"quits": [b"quit"]}, "quit delivered"),
        ([b"quit"], {}, "altered"),
        ([b"\n"], {"quits": [b"quit"]}, "altered"),
        ([b"overtaken"], {"overheard": [b"overtaken"]}, "two orders"),
        ([b"hel* ben has left"], {"beside": [b" has left"]}, "mixed"),
        ([b"* ben has left"], {"beside": [b" has left"]}, "altered"),
        ([b"", b"hebye"], {"together": True, "next": [Possible(HELLO), Possible(b"bye")]}, "mixed"),
        ([b"", HELLO], {"together": True}, "empty"),
        ([b""], {"together": True}, "empty"),
        ([b"a0 b0 "], {"together": True, "next": [Possible(b"a0 a1 ", True), Possible(b"b0 b1 ", True)]}, "mixed"),
        ([b"hello* who left"], {"together": True, "next": [Possible(b"how"), Possible(HELLO)]}, "extra"),
        ([b"hello* ben left"], {"together": True}, "extra"),
        ([b"hello!"], {"together": True}, "altered"),
        ([b"who came hello"], {"unended": True}, "extra"),
        ([b"who came hello"], {}, "altered"),
        ([b"oh hello"], {"unended": True}, "altered"),
        ([b"who came h"], {"unended": True, "next": [Possible(b"h")]}, "altered"),
        ([b"how* hello"], {"together": True, "next": [Possible(b"how"), Possible(HELLO)]}, "mixed"),
        ([b"a0 b0 "], {"next": [Possible(b"a0 a1 ", True)]}, "altered"),
    ],
)
def test_the_shape_depends_on_what_else_was_there(
    came: list[bytes | Piece], known: dict[str, object], shape: Shape
) -> None:
    assert shape_of(*came, **known) == shape


BURST = [Possible(b"one, two, three, ", burst=True, ends=(0, 5, 10, 17))]


@pytest.mark.parametrize(
    ("came", "shape"),
    [
        ([b"two, "], "missing"),
        ([b"wo, t"], "torn"),
        ([b"two, ", b"one, "], "reordered"),
        ([b"one, two, t"], "merged"),  # longer than a chunk
        ([b"two, three,"], "merged"),
        ([b"one; two"], "altered"),
        ([b"one, tow"], "altered"),
        ([b"one, ben left"], "extra"),
        ([b"on, ben left"], "altered"),
        ([b"ben left"], "altered"),
        ([raw(b"two, three, ")], "other form"),
        ([raw(b"tw")], "extra"),
        ([raw(b"ahem"), Piece(b"one, ")], "extra"),
    ],
)
def test_a_delivery_may_be_any_part_of_a_burst(came: list[bytes | Piece], shape: Shape) -> None:
    assert shape_of(*came, next=BURST, later=[], limit=10) == shape


def test_a_burst_of_one_byte_may_be_cut_anywhere_before_what_is_no_part_of_it() -> None:
    dots = [Possible(b"." * 100, burst=True, ends=(0, 100))]
    assert shape_of(b"..... x3 has left", next=dots, later=[], limit=10) == "extra"
    assert shape_of(b".....x..........", next=dots, later=[], limit=99) == "altered"


@pytest.mark.parametrize(("limit", "shape"), [(13, "extra"), (12, "altered")])
def test_a_part_of_a_burst_that_is_as_long_as_one_can_be_ends_before_what_is_no_part_of_it(
    limit: int, shape: Shape
) -> None:
    assert shape_of(b"one, two, thr### x3 has left", next=BURST, later=[], limit=limit) == shape


def test_what_has_been_delivered_of_a_burst_does_not_come_again_with_the_rest() -> None:
    assert (
        shape_of(b"one, two, ", next=[Possible(b"two, three, ", burst=True, before=b"one, ")], limit=99) == "reordered"
    )


def test_white_space_alone_that_is_lost_is_altered() -> None:
    assert shape_of(b"kept", next=[Possible(b" kept\n")]) == "altered"
    assert shape_of(b"kept", next=[Possible(b"kept\n")]) == "altered"
    assert shape_of(b"", HELLO, next=[Possible(b"\n")]) == "altered"
    assert shape_of(b"two,", next=[Possible(b" two, three", burst=True)], heard=[b"two,"]) == "altered"


def test_the_place_is_in_the_delivery_that_has_most_in_common_with_what_came() -> None:
    found = difference(Alignment([Piece(b"good evening")], [Possible(HELLO), Possible(b"good morning")]))
    assert found.due == b"good morning"
    assert found.same == len(b"good ")
    assert difference(Alignment([Piece(b"news")], [])).due == b""


def test_what_happened_is_told_in_a_sentence() -> None:
    assert told("cut", "ann", "delivery 41 of 44", 3) == "delivery 41 of 44 is missing for ann, 3 bytes of it came"
    assert told("altered", "ann", "delivery 2", 3) == "delivery 2 is not as it was said for ann, from byte 4 on"
    assert told("died", "", "", 0) == ""
