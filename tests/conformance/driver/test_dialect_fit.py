"""Whether a server speaks a dialect at all, and that a bug in the dialect's form is no other dialect."""

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance import InProcess, Launched, Running
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.driver.dialect_fit import Misfit, misfit
from socketserver_reference.conformance.reports import comparison, json_report, junit, markdown
from socketserver_reference.conformance.reports.comparison import Checked, Comparison
from socketserver_reference.conformance.reports.html import page
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner import advice
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.in_process import InProcessSite
from tests.servers.dialect_echoes import DIALECTS, Echo
from tests.servers.dialect_echoes import served as echoing
from tests.servers.dialect_servers import served
from tests.servers.dialects_served import DIALECTS as CHATS
from tests.servers.dialects_served import served as speaking
from tests.support.checking import PLUGIN, Checker, bad
from tests.support.planted import Bug, Planted

LINES = read('protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "{body}"\n', "lines", "lines.toml")
NAMED = read(
    'protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "{sender}: {body}"\n', "named", "named.toml"
)
ASKED = read(
    'protocol = "chat"\n[framing]\nin = "line"\n[[handshake]]\nwait = "name? "\nsend = "{name}\\n"\n'
    '[delivery]\ntemplate = "{body}"\n',
    "asked",
    "asked.toml",
)
HANG_UP_TIMEOUT = 1.0
"""Seconds in which a server hangs up, on a busy machine as well."""

PLAIN = read('protocol = "echo"\n[echo]\ntransform = "identity"\n', "plain", "plain.toml")


def found(target: InProcess, dialect: Dialect, protocol: str = "chat", timeout: float = 0.3) -> Misfit | None:
    with closing(target.start(1.0)) as site:
        return misfit(site, dialect, protocol, timeout)


def each_read(answer: bytes) -> Callable[[socket.socket], object]:
    """Return what serves a client by this answer to whatever it says."""

    def serve(client: socket.socket) -> None:
        while client.recv(1024):
            client.sendall(answer)

    return serve


def test_an_echo_whose_replies_begin_with_a_count_speaks_the_dialect_that_says_so() -> None:
    counted = DIALECTS["one counted"]
    assert found(echoing(counted, Echo), counted, "echo") is None


@pytest.mark.parametrize(
    ("spoken", "asked", "read"),
    [
        (LINES, NOTE, "b'does it fit\\n'"),
        (NAMED, LINES, "does it fit\\n'"),
        (ASKED, NOTE, "b'name? '"),
        (LINES, ASKED, "reads b'', then nothing, where b'name? ' is due first"),
        (NOTE, ASKED, "reads b'ack\\r\\n'"),
    ],
)
def test_a_server_of_another_dialect_shows_it(spoken: Dialect, asked: Dialect, read: str) -> None:
    shown = found(speaking(spoken), asked)
    assert shown is not None
    assert read in shown.read
    assert shown.dialect == asked.name


@pytest.mark.parametrize("dialect", [NOTE, LINES, NAMED, ASKED])
def test_a_server_of_the_dialect_fits(dialect: Dialect) -> None:
    assert found(speaking(dialect), dialect) is None


@pytest.mark.parametrize("name", ["greets", "delivers-twice", "skips-the-sender", "keeps-the-case"])
def test_a_bug_in_the_form_of_the_dialect_is_no_other_dialect(name: str) -> None:
    planted = Planted(name)
    assert found(planted.target(), NOTE, planted.protocol) is None


@pytest.mark.parametrize("answer", [b"ACKDOES IT FIT", b"ackwrong", b"welcome\nackdoes it fit"])
def test_what_has_the_form_of_a_delivery_fits_whatever_its_bytes(answer: bytes) -> None:
    assert found(served(each_read(answer)), NOTE) is None


def test_the_form_that_is_expected_is_told_with_all_that_stands_behind_the_words() -> None:
    shown = found(speaking(LINES), CHATS["objects"])
    assert shown is not None
    assert (shown.expected, shown.read) == (
        repr(b'{"text": "does it fit", "sender": "{sender}", "at": "{any}"}'),
        repr(b"does it fit\n"),
    )


