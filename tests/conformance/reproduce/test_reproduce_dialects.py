"""Reproductions in other dialects: each script shows the bug, passes a right server, and claims nothing it cannot."""

import ast
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.dialect import Dialect, Limits
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.reproduce import write
from socketserver_reference.conformance.reproduce.assemble import script
from socketserver_reference.conformance.reproduce.exchange import exchange
from socketserver_reference.conformance.reproduce.frame_steps import patterns, raw
from socketserver_reference.conformance.reproduce.lines import CannotTell
from socketserver_reference.conformance.reproduce.write import write_all
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import (
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
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from tests.servers import dialect_echoes, dialects_served
from tests.servers.dialect_bugs import BUGS
from tests.servers.dialect_echoes import Echo
from tests.servers.dialects_served import DIALECTS
from tests.support.scripts import play

ECHO = read(
    'protocol = "echo"\n[echo]\ntransform = "identity"\nrequests = "many"\ngreeting = "hello\\r\\n"', "hello", "hello"
)

HEARING = replace(DIALECTS["lengths"], to_sender="same")
"""In frames, where speakers hear themselves."""

TIMEOUT = 5.0
"""Seconds that a right server may take."""

KNOWN_BROKEN_TIMEOUT = 1.0
"""Seconds that one with a bug may, which may be that it is silent."""


@pytest.fixture(autouse=True)
def _be_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "SHORTENING_BUDGET", 0.5)


def first_seen(session: Any, protocol: str, clause: str) -> Violation:
    """Return the first violation of the clause that is found."""
    seen = (direct.violation_of(outcome) for outcome in direct.play_all(session, protocol, clause))
    return next(violation for violation in seen if violation is not None and violation.clause_id == clause)


def check_script(protocol: str, dialect: Dialect, bug: Any, right: Any, clause: str, directory: Path) -> str:
    """Have a script written, and see that it shows the bug and passes the right server; return its text."""
    with closing(open_session(protocol, bug, KNOWN_BROKEN_TIMEOUT, dialect)) as session:
        (told,) = write_all(session, protocol, [first_seen(session, protocol, clause)], directory)
    assert str(told) == f"{directory}/{clause}.py: it shows"
    assert told.file is not None
    text = told.file.read_text()
    ast.parse(text, feature_version=(3, 8))
    assert len(text.splitlines()) < 100
    assert max(map(len, text.splitlines())) <= 120
    told.file.write_text(re.sub(r"[0-9]+(?=\n\ndef exchange)", "3", text))  # in which nothing is left to chance
    with closing(open_session(protocol, right, TIMEOUT, dialect)) as session:
        address = session.site.address
        status, out = play(told.file, address.host, address.port, timeout=TIMEOUT)
    assert status == 0, out
    return text


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("name", "bug"),
    [
        ("named", "LeavesOneOut"),
        ("named", "Shouts"),
        ("named", "Stays"),
        ("named", "QuitsAtAnyMention"),
        ("lengths", "Repeats"),
        ("lengths", "QuitsAtAnyMention"),
        ("lengths", "TurnsRound"),
        ("fixed", "CutsShort"),
        ("fixed", "SendsInTwo"),
        ("prompting", "WaitsForAWord"),
        ("prompting", "LosesLastWords"),
        ("fixed", "TakesAnotherAlong"),
        ("chunks", "SendsInPieces"),
        ("named", "HasNoOneOrder"),
        ("named", "Waits"),
        ("unmarked", "IsFull"),
        ("unmarked", "WaitsForAWord"),
    ],
)
def test_a_script_shows_the_bug_and_passes_a_right_server(name: str, bug: str, tmp_path: Path) -> None:
    dialect, served = DIALECTS[name], dialects_served.served
    check_script("chat", dialect, served(dialect, BUGS[bug]), served(dialect), BUGS[bug].breaks, tmp_path)


@pytest.mark.parametrize("bug", ["Garbles", "SaysMore", "DropsWhoHalfCloses", "FailsAfterAReset"])
def test_a_script_of_an_echo_that_answers_everything_does_so_too(bug: str, tmp_path: Path) -> None:
    handler, served = dialect_echoes.BUGS[bug], dialect_echoes.served
    text = check_script("echo", ECHO, served(ECHO, handler), served(ECHO, Echo), handler.breaks, tmp_path)
    assert r"""HANDSHAKE = [(rb"hello\r\n", b'')]""" in text


# What a script demands, a right server does


