"""The parts of a dialect, each for itself: templates, framing, frames, one order, what can be said, what is told."""

from collections.abc import Callable

import pytest

from socketserver_reference.cli.main import main
from socketserver_reference.conformance.dialects import effects, rewrite
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.loader import bundled, read
from socketserver_reference.conformance.dialects.rewrite import (
    DatagramRewriter,
    EchoRewriter,
    FramedRewriter,
    Rewriter,
    StreamRewriter,
)
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.oracles.frame_attribution import FrameMismatch
from socketserver_reference.conformance.oracles.frame_reader import MAX_PROMPT_BYTES, FrameReader
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


def chat(text: str = "") -> Dialect:
    return read('protocol = "chat"\n' + text, "mine", "mine")


def echo(text: str = "", protocol: str = "echo") -> Dialect:
    return read(f'protocol = "{protocol}"\n' + text, "mine", "mine")


LINES = '[framing]\nin = "line"\n'
SILENT = LINES + '[delivery]\ntemplate = "{sender}: {body}"\nto_sender = "nothing"\n'


# Templates


def test_a_template_tells_who_said_something() -> None:
    template = Template.parse("[{any}] {sender}: {body}!", "any", "sender", "body")
    assert template.label(b"[12:30] bob: hello!", b"hello") == b"bob"
    assert template.label(b"[12:30] bob: hello!", b"hell") is None
    assert template.label(b"12:30 bob: hello!", b"hello") is None
    assert Template("{body}").label(b"hello", b"hello") == b""
    assert Template("{sender} ({sender}): {body}").label(b"a (b): hi", b"hi") is None
    assert Template("{sender} ({sender}): {body}").label(b"a (a): hi", b"hi") == b"a"


def test_a_template_is_found_in_what_has_come() -> None:
    wait = Template.parse("Hello {any}!\n", "any")
    assert wait.after(b"* welcome\nHello bob") is None
    assert wait.after(b"* welcome\nHello bob!\n> ") == 21
    assert Template("{sender}: {body}").find(b"bob: hello ann: hi", b"hello") == 10
    assert Template("> {body}").find(b"x hello> hello", b"hello") == 0
    assert Template("{body}").matches(b"any\nthing")
    assert not wait.matches(b"Hello\n")


def test_a_template_is_filled_in_as_far_as_is_known() -> None:
    assert Template("{sender}: {body}").fill(body=b"hi", sender=b"bob") == b"bob: hi"
    assert Template("{sender}: {body}").fill(body=b"hi") == b"{sender}: hi"
    assert Template("I am {name}\n").fill(name=b"bob") == b"I am bob\n"
    assert Template("{any}, {any} left").parts == [b"", b", ", b" left"]


def test_a_hostile_line_is_matched_in_bounded_time() -> None:
    notice = Template.parse("a{any}a{any}b", "any")
    assert not notice.matches(b"a" * 4000 + b"c")  # 4000 to the third power would be never
    assert notice.after(b"a" * 16000) is None


# Framing


@pytest.mark.parametrize(
    ("framing", "frame", "wire"),
    [
        (Framing("line"), b"hello", b"hello\n"),
        (Framing("line", newline=b"\r\n"), b"hel\nlo", b"hel\nlo\r\n"),
        (Framing("chunk"), b"hello", b"hello\n"),
        (Framing("fixed", size=8), b"hello", b"hello   "),
        (Framing("length", header="%4d"), b"hello", b"   5hello"),
        (Framing("length", header="%02d"), b"", b"00"),
    ],
)
def test_a_frame_is_cut_out_as_it_was_put(framing: Framing, frame: bytes, wire: bytes) -> None:
    assert framing.put(frame) == wire
    assert framing.cut(b"before" + wire + b"more", len(b"before")) == (frame, len(wire))
    assert framing.cut(wire[:-1]) is None
    assert framing.cut(b"") is None


def test_what_is_no_length_is_no_frame_however_long_it_is() -> None:
    framing = Framing("length", header="%3d")
    for lie in (b"-12", b"abc", b"1 2", b"+12", "\u0663\u0663".encode()[:3]):
        assert framing.cut(lie + b"hello") == (lie + b"hello", 8)
    assert framing.cut(b"999hello") is None
    assert Framing("none").cut(b"hello\n") is None


