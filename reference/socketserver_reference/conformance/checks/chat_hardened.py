"""The chat, hardened profile: a directed scenario for CHAT-12 to CHAT-16. Clients overlap, reset and stall."""

from collections.abc import Sequence

from socketserver_reference.conformance.checks.base import Conformance, Play, decides
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Connect,
    HalfClose,
    Reset,
    Rest,
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

SMALL_BYTES = 40
"""Bytes of a small utterance: a buffer that has no room for its delivery seldom has room for a part of it."""

SMALL_DELIVERIES = 8000
"""Small deliveries that fill the send buffer of a connection (measured with 256 KiB: 5,800)."""

SMALL_UNIX_BYTES = 200
"""The same for a Unix socket, where the kernel counts at least 768 bytes for each delivery."""

SMALL_WINDOW_BYTES = 4096
"""Receive buffer, in bytes, of a client that will not read."""

BEN_STALLS: Sequence[Step] = (Connect("ben", window=SMALL_WINDOW_BYTES), Say("ben", b"here"), Stall("ben"))
"""A member comes, and does not read."""

GOING_ON = (Say("ann", b"hm"), Say("ben", b"and on"))
"""Two go on talking."""


def said_one_by_one(who: str, size: int, many: int) -> list[Step]:
    """Return the steps by which a member says so many short utterances, each a delivery of its own."""
    return [Say(who, b"%0*d" % (size, number)) for number in range(many)]


def flood(who: str, size: int) -> list[Step]:
    """Return the steps by which a member says so many bytes, in pieces, so that each reading member keeps up."""
    piece = Send(who, numbered(FLOOD_PIECE_BYTES))
    return [step for _ in range(size // FLOOD_PIECE_BYTES) for step in (piece, Settle())]


class HardenedChat(Conformance):
    """See the module."""

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

    @decides("CHAT-21")
    def test_members_who_say_nothing_for_a_while_are_still_there(self, play: Play) -> None:
        if not play.idle:
            play.not_applicable("nobody is silent for long: --idle SECONDS says how long members are to be")
        play(*join("ann", "ben"), Rest(play.idle), Say("ann", b"is ben still here?"), Say("ben", b"yes"))

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
        # While the server delivers, both come: it may see the newcomer before the reset. With so much to deliver it is
        # still busy then; with more, a server with a small send buffer cuts off members, which is CHAT-15. Newcomers
        # stay, so that each delivery takes longer than the one before; more than 50 would be a crowd.
        for count in range(play.dialect.limits.rounds(46, utterances=20, joins=2)):
            rude += [Connect(f"x{count}"), WaitUntilHeard(f"x{count}", "ann")]
            rude += [Send("ann", numbered(16 * 1024))] if count % 3 else []
            rude += [Reset(f"x{count}"), Connect(f"y{count}"), Settle(), WaitUntilHeard(f"y{count}", "ann")]
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
    def test_a_client_closes_while_several_speak(self, play: Play) -> None:
        # While the server is busy with ann's chunks, it may deliver to the client twice before it notices: the first
        # delivery is answered by a reset, and at the second one SIGPIPE ends a program in C.
        rude: list[Step] = []
        for who in (f"x{count}" for count in range(play.dialect.limits.rounds(32, utterances=18, joins=1))):
            rude += [Connect(who), WaitUntilHeard(who, "ann"), Send("ann", numbered(8 * 1024)), Send("ben", b"two")]
            rude += [Abandon(who), Send("cal", b"three"), Send("dan", b"four"), Settle()]
        play(*join("ann", "ben", "cal", "dan"), *rude)

    @decides("CHAT-12")
    def test_a_speaker_resets(self, play: Play) -> None:
        play(*join("ann", "ben", "cal"), Send("cal", b"last words"), Reset("cal"), *GOING_ON)

    @decides("CHAT-12")
    def test_a_speaker_closes_without_reading(self, play: Play) -> None:
        play(*join("ann", "ben", "cal"), Send("cal", b"last words"), Abandon("cal"), *GOING_ON)

    @decides("CHAT-14")
    def test_deliveries_of_two_long_speakers_are_not_mixed(self, play: Play) -> None:
        together: list[Step] = [
            step
            for _ in range(play.dialect.limits.rounds(40, utterances=4))
            for step in (Send("ann", numbered(3000, b"a%06d-")), Send("ben", numbered(3000, b"b%06d-")), Settle())
        ]
        play(*join("ann", "ben", "cal"), *together)

    @decides("CHAT-15")
    def test_a_slow_reader_is_not_cut_off_early(self, play: Play) -> None:
        kept: list[Step] = [Say("ann", numbered(1000)) for _ in range(60)]
        play(*join("ann"), *BEN_STALLS, *kept, Resume("ben"), Say("ben", b"all read"))

    @decides("CHAT-15")
    def test_a_slow_reader_of_small_deliveries_is_not_cut_off_early(self, play: Play) -> None:
        size = SMALL_BYTES if play.address.transport == "tcp" else SMALL_UNIX_BYTES
        kept = said_one_by_one("ann", size, play.dialect.limits.rounds(60_000 // size, utterances=1))
        play(*join("ann"), *BEN_STALLS, *kept, Resume("ben"), Say("ben", b"all read"))

    @decides("CHAT-15")
    def test_a_member_that_does_not_read_delays_no_other(self, play: Play) -> None:
        slow: list[Step] = [Connect("ben", window=SMALL_WINDOW_BYTES), Say("ben", b"here"), *join("cal"), Stall("ben")]
        # A server may cut it off: then those who came after it miss nothing, and others can still come.
        play(*join("ann"), *slow, *flood("ann", FLOOD_BYTES), Say("cal", b"not delayed"), *join("dan"))

    @decides("CHAT-14")
    def test_a_delivery_to_a_slow_reader_is_whole(self, play: Play) -> None:
        play(*join("ann", "cal"), *BEN_STALLS, *flood("ann", FLOOD_BYTES), Resume("ben"), Say("cal", b"and on"))

    @decides("CHAT-14")
    def test_a_slow_reader_of_small_deliveries_misses_none(self, play: Play) -> None:
        many = said_one_by_one("ann", SMALL_BYTES, play.dialect.limits.rounds(SMALL_DELIVERIES, utterances=1))
        play(*join("ann"), *BEN_STALLS, *many, Resume("ben"), Say("ann", b"and on"))

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
