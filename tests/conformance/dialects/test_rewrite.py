"""What can be said in a dialect, and scenarios in its words."""

from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.rewrite import (
    DatagramRewriter,
    EchoRewriter,
    FramedRewriter,
    Rewriter,
    StreamRewriter,
)
from socketserver_reference.conformance.scenario.steps import (
    Answer,
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
)
from tests.support.dialects.dialect_files import LINES, SILENT, WORDED, chat, echo

# What can be said


@pytest.mark.parametrize(
    ("text", "utterance", "said"),
    [
        ("", b"a\nb", b"ab"),
        ('[bytes]\nhandling = "replaced"\n', b"\xffGr\xc3\xbc\xc3\x9fe\x1b\xe2\x80\xa8!", "Grüße!".encode()),
        ('[bytes]\nhandling = "escaped"\n', b"<a & b>\x7f~", b"a  b~"),
        ('[bytes]\nhandling = "cut-at-nul"\n', b"a\0b\xff", b"ab\xff"),
        ('[bytes]\nwhite_space = "stripped"\n', b" \ta b \r", b"a b"),
        ("[limits]\nutterance = 40\n", b"x" * 50, b"x" * 40),
        ('[limits]\nutterance = 41\n[bytes]\nhandling = "refused"\n', "ü".encode() * 50, "ü".encode() * 20),
        ("", b" quit ", b""),
        ("", b"a\rb\r", b"ab"),
        ('[bytes]\ncarriage_return = "verbatim"\n', b"a\rb\r", b"a\rb\r"),
        ('[bytes]\ncarriage_return = "verbatim"\n[commands]\nprefixes = []\n', b"/a\n", b"/a"),
        ('[commands]\nprefixes = ["/", "<join>"]\n', b" <join>/ <join>a<join>", b"a<join>"),
        ('[commands]\nprefixes = ["<join>"]\n[quit]\nword = "<leave>"', b"<<join>/a", b"/a"),
        ("[quit]\nword = 'bye'\n", b"quit", b"quit"),
    ],
)
def test_an_utterance_loses_what_the_server_would_not_leave(text: str, utterance: bytes, said: bytes) -> None:
    assert chat(LINES + text).sayable(utterance) == said


def test_what_fills_a_fixed_frame_is_not_said_at_an_end() -> None:
    fixed = chat('[framing]\nin = "line"\nout = "fixed"\nsize = 200\npad = "."')
    assert fixed.sayable(b"a.b..") == b"a.b"
    assert fixed.longest == 200 - len("ack")


@pytest.mark.parametrize(
    ("word", "said", "left"),
    [
        ("", b"/help", b"help"),
        ("", b" \t//  me waves", b"me waves"),
        ("", b"and/or", b"and/or"),
        ("", b"!wow", b"!wow"),
        ("!bye", b"!wow", b"wow"),
        ("!bye", b"/!x!", b"x!"),
        ("exit", b"extra", b"extra"),
        ("/quit", b"/", b""),
    ],
)
def test_no_utterance_begins_as_a_command_of_the_server_may(word: str, said: bytes, left: bytes) -> None:
    assert chat(LINES + f'[quit]\nword = "{word}"').sayable(said) == left
    assert NOTE.sayable(said) == said


@pytest.mark.parametrize(
    ("text", "longest", "piece", "said"),
    [
        ("", 70_000, 1000, 996),
        ("[limits]\nutterance = 65536\n", 65_536, 65_536, 5008),
        ("[limits]\nutterance = 100\n", 100, 100, 96),
    ],
)
def test_the_longest_utterance_is_the_limit_or_goes_beyond_64_kib(
    text: str, longest: int, piece: int, said: int
) -> None:
    dialect = chat(LINES + text)
    assert (dialect.longest, dialect.piece) == (longest, piece)
    assert len(dialect.sayable(b"x" * 100_000)) == longest
    rewriter = FramedRewriter(dialect)
    steps = [one for step in (Connect("ann"), Send("ann", b"x" * 5000)) for one in rewriter.rewrite(step)]
    assert max(len(step.said) for step in steps) == said


def test_a_limit_of_members_does_not_make_frames_of_a_stream() -> None:
    assert replace(NOTE, limits=Limits(members=50)).stream
    assert not replace(NOTE, limits=Limits(utterance=50)).stream


def test_what_only_looks_like_quit_is_no_command() -> None:
    assert not any(word.startswith(b"/") for word in chat(LINES + '[quit]\nword = "/quit"').quit_like())
    assert b"QUIT" in chat(LINES).quit_like()
    assert b"quit\0" in NOTE.quit_like()


# Scenarios in a dialect's words


def rewritten(rewriter: Rewriter, *steps: Step) -> list[Step]:
    return [spoken for step in steps for spoken in rewriter.rewrite(step)]


