"""Each script shows its violation to a reader who has nothing but Python, and blames no right server."""

import contextlib
import socket
import socketserver
import sys
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.reproduce import write
from socketserver_reference.conformance.reproduce.script import PLAYER, Trial
from socketserver_reference.conformance.reproduce.write import write_all
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Quit, Say, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.ports import free_port
from socketserver_reference.family import PROGRAMS, make_server
from tests.servers import dialect_echoes, dialects_served
from tests.servers.dialect_bugs import BUGS
from tests.servers.dialect_echoes import Echo
from tests.servers.dialects_served import DIALECTS
from tests.support.checking import bad
from tests.support.planted import Bug, Planted
from tests.support.scripts import BRIEF_TIMEOUT, check_script, of_rows, play, reproduce, seen
from tests.support.serving import TIMEOUT, server_that, unserved
from tests.support.troubled_targets import fragile

ECHO = read(
    'protocol = "echo"\n[echo]\ntransform = "identity"\nrequests = "many"\ngreeting = "hello\\r\\n"', "hello", "hello"
)


def swept(*values: object) -> Any:
    """Leave these values to `make sweep`: others need the same steps in a script."""
    return pytest.param(*values, marks=pytest.mark.sweep)


def test_the_player_is_short_and_nothing_but_python() -> None:
    assert len([line for line in PLAYER.splitlines() if line]) <= 100
    assert max(map(len, PLAYER.splitlines())) <= 120


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        swept("keeps-the-case", "ECHO-2"),
        ("aborts-connections", "ECHO-3"),
        ("takes-long-requests-whole", "ECHO-4"),
        ("replies-twice", "UDP-1"),
        ("greets", "CHAT-1"),
        swept("delivers-twice", "CHAT-4"),
        swept("delivers-long-chunks", "CHAT-6"),
        ("delivers-quit", "CHAT-7"),
        swept("joins-when-it-speaks", "CHAT-9"),
        swept("resets-who-leaves", "CHAT-10"),
        ("leaves-the-reset-behind", "CHAT-12"),
        ("cuts-off-early", "CHAT-15"),
    ],
)
def test_a_script_shows_the_fault_and_passes_the_reference(fault: str, clause: str, tmp_path: Path) -> None:
    bug = Planted(fault)
    check_script(bug.target(), Bug(bug.protocol).target(), clause, tmp_path)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        ("delivers-without-the-lock", "CHAT-13"),
        ("waits-for-acknowledgements", "CHAT-16"),
        ("has-a-hundred-seats", "CHAT-17"),
    ],
)
def test_races_crowds_and_time_have_scripts_too(fault: str, clause: str, tmp_path: Path) -> None:
    check_script(Planted(fault).target(), Bug("chat").target(), clause, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "bug"),
    [
        swept("named", "HasNoOneOrder"),
        ("two ends", "Repeats"),
        ("two ends", "RepeatsLater"),
        ("recv", "Stays"),
        swept("lengths", "TurnsRound"),
        ("fixed", "CutsShort"),
        swept("prompting", "WaitsForAWord"),
        ("prompting", "LosesLastWords"),
        swept("chunks", "SendsInPieces"),
        swept("unmarked", "LeavesOneOut"),
        ("unmarked", "Repeats"),
        ("unmarked", "TellsTheOthers"),
        ("recv", "Repeats"),
        ("named", "Greets"),
        swept("fixed", "Greets"),
        swept("binary", "Greets"),
        swept("recv", "WaitsForAWord"),
        swept("returns", "WaitsForAWord"),
        swept("binary", "TellsTheOthers"),
        swept("named", "AsksOneAfterAnother"),
        ("named", "PanicsAtAResetBeforeTheName"),
        ("named", "LosesWhatFollowsTheName"),
        ("named", "TakesWhatFollowsForTheName"),
        ("binary", "WaitsForTheRest"),
        ("json", "Shouts"),
        swept("json", "HasNoOneOrder"),
        ("timed", "Repeats"),
        ("objects", "Repeats"),
        swept("objects", "LeavesOneOut"),
    ],
)
def test_a_script_in_another_dialect_does_so_too(name: str, bug: str, tmp_path: Path) -> None:
    dialect, served = DIALECTS[name], dialects_served.served
    check_script(served(dialect, BUGS[bug]), served(dialect), BUGS[bug].breaks, tmp_path, dialect)