TALK: list[Step] = [
    *join("ann", "ben"),
    Connect("lou"),
    Say("ann", b"hello"),
    Say("lou", b"hi"),
    Stall("ben"),
    *(Say("ann", b"again and again") for _ in range(4)),
    Say("lou", b"and so do I"),
    Resume("ben"),
    *(Send(who, b"%d from each" % count) for count in range(4) for who in ("ann", "lou")),
    Settle(),
    Send("ben", b"last words"),
    HalfClose("ben"),
    Connect("kim"),
    WaitUntilHeard("kim", "ann"),
    Connect("max"),
    WaitUntilHeard("max", "ann"),
    Say("max", b"never mind"),
    Stall("kim"),
    Reset("max"),
    Resume("kim"),
    HalfClose("kim"),
    Connect("max"),
    Close("max"),
    Connect("pat"),
    Quit("lou"),
    Say("ann", b"gone"),
]
"""Whatever clients do that a script can tell."""


@pytest.mark.parametrize("name", ["named", "lengths", "fixed", "prompting", "chunks", "unmarked"])
def test_a_script_of_everything_passes_a_right_server(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.reproduce.assemble.MAX_SCRIPT_LINES", 1000)
    dialect, found = DIALECTS[name], VIOLATIONS["CHAT-2"]("this", "that", [])
    file = tmp_path / "script.py"
    with closing(open_session("chat", dialects_served.served(dialect), TIMEOUT, dialect)) as session:
        written = script(session, "chat", found, TALK, rounds=1, fence=False)
        file.write_text(re.sub(r"[0-9]+(?=\n\ndef exchange)", "2", written.text))
        status, out = play(file, session.site.address.host, session.site.address.port)
    assert status == 0, out


def test_a_crowd_is_asked_in_frames_too(tmp_path: Path) -> None:
    for name in ("named", "fixed"):
        dialect, found = DIALECTS[name], VIOLATIONS["CHAT-17"]("this", "that", [])
        steps: list[Step] = [*join("ann"), Crowd(tuple(f"m{count}" for count in range(9)))]
        with closing(open_session("chat", dialects_served.served(dialect), TIMEOUT, dialect)) as session:
            written = script(session, "chat", found, steps, rounds=1, fence=False)
            (tmp_path / "script.py").write_text(written.text)
            where = session.site.address
            status, out = play(tmp_path / "script.py", where.host, where.port)
        assert status == 0, out


def test_a_question_about_time_is_decided_by_its_last_line() -> None:
    dialect, found = DIALECTS["lengths"], VIOLATIONS["CHAT-16"]("this", "that", [])
    with closing(open_session("chat", dialects_served.served(dialect), TIMEOUT, dialect)) as session:
        written = script(session, "chat", found, join("ann", "ben", "cal"), rounds=1, fence=False)
    lines = written.text.splitlines()
    assert lines[written.decisive - 2 : written.decisive] == [
        "    lags = lags_of(ann, ben, cal)",
        "    few_are_late(lags)",
    ]
    asked = [line.strip() for line in lines if line.startswith("    speak_until_all_hear(")]
    assert asked == ["speak_until_all_hear(ann, ben, cal)", "speak_until_all_hear(ben, ann, cal)"]
    ast.parse(written.text, feature_version=(3, 8))


def test_what_fails_before_it_did_in_the_check_does_not_count(tmp_path: Path) -> None:
    dialect, found = DIALECTS["lengths"], VIOLATIONS["CHAT-2"]("this", "that", [])
    steps = [*join("ann"), Say("ann", b"once"), Say("ann", b"and on"), Connect("ben"), Say("ben", b"hm")]
    found.transcript = Transcript([], steps)
    target = dialects_served.served(dialect, BUGS["Repeats"])
    with closing(open_session("chat", target, TIMEOUT, dialect)) as session:
        (told,) = write_all(session, "chat", [found], tmp_path)
    assert "not b'and on', which is before line" in told.remark


# What there is no telling


@pytest.mark.parametrize(
    ("name", "steps", "why"),
    [
        ("lengths", [Crowd(("ann", "ben"))], "a crowd has a different kind of script"),
        (
            "lengths",
            [*join("ann", "ben"), Stall("ben"), Connect("lou"), WaitUntilHeard("lou", "ann")],
            "a stalled client has to read",
        ),
        (
            "lengths",
            [*join("ann", "ben"), Send("ann", b"1"), HalfClose("ben")],
            "the delivery to ben of utterances under way",
        ),
        ("lengths", [*join("ann", "ben"), Send("ann", b"1"), Reset("ann")], "what ann sent just before it left"),
        (
            "lengths",
            [*join("ann", "ben"), Stall("ben"), *(Say("ann", b"x" * 900) for _ in range(80)), Resume("ben")],
            "so far behind",
        ),
    ],
)
def test_where_there_is_no_telling_there_is_no_script(name: str, steps: list[Step], why: str) -> None:
    with pytest.raises(CannotTell, match=why):
        exchange("chat", steps, DIALECTS[name])


def test_nobody_probes_where_there_is_no_room_for_it() -> None:
    terse = replace(DIALECTS["lengths"], limits=Limits(utterance=5))
    with pytest.raises(CannotTell, match="no client can say b'probe 9'"):
        exchange("chat", [*join("ann"), Connect("lou"), WaitUntilHeard("lou", "ann")], terse)
    found = VIOLATIONS["CHAT-17"]("this", "that", [])
    crowd: list[Step] = [*join("ann"), Crowd(("ben", "cal"))]
    with (
        closing(open_session("chat", dialects_served.served(terse), TIMEOUT, terse)) as session,
        pytest.raises(CannotTell, match="no client can say b'probe 9'"),
    ):
        script(session, "chat", found, crowd, rounds=1, fence=False)


@pytest.mark.parametrize(("longest", "said"), [(12, 1), (11, 0)])
def test_nobody_asks_in_the_end_where_there_is_no_room_for_it(longest: int, said: int) -> None:
    terse = replace(HEARING, limits=Limits(utterance=longest))
    lines = exchange("chat", join("ann"), terse, fence=True).lines
    assert sum("is that all?" in line for line in lines) == said


@pytest.mark.parametrize(("spoken", "left"), [(False, ["lou.half_closes()", "lou.ends()"]), (True, [])])
def test_who_came_and_can_have_heard_nothing_leaves_in_the_end(spoken: bool, left: list[str]) -> None:
    steps: list[Step] = [*join("ann"), Connect("lou"), *([Say("ann", b"who is there?")] if spoken else [])]
    lines = exchange("chat", steps, HEARING).lines
    assert [line for line in lines if line.startswith(("lou.half_closes", "lou.ends"))] == left


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        (b"100% of it", "b'100%% of it ~%06d' % next(COUNT)"),
        (b"y" * 70, "b'y' * 70 + b' ~%06d' % next(COUNT)"),
        (numbered(70), "b'x' * 70 + b' ~%06d' % next(COUNT)"),
        (numbered(980), "b'x' * 980 + b' ~%06d' % next(COUNT)"),
        (numbered(981), "b'x' * 988 + b' ~%06d' % next(COUNT)"),
    ],
)
def test_what_a_flood_says_is_as_long_and_no_matter(words: bytes, expression: str) -> None:
    lines = exchange("chat", [Connect("ann"), Send("ann", words + b" ~000001")], HEARING).lines
    assert lines[1] == f"ann.says({expression}, later=[ann])"