@pytest.mark.parametrize(
    ("leaves", "follows"),
    [
        (HalfClose("ann"), [HalfClose("witness1")]),
        (Close("ann"), [Settle(), Close("witness1")]),  # so that nobody waits for the end of a stream
    ],
)
def test_a_witness_comes_when_nobody_would_hear_and_leaves_with_the_last(leaves: Step, follows: list[Step]) -> None:
    assert rewritten(FramedRewriter(chat(SILENT)), Connect("ann"), Say("ann", b"hi"), Say("ann", b"ho"), leaves) == [
        Connect("ann"),
        Connect("witness1"),
        WaitUntilHeard("witness1", "ann"),
        Say("ann", b"hi"),
        Say("ann", b"ho"),
        leaves,
        *follows,
    ]


def test_a_witness_is_not_needed_where_somebody_hears_and_comes_again_when_it_is() -> None:
    framed = FramedRewriter(chat(SILENT))
    rewritten(framed, Connect("ann"), Say("ann", b"hi"), Connect("ben"), Say("ben", b"hi"))
    assert rewritten(framed, Say("ann", b"to ben")) == [Say("ann", b"to ben")]
    rewritten(framed, Stall("ben"), Stall("witness1"))
    assert rewritten(framed, Say("ann", b"hm"))[:2] == [Connect("witness2"), WaitUntilHeard("witness2", "ann")]
    assert rewritten(framed, Resume("ben"), Say("ann", b"now")) == [Resume("ben"), Say("ann", b"now")]
    rewritten(framed, Stall("ben"), Stall("ann"))
    assert rewritten(framed, Say("witness2", b"I?"))[0] == Connect("witness3")


def test_a_witness_who_is_there_and_may_not_hear_yet_is_waited_for() -> None:
    framed = FramedRewriter(chat(SILENT))
    assert rewritten(framed, Connect("witness1"), Connect("ann"), Say("ann", b"hi"), Say("ann", b"ho"))[2:] == [
        WaitUntilHeard("witness1", "ann"),
        Say("ann", b"hi"),
        Say("ann", b"ho"),
    ]


def test_who_is_waived_to_half_close_closes() -> None:
    framed = FramedRewriter(chat(SILENT + '[waived]\nCHAT-10 = "it resets"'))
    steps = rewritten(framed, Connect("ann"), Say("ann", b"hi"), HalfClose("ann"))
    assert steps[-4:] == [Settle(), Close("ann"), Settle(), Close("witness1")]


def test_a_witness_who_speaks_alone_has_another_to_hear_it() -> None:
    phrasing = FramedRewriter(chat(LINES + '[delivery]\ntemplate = "{body}"\nto_sender = "nothing"'))
    phrasing.rewrite(Connect("ann"))
    *_, heeds, said = phrasing.rewrite(Say("ann", b"hi"))
    assert (heeds, said) == (WaitUntilHeard("witness1", "ann"), Say("ann", b"hi"))
    phrasing.rewrite(Connect("ben"))
    phrasing.rewrite(HalfClose("ann"))
    phrasing.rewrite(Stall("ben"))
    assert phrasing.rewrite(Say("witness1", b"hm"))[:2] == [Connect("witness2"), WaitUntilHeard("witness2", "witness1")]


def test_long_streams_fall_into_numbered_pieces_and_a_phrased_scenario_can_be_played_again() -> None:
    dialect = chat(LINES + "[limits]\nutterance = 40")
    steps = rewritten(FramedRewriter(dialect), Connect("ann"), Send("ann", b"x" * 60), Send("ann", b"\n"), Settle())
    assert [step.data for step in steps if isinstance(step, Send)] == [
        b"x" * 28 + b" ~000001",
        b"x" * 28 + b" ~000002",
        b"xxxx ~000003",
        b"~000004",
    ]
    assert rewritten(FramedRewriter(dialect), *steps) == steps


def test_where_chunks_are_taken_nobody_says_more_than_one_holds() -> None:
    framed = FramedRewriter(chat('[delivery]\ntemplate = "{body}"\n[limits]\nchunk = 100'))
    steps = rewritten(framed, Connect("ann"), Send("ann", b"x" * 150), Say("ann", b"y" * 60))
    assert [type(step) for step in steps] == [Connect, Send, Settle, Send, Settle, Say]


def test_where_chunks_are_taken_a_member_that_does_not_read_says_one_at_most_until_it_reads() -> None:
    framed = FramedRewriter(chat('[delivery]\ntemplate = "{body}"\n[limits]\nchunk = 100'))
    steps = rewritten(framed, Connect("ann"), Connect("ben"), Stall("ann"), Send("ann", b"x" * 150), Settle())
    assert [type(step) for step in steps] == [Connect, Connect, Stall, Send, Settle]
    assert framed.rewrite(Say("ann", b"y" * 60)) == []
    assert framed.rewrite(Say("ben", b"y" * 60)) == [Say("ben", b"y" * 60)]
    steps = rewritten(framed, Resume("ann"), Settle(), Say("ann", b"z" * 60))
    assert [type(step) for step in steps] == [Resume, Settle, Say]