@pytest.mark.parametrize("bug", ["Greets", "Garbles", "SaysMore", "DropsWhoHalfCloses", "FailsAfterAReset"])
def test_a_script_of_an_echo_that_answers_everything_does_so_too(bug: str, tmp_path: Path) -> None:
    handler, served = dialect_echoes.BUGS[bug], dialect_echoes.served
    check_script(served(ECHO, handler), served(ECHO, Echo), handler.breaks, tmp_path, ECHO)


@pytest.mark.parametrize(
    ("name", "bug", "clause"),
    [
        ("counted lines", dialect_echoes.Garbles, "ECHO-2"),
        ("counted lines", dialect_echoes.FailsAfterAReset, "ECHO-7"),
        ("one counted", dialect_echoes.Garbles, "ECHO-2"),
        ("numbered lines", dialect_echoes.Garbles, "ECHO-2"),
        ("one numbered", dialect_echoes.FailsAfterAReset, "ECHO-7"),
        ("numbered", dialect_echoes.AnswersNoZero, "UDP-1"),
        ("counted", dialect_echoes.AnswersNoZero, "UDP-1"),
    ],
)
def test_a_script_accepts_any_count_before_a_reply(name: str, bug: type[Any], clause: str, tmp_path: Path) -> None:
    dialect = (dialect_echoes.DIALECTS | dialect_echoes.DATAGRAMS)[name]
    right = dialect_echoes.DatagramEcho if issubclass(bug, dialect_echoes.DatagramEcho) else Echo
    served = partial(dialect_echoes.served, dialect)
    check_script(served(bug), served(right), clause, tmp_path, dialect)


def test_a_script_of_an_echo_says_the_quit_word(tmp_path: Path) -> None:
    dialect, served = dialect_echoes.DIALECTS["greets and quits"], dialect_echoes.served
    bug = served(dialect, dialect_echoes.IgnoresItsQuitWord)
    check_script(bug, served(dialect, Echo), "ECHO-3", tmp_path, dialect)


@pytest.mark.slow
def test_a_script_sees_a_silent_client_dropped_before_another_is_served(tmp_path: Path) -> None:
    dialect, served = dialect_echoes.DIALECTS["lines"], dialect_echoes.served
    check_script(served(dialect, dialect_echoes.LosesPatience), served(dialect, Echo), "ECHO-8", tmp_path, dialect)


@pytest.mark.parametrize("transport", ["unix", "unix-datagram"])
def test_a_script_for_a_unix_socket_takes_its_path(transport: str, tmp_path: Path) -> None:
    fault = {"unix": "keeps-the-case", "unix-datagram": "replies-twice"}[transport]
    clause = {"unix": "ECHO-2", "unix-datagram": "UDP-1"}[transport]
    program, made = PROGRAMS["echo"], Planted(fault).target().make()
    made.server_close()
    handler = made.RequestHandlerClass
    address = Address(transport, path=str(tmp_path / "socket"))

    def served(**handlers: Any) -> InProcess:
        return InProcess(partial(make_server, replace(program, **handlers), address))

    bug = served(connection_handler=handler, datagram_handler=handler)
    check_script(bug, served(), clause, tmp_path)


