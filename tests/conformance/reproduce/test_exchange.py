"""Scenarios as Python: what clients do, what they must read, and when there is no telling."""

from collections.abc import Iterable, Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.reproduce.exchange import ScriptExchange, exchange, looped
from socketserver_reference.conformance.reproduce.lines import CannotTell
from socketserver_reference.conformance.reproduce.literals import counts, literal
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
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
from socketserver_reference.conformance.scenario.text import numbered


def chat(*steps: Step, fence: bool = False) -> str:
    return "\n".join(exchange("chat", steps, NOTE, fence=fence).lines)


# Bytes


@settings(max_examples=50, deadline=None)
@given(
    st.binary(max_size=200)
    | st.builds(numbered, st.integers(0, 3000), st.sampled_from([b"%06d ", b"a%06d ", b"ab%06d "]))
    | st.builds(
        lambda word, begin, end: numbered(3000, word)[begin:end],
        st.sampled_from([b"%06d ", b"a%06d "]),
        st.integers(0, 3000),
        st.integers(0, 3000),
    )
    | st.builds(lambda unit, count, tail: unit * count + tail, st.binary(max_size=90), st.integers(0, 90), st.binary())
)
def test_a_literal_is_what_it_stands_for(data: bytes) -> None:
    assert eval(literal(data)) == data
    assert eval(literal(b"ack" + data, b"ack")) == b"ack" + data


@pytest.mark.parametrize(
    ("data", "expression"),
    [
        (b"short \x1b", r"b'short \x1b'"),
        (bytes(range(256)), "bytes(range(256))"),
        (b"x" * 1024, "b'x' * 1024"),
        (b"y" * 1000 + b"\n", r"b'y' * 1000 + b'\n'"),
        (numbered(3000, b"a%06d "), 'b"".join(b"a%06d " % number for number in range(376))[:3000]'),
        (numbered(3000)[99:2000], 'b"".join(b"%06d " % number for number in range(286))[99:2000]'),
        (numbered(3000)[99:999] + b"?", repr(numbered(3000)[99:999] + b"?")),
        (numbered(3000, b"b%06d ")[99:2000], 'b"".join(b"b%06d " % number for number in range(251))[99:2000]'),
        (bytes(range(33, 127)), "bytes(range(33, 127))"),
        (bytes(range(61))[::-1], repr(bytes(range(61))[::-1])),
        (b"000000 000001 " + bytes(range(61))[::-1], repr(b"000000 000001 " + bytes(range(61))[::-1])),
        (b"ack" + b"x" * 1024, "b'ack' + b'x' * 1024"),
        (3 * (b"ack" + numbered(1000)), '(b\'ack\' + b"".join(b"%06d " % number for number in range(143))[:1000]) * 3'),
    ],
)
def test_what_is_long_is_said_briefly(data: bytes, expression: str) -> None:
    assert literal(data, b"ack") == expression


@pytest.mark.parametrize(
    ("data", "so"),
    [
        (numbered(3000), True),
        (numbered(3000, b"a%06d ")[99:2000], True),
        (b"x" * 100, False),
        (numbered(99) + b"?", False),
    ],
)
def test_counting_is_told_from_other_words(data: bytes, so: bool) -> None:
    assert counts(data) == so


# Loops

WORDS = st.sampled_from(["b'%d'", "b'word %d of 9, '", "b'100%% and %d'", "b'%d ~%%06d' %% next(COUNT)", "b'x' * %d"])
BLOCKS = st.lists(st.tuples(st.sampled_from(["ann", "ben"]), WORDS, st.booleans()), min_size=1, max_size=3)


@st.composite
def talks(draw: st.DrawFn) -> list[str]:
    """Lines in which something is said again and again, with or without a number that counts."""
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        block, first, outer = draw(BLOCKS), draw(st.integers(0, 12)), draw(st.integers(1, 4))
        rounds = [
            f"{who}.says({words % (number if counts else first)}, later=[cal])"
            for number in range(first, first + draw(st.integers(1, 12)))
            for who, words, counts in block
        ]
        counts = draw(st.booleans())
        for number in range(outer):
            lines += [*rounds, f"ben.says(b'{number}', later=[cal])" if counts else "all_hear(cal)"]
    return lines