def test_where_nothing_is_marked_nobody_speaks_before_the_last_is_heard() -> None:
    framed = FramedRewriter(chat('[framing]\nin = "line"\nout = "none"'))
    assert rewritten(framed, Connect("ann"), Send("ann", b"hi")) == [Connect("ann"), Say("ann", b"hi ~000001")]
    assert rewritten(framed, Connect("lou"), Say("ann", b"hi")) == [Connect("lou"), Say("ann", b"hi ~000002")]


def test_words_that_a_newcomer_could_take_for_others_are_numbered() -> None:
    framed = FramedRewriter(chat(LINES))
    rewritten(framed, Connect("ann"), Say("ann", b"hi"))
    assert rewritten(framed, Say("ann", b"hi"), Connect("lou")) == [Say("ann", b"hi"), Connect("lou")]
    assert rewritten(framed, Say("ann", b"hi")) == [Say("ann", b"hi ~000001")]
    assert rewritten(framed, WaitUntilHeard("lou", "ann"), Say("ann", b"hi"))[1] == Say("ann", b"hi")


@pytest.mark.parametrize(("history", "said"), [(0, b"hi"), (9, b"hi ~000001")])
def test_a_newcomer_says_nothing_that_it_may_hear_first_as_history(history: int, said: bytes) -> None:
    framed = FramedRewriter(chat(f"{LINES}[delivery]\nhistory = {history}"))
    rewritten(framed, Connect("ann"), Say("ann", b"hi"), Connect("ben"))
    assert rewritten(framed, Say("ben", b"hi")) == [Say("ben", said)]
    assert rewritten(framed, Say("ben", b"hi")) == [Say("ben", b"hi")]  # it has heard the history


def test_a_quit_is_said_in_the_dialect_s_word_or_not_at_all() -> None:
    assert rewritten(FramedRewriter(chat(LINES + '[quit]\nword = "bye"')), Connect("ann"), Quit("ann"))[1] == Quit(
        "ann", b"bye"
    )
    assert rewritten(FramedRewriter(chat(LINES + '[quit]\nword = ""')), Connect("ann"), Quit("ann"))[1] == HalfClose(
        "ann"
    )
    chunks = FramedRewriter(chat('[delivery]\ntemplate = "{body}"\nto_sender = "nothing"'))
    steps = rewritten(chunks, Connect("ann"), Say("ann", b"hi"), Quit("witness1"), Quit("ann"))
    assert steps[-2:] == [Quit("witness1", b"quit"), HalfClose("ann")]
    assert rewritten(StreamRewriter(chat('[quit]\nword = "bye"')), Quit("ann", b"quit\n")) == [Quit("ann", b"bye\n")]
    assert rewritten(StreamRewriter(chat('[quit]\nword = ""')), Quit("ann"), Answer("ann", b"x")) == [HalfClose("ann")]


def test_nobody_comes_who_has_no_seat_and_nobody_speaks_who_did_not_come() -> None:
    framed = FramedRewriter(chat(SILENT + "[limits]\nmembers = 4"))
    assert rewritten(framed, Crowd(("a", "b", "c", "d")), Connect("e")) == [Crowd(("a", "b", "c"))]
    assert (
        rewritten(framed, Crowd(("f",)), Say("e", b"hi"), Reset("e"), WaitUntilHeard("e", "a"), Say("a", b"\n")) == []
    )
    assert rewritten(framed, Answer("a", b"hi"), Close("a")) == [Close("a")]


def test_an_echo_is_asked_what_it_can_take() -> None:
    requests = EchoRewriter(echo('[limits]\nutterance = 50\n[echo]\ntransform = "upper"\nrequests = "many"'))
    assert rewritten(requests, Connect("ann"), Say("ann", b"x" * 60), Connect("ben")) == [
        Connect("ann"),
        Say("ann", b"x" * 50),
        HalfClose("ann"),
        Connect("ben"),
    ]
    lines = EchoRewriter(echo(LINES))
    assert rewritten(lines, Say("ann", b"\n"), Send("ann", b"\n"), Send("ann", b"a\nb"), Answer("ann", b"")) == [
        Send("ann", b"ab")
    ]
    assert rewritten(lines, Connect("ann"), Close("ann"), Settle()) == [Connect("ann"), Close("ann"), Settle()]


