"""The plugin as others use it: a few lines in a pytest file of their own."""

import subprocess
import sys

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance import ChatConformance
from tests.support.checking import PLUGIN, bad
from tests.support.serving import SOURCES, serving

CHECKS = sum(name.startswith("test_") for name in dir(ChatConformance))
"""Checks of a chat, explorations included."""


SUBJECT = """
from socketserver_reference.conformance import ChatConformance, Launched

class TestMine(ChatConformance):
    target = {target}
"""


REFERENCE = f'Launched("{sys.executable} -m socketserver_reference serve chat --port {{port}}")'
NOTE = f'Launched("{sys.executable} -m socketserver_faults.tutorial chat {{port}}")'


FAULTY = """
import socketserver, sys

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        while chunk := self.request.recv(1024):
            self.request.sendall(b"ack" + chunk.strip())

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Somebody's repository, where the reference is installed."""
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider")
    return pytester


NO_EXAMPLES = "--conformance-examples=0"


def run(project: pytest.Pytester, target: str, *options: str) -> pytest.RunResult:
    """Run the conformance class of somebody's server, with some options."""
    project.makepyfile(test_mine=SUBJECT.format(target=target))
    return project.runpytest_inprocess(*PLUGIN, "--conformance-timeout=1", "--conformance-examples=2", *options)


@pytest.mark.sweep
def test_a_server_that_conforms_passes(project: pytest.Pytester) -> None:
    result = run(project, REFERENCE, "--conformance-profile=basic")
    outcomes = result.parseoutcomes()
    assert (result.ret, outcomes["passed"]) == (0, 15)
    assert outcomes["passed"] + outcomes["skipped"] + outcomes["deselected"] == CHECKS
    result.stdout.fnmatch_lines(["TestMine: 11 holds"])