def heard(lines: Iterable[str]) -> list[tuple[str, bytes]]:
    """Run the lines; return who says what."""
    said: list[tuple[str, bytes]] = []

    class Speaker:
        def __init__(self, name: str) -> None:
            self.name = name

        def says(self, data: bytes, later: list["Speaker"]) -> None:
            said.extend((one.name, data) for one in (self, *later))

    def all_hear(*everybody: Speaker) -> None:
        said.extend((one.name, b"hears") for one in everybody)

    everybody = {name: Speaker(name) for name in ("ann", "ben", "cal")}
    exec("\n".join(lines), {"COUNT": count(), "all_hear": all_hear, **everybody})
    return said


@pytest.mark.unmeasured
@settings(max_examples=100, deadline=None)
@given(talks())
def test_a_loop_is_what_it_stands_for(lines: list[str]) -> None:
    short = looped(list(zip(lines, range(len(lines)), strict=True)))
    assert heard(line for line, _ in short) == heard(lines)
    assert len(short) <= len(lines)
    assert [number for _, number in short] == sorted(number for _, number in short)


def test_what_counts_is_a_loop_and_so_is_a_loop_that_comes_again() -> None:
    words = [*(f"ann.says(b'word {number}', later=[cal])" for number in range(8, 12)), "all_hear(cal)"]
    assert [line for line, _ in looped([(line, 0) for line in 3 * words])] == [
        "for _ in range(3):",
        "    for n in range(8, 12):",
        "        ann.says(b'word %d' % n, later=[cal])",
        "    all_hear(cal)",
    ]


@pytest.mark.parametrize(("decisive", "moved"), [(0, 0), (1, 0), (2, 1), (3, 2), (5, 3), (6, 4), (7, 5)])
def test_where_lines_are_dear_who_comes_speaks_in_the_same(decisive: int, moved: int) -> None:
    lines = [
        'ann = Client("ann")',
        'ben = Client("ben", 4096)',
        "ben.says(b'hi')",
        "for _ in range(3):",
        '    x = Client("x")',
        "    x.says(b'hi')",
        "x.resets()",
    ]
    assert ScriptExchange(lines, decisive).compact() == ScriptExchange(
        [
            'ann, ben = Client("ann"), Client("ben", 4096)',
            "ben.says(b'hi')",
            "for _ in range(3):",
            "    (x := Client(\"x\")).says(b'hi')",
            "x.resets()",
        ],
        moved,
    )


# What is read


def test_what_is_settled_is_read_byte_for_byte() -> None:
    assert chat(*join("ann"), Connect("lou-2"), HalfClose("lou-2"), Quit("ann")) == (
        'ann = Client("ann")\n'
        "ann.says(b'ann is here')\n"
        "ann.reads(b'ackann is here')\n"
        'lou_2 = Client("lou-2")\n'
        "lou_2.half_closes()\n"
        "lou_2.ends()\n"
        "ann.says(b'quit\\n')\n"
        "ann.ends()"
    )


def test_who_reads_again_reads_all_that_was_said() -> None:
    told = chat(*join("ann", "ben"), Stall("ben"), Say("ann", b"1"), Say("ann", b"2"), Resume("ben"), HalfClose("ben"))
    assert told.endswith("ben.reads(b'ack1ack2')\nben.half_closes()\nben.ends()")


def test_last_words_are_heard_when_their_speaker_has_half_closed() -> None:
    told = chat(*join("ann", "ben"), Send("ben", b"bye"), HalfClose("ben"))
    assert told.endswith("ben.says(b'bye')\nben.half_closes()\nann.reads(b'ackbye')\nben.reads(b'ackbye')\nben.ends()")


def test_bursts_are_read_by_all_together_and_who_did_not_read_catches_up() -> None:
    told = chat(*join("ann", "ben"), Stall("ben"), Send("ann", b"1"), Send("ann", b"2"), Settle(), Resume("ben"))
    assert told.endswith(
        "since_ben = len(ann.past)\n"
        "ann.says(b'1', waits=False)\n"
        "ann.says(b'2', waits=False)\n"
        "all_read(ann)\n"
        "ben.catches_up(ann, since_ben)"
    )
    assert "since_ben" not in chat(*join("ann", "ben"), Stall("ben"), Send("ann", b"1"), Settle())