def test_patterns_are_written_so_that_they_can_be_read() -> None:
    assert patterns(DIALECTS["named"]) == {
        "HEARD": rb"(?P<sender>%s): %s\n",
        "PASSES": rb"(?:\* [^\r\n]*? has come\n|\* [^\r\n]*? has gone\n)*",
    }
    assert patterns(DIALECTS["prompting"]) == {
        "HEARD": rb"\[[^\r\n]*?\] <(?P<sender>%s)> %s\r\n",
        "MINE": rb"you: %s\r\n",
        "PASSES": rb"(?:> |(?:> )+\r\n)*",
    }
    assert patterns(DIALECTS["lengths"]) == {
        "HEARD": rb"%s",
        "PASSES": rb"ok",
        "REST": rb"(?:[ 0-9]{4}ok)*",
    }
    assert patterns(DIALECTS["fixed"]) == {"HEARD": rb"(?P<sender>%s)>%s", "PASSES": b"(?!)", "REST": b""}
    noticing = replace(DIALECTS["fixed"], notices=(Template("* {any}"), Template("hm.")))
    assert patterns(noticing)["PASSES"] == rb"\* [^\r\n]*?|hm\."
    assert patterns(noticing)["REST"] == rb"(?:\* [^\r\n]*? *|hm\. *)*"
    assert patterns(DIALECTS["chunks"])["HEARD"] == rb"(?:<user(?P<sender>%s)> )?%s\n"
    assert raw(b"\xff") == r"b'\xff'"
