"""The chat and many clients: two hundred members (CHAT-17), a crowd that speaks and leaves at once (CHAT-15), many who
come and leave one after another (CHAT-18), and more than there are descriptors for (CHAT-19); and a server that is
started again with members connected (CHAT-20).
"""

from collections.abc import Callable, Sequence
from functools import partial

from socketserver_reference.conformance.checks.base import Conformance, Play, decides
from socketserver_reference.conformance.checks.visits import chat_visits
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.measured.exhaustion import Exhaustion
from socketserver_reference.conformance.oracles.measured.scaling import ROOM_FACTOR, Departure
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Connect,
    Crowd,
    HalfClose,
    Reset,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.text import counted

DEMANDED_MEMBERS = 200
"""Members that CHAT-17 demands."""

CLIENTS_AT_ONCE = 5
"""Clients that connect before one of them must be in: as many as the shortest queue of connections holds."""

LEAVING_CLIENTS = 96
"""Clients who leave at once."""

SMALL_CROWD = 8
"""As few as that are no crowd."""

STAYING_CLIENTS = 3
"""Clients who are there besides: two who go on talking, and one who hears them where they do not."""

SPEECH_BYTES = 64 * 1024
"""Bytes that each of a crowd says at once."""

TALKING_ROUNDS = 32
"""Utterances of each who go on talking: as many as it takes until all has had its effect that a crowd has said."""

SPEECH_LINES = 8
SPEECH_LINE_BYTES = 40
"""Utterances that it says where they come in frames, and bytes of each: the suite has to judge them one by one."""


def all_are_in(members: Sequence[str]) -> list[Step]:
    """Return the steps that show that all these hear ann, and that the first and the last of them are heard."""
    heard = [WaitUntilHeard(who, "ann") for who in members]
    return [*heard, Say(members[0], b"hello all"), Say(members[-1], b"hello one")]


def crowd_size(play: Play) -> int:
    """Return how many may speak and leave at once; end the check where the dialect leaves no room for a crowd, or no
    way to say much at once.
    """
    dialect, limits = play.dialect, play.dialect.limits
    if limits.pace:
        play.not_applicable(f"the dialect has {limits.pace}")
    if dialect.framing_out.kind == "none" or (dialect.framing_in.kind == "chunk" and not dialect.stream):
        play.not_applicable("in this dialect a client says little before it is heard, as nothing would keep more apart")
    most = LEAVING_CLIENTS if dialect.stream else LEAVING_CLIENTS // ROOM_FACTOR
    seats = limits.members - STAYING_CLIENTS if limits.members else most
    if seats < SMALL_CROWD:
        play.not_applicable(f"the dialect has room for {counted(limits.members, 'member')}")
    joins = limits.rounds(most, utterances=0, joins=1)
    if joins < SMALL_CROWD:
        play.not_applicable(f"the dialect has {limits.join_pace}")
    return min(most, seats, joins)


def crowd(many: int) -> list[str]:
    """Return the names of so many clients."""
    return [f"x{count}" for count in range(many)]


def coming(names: Sequence[str]) -> list[Step]:
    """Return the steps by which ann and ben join, and a crowd comes that does not read."""
    return [*join("ann", "ben"), *(step for who in names for step in (Connect(who), Stall(who)))]


def speaking(dialect: Dialect, names: Sequence[str], what: Callable[[int, str], bytes]) -> list[Step]:
    """Return the steps by which everybody in a crowd says much, without waiting: so many bytes, as its name says."""
    if dialect.stream:
        return [Send(who, what(SPEECH_BYTES, who)) for who in names]
    return [Send(who, what(SPEECH_LINE_BYTES, who)) for who in names for _ in range(SPEECH_LINES)]


def dots(size: int, _: str) -> bytes:
    """Return so many dots: of a crowd that says nothing else and leaves, nobody has to find out which of them it was
    that is heard.
    """
    return b"." * size


