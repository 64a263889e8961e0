"""The handshake of a chat, where the dialect has one: clients that are silent in it, give the name of a member, or
leave at each of its stages.

Servers ask for names in their accept loop: silence, half a name and a reset before the name are where they fail.
"""

from collections.abc import Iterator

from socketserver_reference.conformance.checks.base import Conformance, Play, decides
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Approach,
    Close,
    Connect,
    HalfClose,
    Reset,
    Say,
    Send,
    Settle,
    Step,
    join,
)

Way = type[HalfClose] | type[Close] | type[Abandon] | type[Reset]


def stages(dialect: Dialect) -> list[tuple[int, bool]]:
    """Return where clients stop: before each answer, after half of it, and after the last one, before what follows."""
    answers = sum(turn.send is not None for turn in dialect.handshake)
    return [*((count, half) for count in range(answers) for half in (False, True)), (answers, False)]


def leaving(dialect: Dialect, *ways: Way) -> Iterator[Step]:
    """Yield the steps by which clients leave at each stage of the handshake, and members speak after each of them."""
    for way in ways:
        for count, half in stages(dialect):
            who = f"{way.__name__.lower()}{count}{'half' if half else ''}"
            yield from (Approach(who, count, half), way(who))
            yield from (Say(speaker, b"still here") for speaker in ("ann", "ben", "ann"))


def needs_handshake(play: Play) -> None:
    """End the check where a client is a member as soon as it has connected."""
    if not play.dialect.handshake:
        play.not_applicable("the dialect has no handshake")


class HandshakeChat(Conformance):
    """Clients that are silent, take the name of another, or leave in an orderly way."""

    @decides("CHAT-2")
    def test_a_client_that_gives_the_name_of_a_member_takes_nothing_from_it(self, play: Play) -> None:
        needs_handshake(play)
        words = [Say(who, b"still here") for who in ("ben", "ann", "ben")]  # the second may be let in or refused
        play(*join("ann", "ben"), Approach("second", len(stages(play.dialect)), namesake="ann"), *words)

    @decides("CHAT-6")
    def test_words_that_come_in_one_segment_with_the_last_answer_are_delivered(self, play: Play) -> None:
        needs_handshake(play)
        if not play.dialect.answers_in_frames:
            play.not_applicable("no mark tells the last answer of the handshake from what is said next")
        if play.dialect.limits.join_delay:
            play.not_applicable("in the dialect the server may take no words from one that has just come")
        together: list[Step] = [Connect("cal", with_words=True), Send("cal", b"cal is here"), Settle()]
        play(*join("ann", "ben"), *together, Say("cal", b"and on"), Say("ann", b"all heard"))

    @decides("CHAT-9")
    def test_a_client_that_is_silent_in_its_handshake_delays_no_other(self, play: Play) -> None:
        needs_handshake(play)
        steps = join("ann", "ben")
        for count, half in stages(play.dialect)[:-1]:
            suffix = f"{count}{'half' if half else ''}"
            steps += [Approach(f"silent{suffix}", count, half), Say("ann", b"and on"), *join(f"cal{suffix}")]
        play(*steps, Say("ben", b"still here"))

    @decides("CHAT-10")
    def test_a_client_half_closes_in_its_handshake(self, play: Play) -> None:
        needs_handshake(play)
        play(*join("ann", "ben"), *leaving(play.dialect, HalfClose), *join("cal"))

    @decides("CHAT-11")
    def test_a_client_closes_in_its_handshake(self, play: Play) -> None:
        needs_handshake(play)
        play(*join("ann", "ben"), *leaving(play.dialect, Close), *join("cal"))

    @decides("CHAT-11")
    def test_a_client_that_gives_the_name_of_a_member_leaves(self, play: Play) -> None:
        needs_handshake(play)
        steps = join("ann", "ben")
        for way in (Close, HalfClose):
            who = f"{way.__name__.lower()}"
            steps += [Approach(who, len(stages(play.dialect)), namesake="ann"), Say("ben", b"hello")]
            steps += [way(who), Say("ben", b"one ann less"), Say("ann", b"still here")]
        play(*steps)


class RudeHandshakeChat(Conformance):
    """Clients that reset."""

    @decides("CHAT-12")
    def test_a_client_resets_in_its_handshake(self, play: Play) -> None:
        needs_handshake(play)
        play(*join("ann", "ben"), *leaving(play.dialect, Reset, Abandon), *join("cal"))
