"""Frames without an end: what clients send, how it is judged, and that servers that trip over it are found."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from socketserver_reference.conformance.checks.chat_frames import FramesChat, RudeFramesChat, leaving
from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.scenario.steps import Abandon, Begin, Close, Connect, Reset, Say, join
from tests.servers.dialect_bugs import FailsOverAnUnfinishedFrame, WaitsForTheRest
from tests.servers.dialects_served import DIALECTS, Speaker
from tests.support.dialects.played_checks import assert_not_applicable, broken, checks_in, undecided
from tests.support.exchanges import knowing

UNFINISHED = checks_in(FramesChat, RudeFramesChat)


@pytest.mark.parametrize("name", ["named", "lengths", "fixed"])
def test_a_sound_server_survives_unfinished_frames(name: str) -> None:
    assert [clause for clause, _ in UNFINISHED] == ["CHAT-6", "CHAT-9", "CHAT-10", "CHAT-11", "CHAT-12"]
    assert broken(UNFINISHED, DIALECTS[name], Speaker) == []


@pytest.mark.parametrize("name", ["prompting", "lengths"])
def test_a_server_that_delivers_nothing_until_a_frame_ends_breaks_chat_9(name: str) -> None:
    assert "CHAT-9" in set(broken(UNFINISHED, DIALECTS[name], WaitsForTheRest))


class PassesBadLengthsOn(Speaker):
    """It takes a length that is no number for none, and delivers what it has read."""

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        framing = self.dialect.framing_in
        read = self.unread + chunk
        if framing.kind == "length" and framing.length(read[: framing.header_bytes]) is None:
            with self.server.lock:
                for member in list(self.server.members):
                    self.write(member, read[: framing.header_bytes])
            chunk = chunk[framing.header_bytes :]
        yield from super().cut(chunk)


def test_what_is_delivered_of_a_bad_length_breaks_chat_4_and_hides_no_other_clause() -> None:
    dialect = replace(DIALECTS["lengths"], to_sender="same")
    assert set(broken(UNFINISHED, dialect, PassesBadLengthsOn)) == {"CHAT-4"}
    assert undecided(UNFINISHED, dialect, PassesBadLengthsOn) == []


def test_a_server_that_fails_over_an_unfinished_frame_breaks_the_clauses_about_leaving() -> None:
    assert (
        set()
        < set(broken(UNFINISHED, DIALECTS["named"], FailsOverAnUnfinishedFrame))
        <= {"CHAT-10", "CHAT-11", "CHAT-12"}
    )


def test_who_closes_without_reading_has_something_to_read_which_makes_it_a_reset() -> None:
    steps = list(leaving(DIALECTS["named"], Reset, Abandon))
    resets, abandons = steps.index(Reset("reset")), steps.index(Abandon("abandon"))
    assert isinstance(steps[resets - 1], Begin)
    assert [step.spoken_by for step in steps[abandons - 3 : abandons]] == ["", "ann", "ann"]


class TakesLettersAndDigits(Speaker):
    """Sends a client away whose name has other characters."""

    def shake_hands(self) -> None:
        super().shake_hands()
        if self.answered and not self.given.isalnum():
            self.server.cut_off(self.request)


def test_no_client_gives_a_name_of_other_characters_than_letters_and_digits() -> None:
    assert broken(UNFINISHED, DIALECTS["named"], TakesLettersAndDigits) == []


def test_chunks_have_no_end_that_could_be_left_out() -> None:
    assert_not_applicable(UNFINISHED, DIALECTS["chunks"], "the dialect has no frames in which clients speak")
    for rewriter in (rewrite.StreamRewriter(NOTE), rewrite.FramedRewriter(DIALECTS["chunks"])):
        rewriter.rewrite(Connect("ann"))
        assert rewriter.rewrite(Begin("ann", b"half")) == []


@pytest.mark.parametrize(
    ("framing", "bad", "sent"),
    [
        (Framing("line"), False, b"half"),
        (Framing("fixed", size=6), False, b"hal"),
        (Framing("length", header="%4d"), False, b"   8half"),
        (Framing("length", header="%4d"), True, b"????"),
    ],
)
def test_a_frame_is_begun_and_not_ended(framing: Framing, bad: bool, sent: bytes) -> None:
    assert framing.begin(b"half", bad=bad) == sent


def test_a_step_says_that_a_frame_has_no_end() -> None:
    assert str(Begin("cal", b"half")) == "cal begins to say b'half', no more"
    assert str(Begin("cal", b"half", bad=True)) == "cal sends a bad length"


LINES = replace(DIALECTS["prompting"], prompts=(), to_sender="same")


@pytest.mark.parametrize(
    ("read", "right"),
    [
        (b"[12:30] <2> half[12:30] <1> on\r\n", True),
        (b"[12:30] <2> half\r\n[12:30] <1> on\r\n", True),
        (b"[12:30] <1> on\r\n", True),
        (b"[12:30] <2> hal[12:30] <1> on\r\n", False),
        (b"[12:30] <2> half and more\r\n", False),
    ],
)
def test_an_utterance_without_an_end_may_be_delivered_with_one_and_without(read: bytes, right: bool) -> None:
    oracle = knowing(FramedChatOracle(LINES), *join("ann"), Connect("cal"), Begin("cal", b"half"), Close("cal"))
    assert oracle.feed("ann", b"[12:30] <1> ann is here\r\n")
    oracle.begin(Say("ann", b"on"), idle_before=True)
    assert oracle.feed("ann", read) is right
