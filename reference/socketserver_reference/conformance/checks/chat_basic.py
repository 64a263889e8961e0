"""The chat, basic profile: a directed scenario for CHAT-1 to CHAT-11. Clients come, speak and leave one at a time."""

from socketserver_reference.conformance.checks.base import Conformance, Play, decides
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    HalfClose,
    Quit,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.text import numbered


class BasicChat(Conformance):
    """See the module."""

    @decides("CHAT-1")
    def test_nothing_is_delivered_before_a_client_speaks(self, play: Play) -> None:
        play(Connect("lou"), Connect("ann"), HalfClose("ann"), Connect("ben"), HalfClose("ben"), HalfClose("lou"))

    @decides("CHAT-2")
    def test_every_member_hears_each_utterance(self, play: Play) -> None:
        play(
            *join("ann", "ben", "cal"),
            *(Say("ann", b"hello"), Say("ben", b"hi"), Say("cal", b"good day")),
            Say("ben", b"0"),  # which PHP and Perl take for nothing
        )

    @decides("CHAT-3")
    def test_all_byte_values_arrive_unchanged(self, play: Play) -> None:
        everything = bytes(range(256))
        chunks = (everything, b"\0", b"a\0b", b"\xff\xfe\xc3(", b"  kept \t\r\n", b"\n", b"x" * 1024, "Grüße".encode())
        punctuation = b"at 9:30: one, two; a|b <c> =d"  # at which servers part names, commands and words
        play(*join("ann", "ben"), *(Say("ann", chunk) for chunk in (*chunks, punctuation)))

    @decides("CHAT-4")
    def test_no_delivery_comes_twice_or_without_an_utterance(self, play: Play) -> None:
        coming_and_going = [Connect("cal"), HalfClose("cal"), *join("dan"), Quit("dan")]
        play(*join("ann", "ben"), Say("ann", b"once"), *coming_and_going, Say("ben", b"twice"), Say("ben", b"twice"))

    @decides("CHAT-6")
    def test_utterances_that_come_in_one_segment_are_delivered_one_by_one(self, play: Play) -> None:
        if play.dialect.stream or play.dialect.one_by_one:
            play.not_applicable("in the dialect the server may take what comes in one segment for one utterance")
        together: list[Step] = [Send("ann", b"the first", with_next=True), Send("ann", b"the last"), Settle()]
        play(*join("ann", "ben"), *together, Say("ben", b"all heard"))

    @decides("CHAT-5")
    def test_utterances_of_one_member_arrive_in_order(self, play: Play) -> None:
        words = play.dialect.limits.rounds(40, utterances=1)
        in_a_row: list[Step] = [Send("ann", b"word-%d-of-many," % count) for count in range(words)]
        one_by_one = [Say("ben", b"%d" % count) for count in range(10)]
        at_length: list[Step] = [step for _ in range(4) for step in (Send("cal", numbered(4000)), Settle())]
        play(*join("ann", "ben", "cal"), *in_a_row, Settle(), *at_length, *one_by_one)

    @decides("CHAT-6")
    def test_a_long_stream_arrives_in_chunks_that_concatenate(self, play: Play) -> None:
        sizes = (1025, 2048, 5000, 20000)
        play(*join("ann", "ben"), *(step for size in sizes for step in (Send("ann", numbered(size)), Settle())))

    @decides("CHAT-6")
    def test_a_long_utterance_is_delivered_whole_up_to_the_limit(self, play: Play) -> None:
        if play.dialect.stream:
            play.not_applicable("the dialect has no frames in which clients speak")
        longest = play.dialect.longest
        sizes = [2**power + 1 for power in range(10, 17) if 2**power + 1 < longest]
        said = [Say("ann", numbered(size)) for size in (*sizes, longest - 1, longest)]
        play(*join("ann", "ben"), *said, Say("ben", b"all heard"))

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