def test_a_flood_is_read_in_part() -> None:
    shown = found(served(lambda client: client.sendall(b"x" * 4_000_000)), NOTE)
    assert shown is not None
    assert "bytes)" in shown.read


@pytest.mark.parametrize(("dialect", "protocol"), [(NOTE, "chat"), (ASKED, "chat"), (NOTE, "echo")])
def test_a_server_that_hangs_up_without_a_byte_shows_no_dialect(dialect: Dialect, protocol: str) -> None:
    assert found(served(lambda client: client.recv(1)), dialect, protocol, timeout=HANG_UP_TIMEOUT) is None


def says_nothing(client: socket.socket) -> None:
    while client.recv(1024):
        pass


@pytest.mark.parametrize(
    ("dialect", "protocol", "read"),
    [
        (NOTE, "chat", "nothing"),
        (ASKED, "chat", "reads b'', then nothing, where b'name? ' is due first; reads nothing"),
        (NOTE, "echo", "nothing"),
    ],
)
def test_a_server_that_never_answers_speaks_another_dialect(dialect: Dialect, protocol: str, read: str) -> None:
    shown = found(served(says_nothing), dialect, protocol)
    assert shown is not None
    assert shown.read == read
    assert "\\r\\n" in shown.said


@pytest.mark.parametrize("protocol", ["chat", "echo"])
def test_a_server_that_hangs_up_only_after_the_end_of_a_line_speaks_another_dialect(protocol: str) -> None:
    shown = found(served(lambda client: client.makefile("rb").readline()), NOTE, protocol)
    assert shown is not None
    assert shown.read == "nothing"
    assert "\\r\\n" in shown.said


def lines_that_end_in_two_bytes(client: socket.socket) -> None:
    said = b""
    while got := client.recv(1024):
        said += got
        while b"\r\n" in said:
            line, _, said = said.partition(b"\r\n")
            client.sendall(line + b"\n")


def test_a_server_that_answers_only_after_another_end_of_the_line_speaks_another_dialect() -> None:
    shown = found(served(lines_that_end_in_two_bytes), LINES)
    assert shown is not None
    assert shown.read == "b'does it fit\\n\\n'"


def takes_the_first_for_a_name(client: socket.socket) -> None:
    client.recv(1024)
    while said := client.recv(1024):
        client.sendall(b"ack" + said)


def test_a_server_that_answers_all_but_the_first_words_speaks_another_dialect() -> None:
    shown = found(served(takes_the_first_for_a_name), NOTE)
    assert shown is not None
    assert shown.read == "b'ack\\r\\n'"


def test_a_server_that_answers_late_speaks_the_dialect() -> None:
    def answers_after_more(client: socket.socket) -> None:
        first = client.recv(1024)
        client.sendall(b"ack" + first + b"ack" + client.recv(1024))

    assert found(served(answers_after_more), NOTE) is None


def test_a_server_that_has_died_or_cannot_be_started_again_shows_none() -> None:
    class Dead(InProcessSite):
        def exit_report(self) -> str:
            return "it ended"

    class Lost(InProcessSite):
        def restart(self) -> bool:
            raise CannotCheck("no more of them")

    for kind in (Dead, Lost):
        with closing(kind(Bug("chat").target())) as site:
            assert misfit(site, LINES, "chat", 0.3) is None


def waits_for_a_line(client: socket.socket) -> None:
    with client.makefile("rb") as lines:
        for line in lines:
            client.sendall(line)


def puts_words_before(client: socket.socket) -> None:
    while request := client.recv(1024):
        client.sendall(b"you said: " + request)


