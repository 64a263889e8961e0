"""`check family`, the forking host's troubles, and the corners of reports and of the plugin."""

import signal
import socketserver
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.inprocess import fork_host
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.fork_host import Forker
from socketserver_reference.conformance.inprocess.hosts import ServerSpec
from socketserver_reference.conformance.inprocess.probes import Handler
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.reports import junit, text
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.results.verdicts import Record, Verdict
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.checking import PLUGIN, Checker


def test_the_family_is_checked_by_name_and_conforms(check: Checker) -> None:
    outcome = check("family", "--only=SRV-6", "--timeout=7")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == ["SRV-6"]
    assert "TestForkingEchoOverUdp" in outcome.out


def test_the_family_takes_no_target(check: Checker) -> None:
    outcome = check("family", "tcp://127.0.0.1:1", json_too=False)
    assert outcome.code == 2
    assert outcome.err.endswith("family checks the socketserver classes of this Python and takes no target\n")


def no_server(_: Handler | None = None) -> socketserver.BaseServer:
    raise OSError("no room left")


@pytest.fixture
def subject() -> Iterator[ServerConformance]:
    """Checks of a forking server that cannot be made."""

    class Subject(ServerConformance):
        target = ServerSpec("none", "tcp", "forking", no_server)
        forker = Forker()

    yield Subject()
    Subject.teardown_class()


def test_a_forking_server_that_cannot_be_made_is_not_checked(subject: ServerConformance) -> None:
    with pytest.raises(NotChecked, match="no room left"):
        subject.test_a_handler_knows_its_request_its_client_and_its_server()


def test_without_a_process_to_fork_in_nothing_is_checked(
    subject: ServerConformance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_host, "START_TIMEOUT", 0.05)
    monkeypatch.setattr(fork_host, "PROGRAM", "raise SystemExit(3)")
    with pytest.raises(NotChecked, match="no process to fork in"):
        subject.test_a_handler_knows_its_request_its_client_and_its_server()


def test_where_there_is_no_fork_nothing_is_checked(subject: ServerConformance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGUSR1")
    with pytest.raises(NotChecked, match="no fork"):
        subject.test_a_handler_knows_its_request_its_client_and_its_server()


def test_a_profile_without_clauses_is_left_out_of_the_text() -> None:
    verdicts = [Verdict(CLAUSES["CHAT-1"], "holds")]
    report = Report("chat", "somebody", verdicts, "conforms")
    assert text.write(report) == ["", "basic: 1 holds", "  CHAT-1   holds", "", "conforms"]


def test_a_violated_should_is_skipped_in_junit_unless_strict() -> None:
    violation = VIOLATIONS["CHAT-17"]("200 members", "\x1b[31m 8", ["   1  ann connects"])
    record = Record(["CHAT"])
    record.note_violation(violation)
    record.note("CHAT-1", "holds")
    verdicts = record.verdicts()
    lenient, strict = (
        ET.fromstring(junit.write(Report("chat", "\0", verdicts, strict=strict)))[0] for strict in (False, True)
    )
    assert (lenient.get("failures"), strict.get("failures")) == ("0", "1")
    assert strict.get("name") == "chat ?"
    assert (failure := strict.find(".//failure")) is not None
    assert failure.get("message") == "?[31m 8"


def test_a_scenario_that_allows_too_many_hypotheses_decides_nothing(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ambiguous(*_: object) -> bool:
        raise Ambiguous

    monkeypatch.setattr("socketserver_reference.conformance.driver.stage.Stage.play", ambiguous)
    monkeypatch.setattr("socketserver_reference.conformance.driver.session.Session.prepare", lambda _: None)
    outcome = check("chat", "--only=CHAT-6")
    assert outcome.code == 2
    assert outcome.clause("CHAT-6")["why"] == "too many segmentations are possible to judge the scenario"


def test_a_check_that_decides_nothing_cannot_play(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from socketserver_reference.address import Address
        from socketserver_reference.conformance import EchoConformance, InProcess
        from socketserver_reference.family import make_server

        class TestMine(EchoConformance):
            target = InProcess(lambda: make_server("echo", Address("tcp", "127.0.0.1")))

            def test_of_my_own(self, play):
                play()
        """
    )
    result = pytester.runpytest_subprocess(*PLUGIN, "-k", "my_own")
    result.stdout.fnmatch_lines(["*a check that plays a scenario must name the clause that it @decides*"])
    assert result.ret == 1


def test_an_error_of_a_check_itself_is_told_and_is_no_verdict(check: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of the checker's own")

    monkeypatch.setattr("socketserver_reference.conformance.driver.session.Session.play", broken)
    outcome = check("echo", "--only=ECHO-1", "--transport=tcp")
    assert outcome.code == 2
    assert "of the checker's own" in outcome.out
    assert outcome.clause("ECHO-1")["why"] == "of the checker's own"