def talk() -> list[Step]:
    """Return the steps by which ann and ben go on talking."""
    return [
        Say(who, b"%d, says %s" % (count, who.encode())) for count in range(TALKING_ROUNDS) for who in ("ann", "ben")
    ]


def departure(dialect: Dialect, way: type[Abandon] | type[Reset], many: int) -> Departure:
    """Return how a crowd of so many speaks and leaves, while ann and ben go on talking."""
    names = crowd(many)
    return Departure(coming(names), [*speaking(dialect, names, dots), *(way(who) for who in names)], talk())


class ManyMembersChat(Conformance):
    """Two hundred members: they come at the pace at which the server lets them in, and in one instant."""

    @decides("CHAT-17")
    def test_two_hundred_members_come_one_after_another(self, play: Play) -> None:
        members = [f"m{count}" for count in range(1, DEMANDED_MEMBERS)]
        # The first step makes the rest abrupt: that an idle server is waited for costs more than all else.
        steps: list[Step] = [*join("ann"), Send("ann", b"come in"), Settle()]
        for count, who in enumerate(members, 1):
            steps.append(Connect(who))
            if count % CLIENTS_AT_ONCE == 0 and not play.dialect.limits.pace:
                steps.append(WaitUntilHeard(who, "ann"))
        play(*steps, *all_are_in(members))

    @decides("CHAT-17")
    def test_two_hundred_clients_connect_in_one_instant(self, play: Play) -> None:
        members = tuple(f"m{count}" for count in range(1, DEMANDED_MEMBERS))
        play(*join("ann"), Crowd(members), *all_are_in(members))


class ManyVisitsChat(Conformance):
    """Clients who come and leave one after another: a thousand, if it takes so many to see what the server holds; and
    clients for whom no descriptor is left.
    """

    @decides("CHAT-18")
    def test_a_thousand_clients_leave_nothing_behind(self, play: Play) -> None:
        play.grow(chat_visits(play.dialect))

    @decides("CHAT-19")
    def test_members_are_served_when_no_descriptor_is_left_for_others(self, play: Play) -> None:
        words = [Say(who, b"still here") for who in ("ann", "ben")]
        play.exhaust(Exhaustion(join("ann", "ben"), words, [*join("cal"), *words]))


class RestartedChat(Conformance):
    """A server that ends with members connected, and is started again."""

    @decides("CHAT-20")
    def test_the_server_can_be_started_again_at_its_port_at_once(self, play: Play) -> None:
        play.come_back(*join("ann", "ben"))


class RestingChat(Conformance):
    """A room in which nobody says anything."""

    @decides("CHAT-22")
    def test_the_server_rests_while_its_members_do_nothing(self, play: Play) -> None:
        play.rest(*join("ann", "ben"))
        leaving: list[Step] = [Reset("cal"), Say("ann", b"and on"), HalfClose("ben"), Say("ann", b"alone")]
        play.rest(*join("ann", "ben", "cal"), *leaving)


class LeavingCrowdChat(Conformance):
    """A crowd that speaks and leaves at once."""

    # Whoever of a crowd speaks and leaves at once has not read what the others said, and whoever still delivers that to
    # them keeps those waiting who read: it is CHAT-15 that a crowd breaks, whichever way it leaves. What a crowd that
    # stays costs is not compared: to deliver what each said to each is as much as the square of it, rightly.

    @decides("CHAT-15")
    def test_many_who_speak_and_leave_at_once_delay_nobody(self, play: Play) -> None:
        many, seen = crowd_size(play), True
        for way in (Abandon, Reset):
            leaving = partial(departure, play.dialect, way)
            if play.dialect.stream:
                seen = play.scale(leaving, many) and seen
            else:  # as each utterance is judged by itself, a crowd speaks no faster than it is heard
                play(*leaving(many).steps)
        if not seen:
            play.not_applicable("what a crowd costs shows in the server's processor time, which is not seen from here")
