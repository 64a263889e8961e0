"""Frames without an end, and bad lengths: clients that fall silent within an utterance, or leave then."""

from collections.abc import Iterator

from socketserver_reference.conformance.checks.base import Conformance, Play, decides
from socketserver_reference.conformance.checks.chat_handshake import Way
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.steps import Abandon, Begin, Close, HalfClose, Reset, Say, Step, join
from socketserver_reference.conformance.scenario.text import numbered


def needs_frames(play: Play) -> None:
    """End the check where an utterance has no end that a client could leave out."""
    if play.dialect.framing_in.kind == "chunk":
        play.not_applicable("the dialect has no frames in which clients speak")


def beginnings(dialect: Dialect, name: str) -> Iterator[tuple[str, list[Step]]]:
    """Yield clients, and the steps by which each joins and sends a frame without an end."""
    for bad in (False, True) if dialect.framing_in.kind == "length" else (False,):
        who = f"{name}{'bad' if bad else ''}"
        yield who, [*join(who), Begin(who, b"half of what", bad)]


def leaving(dialect: Dialect, *ways: Way) -> Iterator[Step]:
    """Yield the steps by which clients leave within an utterance, and members speak after each of them.

    To close without reading is a reset only where there is something to read: what ann has said has come to all when
    she hears what she says next.
    """
    for way in ways:
        unread = [Say("ann", words) for words in (b"for all", b"to read")] if way is Abandon else []
        for who, steps in beginnings(dialect, way.__name__.lower()):
            yield from (*steps, *unread, way(who))
            yield from (Say(speaker, b"still here") for speaker in ("ann", "ben", "ann"))


class FramesChat(Conformance):
    """Clients that fall silent, or leave in an orderly way."""

    @decides("CHAT-6")
    def test_an_utterance_that_comes_in_pieces_is_delivered_whole(self, play: Play) -> None:
        needs_frames(play)
        said = [Say("ann", b"what ann has to say", in_pieces=True), Say("ann", numbered(300), in_pieces=True)]
        play(*join("ann", "ben"), *said, Say("ben", b"all heard"))

    @decides("CHAT-9")
    def test_a_client_that_falls_silent_within_an_utterance_delays_no_other(self, play: Play) -> None:
        needs_frames(play)
        steps: list[Step] = [*join("ann", "ben")]
        for who, beginning in beginnings(play.dialect, "cal"):
            steps += [*beginning, Say("ann", b"and on"), Say("ben", b"and on"), *join(f"dan{who}")]
        play(*steps, Say("ann", b"still here"))

    @decides("CHAT-10")
    def test_a_client_half_closes_within_an_utterance(self, play: Play) -> None:
        needs_frames(play)
        play(*join("ann", "ben"), *leaving(play.dialect, HalfClose), *join("cal"))

    @decides("CHAT-11")
    def test_a_client_closes_within_an_utterance(self, play: Play) -> None:
        needs_frames(play)
        play(*join("ann", "ben"), *leaving(play.dialect, Close), *join("cal"))


class RudeFramesChat(Conformance):
    """Clients that reset."""

    @decides("CHAT-12")
    def test_a_client_resets_within_an_utterance(self, play: Play) -> None:
        needs_frames(play)
        play(*join("ann", "ben"), *leaving(play.dialect, Reset, Abandon), *join("cal"))
