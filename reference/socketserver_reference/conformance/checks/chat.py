"""The chat: a directed scenario for every CHAT clause, as a class that others subclass.

    class TestMine(ChatConformance):
        target = Launched("node server.js {port}")

Each check is one story. In the basic ones clients connect, speak and leave one at a time; in the hardened ones they
overlap, reset and stall. The next utterance shows what a clause forbids: an unexpected byte before its delivery is a
violation, so no check waits for silence.
"""

from collections.abc import Callable, Sequence
from functools import partial

from socketserver_reference.conformance.checks.base import Conformance, Explore, Play, decides
from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.oracles.scaling import TIMES, Departure
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
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
from socketserver_reference.conformance.targets.client import QUICKACK

FLOOD_BYTES = 6 * 1024 * 1024
"""Bytes said to a member that does not read: more than two kernels hold for it (measured: 3.9 MB on loopback)."""

FLOOD_PIECE_BYTES = 48 * 1024
"""Bytes said at a time while all others read; fewer than may wait for a member that does not."""

CROWD = 96
"""Clients who leave at once."""

SMALL_CROWD = 8
"""As few as that are no crowd."""

OTHERS = 3
"""Clients who are there besides: two who go on talking, and one who hears them where they do not."""

BACKLOG = 64 * 1024
"""Bytes that each of a crowd says at once."""

ROUNDS = 32
"""Utterances of each who go on talking: as many as it takes until all has had its effect that a crowd has said."""

LINES = 8
SHORT = 40
"""Utterances that it says where they come in frames, and bytes of each: the suite has to oracle_for them one by one."""

SMALL_WINDOW_BYTES = 4096
"""Receive buffer, in bytes, of a client that will not read."""


