"""Servers that are silent, hang up, die, flood, lie or never start: each is told as what it is, and none is left."""

import os
import shlex
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.checking import BAD_SERVERS, BARE_PYTHON, Checker, Lifeline, bad, checking
from tests.support.serving import unserved

QUICK = ("--timeout", 0.3, "--examples", 2)
"""For servers that are wrong however long one waits."""

PATIENT = ("--timeout", 5, "--examples", 2)
"""For servers that answer, for a while."""
CUT = 600
"""Characters within which a report quotes what a server sent."""


@contextmanager
def running(name: str) -> Iterator[str]:
    """Run a bad server that the checker did not launch; yield its address."""
    command = [sys.executable, str(BAD_SERVERS), name, "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


# Nothing to check


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_where_nothing_listens_nothing_is_checked(check: Checker, transport: str) -> None:
    with unserved(transport) as address:
        line = check.refusal("echo", address, *QUICK)
    assert f"nothing to check at {address}: connection refused; is the server running?" in line


def test_where_no_socket_file_is_nothing_is_checked(check: Checker, tmp_path: Path) -> None:
    assert "no such file or directory" in check.refusal("echo", f"unix://{tmp_path}/socket", *QUICK)


@pytest.mark.slow
def test_a_host_that_nobody_knows_is_told(check: Checker) -> None:
    assert "nothing to check at tcp://host.invalid:9: " in check.refusal("echo", "tcp://host.invalid:9", *QUICK)


QUOTES = 'there\'s no "cheese"'
MARKED = ["KeyError: 'k\xe4se'", "k\xe4se[1]", "    ~~~~^^^", "a", "b"]
TRACED = ["hello", "no cheese", *(f" {one}" for one in "abcde")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("no-such-program {port}", "found no program 'no-such-program'"),
        ("", "found no program ''"),
        ('"unbalanced {port}', "No closing quotation"),
        (f"{BARE_PYTHON} -c pass", "write {port} or {path} in it"),
        (f"{BARE_PYTHON} -c 'raise SystemExit(7)' {{port}}", "exit status 7, without output"),
        (f"{BARE_PYTHON} -c {shlex.quote(f'raise SystemExit({QUOTES!r})')} {{port}}", f"its last output: {QUOTES}"),
        (
            f'{BARE_PYTHON} -c \'print("Error: no cheese", *"abcde", sep=chr(10)); raise SystemExit(1)\' {{port}}',
            "exit status 1, its last output: Error: no cheese; c; d; e",
        ),
        (
            f"{BARE_PYTHON} -c {shlex.quote(f'print(*{TRACED}, sep=chr(10)); raise SystemExit(1)')} {{port}}",
            "exit status 1, its last output: no cheese; c; d; e",
        ),
        (
            f"{BARE_PYTHON} -c {shlex.quote(f'print(*{MARKED}, sep=chr(10)); raise SystemExit(1)')} {{port}}",
            "exit status 1, its last output: KeyError: 'käse'; käse[1]; a; b",
        ),
        (
            f"{BARE_PYTHON} -c 'raise SystemExit(1000 * chr(97))' {{port}}",
            f"exit status 1, its last output: {200 * 'a'}...",
        ),
        (f"{BARE_PYTHON} -c 'import os; os.abort()' {{port}}", "by signal 6"),
    ],
)
def test_a_command_that_starts_no_server_is_told_in_one_line(check: Checker, command: str, word: str) -> None:
    assert word in check.refusal("chat", "--launch", command, *QUICK)


@pytest.mark.slow
def test_a_command_that_never_listens_is_given_up_and_ended(
    check: Checker, lifeline: Lifeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.targets.launched.START_TIMEOUT", 1.0)
    line = check.refusal("chat", "--launch", bad("deaf", lifeline.path), *QUICK)
    assert "does not listen at tcp://127.0.0.1:" in line
    lifeline.wait_for_the_end()


# A server that breaks everything


@pytest.mark.sweep
@pytest.mark.parametrize("launched", [True, False])
@pytest.mark.parametrize("protocol", ["chat", "echo"])
def test_a_server_that_is_silent_does_not_speak_the_dialect(check: Checker, protocol: str, launched: bool) -> None:
    with running("silent") as address:
        outcome = check(protocol, *(["--launch", bad("silent")] if launched else [address]), *QUICK)
    assert outcome.code == 2
    assert outcome.clauses_that("violated") == []
    assert "  read:      nothing" in outcome.document["misfit"]


@pytest.mark.slow
def test_datagrams_that_nobody_answers_break_the_promise_of_one_reply_each(check: Checker) -> None:
    outcome = check("echo", "--launch", bad("unanswering-datagrams"), "--transport", "udp", *QUICK)
    assert outcome.code == 1
    assert "UDP-1" in outcome.clauses_that("violated")


@pytest.mark.sweep
@pytest.mark.parametrize("protocol", ["chat", "echo"])
@pytest.mark.parametrize("launched", [True, False])
def test_a_server_that_hangs_up_at_once_conforms_to_nothing(check: Checker, protocol: str, launched: bool) -> None:
    with running("hangs-up") as address:
        outcome = check(protocol, *(["--launch", bad("hangs-up")] if launched else [address]), *QUICK)
    assert outcome.code == 1
    assert outcome.clauses_that("violated")
    assert set(outcome.clauses_that("holds")) <= {"ECHO-1", "ECHO-5"}  # an empty reply is right for white space


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["floods", "floods-when-asked"])
@pytest.mark.parametrize("protocol", ["chat", "echo"])
def test_a_flood_ends_in_a_report_that_quotes_a_little_of_it(check: Checker, protocol: str, name: str) -> None:
    outcome = check(protocol, "--launch", bad(name), *QUICK)
    assert outcome.code == 1
    assert outcome.clauses_that("violated")
    for clause in outcome.document["clauses"]:
        assert len(clause["observed"] or "") < CUT
        assert all(len(line) < CUT for line in clause["exchange"] or [])