def test_a_script_makes_a_server_wait_that_waits_for_unix_datagrams_to_be_read(tmp_path: Path) -> None:
    class Waits(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            with contextlib.suppress(OSError):  # the client may be gone
                sock.sendto(data.strip().upper(), self.client_address)

    address = Address("unix-datagram", path=str(tmp_path / "socket"))
    bug = InProcess(partial(make_server, replace(PROGRAMS["echo"], datagram_handler=Waits), address, "sync"))
    check_script(bug, InProcess(partial(make_server, "echo", address)), "UDP-5", tmp_path)


def test_what_a_client_hears_before_it_is_a_member_is_not_taken_for_the_probe(tmp_path: Path) -> None:
    """A notice comes first; the first probe came too early for the listener, which hears the second."""

    def answer(client: socket.socket) -> None:
        probes = iter(client.makefile("rb"))
        next(probes)
        client.sendall(b"* ann has come\n")
        for probe in probes:
            client.sendall(probe)

    rows = (
        "[('ann', 'connects', {}), ('ann', 'speaks until heard', (b'probe %02d\\n', b'(?s).*?probe %02d\\n', 'ann'))]"
    )
    file = of_rows(rows, tmp_path / "script.py")
    with server_that(answer) as address:
        status, out = play(file, address.host, address.port, timeout=TIMEOUT)
    assert status == 0, out


def test_a_script_that_finds_that_its_server_has_ended_says_so(tmp_path: Path) -> None:
    visit = "('ann', 'connects', {}), ('ann', 'reads to the end', b''), ('ann', 'waits', 0.1)"
    file = of_rows(f"[{visit}]", tmp_path / "script.py", rounds=50)  # in one of them it has ended when it is looked at
    status, out = play(file, "--launch", bad("ends-with-the-first"), timeout=TIMEOUT)
    assert (status, out[-21:]) == (1, "the server has ended\n")


def test_a_script_starts_a_server_of_a_fixed_port_and_explains_other_arguments(tmp_path: Path) -> None:
    file = of_rows("[('ann', 'connects', {}), ('ann', 'reads to the end', b'')]", tmp_path / "script.py", rounds=1)
    port = free_port()
    command = bad("hangs-up").replace("{port}", str(port))
    assert play(file, "--launch", command, "127.0.0.1", port, timeout=TIMEOUT)[0] == 0
    status, out = play(file, "--launch", command, "127.0.0.1", timeout=TIMEOUT)
    assert (status, out) == (2, "How to use it.\n")


def test_a_script_sends_no_datagram_before_its_server_listens(tmp_path: Path) -> None:
    rows = "[('ann', 'connects', {}), ('ann', 'sends', b'hello'), ('ann', 'reads', b'HELLO')]"
    file = of_rows(rows, tmp_path / "script.py", datagrams=True)
    serve = f"{sys.executable} -m socketserver_reference serve echo --transport udp --quiet --port {{port}}"
    status, out = play(file, "--launch", serve, timeout=TIMEOUT)
    assert status == 0, out


@pytest.mark.slow
def test_a_script_starts_a_fresh_server_for_every_round(tmp_path: Path) -> None:
    with closing(open_session("echo", Launched(bad("hangs-up")), BRIEF_TIMEOUT)) as session:
        told = reproduce(session, "echo", "ECHO-2", tmp_path)
    assert told.remark == "it shows"
    assert told.file is not None
    status, out = play(told.file, "--launch", bad("hangs-up"), timeout=TIMEOUT)
    assert (status, out[:11]) == (1, "Round 1 of ")
    with unserved() as address:
        status, out = play(told.file, address.host, address.port, timeout=0.1)
    assert (status, "onnection refused" in out) == (2, True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is the bug
def test_a_server_that_ends_is_seen_to(tmp_path: Path) -> None:
    target = Planted("exits-on-reset").target()
    with closing(open_session("echo", target, BRIEF_TIMEOUT)) as session:
        told = reproduce(session, "echo", "ECHO-7", tmp_path)
    assert told.remark == "it shows"


def crime(session: Session) -> Violation:
    """Return a violation of CHAT-7 by a server that delivers what quits."""
    with pytest.raises(Violation) as caught:
        session.play(*join("ann"), Quit("ann"), Say("ann", b"x"), about="CHAT-7")
    return caught.value


def test_a_script_that_does_not_show_it_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "TRIALS", (Trial(1, 0.0),))
    with closing(open_session("chat", Planted("delivers-quit").target(), BRIEF_TIMEOUT)) as session:
        found = crime(session)
    with closing(open_session("chat", Bug("chat").target(), BRIEF_TIMEOUT)) as session:
        found.unrepeatable = "it is played elsewhere"
        (told,) = write_all(session, "chat", [found], tmp_path)
        assert str(told) == ("no reproduction of CHAT-7: no script of it showed it: Nothing is wrong in 1 round.")
        monkeypatch.setattr(write, "SCRIPT_TIMEOUT", 0.001)
        (told,) = write_all(session, "chat", [found], tmp_path)
        assert told.remark.endswith("it had not ended after 0.001 s")
    assert list(tmp_path.iterdir()) == []


def test_what_shows_no_more_once_it_is_cut_is_written_as_it_showed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "TRIALS", (Trial(1, 0.0),))
    with closing(open_session("chat", Planted("delivers-quit").target(), BRIEF_TIMEOUT)) as session:
        cut = seen("CHAT-7", *join("ann"))
        cut.unrepeatable, cut.uncut = "it is played elsewhere", crime(session).of("CHAT-4")
        (told,) = write_all(session, "chat", [cut], tmp_path)
    assert told.remark == "it shows"
    assert told.text.startswith('"""CHAT-7: ')