def test_what_comes_three_times_is_a_loop_and_so_is_what_differs_by_names_alone() -> None:
    rude: list[Step] = [
        step for who in ("x0", "x1", "x2") for step in (Connect(who), Reset(who), Say("ann", b"and on"))
    ]
    assert chat(*join("ann"), *rude).endswith(
        "for _ in range(3):\n"
        '    x0 = Client("x0")\n'
        "    x0.resets()\n"
        "    ann.says(b'and on')\n"
        "    ann.reads(b'ackand on')"
    )
    probing_for = chat(
        *join("ann"),
        Connect("lou"),
        WaitUntilHeard("lou", "ann"),
        Close("lou"),
        Connect("kim"),
        Send("kim", b"2"),
        Settle(),
    )
    assert "speak_until_heard(lou, ann)\nlou.closes()\nkim = " in probing_for


def test_a_fence_is_what_somebody_says_in_the_end() -> None:
    assert chat(*join("ann"), fence=True).endswith("ann.says(b'is that all?')\nann.reads(b'ackis that all?')")
    assert chat(Connect("lou"), fence=True).endswith("lou.half_closes()\nlou.ends()")


def test_who_cannot_know_what_it_may_have_heard_reads_to_the_end() -> None:
    told = chat(*join("ann"), Connect("lou"), Say("ann", b"hello"), HalfClose("lou"))
    assert told.endswith("lou.half_closes()\nlou.reads_to_the_end()")


def test_an_echo_replies_and_ends_and_to_what_is_too_long_it_replies_in_part() -> None:
    steps: list[Step] = [
        Connect("ann"),
        Say("ann", b" hi\n"),
        Connect("ben"),
        Send("ben", b"x" * 2000),
        HalfClose("ben"),
    ]
    told = exchange("echo", [*steps, Connect("cal"), Say("cal", b"\n"), Connect("dan"), Reset("dan")], NOTE).lines
    assert [line for line in told if "says" not in line and "Client" not in line] == [
        "ann.reads(b'HI')",
        "ann.ends()",
        "ben.half_closes()",
        "ben.reads_a_beginning(b'X' * 1024, 1)",
        "cal.ends()",
        "dan.resets()",
    ]
    assert exchange("echo", [Connect("ann"), Close("ann")], NOTE).lines[-1] == "ann.closes()"
    assert exchange("echo", [Connect("ann"), Abandon("ann")], NOTE).lines[-1] == "ann.abandons()"
    with pytest.raises(AssertionError, match="an echo server has no Settle"):
        exchange("echo", [Settle()], NOTE)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (
            [*join("ann", "cal"), Send("cal", b"x"), Reset("cal")],
            "what cal sent just before it left is up to the server",
        ),
        (
            [*join("ann"), Connect("lou"), Say("ann", b"1"), Say("lou", b"2")],
            "the time from which lou hears the others",
        ),
        (
            [*join("ann"), Connect("lou"), Send("ann", b"1"), Send("lou", b"2")],
            "the time from which lou hears the others",
        ),
        ([*join("ann"), Send("ann", b"an ack in it"), Settle()], "look like the beginning of a delivery"),
        ([*join("ann"), Send("ann", b"at the enda"), Settle()], "look like the beginning of a delivery"),
        ([*join("ann"), Stall("ann"), Send("ann", b"1"), Settle()], "what ann has to read when it reads again"),
        (
            [*join("ann"), Connect("l"), Stall("ann"), WaitUntilHeard("l", "ann")],
            "a stalled client has to read after another client was waited for",
        ),
        ([Crowd(("ann", "ben"))], "a crowd has a different kind of script"),
    ],
)
def test_where_there_is_no_telling_there_is_no_script(steps: Sequence[Step], why: str) -> None:
    with pytest.raises(CannotTell, match=why):
        exchange("chat", steps, NOTE)


def test_a_violation_may_show_anywhere_behind_a_reset() -> None:
    steps = [*join("ann", "ben"), Say("ann", b"1"), Reset("ben"), Say("ann", b"2"), Say("ann", b"3")]
    played = exchange("chat", steps, NOTE)
    assert played.lines[played.decisive] == "ben.resets()"
    assert exchange("chat", steps[:-3], NOTE).decisive == played.lines.index("ann.says(b'1')")
