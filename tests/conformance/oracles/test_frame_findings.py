"""What the oracle of chats in frames says of some exchanges, step by step."""

from collections.abc import Iterable

import pytest

from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.oracles.chat_findings import FLOOD_FRAMES
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Begin,
    Close,
    Connect,
    HalfClose,
    Say,
    Send,
    Step,
    join,
)
from socketserver_reference.conformance.scenario.text import numbered
from tests.support.dialects import dialect_files

LINES = 'protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "{body}"\n'


def after(dialect: str, steps: Iterable[Step], *, idle: bool = True) -> FramedChatOracle:
    """Return the oracle of a dialect, after some steps."""
    oracle = FramedChatOracle(read(dialect, "mine", "mine.toml"))
    begin(oracle, steps, idle=idle)
    return oracle


def begin(oracle: FramedChatOracle, steps: Iterable[Step], *, idle: bool = True) -> None:
    for step in steps:
        oracle.begin(step, idle_before=idle)


def test_a_newcomer_who_hears_what_was_said_twice_may_have_heard_the_second() -> None:
    oracle = after(LINES, [Connect("ann"), Connect("lou"), Say("ann", b"hi"), Say("ann", b"hi")], idle=False)
    assert oracle.feed("lou", b"hi\n")
    assert not oracle.due("lou")


def test_what_nothing_marks_is_told_when_the_stream_ends() -> None:
    unmarked = LINES.replace('in = "line"', 'in = "line"\nout = "none"')
    oracle = after(unmarked, [Connect("ann"), Say("ann", b"once"), HalfClose("ann")])
    assert oracle.feed("ann", b"onceonce")
    finding = oracle.feed_end("ann", "eof")
    assert finding is not None
    assert (finding.shape, finding.clauses) == ("duplicated", ("CHAT-4",))


@pytest.mark.parametrize(
    ("come", "shape", "clauses"), [(b"bye, ann", "extra", ("CHAT-4",)), (b"onc", "early end", ("CHAT-10", "CHAT-11"))]
)
def test_a_line_without_its_end_is_told_as_what_it_is_when_the_stream_ends(
    come: bytes, shape: str, clauses: tuple[str, ...]
) -> None:
    oracle = after(LINES, [Connect("ann"), Send("ann", b"once")])
    assert shape == "early end" or oracle.feed("ann", b"once\n")
    begin(oracle, [HalfClose("ann")])
    assert oracle.feed("ann", come)
    finding = oracle.feed_end("ann", "eof")
    assert finding is not None
    assert (finding.shape, finding.clauses) == (shape, clauses)


@pytest.mark.parametrize(("times", "clauses"), [(1, ("CHAT-4",)), (FLOOD_FRAMES, ("CHAT-10",))])
def test_what_comes_again_and_again_when_a_stream_has_ended_is_what_a_server_makes_of_its_end(
    times: int, clauses: tuple[str, ...]
) -> None:
    oracle = after(LINES, [Connect("ann"), Say("ann", b"once")])
    assert oracle.feed("ann", b"once\n")
    begin(oracle, [HalfClose("ann")])
    data = b"say something!\n" * times
    assert not oracle.feed("ann", data)
    assert oracle.explain_mismatch("ann", data).clauses == clauses


@pytest.mark.parametrize(
    ("before", "clause"),
    [
        ([Connect("ann")], "CHAT-11"),
        ([Connect("ann"), Say("ann", b"hi")], "CHAT-12"),
        ([*join("ben", "ann")], "CHAT-12"),
    ],
)
def test_to_close_without_reading_is_a_reset_only_if_something_may_have_come(before: list[Step], clause: str) -> None:
    oracle = after(LINES, [*before, Abandon("ann"), Connect("cal")])
    assert oracle.explain_death("more").clauses[0] == clause


@pytest.mark.parametrize("others", [0, 2])
def test_half_an_utterance_comes_before_what_is_said_next_or_not_at_all(others: int) -> None:
    gone: list[Step] = [Connect("ann"), Connect("cal"), Begin("cal", b"half of "), HalfClose("cal")]
    oracle = after(LINES, gone)
    for said in [Say("ann", b"word %d" % number) for number in range(others)]:
        begin(oracle, [said])
        assert oracle.feed("ann", said.data + b"\n")
        oracle.settled(said)
    begin(oracle, [Say("ann", b"hello")])
    assert oracle.feed("ann", b"half of hello\n") is (others == 0)
    if others:
        assert "CHAT-14" in oracle.explain_mismatch("ann", b"half of hello\n").clauses