@pytest.mark.parametrize(("seconds", "tried"), [(60.0, 2), (0.0, 1)])
def test_when_the_time_of_the_check_is_over_a_script_is_tried_once(
    seconds: float, tried: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Path] = []
    monkeypatch.setattr(write, "TRIALS", (Trial(1, 0.0), Trial(1, 0.1)))

    def tries_in_vain(draft: Path, _session: Session) -> tuple[bool, str]:
        tries.append(draft)
        return False, "nothing"

    monkeypatch.setattr(write, "_try", tries_in_vain)
    with closing(open_session("chat", Planted("delivers-quit").target(), BRIEF_TIMEOUT)) as session:
        found = crime(session)
        found.unrepeatable = "it is played elsewhere"
        session.keep(Budget(seconds))
        (told,) = write_all(session, "chat", [found], tmp_path)
    assert told.remark == "no script of it showed it: nothing"
    assert len(tries) == tried


def test_when_the_time_of_the_check_is_over_a_script_has_a_fresh_server_all_the_same(tmp_path: Path) -> None:
    with closing(open_session("chat", Planted("delivers-quit").target(), BRIEF_TIMEOUT)) as session:
        found = session.confirm(crime(session))
        assert found is not None
        session.keep(Budget(0.0))
        (told,) = write_all(session, "chat", [found], tmp_path)
        assert session.budget.is_over
    assert told.remark == "it shows"


def test_a_script_waits_for_silence_as_long_as_the_trial_that_showed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any(trial.rounds == 1 and trial.quiet >= 2.0 for trial in write.TRIALS)
    monkeypatch.setattr(write, "TRIALS", (Trial(1, 0.0, quiet=2.5),))
    with closing(open_session("chat", Planted("delivers-quit").target(), BRIEF_TIMEOUT)) as session:
        (told,) = write_all(session, "chat", [crime(session)], tmp_path)
    assert told.file is not None
    assert "\nQUIET, LAG = 2.5, 0.02" in told.file.read_text()


def test_a_known_failure_is_confirmed_before_it_is_written(tmp_path: Path) -> None:
    with closing(open_session("chat", Planted("delivers-quit").target(), BRIEF_TIMEOUT)) as session:
        (told,) = write_all(session, "chat", [crime(session)], tmp_path)
    assert told.file is not None
    assert "\nreplayed: shown 1 of 1 times on fresh servers\n" in told.file.read_text()


def test_what_cannot_be_scripted_or_tried_is_told(tmp_path: Path) -> None:
    costly, untold = VIOLATIONS["CHAT-15"]("this", "that", []), VIOLATIONS["CHAT-2"]("this", "that", [])
    costly.unscripted = "it shows in what the server costs"
    with closing(open_session("chat", fragile(Planted("delivers-quit")), BRIEF_TIMEOUT)) as session:
        told = [one.remark for one in write_all(session, "chat", [costly, untold, crime(session)], tmp_path)]
    assert told[:2] == [costly.unscripted, write.NO_EXCHANGE]
    assert told[2].startswith("it could not be tried: the server could not be restarted")