def flood(who: str, size: int) -> list[Step]:
    """Return the steps by which a member says so many bytes, in pieces, so that each reading member keeps up."""
    piece = Send(who, numbered(FLOOD_PIECE_BYTES))
    return [step for _ in range(size // FLOOD_PIECE_BYTES) for step in (piece, Settle())]


def crowd_size(play: Play) -> int:
    """Return how many may speak and leave at once; end the check where the dialect leaves no room for a crowd, or no
    way to say much at once.
    """
    dialect, limits = play.dialect, play.dialect.limits
    if limits.gap:
        play.not_applicable(f"the dialect has {limits.gap:g} s between two utterances")
    if dialect.framing_out.kind == "none" or (dialect.framing_in.kind == "chunk" and not dialect.stream):
        play.not_applicable("in this dialect nobody says much before it is heard, as nothing would keep it apart")
    most = CROWD if dialect.stream else CROWD // TIMES
    seats = limits.members - OTHERS if limits.members else most
    if seats < SMALL_CROWD:
        play.not_applicable(f"the dialect has room for {limits.members} members")
    joins = limits.rounds(most, utterances=0, joins=1)
    if joins < SMALL_CROWD:
        play.not_applicable(f"the dialect has {limits.join_gap:g} s between two who come")
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
        return [Send(who, what(BACKLOG, who)) for who in names]
    return [Send(who, what(SHORT, who)) for who in names for _ in range(LINES)]


def dots(size: int, _: str) -> bytes:
    """Return so many dots: of a crowd that says nothing else and leaves, nobody has to find out which of them it was
    that is heard.
    """
    return b"." * size


def talk() -> list[Step]:
    """Return the steps by which ann and ben go on talking."""
    return [Say(who, b"%d, says %s" % (count, who.encode())) for count in range(ROUNDS) for who in ("ann", "ben")]


def departure(dialect: Dialect, way: type[Abandon] | type[Reset], many: int) -> Departure:
    """Return how a crowd of so many speaks and leaves, while ann and ben go on talking."""
    names = crowd(many)
    return Departure(coming(names), [*speaking(dialect, names, dots), *(way(who) for who in names)], talk())


def oracle_for(dialect: Dialect) -> StreamChatOracle | FramedChatOracle:
    """Return the oracle of a scenario: one for unframed deliveries, or one for framed ones."""
    return StreamChatOracle(dialect) if dialect.stream else FramedChatOracle(dialect)


class ChatConformance(Conformance):
    """See the module."""

    protocol = "chat"
    groups = ("CHAT",)
    oracle = oracle_for
    rewriter = rewrite.chat_rewriter
    health_check = (*join("first"), Say("first", b"hello"))
    health_clause = "CHAT-2"
    survival_clause = "CHAT-11"

    @decides("CHAT-1")
    def test_nothing_is_delivered_before_a_client_speaks(self, play: Play) -> None:
        play(Connect("lou"), Connect("ann"), HalfClose("ann"), Connect("ben"), HalfClose("ben"), HalfClose("lou"))

    @decides("CHAT-2")
    def test_every_member_hears_each_utterance(self, play: Play) -> None:
        play(*join("ann", "ben", "cal"), Say("ann", b"hello\n"), Say("ben", b"hi"), Say("cal", b"good day\r\n"))

    @decides("CHAT-3")
    def test_all_byte_values_arrive_unchanged(self, play: Play) -> None:
        everything = bytes(range(256))
        chunks = (everything, b"\0", b"a\0b", b"\xff\xfe\xc3(", b"  kept \t\r\n", b"\n", b"x" * 1024, "Grüße".encode())
        play(*join("ann", "ben"), *(Say("ann", chunk) for chunk in chunks))

    @decides("CHAT-4")
    def test_no_delivery_comes_twice_or_without_an_utterance(self, play: Play) -> None:
        coming_and_going = [Connect("cal"), HalfClose("cal"), *join("dan"), Quit("dan")]
        play(*join("ann", "ben"), Say("ann", b"once"), *coming_and_going, Say("ben", b"twice"), Say("ben", b"twice"))

    @decides("CHAT-5")
    def test_utterances_of_one_member_arrive_in_order(self, play: Play) -> None:
        words = play.dialect.limits.rounds(40, utterances=1)
        in_a_row: list[Step] = [Send("ann", b"word %d of many, " % count) for count in range(words)]
        one_by_one = [Say("ben", b"%d" % count) for count in range(10)]
        at_length: list[Step] = [step for _ in range(4) for step in (Send("cal", numbered(4000)), Settle())]
        play(*join("ann", "ben", "cal"), *in_a_row, Settle(), *at_length, *one_by_one)

    @decides("CHAT-6")
    def test_a_long_stream_arrives_in_chunks_that_concatenate(self, play: Play) -> None:
        sizes = (1025, 2048, 5000, 20000)
        play(*join("ann", "ben"), *(step for size in sizes for step in (Send("ann", numbered(size)), Settle())))

    @decides("CHAT-7")
    def test_quit_makes_the_sender_leave_and_is_not_delivered(self, play: Play) -> None:
        play.needs_exact_chunks()
        words = (b"quit", b"quit\n", b"quit\r\n", b" \tquit\n\n")
        names = ["ben", "cal", "dan", "eve"]
        leaving = [
            step
            for who, word in zip(names, words, strict=True)
            for step in (Quit(who, word), Say("ann", b"who is left?"))
        ]
        play(*join("ann", *names), *leaving)

    @decides("CHAT-7")
    def test_a_member_that_quits_reads_what_was_delivered_before(self, play: Play) -> None:
        play.needs_exact_chunks()
        before = [Say("ann", b"%d before you go" % count) for count in range(10)]
        play(*join("ann", "ben"), Stall("ben"), *before, Quit("ben"), Say("ann", b"gone"))

    @decides("CHAT-8")
    def test_what_only_looks_like_quit_is_delivered(self, play: Play) -> None:
        play.needs_exact_chunks()
        words = play.dialect.quit_like()
        play(*join("ann", "ben"), *(Say("ann", word) for word in words), Say("ben", b"and so on"))

    @decides("CHAT-9")
    def test_a_lurker_hears_the_others(self, play: Play) -> None:
        play(
            *join("ann"),
            Connect("lou"),
            WaitUntilHeard("lou", "ann"),
            *join("ben"),
            Say("ben", b"hello lou"),
            Say("ann", b"!"),
        )

    @decides("CHAT-10")
    def test_an_utterance_before_a_half_close_reaches_all_and_its_sender(self, play: Play) -> None:
        names = ["ben", "cal", "dan", "eve"]  # a race decides which member is dropped; not all win it
        leaving = [
            step
            for who in names
            for step in (Send(who, b"last words of " + who.encode()), HalfClose(who), Say("ann", b"gone"))
        ]
        play(*join("ann", *names), *leaving)

    @decides("CHAT-10")
    def test_a_member_that_half_closes_reads_what_was_delivered_before(self, play: Play) -> None:
        before = [Say("ann", b"%d before you go" % count) for count in range(10)]
        play(*join("ann", "ben"), Stall("ben"), *before, HalfClose("ben"), Say("ann", b"gone"))

    @decides("CHAT-11")
    def test_the_room_goes_on_however_a_client_leaves(self, play: Play) -> None:
        goodbyes: list[Step] = [Quit("ben"), HalfClose("cal"), Close("dan"), Close("lou")]
        leaving = [step for goodbye in goodbyes for step in (goodbye, Say("ann", b"still here"))]
        play(*join("ann", "ben", "cal", "dan"), Connect("lou"), WaitUntilHeard("lou", "ann"), *leaving)

    @decides("CHAT-11")
    def test_the_room_goes_on_after_the_last_member_left(self, play: Play) -> None:
        play(*join("ann"), Quit("ann"), *join("ben"), Close("ben"), *join("cal", "dan"), Say("cal", b"hello"))

    # From explore_basic on, the order matters to a server that cannot be restarted: the most abrupt checks come last.

    def test_explore_politely(self, explore: Explore) -> None:
        explore("basic")

    @decides("CHAT-17")
    def test_two_hundred_members_come_at_once(self, play: Play) -> None:
        crowd = tuple(f"m{count}" for count in range(1, 200))
        greetings = (WaitUntilHeard(who, "ann") for who in crowd)
        play(*join("ann"), Crowd(crowd), *greetings, Say("m1", b"hello all"), Say("m199", b"hello one"))

    @decides("CHAT-16")
    def test_deliveries_do_not_wait_for_delayed_acknowledgements(self, play: Play) -> None:
        if play.address.transport != "tcp":
            play.not_applicable(f"{play.address.transport} knows no delayed acknowledgements")
        if not QUICKACK:
            play.not_checked("this system cannot choose when a client acknowledges (TCP_QUICKACK)")
        play.measure_lag(
            Connect("ann"),
            Connect("ben"),
            Connect("cal", acks="delayed"),
            *(Say(who, f"{who} is here".encode()) for who in ("ann", "ben", "cal")),
            Send("ann", b"go"),  # from here on no step waits for an idle server: that may outlast a stall
            Settle(),
            *(Say("ann", b"%d" % count) for count in range(20)),
            prompt="ben",
            late="cal",
        )

    @decides("CHAT-13")
    def test_all_members_hear_one_order_when_two_speak_at_once(self, play: Play) -> None:
        names = ["ann", "ben", "cal", "dan", "eve", "fay"]
        together: list[Step] = []
        for count in range(play.dialect.limits.rounds(300, utterances=1)):
            together += [Send("ann", b"a%d " % count), Send("ben", b"b%d " % count)]
            if count % 10 == 9:
                together.append(Settle())
        play(*join(*names), *together, Settle())

    @decides("CHAT-13")
    def test_all_members_hear_one_order_while_others_come_and_go(self, play: Play) -> None:
        churn: list[Step] = []
        for count in range(play.dialect.limits.rounds(100, utterances=3, joins=1)):
            who = f"guest{count}"
            speaking: list[Step] = [Send("ann", b"a%d " % count), Send("ben", b"b%d " % count)]
            churn += [
                *speaking,
                Connect(who),
                *speaking,
                HalfClose(who),
                *speaking,
                *([Settle()] if count % 5 == 4 else []),
            ]
        play(*join("ann", "ben", "cal"), *churn, Settle())

    @decides("CHAT-12")
    def test_an_idle_client_resets(self, play: Play) -> None:
        play(*join("ann", "ben", "cal"), Reset("cal"), Say("ann", b"who was that?"), Say("ben", b"gone"))

    @decides("CHAT-12")
    def test_a_client_resets_straight_after_connecting(self, play: Play) -> None:
        rude: list[Step] = []
        for who in (f"x{count}" for count in range(play.dialect.limits.rounds(8, utterances=1, joins=1))):
            rude += [Connect(who), Reset(who), Say("ann", b"and on")]
        play(*join("ann", "ben"), *rude, Say("ben", b"still here"))

    @decides("CHAT-12")
    def test_a_client_connects_just_as_another_resets(self, play: Play) -> None:
        rude: list[Step] = []
        for count in range(10):  # the server may see the newcomer before or after the reset
            rude += [Connect(f"x{count}"), WaitUntilHeard(f"x{count}", "ann"), Reset(f"x{count}")]
            rude += [Connect(f"y{count}"), WaitUntilHeard(f"y{count}", "ann")]
        play(*join("ann", "ben"), *rude, Say("ben", b"still here"))

    @decides("CHAT-12")
    def test_a_client_resets_in_the_middle_of_a_delivery(self, play: Play) -> None:
        rudely = play.dialect.limits.rounds(8, utterances=18, joins=1)  # 16 KiB take so many lines
        names = [f"x{count}" for count in range(rudely)]  # not each hits a delivery
        rude: list[Step] = []
        for who in names:
            talk: Step = Send("ann", numbered(8 * 1024))
            rude += [Stall(who), talk, Reset(who), talk, Settle(), Say("ben", b"and on")]
        play(*join("ann", "ben", *names), *rude)

    @decides("CHAT-12")
    def test_a_speaker_resets(self, play: Play) -> None:
        play(
            *join("ann", "ben", "cal"),
            Send("cal", b"last words"),
            Reset("cal"),
            Say("ann", b"hm"),
            Say("ben", b"and on"),
        )

    @decides("CHAT-12")
    def test_a_speaker_closes_without_reading(self, play: Play) -> None:
        play(
            *join("ann", "ben", "cal"),
            Send("cal", b"last words"),
            Abandon("cal"),
            Say("ann", b"hm"),
            Say("ben", b"and on"),
        )

    @decides("CHAT-14")
    def test_deliveries_of_two_long_speakers_are_not_mixed(self, play: Play) -> None:
        together: list[Step] = [
            step
            for _ in range(play.dialect.limits.rounds(40, utterances=4))
            for step in (Send("ann", numbered(3000, b"a%06d ")), Send("ben", numbered(3000, b"b%06d ")), Settle())
        ]
        play(*join("ann", "ben", "cal"), *together)

    @decides("CHAT-15")
    def test_a_slow_reader_is_not_cut_off_early(self, play: Play) -> None:
        slow: list[Step] = [Connect("ben", window=SMALL_WINDOW_BYTES), Say("ben", b"here"), Stall("ben")]
        kept: list[Step] = [Say("ann", numbered(1000)) for _ in range(60)]
        play(*join("ann"), *slow, *kept, Resume("ben"), Say("ben", b"all read"))

    @decides("CHAT-15")
    def test_a_member_that_does_not_read_delays_no_other(self, play: Play) -> None:
        slow: list[Step] = [Connect("ben", window=SMALL_WINDOW_BYTES), Say("ben", b"here"), Stall("ben")]
        play(*join("ann", "cal"), *slow, *flood("ann", FLOOD_BYTES), Say("cal", b"not delayed"))

    @decides("CHAT-14")
    def test_a_delivery_to_a_slow_reader_is_whole(self, play: Play) -> None:
        slow: list[Step] = [Connect("ben", window=SMALL_WINDOW_BYTES), Say("ben", b"here"), Stall("ben")]
        play(*join("ann", "cal"), *slow, *flood("ann", FLOOD_BYTES), Resume("ben"), Say("cal", b"and on"))

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

    def test_explore_abruptly(self, explore: Explore) -> None:
        explore("hardened")