def test_a_delivery_that_breaks_off_before_a_later_one_of_its_speaker_is_no_lie_about_who_spoke() -> None:
    labelled = LINES.replace("{body}", "{sender}> {body}")
    steps: list[Step] = [Connect("ann"), Say("ann", b"hello"), Send("ann", b"the first of two"), Send("ann", b"last")]
    oracle = after(labelled, steps)
    assert oracle.feed("ann", b"7> hello\n")
    come = b"7> the fir7> last\n"
    assert not oracle.feed("ann", come)
    finding = oracle.explain_mismatch("ann", come)
    assert finding.shape != "misattributed"
    assert "CHAT-4" not in finding.clauses


def test_what_comes_before_the_first_words_of_a_newcomer_is_no_part_of_its_label() -> None:
    labelled = LINES.replace("{body}", "<{sender}> {body}").replace('in = "line"', 'in = "line"\nout = "none"')
    oracle = after(labelled, [Connect("ann"), Say("ann", b"once")])
    assert oracle.feed("ann", b"<7> once")
    begin(oracle, [Connect("dan"), Say("dan", b"I am dan")])
    come = b"<7> once<8> I am dan"
    assert not oracle.feed("ann", come)
    assert oracle.explain_mismatch("ann", come).shape == "duplicated"


def test_a_short_name_before_a_delivery_that_nothing_ends_shows_where_it_begins() -> None:
    labelled = LINES.replace("{body}", "{sender}: {body}").replace('in = "line"', 'in = "line"\nout = "none"')
    oracle = after(labelled, [Connect("ann"), Say("ann", b"once")])
    assert oracle.feed("ann", b"7: once7: once")
    begin(oracle, [Connect("dan"), Say("dan", b"I am dan")])
    assert not oracle.feed("ann", b"8: I am dan")
    assert oracle.explain_mismatch("ann", b"8: I am dan").shape == "duplicated"


@pytest.mark.parametrize("form", ["{sender}: {body}", "{body} -- {sender}"])
def test_the_first_words_of_a_newcomer_under_the_name_of_a_member_are_misattributed(form: str) -> None:
    def line(who: str, said: str) -> bytes:
        return form.format(sender=who, body=said).encode() + b"\n"

    oracle = after(
        LINES.replace("{body}", form),
        [Connect("ann"), Connect("bob"), Say("ann", b"hello"), Say("bob", b"hello too")],
    )
    for who in ("ann", "bob"):
        assert oracle.feed(who, line("user1", "hello") + line("user2", "hello too"))
    begin(oracle, [Close("ann"), Connect("cal"), Say("cal", b"I am cal")])
    come = line("user2", "I am cal")
    assert not oracle.feed("bob", come)
    finding = oracle.explain_mismatch("bob", come)
    assert (finding.shape, finding.clauses[0]) == ("misattributed", "CHAT-4")


@pytest.mark.parametrize(("who", "shape"), [("user2", "misattributed"), ('user1", "by": "user2', "extra")])
def test_of_two_labels_behind_a_body_neither_is_a_lie_about_who_spoke(who: str, shape: str) -> None:
    form = '{"text": "{body}", "by": "{sender}"}'
    said = "".join(
        form.replace("{body}", f"I am {number}").replace("{sender}", f"user{number}") + "\n" for number in (1, 2)
    )
    oracle = after(LINES.replace('"{body}"', f"'{form}'"), [Connect("ann"), Connect("bob")])
    begin(oracle, [Say("ann", b"I am 1"), Say("bob", b"I am 2")])
    assert oracle.feed("bob", said.encode())
    begin(oracle, [Say("ann", b"hello")])
    come = form.replace("{body}", "hello").replace("{sender}", who).encode() + b"\n"
    assert not oracle.feed("bob", come)
    assert oracle.explain_mismatch("bob", come).shape == shape


@pytest.mark.parametrize("then", [[], [Say("ann", b"and on")]])
def test_words_that_their_speaker_should_not_hear_are_misdirected(then: list[Step]) -> None:
    oracle = FramedChatOracle(dialect_files.chat(dialect_files.SILENT))
    begin(oracle, [Connect("ann"), Connect("ben"), Say("ann", b"hello"), *then])
    assert not oracle.feed("ann", b"7: hello\n")
    assert oracle.explain_mismatch("ann", b"7: hello\n").shape == "misdirected"