def test_what_fits_into_a_frame() -> None:
    assert Framing("length", header="%2d").longest == 99
    assert Framing("fixed", size=100).longest == 100
    assert not Framing("line").holds(10)
    assert Framing("length").holds(10)


# Frames


def frames(dialect: Dialect, *pieces: bytes, bodies: tuple[bytes, ...] = ()) -> tuple[list[bytes], bytes]:
    """Return the frames in what was read, piece by piece, and what is left."""
    cutting, found = FrameReader(dialect), []
    for piece in pieces:
        cutting.add(piece)
        while (frame := cutting.next([(dialect.template, body) for body in bodies])) is not None:
            found.append(frame)
    return found, cutting.rest


def test_frames_come_out_whole_however_they_came_in() -> None:
    assert frames(chat(LINES), b"one\ntw", b"o\nthr") == ([b"one", b"two"], b"thr")
    assert frames(chat(LINES + '[delivery]\nprompts = ["> "]'), b"> > one\n> ") == ([b"> > one"], b"> ")


def test_unmarked_frames_end_where_a_known_body_does() -> None:
    unmarked = chat('[framing]\nin = "line"\nout = "none"\n[delivery]\ntemplate = "{sender}: {body}"\nprompts = ["> "]')
    assert frames(unmarked, b"> bob: on", b"e> ann: two", bodies=(b"one", b"two")) == ([b"bob: one", b"ann: two"], b"")
    assert frames(unmarked, b"> bob: three", bodies=(b"one",)) == ([], b"> bob: three")


def test_prompts_that_are_never_followed_by_anything_are_forgotten() -> None:
    dialect = chat(LINES + '[delivery]\nprompts = ["> "]')
    assert frames(dialect, *[b"> "] * MAX_PROMPT_BYTES)[1] in (b"> " * count for count in range(MAX_PROMPT_BYTES))
    assert len(frames(dialect, *[b"> "] * MAX_PROMPT_BYTES)[1]) <= MAX_PROMPT_BYTES


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
        ("[quit]\nword = 'bye'\n", b"quit", b"quit"),
    ],
)
def test_an_utterance_loses_what_the_server_would_not_leave(text: str, utterance: bytes, said: bytes) -> None:
    assert chat(LINES + text).sayable(utterance) == said


def test_what_fills_a_fixed_frame_is_not_said_at_an_end() -> None:
    fixed = chat('[framing]\nin = "line"\nout = "fixed"\nsize = 200\npad = "."')
    assert fixed.sayable(b"a.b..") == b"a.b"
    assert fixed.longest == 200 - len("ack")


def test_what_only_looks_like_quit_is_no_command() -> None:
    assert not any(word.startswith(b"/") for word in chat(LINES + '[quit]\nword = "/quit"').quit_like())
    assert b"QUIT" in chat(LINES).quit_like()
    assert b"quit\0" in NOTE.quit_like()


# Scenarios in a dialect's words


def rewritten(rewriter: Rewriter, *steps: Step) -> list[Step]:
    return [spoken for step in steps for spoken in rewriter.rewrite(step)]