@pytest.mark.sweep
def test_a_server_that_does_not_fails_with_the_story_of_the_clause(project: pytest.Pytester) -> None:
    project.makepyfile(faulty=FAULTY)
    result = run(project, f'Launched("{sys.executable} faulty.py {{port}}")', "--conformance-only=CHAT-2", NO_EXAMPLES)
    assert result.parseoutcomes() == {"failed": 1, "skipped": 1, "deselected": CHECKS - 2}  # nobody gives a name
    result.stdout.fnmatch_lines(["*CHAT-2: the server MUST deliver every chunk*", "expected: *", "observed: *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.fnmatch_lines(["TestMine: 1 violated (CHAT-2)"])


@pytest.mark.sweep
def test_only_chooses_clauses_and_other_tests_run_all_the_same(project: pytest.Pytester) -> None:
    project.makepyfile(test_other="def test_nothing_of_ours(): pass")
    result = run(project, REFERENCE, "--conformance-only=CHAT-7", "--conformance-only=CHAT-8", NO_EXAMPLES)
    assert result.parseoutcomes() == {"passed": 4, "deselected": CHECKS - 3}


def test_only_refuses_what_is_no_clause(project: pytest.Pytester) -> None:
    result = run(project, REFERENCE, "--conformance-only=CHAT-99")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'CHAT-99' is no clause*"])


@pytest.mark.parametrize("option", ["--conformance-examples=-1", "--conformance-timeout=-1", "--conformance-timeout=x"])
def test_an_option_that_makes_no_sense_is_refused(project: pytest.Pytester, option: str) -> None:
    result = run(project, REFERENCE, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*'{option.partition('=')[2]}' is not a number from *"])


@pytest.mark.sweep
def test_a_violated_should_is_an_expected_failure(project: pytest.Pytester) -> None:
    result = run(project, NOTE, "--conformance-only=CHAT-16", "-rx")
    assert (result.ret, result.parseoutcomes()) == (0, {"xfailed": 1, "deselected": CHECKS - 1})
    result.stdout.fnmatch_lines(["*CHAT-16 is a SHOULD*"])


@pytest.mark.sweep
def test_a_violated_should_fails_when_strict(project: pytest.Pytester) -> None:
    result = run(project, NOTE, "--conformance-only=CHAT-16", "--conformance-strict")
    assert (result.ret, result.parseoutcomes()) == (1, {"failed": 1, "deselected": CHECKS - 1})


@pytest.mark.sweep
def test_an_address_as_text_is_a_target(project: pytest.Pytester) -> None:
    with serving("chat", Address("tcp", host="127.0.0.1")) as server:
        result = run(project, f'"tcp://127.0.0.1:{server.server_address[1]}"', "--conformance-only=CHAT-3", NO_EXAMPLES)
    assert result.parseoutcomes() == {"passed": 1, "deselected": CHECKS - 1}


@pytest.mark.sweep
def test_a_server_in_process_is_a_target(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_here="""
        import functools
        from socketserver_reference.address import Address
        from socketserver_reference.conformance import EchoConformance, InProcess
        from socketserver_reference.family import make_server

        class TestHere(EchoConformance):
            target = InProcess(functools.partial(make_server, "echo", Address("tcp", host="127.0.0.1")))
        """
    )
    result = project.runpytest_subprocess(*PLUGIN, "--conformance-examples=2", timeout=60)
    assert result.parseoutcomes() == {"passed": 12, "skipped": 4}  # two floods, and two for launched servers


def test_the_summary_tells_a_limit_of_the_server(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_here="""
        import functools
        from socketserver_reference.address import Address
        from socketserver_reference.conformance import EchoConformance, InProcess
        from socketserver_reference.family import make_server

        class TestHere(EchoConformance):
            target = InProcess(functools.partial(make_server, "echo", Address("tcp", host="127.0.0.1")))

            def test_of_my_own(self, conformance_session):
                conformance_session.serve_afresh("20 clients within 0.1 s")
        """
    )
    result = project.runpytest_inprocess(*PLUGIN, "-k", "my_own")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["the server serves 20 clients within 0.1 s, and refuses the next: *"])


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("target", "outcome", "word"),
    [
        ('Launched("no-such-program {port}")', "errors", "*found no program 'no-such-program'*"),
        ('"tcp://127.0.0.1:1"', "failed", "*nothing to check at tcp://127.0.0.1:1: connection refused*"),
        ('"localhost"', "errors", "*'localhost' is not an address*"),
    ],
)
def test_a_target_that_cannot_start_is_one_clear_error(
    project: pytest.Pytester, target: str, outcome: str, word: str
) -> None:
    result = run(project, target, "--conformance-only=CHAT-3", NO_EXAMPLES)
    assert result.parseoutcomes() == {outcome: 1, "deselected": CHECKS - 1}
    result.stdout.fnmatch_lines([word])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.sweep
def test_hostile_bytes_are_escaped_in_pytests_own_report(project: pytest.Pytester) -> None:
    result = run(project, f"Launched({bad('hostile')!r})", "--conformance-only=CHAT-3", NO_EXAMPLES)
    assert result.ret == 1
    assert "\x1b" not in result.stdout.str()
    result.stdout.fnmatch_lines(["observed: *x1b*31mred*"])


@pytest.mark.slow
def test_the_plugin_costs_other_projects_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(test_other="def test_nothing_of_ours(): pass")
    program = "import sys, pytest; pytest.main(sys.argv[1:]); print('loaded', *sys.modules, file=sys.stderr)"
    arguments = ["-q", "test_other.py"]
    loaded = []
    for plugin in ([], ["-p", "socketserver_reference.conformance.runner.plugin"]):
        command = [sys.executable, "-c", program, *plugin, *arguments]
        environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": SOURCES}
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)
        loaded.append(set(result.stderr.split()))
    ours = loaded[1] - loaded[0]
    assert "socketserver_reference.conformance.runner.plugin" in ours
    assert not {name.partition(".")[0] for name in ours} & {"hypothesis", "socketserver", "socket", "subprocess"}
    assert (
        not {
            "socketserver_reference.conformance.targets.base",
            "socketserver_reference.conformance.driver.stage",
            "socketserver_reference.conformance.checks.chat",
        }
        & ours
    )


@pytest.mark.slow
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