@pytest.mark.sweep
@pytest.mark.parametrize("protocol", ["chat", "echo"])
def test_nothing_hostile_that_a_server_says_reaches_a_report_as_it_is(
    check: Checker, tmp_path: Path, protocol: str
) -> None:
    file = tmp_path / "verdicts.xml"
    outcome = check(protocol, "--launch", bad("hostile"), *QUICK, "--junit", file)
    assert outcome.code == 1
    for text in (outcome.out, file.read_text(), str(outcome.document)):
        assert all(character.isprintable() or character == "\n" for character in text)
        assert "\\x1b[31mred" in text.replace("\\\\", "\\")
    quoted = ET.parse(file).getroot().iter("failure")
    assert any("<b>&amp;]]>" in failure.attrib["message"] for failure in quoted)


# A server that dies


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("mortal", "the server ended with exit status 3, its last output: "),
        ("crashing", "the server ended by signal 9"),
    ],
)
@pytest.mark.sweep
def test_a_launched_server_that_dies_is_reported_with_how_it_did_and_started_again(
    check: Checker, name: str, how: str
) -> None:
    outcome = check(
        "chat", "--launch", bad(name), *PATIENT, "--only", "CHAT-1", "--only", "CHAT-2", "--only", "CHAT-11"
    )
    assert outcome.code == 1
    assert outcome.verdicts["CHAT-1"] == "holds"
    assert outcome.verdicts["CHAT-11"] == "violated"  # it shows only after clients of earlier scenarios, who left
    assert how in outcome.clause("CHAT-11")["observed"]
    if name == "mortal":
        assert outcome.clause("CHAT-11")["observed"].endswith("out of \\x1b[5mcheese")


@pytest.mark.slow
def test_a_running_server_that_dies_leaves_the_rest_unchecked(check: Checker) -> None:
    with running("mortal") as address:
        outcome = check("chat", address, *PATIENT)
    assert outcome.code == 1
    assert outcome.verdicts["CHAT-1"] == "holds"
    assert outcome.verdicts["CHAT-2"] == "violated"
    assert outcome.clause("CHAT-12")["why"] == (
        "the server has not recovered from the violation of CHAT-2 and cannot be restarted"
    )
    assert len(outcome.clauses_that("not-checked")) == 15


@pytest.mark.sweep
def test_a_server_that_stops_answering_is_waited_for_no_longer_than_the_timeout(check: Checker) -> None:
    outcome = check("chat", "--launch", bad("hanging"), *QUICK, "--only", "CHAT-2", "--examples", 0)
    assert outcome.code == 1
    assert outcome.clause("CHAT-2")["observed"].endswith("reads nothing")


# What is left behind: nothing


@pytest.mark.slow
def test_a_launched_server_is_gone_when_the_check_is_over(check: Checker, lifeline: Lifeline) -> None:
    assert check("chat", "--launch", bad("well-behaved", lifeline.path), "--only", "CHAT-2", "--examples", 0).code == 0
    lifeline.wait_for_the_end()


@pytest.mark.slow
def test_a_server_that_ignores_being_asked_to_stop_is_ended_with_its_child(check: Checker, lifeline: Lifeline) -> None:
    assert check("chat", "--launch", bad("stubborn", lifeline.path), "--only", "CHAT-2", "--examples", 0).code == 0
    lifeline.wait_for_the_end()
    assert sorted(lifeline.read.split()) == [b"child", b"up"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to the supervisor")
def test_a_child_that_became_a_daemon_is_ended_all_the_same(check: Checker, lifeline: Lifeline) -> None:
    assert check("chat", "--launch", bad("with-daemon", lifeline.path), "--only", "CHAT-2", "--examples", 0).code == 0
    lifeline.wait_for_the_end()
    assert sorted(lifeline.read.split()) == [b"daemon", b"up"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to the supervisor")
def test_a_command_that_becomes_a_daemon_and_does_not_listen_leaves_none(
    check: Checker, lifeline: Lifeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.targets.launched.START_TIMEOUT", 1.0)
    line = check.refusal("chat", "--launch", bad("turns-daemon", lifeline.path), *QUICK)
    assert "it runs but does not listen" in line
    lifeline.wait_for_the_end()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hanging", "stubborn"])
def test_a_killed_checker_leaves_no_server_behind(lifeline: Lifeline, name: str) -> None:
    word = b"hanging" if name == "hanging" else b"child"
    with checking("chat", "--launch", bad(name, lifeline.path), "--timeout", 60) as process:
        lifeline.wait_for(word)
        process.send_signal(signal.SIGKILL)
    lifeline.wait_for_the_end()


@pytest.mark.slow
def test_a_check_that_is_terminated_leaves_no_server_behind(lifeline: Lifeline) -> None:
    with checking("chat", "--launch", bad("hanging", lifeline.path), "--timeout", 60) as process:
        lifeline.wait_for(b"hanging")
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
    lifeline.wait_for_the_end()