def test_a_datagram_is_of_the_size_that_is_answered() -> None:
    small = DatagramRewriter(echo('[datagrams]\nlargest = 10\nempty = "ignored"', "datagram"))
    assert rewritten(small, Connect("ann"), Say("ann", b"x" * 20), Send("ann", b"")) == [
        Connect("ann"),
        Say("ann", b"x" * 10),
    ]


def test_the_reference_s_own_dialect_says_everything_as_it_is_written() -> None:
    assert isinstance(rewrite.chat_rewriter(NOTE), StreamRewriter)
    assert isinstance(rewrite.chat_rewriter(chat(LINES)), FramedRewriter)
    steps: list[Step] = [Connect("ann"), Say("ann", b"\0"), Send("ann", b"x" * 5000), Quit("ann"), Settle()]
    assert rewritten(StreamRewriter(NOTE), *steps) == steps
    assert rewritten(DatagramRewriter(NOTE), Say("ann", b""), Say("ann", b"x" * 9000)) == [
        Say("ann", b""),
        Say("ann", b"x" * 9000),
    ]


def test_where_text_stands_around_each_chunk_a_client_says_one_at_a_time() -> None:
    framed = FramedRewriter(chat('[delivery]\ntemplate = "{body}!"'))
    steps = rewritten(framed, Connect("ann"), Connect("ben"), Send("ann", b"x"), Send("ann", b"y"), Send("ben", b"z"))
    assert [type(step) for step in steps[2:]] == [Send, Settle, Send, Send]
    rewritten(framed, Stall("ann"))
    assert rewritten(framed, Say("ann", b"x"), Send("ann", b"x"), WaitUntilHeard("ben", "ann")) == []
    silent = FramedRewriter(chat('[delivery]\ntemplate = "{body}!"\nto_sender = "nothing"'))
    assert rewritten(silent, Connect("ann"), Say("ann", b"x"))[1:4] == [
        Connect("witness1"),
        WaitUntilHeard("witness1", "ann"),
        Settle(),
    ]


def test_an_echo_with_words_around_each_reply_is_asked_one_chunk_at_a_time() -> None:
    requests = EchoRewriter(echo(WORDED))
    assert rewritten(requests, Connect("ann"), Send("ann", b"x" * 2000), Send("ann", b"y"), Say("ann", b"z")) == [
        Connect("ann"),
        Send("ann", b"x" * 1024),
        Settle(),
        Send("ann", b"y"),
        Settle(),
        Say("ann", b"z"),
    ]


def test_a_request_that_is_cut_has_no_end_that_the_server_would_change() -> None:
    stripped = '[bytes]\nhandling = "replaced"\nwhite_space = "stripped"\n'
    requests = EchoRewriter(echo(stripped + '[limits]\nutterance = 32\n[echo]\ntransform = "lower"'))
    kept = b"and so on " * 3 + b"!"
    said = [Say("ann", kept + b" and more"), Say("ann", kept + "é".encode())]
    assert rewritten(requests, *said) == [Say("ann", kept)] * 2
    small = DatagramRewriter(echo(stripped + "[datagrams]\nlargest = 32", "datagram"))
    assert rewritten(small, *said) == [Say("ann", kept)] * 2


def test_where_a_reply_depends_on_the_end_of_a_request_a_client_says_one_at_a_time() -> None:
    requests = EchoRewriter(echo('[echo]\ntransform = "reverse"\nrequests = "many"'))
    assert rewritten(requests, Send("ann", b"x" * 2000), Send("ann", b"y")) == [
        Send("ann", b"x" * 1024),
        Settle(),
        Send("ann", b"y"),
    ]


def test_an_echo_is_left_by_its_quit_word_which_no_request_is() -> None:
    quitting = '[quit]\nword = "bye"\n[echo]\ntransform = "identity"\nrequests = "many"'
    assert rewritten(EchoRewriter(echo(quitting)), Say("ann", b" Bye\n"), Quit("ann")) == [Quit("ann", b"bye")]
    assert rewritten(EchoRewriter(echo()), Say("ann", b"quit"), Quit("ann")) == [Say("ann", b"quit"), HalfClose("ann")]


def test_the_bytes_on_the_wire_hold_the_command_by_which_clients_speak() -> None:
    said = chat(LINES + '[commands]\nsay = "SAY {body}"\n[quit]\nword = "QUIT"')
    assert (said.sent(b"hi"), said.sent_quit(b"QUIT"), said.begun(b"hi", bad=False)) == (
        b"SAY hi\n",
        b"QUIT\n",
        b"SAY hi",
    )
    assert chat("[quit]\nline_end = false\n[delivery]\ntemplate = '{body}'").sent_quit(b"quit") == b"quit"
    assert b"quit" in said.quit_like()


def test_a_line_that_ends_in_another_byte_holds_no_line_feed() -> None:
    assert chat('[framing]\nin = "line"\nnewline = "\\u0000"\n').sayable(b"a\nb\0c\rd") == b"abcd"