def test_a_witness_comes_when_nobody_would_hear_and_leaves_with_the_last() -> None:
    assert rewritten(
        FramedRewriter(chat(SILENT)), Connect("ann"), Say("ann", b"hi"), Say("ann", b"ho"), HalfClose("ann")
    ) == [
        Connect("ann"),
        Connect("witness1"),
        WaitUntilHeard("witness1", "ann"),
        Say("ann", b"hi"),
        Say("ann", b"ho"),
        HalfClose("ann"),
        HalfClose("witness1"),
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


# What it makes of the clauses


@pytest.mark.parametrize(
    ("dialect", "clause", "why"),
    [
        (chat(LINES + '[quit]\nword = ""'), "CHAT-8", "no quit word"),
        (chat('[framing]\nin = "line"\nout = "none"'), "CHAT-5", "nothing marks the end of a delivery"),
        (chat(LINES + "[limits]\nmembers = 50"), "CHAT-17", "at most 50 members"),
        (chat(LINES + "[limits]\njoin_gap = 1"), "CHAT-17", "1 s between two connections"),
        (chat(LINES + "[limits]\ngap = 0.5"), "CHAT-16", "0.5 s between two utterances"),
        (chat('[waived]\nCHAT-15 = "not yet"'), "CHAT-15", "not yet"),
        (echo(LINES + '[echo]\nrequests = "many"'), "ECHO-4", "no longest request"),
        (echo(LINES), "ECHO-4", "marks where a request ends"),
        (echo("[limits]\nutterance = 100"), "ECHO-4", "no request of more than 100 bytes"),
        (echo('[echo]\ntransform = "upper"'), "ECHO-5", "does not strip"),
        (echo('[bytes]\nwhite_space = "stripped"'), "ECHO-5", "what becomes of white space"),
        (echo('[datagrams]\nempty = "ignored"', "datagram"), "UDP-3", "empty datagrams"),
    ],
)
def test_a_clause_that_says_nothing_is_left_out_with_the_reason(dialect: Dialect, clause: str, why: str) -> None:
    assert why in effects.not_applicable(dialect)[clause]
    assert (clause in dialect.waived) != (clause in effects.meaningless(dialect))


@pytest.mark.parametrize(
    ("dialect", "clause", "what"),
    [
        (chat('[delivery]\ntemplate = "re:{body}"'), "CHAT-2", "a delivery is b're:{body}'"),
        (chat("[limits]\nchunk = 4096"), "CHAT-6", "a chunk has at most 4096 bytes"),
        (chat('[quit]\nword = "bye"'), "CHAT-7", "the quit word is b'bye'"),
        (chat(SILENT), "CHAT-2", "speakers do not hear themselves"),
        (chat(LINES + '[delivery]\nto_sender = "you: {body}"'), "CHAT-2", "its sender reads b'you: {body}'"),
        (chat(LINES + '[delivery]\nto_sender = "ok"'), "CHAT-4", "b'ok' passes, however often it comes"),
        (chat(LINES + '[delivery]\nnotices = ["* {any}"]'), "CHAT-4", "these notices pass: b'* {any}'"),
        (chat(LINES + '[delivery]\nprompts = ["> "]'), "CHAT-1", "these prompts pass: b'> '"),
        (chat(LINES + '[[handshake]]\nwait = "Hi"'), "CHAT-1", "an exchange first; all that precedes"),
        (chat(LINES + '[bytes]\nhandling = "cut-at-nul"'), "CHAT-3", "bytes are cut-at-nul"),
        (chat(LINES + '[bytes]\nwhite_space = "stripped"'), "CHAT-3", "white space around"),
        (chat(LINES + "[limits]\ngap = 0.5"), "CHAT-13", "as many as fit into 10 s with the gaps"),
        (chat(LINES + "[limits]\njoin_gap = 0.5"), "CHAT-5", "fewer repetitions"),
        (chat(), "CHAT-5", ""),
        (chat(), "CHAT-6", ""),
        (chat(LINES), "CHAT-6", "an utterance is one frame, of at most 1000 bytes"),
        (chat('[delivery]\ntemplate = "{body}"'), "CHAT-6", "an utterance is one line, of at most 1023 bytes"),
        (echo(LINES), "ECHO-2", "a request is b'{request}\\n', of at most 1000 bytes"),
        (echo("[limits]\nutterance = 50"), "ECHO-2", "a request has at most 50 bytes"),
        (echo("[limits]\nchunk = 50"), "ECHO-4", "a request has at most 50 bytes"),
        (echo('[bytes]\nhandling = "escaped"'), "ECHO-2", "bytes are escaped"),
        (echo('[bytes]\nhandling = "escaped"', "datagram"), "UDP-1", "bytes are escaped"),
        (echo('[echo]\ngreeting = "hi"'), "ECHO-1", "goes through an exchange first"),
        (echo('[echo]\ntransform = "upper"\nrequests = "many"'), "ECHO-3", "answers everything"),
        (echo('[echo]\ntransform = "lower"', "datagram"), "UDP-1", "the transformation is lower"),
        (echo("[datagrams]\nlargest = 100", "datagram"), "UDP-4", "up to 100 bytes"),
    ],
)
def test_whatever_is_asked_differently_is_told(dialect: Dialect, clause: str, what: str) -> None:
    told = [changed for id, changed in effects.changes(dialect) if id == clause]
    assert any(what in one for one in told) if what else not told


def test_history_is_told_among_what_is_asked_differently() -> None:
    told = effects.changes(chat(LINES + "[delivery]\nhistory = 3"))
    assert ("CHAT-4", "a new client may hear up to 3 earlier deliveries first") in told


# Which clause a frame breaks


def mismatch(frame: bytes, **known: object) -> str:
    plain = Template("{sender}: {body}")
    defaults: dict[str, object] = {
        "expected": [(plain, b"hello")],
        "due": [(plain, b"hello"), (plain, b"later")],
        "heard": [(plain, b"before")],
        "misattributed": False,
        "out_of_order": False,
        "together": False,
        "resumed": False,
        "notices": [Template("* {any} has come")],
        "disruptions": [],
    }
    make: Callable[..., FrameMismatch] = FrameMismatch
    return [*make(frame, **{**defaults, **known}).clauses(), "CHAT-1"][0]


@pytest.mark.parametrize(
    ("frame", "known", "clause"),
    [
        (b"ann: before", {}, "CHAT-4"),
        (b"ann: later", {}, "CHAT-5"),
        (b"ann: later", {"disruptions": ["reset"]}, "CHAT-12"),
        (b"ann: HELLO", {}, "CHAT-3"),
        (b"ann: " + b"x" * 99, {"expected": [(Template("{body}"), b"y" * 99)]}, "CHAT-6"),
        (b"ann: " + b"x" * 99, {"expected": [(Template("{sender}: {body}"), b"x" * 999)]}, "CHAT-6"),
        (b"<ann> hello", {}, "CHAT-2"),
        (b"ann: hello", {"misattributed": True}, "CHAT-4"),
        (b"ann: hello", {"out_of_order": True}, "CHAT-13"),
        (b"ann: helben: later!", {"together": True}, "CHAT-14"),
        (b"ann: hel* ben has come", {}, "CHAT-14"),
        (b"ann: hel", {"resumed": True}, "CHAT-14"),
        (b"ann: hel", {"disruptions": ["left"]}, "CHAT-11"),
        (b"welcome", {"expected": [], "due": []}, "CHAT-1"),
    ],
)
def test_a_frame_that_was_not_due_breaks_the_likeliest_clause(
    frame: bytes, known: dict[str, object], clause: str
) -> None:
    assert mismatch(frame, **known) == clause


# The command


def test_dialects_lists_those_that_come_along(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects"]) == 0
    blocks = [block.splitlines() for block in capsys.readouterr().out.split("\n\n")]
    assert [block[0] for block in blocks] == list(bundled())
    assert all([line.split()[0] for line in block[1:]] == ["speaks", "is", "verified"] for block in blocks)


def test_dialects_shows_one_with_what_it_changes_and_leaves_out(
    capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    file = f"{tmp_path}/mine.toml"
    text = 'protocol = "chat"  # \x85 \t\n[quit]\nword = ""\n[delivery]\ntemplate = "{body}"\n'
    with open(file, "w", encoding="utf-8", newline="") as writing:
        writing.write(text)
    assert main(["dialects", file]) == 0
    out = capsys.readouterr().out
    assert "  verified  against no server" in out
    assert "asked differently:\n  CHAT-2   a delivery is b'{body}\\n'" in out
    assert "not asked:\n  CHAT-7   the dialect has no quit word" in out
    assert '[quit]\nword = ""' in out
    assert "\x85" not in out
    assert main(["dialects", "note"]) == 0
    assert "there is no file" in capsys.readouterr().out


def test_dialects_refuses_what_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects", "no-such"]) == 2
    assert "socketserver-reference dialects: no dialect is named" in capsys.readouterr().err