@pytest.mark.parametrize(
    ("notices", "come", "passes"),
    [
        ([], b"\n", False),
        ([""], b"\n", True),
        ([""], b"\r\n", False),
        (["\\r", "* {any} has come"], b"\r\n* bo has come\n", True),
    ],
)
def test_an_empty_line_passes_where_it_is_a_notice(notices: list[str], come: bytes, passes: bool) -> None:
    listed = ", ".join(f'"{notice}"' for notice in notices)
    oracle = after(LINES.replace("{body}", "> {body}") + f"notices = [{listed}]\n", [Connect("ann"), Say("ann", b"hi")])
    assert oracle.feed("ann", come + b"> hi\n") == passes


@pytest.mark.parametrize(("template", "shape"), [("{body}", "empty"), ("> {body}", "extra")])
def test_a_frame_of_no_bytes_is_told_as_what_it_is(template: str, shape: str) -> None:
    counted = LINES.replace('"line"', '"length"\nheader = "u16be"').replace("{body}", template)
    oracle = after(counted, [Connect("ann"), Say("ann", b"hello")])
    assert not oracle.feed("ann", b"\0\0")
    assert oracle.explain_mismatch("ann", b"\0\0").shape == shape


@pytest.mark.parametrize(("kept", "shape"), [(90, "split"), (80, "torn")])
def test_a_long_utterance_of_one_speaker_that_comes_in_several_deliveries_is_not_mixed(kept: int, shape: str) -> None:
    chunks = LINES.replace("line", "chunk").replace("{body}", "{sender}: {body}")
    oracle = after(chunks, [Connect("ann"), Connect("ben"), Say("ann", b"hello")])
    assert oracle.feed("ben", b"<7>: hello\n")
    said = numbered(300)
    begin(oracle, [Say("ann", said)])
    come = b"".join(b"<7>: " + said[at : at + kept] for at in range(0, len(said), 90)) + b"\n"
    assert not oracle.feed("ben", come)
    finding = oracle.explain_mismatch("ben", come)
    assert (finding.shape, finding.clauses[0]) == (shape, "CHAT-6")


@pytest.mark.parametrize("out", ["line", "chunk"])
def test_an_empty_line_after_a_whole_delivery_is_an_empty_delivery(out: str) -> None:
    bare = LINES.replace('in = "line"', f'in = "{out}"')
    oracle = after(bare, [Connect("ann"), Say("ann", b"hi")])
    assert not oracle.feed("ann", b"hi\n\n")
    assert oracle.explain_mismatch("ann", b"hi\n\n").shape == "empty"


def test_a_notice_in_the_middle_of_a_delivery_is_mixed_with_it_though_the_end_of_that_does_not_come() -> None:
    dialect = LINES.replace("{body}", "{sender} says {body}!") + 'notices = ["* {any} has gone"]\n'
    oracle = after(dialect, [Connect("ann"), Say("ann", b"one and two")])
    assert not oracle.feed("ann", b"7 says one a* 8 has gone\n")
    finding = oracle.explain_mismatch("ann", b"7 says one a* 8 has gone\n")
    assert (finding.shape, finding.clauses) == ("mixed", ("CHAT-14",))


def test_what_is_no_length_before_a_delivery_is_something_else_than_that() -> None:
    lengths = LINES.replace('in = "line"', 'in = "length"\nheader = "%2d"')
    oracle = after(lengths, [Connect("ann"), Say("ann", b"hi")])
    assert oracle.feed("ann", b" 2hi")
    begin(oracle, [Connect("cal"), Begin("cal", b"half", bad=True), Say("ann", b"on")])
    assert not oracle.feed("ann", b"?? 2on")
    finding = oracle.explain_mismatch("ann", b" 2hi?? 2on")
    assert (finding.shape, finding.clauses, finding.extra) == ("extra", ("CHAT-4",), b"??")


def test_what_passes_without_a_length_ends_where_a_delivery_begins() -> None:
    lengths = LINES.replace('in = "line"', 'in = "length"\nheader = "%2d"') + 'notices = ["?{any}"]\n'
    oracle = after(lengths, [Connect("ann"), Connect("cal"), Begin("cal", b"half", bad=True), Say("ann", b"on")])
    assert oracle.feed("ann", b"?? 2on")
    assert not oracle.due("ann")