@pytest.mark.parametrize(
    ("target", "protocol", "asked", "read"),
    [
        (Bug("echo").target(), "echo", PLAIN, "b'DOES IT FIT?'"),
        (Bug("datagram").target(), "datagram", PLAIN, "b'DOES IT FIT?'"),
        (served(waits_for_a_line), "echo", NOTE, "b' Does it fit? \\r\\n'"),
        (served(puts_words_before), "echo", NOTE, "b'you said:  Does it fit? '"),
    ],
)
def test_an_echo_shows_another_dialect_by_a_reply_that_one_describes(
    target: InProcess, protocol: str, asked: Dialect, read: str
) -> None:
    shown = found(target, asked, protocol)
    assert shown is not None
    assert shown.read == read


def test_an_echo_that_replies_by_no_dialect_has_a_bug() -> None:
    assert found(served(each_read(b"garbage")), NOTE, "echo") is None


# What the user is told


@pytest.mark.slow
def test_check_tells_it_in_every_report_and_names_the_command_that_learns(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.xml"
    outcome = check("chat", "--launch", bad("line-by-line"), "--timeout", 1, "--junit", file)
    assert outcome.code == 2
    *_, said, expected, observed, learn, empty, conclusion = outcome.out.splitlines()
    assert (said, expected) == ("  said:      b'does it fit'", "  expected:  b'ackdoes it fit'")
    assert observed == "  read:      b'who are you?\\n\\x1b[31m'"
    assert learn.startswith("learn its dialect: socketserver-reference learn chat --launch '")
    assert (empty, conclusion) == ("", "could not be checked: it does not speak the dialect note")
    assert outcome.document["misfit"][1:4] == [said, expected, observed]
    assert outcome.clauses_that("violated") == outcome.clauses_that("holds") == []
    assert 'failures="0" errors="15"' in file.read_text()


@pytest.mark.slow
def test_in_pytest_it_fails_with_both_side_by_side(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        from socketserver_reference.conformance import ChatConformance, Launched

        class TestMine(ChatConformance):
            target = Launched({bad("line-by-line")!r})
        """
    )
    result = pytester.runpytest_inprocess(*PLUGIN, "--conformance-timeout=1", "--conformance-only=CHAT-2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "the server does not speak the dialect note:",
            "*said:      b'does it fit'",
            "*expected:  b'ackdoes it fit'",
            "*read:      b'who are you?*",
            "learn its dialect: *",
            "TestMine: 1 not checked",
        ]
    )


def test_the_command_that_learns_is_the_one_that_reaches_the_server() -> None:
    learn = "socketserver-reference learn"
    assert advice.learn_command("chat", Launched("node it's.js {port}", transport="unix")) == (
        f"{learn} chat --launch 'node it'\"'\"'s.js {{port}}' --transport unix"
    )
    assert advice.learn_command("chat", Launched("serve", "tcp://h:1")) == f"{learn} chat tcp://h:1 --launch serve"
    assert advice.learn_command("datagram", Running("udp://h:1")) == f"{learn} echo udp://h:1"
    assert advice.learn_command("echo", "tcp://h:1") == f"{learn} echo tcp://h:1"
    told = advice.told(Misfit("d", "a", "b", "c"), "chat", Bug("chat").target())
    assert told[-1] == "state its dialect in a TOML file; then check it with --dialect"


def test_every_report_of_it_is_escaped() -> None:
    verdicts = [Record(["CHAT"]).verdict(CLAUSES["CHAT-2"])]
    report = Report("chat", "it", verdicts, "could not be checked", 2, misfit=["it does not:", "  read: `<b>&`"])
    assert "````text" not in markdown.write(report)
    assert "```text\nit does not:\n  read: `<b>&`\n```" in markdown.write(report)
    assert "read: `&lt;b&gt;&amp;`" in page.write(report)
    assert "read: `&lt;b&gt;&amp;`" in junit.write(report)
    compared = Comparison([Checked("it", "chat", json_report.build(report))])
    assert "    read: `<b>&`" in comparison.as_text(compared)


def greets_otherwise(client: socket.socket) -> None:
    client.sendall(b"who is there\n")
    client.recv(1)


def test_a_server_that_greets_otherwise_shows_another_dialect() -> None:
    shown = found(served(greets_otherwise), ASKED)
    assert shown is not None
    assert shown.read == "reads b'who is there\\n', then nothing, where b'name? ' is due first"
