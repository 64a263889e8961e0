"""`socketserver-reference check` as its user meets it: the options, the reports, the refusals, the end."""

import json
import os
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from socketserver_reference.address import Address
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.cli import check as checking_module
from socketserver_reference.cli.main import main
from socketserver_reference.cli.options import NEEDS, NOT_CHECKED
from socketserver_reference.conformance.targets.ports import free_port
from tests.support.checking import BARE_PYTHON, Checker, Lifeline, bad, checking, run_check
from tests.support.serving import SOURCES, TIMEOUT, serving

ECHO = [id for id in CLAUSES if id.startswith("ECHO")]
UDP = [id for id in CLAUSES if id.startswith("UDP")]
CHAT = [id for id in CLAUSES if id.startswith("CHAT")]
QUICK = ("--examples", 2)
ONE = ("--only", "ECHO-2")
JSON_KEYS = [
    "protocol",
    "target",
    "dialect",
    "seed",
    "profile",
    "strict",
    "version",
    "began",
    "seconds",
    "clauses",
    "changes",
    "waived",
    "explored",
    "summary",
    "conclusion",
    "code",
]


def reference_server(*arguments: str) -> str:
    """Return the command that serves one of the reference's servers."""
    return " ".join([BARE_PYTHON, "-m", "socketserver_reference", "serve", *arguments])


# What is checked


def test_without_a_target_the_reference_is_checked_and_conforms(check: Checker) -> None:
    outcome = check("echo", *QUICK)
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == [*ECHO, *UDP]
    assert outcome.out.splitlines()[0] == "checking echo: the reference in this process, over tcp and udp (seed 0)"
    assert outcome.out.splitlines()[-1] == "conforms"
    assert outcome.err == ""


@pytest.mark.unmeasured
def test_the_chat_of_the_reference_conforms(check: Checker) -> None:
    outcome = check("chat", *QUICK, "--strict")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == CHAT


@pytest.mark.unmeasured
@pytest.mark.parametrize("transport", ["tcp", "unix", "udp", "unix-datagram"])
def test_transport_says_over_what_the_reference_is_checked(check: Checker, transport: str) -> None:
    outcome = check("echo", *QUICK, "--transport", transport)
    datagrams = transport in ("udp", "unix-datagram")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == (UDP if datagrams else ECHO)
    assert outcome.clauses_that("not-applicable") == (ECHO if datagrams else UDP)


def test_a_chat_over_unix_sockets_knows_no_delayed_acknowledgements(check: Checker) -> None:
    outcome = check("chat", *QUICK, "--transport", "unix", "--only", "CHAT-2", "--only", "CHAT-16")
    assert (outcome.code, outcome.verdicts["CHAT-2"]) == (0, "holds")
    assert outcome.verdicts["CHAT-16"] == "not-applicable"
    assert outcome.clause("CHAT-16")["why"] == "unix knows no delayed acknowledgements"


@pytest.mark.unmeasured
@pytest.mark.parametrize("transport", ["tcp", "udp", "unix", "unix-datagram"])
def test_a_running_server_is_checked_at_its_address(check: Checker, tmp_path: Path, transport: str) -> None:
    if transport.startswith("unix"):
        address = Address(transport, path=str(tmp_path / "socket"))
    else:
        address = Address(transport, host="127.0.0.1", port=free_port())
    with serving("echo", address):
        outcome = check("echo", address, *QUICK)
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == (UDP if address.datagram else ECHO)
    assert outcome.document["target"] == str(address)


@pytest.mark.parametrize(
    ("placeholders", "transport"),
    [
        ("--port {port}", ()),
        ("--host {host} --port {port}", ()),
        ("--port {port} --transport udp", ("--transport", "udp")),
        ("--transport unix --path {path}", ()),
        ("--transport unix-datagram --path {path}", ("--transport", "unix-datagram")),
    ],
)
def test_a_launched_server_is_told_where_to_listen(
    check: Checker, placeholders: str, transport: tuple[str, ...]
) -> None:
    only = "UDP-1" if transport else "ECHO-2"
    outcome = check("echo", "--launch", reference_server("echo", *placeholders.split()), *transport, "--only", only)
    assert (outcome.code, outcome.verdicts[only]) == (0, "holds")


def test_a_launched_server_that_knows_its_port_is_found_by_the_target(check: Checker) -> None:
    port = free_port()
    command = reference_server("echo", "--port", str(port))
    outcome = check("echo", f"tcp://127.0.0.1:{port}", "--launch", command, *ONE)
    assert (outcome.code, outcome.verdicts["ECHO-2"]) == (0, "holds")


def test_what_listens_at_the_fixed_port_already_is_not_mistaken_for_the_launched_server(check: Checker) -> None:
    address = Address("tcp", host="127.0.0.1", port=free_port())
    with serving("echo", address):
        line = check.refusal("echo", address, "--launch", reference_server("echo", "--port", str(address.port)))
    assert "another server already listens" in line


# What is chosen


def test_profile_leaves_out_the_clauses_of_the_other(check: Checker) -> None:
    outcome = check("echo", *QUICK, "--profile", "basic", "--transport", "tcp")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == [id for id in ECHO if CLAUSES[id].profile == "basic"]
    assert outcome.clause("ECHO-7")["why"] == "not selected"
    assert outcome.document["profile"] == "basic"


def test_only_is_repeatable_and_explores_nothing(check: Checker) -> None:
    outcome = check("chat", "--only", "CHAT-7", "--only", "CHAT-3")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == ["CHAT-3", "CHAT-7"]
    assert "explored" not in outcome.out


@pytest.mark.parametrize("options", [("--profile", "hardened", "--only", "ECHO-1"), ("--", "-k", "no_such_check")])
def test_nothing_checked_is_no_success(check: Checker, options: tuple[str, ...]) -> None:
    outcome = check("echo", *options)
    assert outcome.code == 2
    assert outcome.clauses_that("not-checked") == [*ECHO, *UDP]
    assert outcome.out.splitlines()[-1] == "nothing was checked"


def test_arguments_after_two_dashes_are_pytests(check: Checker) -> None:
    outcome = check("chat", "--", "-k", "quit")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == ["CHAT-7", "CHAT-8"]


@pytest.mark.parametrize("option", [["--no-such-option"], ["-k", "and and"], ["-p", "no_such_plugin"]])
def test_what_pytest_refuses_cannot_be_checked(check: Checker, option: list[str]) -> None:
    outcome = check("echo", "--", *option)
    assert outcome.code == 2
    assert outcome.document == {}
    assert outcome.err.splitlines()[-1].startswith("socketserver-reference check: pytest refuses the arguments")


def test_a_violated_should_fails_when_strict_and_is_only_told_otherwise(check: Checker) -> None:
    launched = (
        "--launch",
        f"{sys.executable} -m socketserver_faults.tutorial chat {{port}}",
        "--only",
        "CHAT-16",
        "--timeout",
        1,
    )
    lenient, strict = check("chat", *launched), check("chat", *launched, "--strict")
    assert (lenient.code, strict.code) == (0, 1)
    assert lenient.verdicts["CHAT-16"] == strict.verdicts["CHAT-16"] == "violated"
    assert lenient.out.splitlines()[-1] == "conforms, though it should not break CHAT-16"
    assert strict.out.splitlines()[-1] == "does not conform: breaks CHAT-16"


# What cannot be meant


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "protocol"),
        (("ftp",), "ftp"),
        (("echo", "--examples", "0"), "--examples"),
        (("echo", "--examples", "many"), "many"),
        (("echo", "--seed", "-1"), "--seed"),
        (("echo", "--seed", "lucky"), "lucky"),
        (("echo", "--timeout", "0"), "--timeout"),
        (("echo", "--timeout", "-1"), "--timeout"),
        (("echo", "--timeout", "nan"), "nan"),
        (("echo", "--timeout", "inf"), "inf"),
        (("echo", "--timeout", "1e300"), "1e300"),
        (("echo", "--profile", "soft"), "soft"),
        (("echo", "--transport", "carrier-pigeon"), "carrier-pigeon"),
        (("echo", "--only", "ECHO-99"), "ECHO-1, ECHO-2"),
        (("chat", "--only", "ECHO-1"), "ECHO-1: not a clause of chat"),
        (("chat", "--transport", "udp"), "udp"),
        (("chat", "udp://127.0.0.1:9999"), "udp"),
        (("echo", "localhost:9999"), "tcp://host:port"),
        (("echo", "tcp://localhost"), "tcp://host:port"),
        (("echo", "tcp://localhost:99999"), "99999"),
        (("echo", "unix://relative"), "absolute"),
        (("echo", "udp://127.0.0.1:9999", "--transport", "tcp"), "contradicts"),
        (("family", "tcp://127.0.0.1:9999"), "takes no target"),
        (("family", "--transport", "tcp"), "takes no target"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(check: Checker, arguments: tuple[str, ...], word: str) -> None:
    line = check.refusal(*arguments)
    assert line.startswith("socketserver-reference check: ")
    assert word in line


def test_a_dialect_says_nothing_of_the_classes_of_this_python(check: Checker) -> None:
    outcome = check("family", "--dialect", "rfc862", json_too=False)
    assert (outcome.code, outcome.err) == (
        2,
        "socketserver-reference check: --dialect says how a server speaks, but family checks the classes of this "
        "Python\n",
    )


# The reports


def test_seed_random_prints_the_seed_that_was_drawn(check: Checker) -> None:
    outcome = check("echo", "--seed", "random", *ONE)
    assert f"(seed {outcome.document['seed']})" in outcome.out.splitlines()[0]


def test_the_same_seed_explores_the_same(check: Checker) -> None:
    one, other = (check("echo", "--seed", 7, *QUICK, "--transport", "udp") for _ in range(2))
    assert one.out == other.out


def test_json_is_a_document_of_this_shape(check: Checker) -> None:
    document = check("echo", *ONE).document
    assert list(document) == JSON_KEYS
    assert document["protocol"] == "echo"
    assert (document["seed"], document["profile"]) == (0, "all")
    assert [clause["id"] for clause in document["clauses"]] == [*ECHO, *UDP]
    assert document["clauses"][1] == {
        "id": "ECHO-2",
        "level": "MUST",
        "profile": "basic",
        "verdict": "holds",
        "why": None,
        "known": None,
        "stale": False,
        "expected": None,
        "observed": None,
        "note": None,
        "exchange": None,
        "events": None,
    }
    assert document["clauses"][0]["why"] == "not selected"
    assert document["summary"] == {"holds": 1, "violated": 0, "not_applicable": 0, "not_checked": 11}


def test_json_tells_the_story_of_a_violation(check: Checker) -> None:
    outcome = check("echo", "--launch", bad("hangs-up"), *ONE, "--timeout", 0.3)
    clause = outcome.clause("ECHO-2")
    assert (outcome.code, clause["verdict"], clause["why"]) == (1, "violated", None)
    assert "reads" in clause["expected"]
    assert "reads" in clause["observed"]
    assert clause["exchange"][0].endswith(" connects")


def test_junit_has_a_case_for_every_clause(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.xml"
    outcome = check("echo", "--launch", bad("hostile"), *ONE, "--timeout", 0.3, "--junit", file)
    (suite,) = ET.parse(file).getroot()
    assert suite.attrib["tests"] == str(len(suite.findall("testcase"))) == str(len([*ECHO, *UDP]))
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("1", "0")
    assert suite.attrib["skipped"] == str(len(suite.findall("testcase/skipped")))
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.attrib["type"] == "ECHO-2"
    assert "exchange:" in failure.text
    assert outcome.clause("ECHO-2")["observed"] == failure.attrib["message"]


@pytest.mark.parametrize("option", ["--json", "--junit", "--markdown", "--html"])
@pytest.mark.parametrize("file", ["missing/verdicts", "."])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_checked(
    check: Checker, tmp_path: Path, option: str, file: str
) -> None:
    outcome = check("echo", option, tmp_path / file, json_too=False)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"socketserver-reference check: cannot write {tmp_path / file}: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no file that is always full")
def test_a_report_that_cannot_be_written_in_the_end_is_told_after_the_results(check: Checker) -> None:
    outcome = check("echo", "--json", "/dev/full", *ONE, json_too=False)
    assert outcome.code == 2
    assert "ECHO-2   holds" in outcome.out
    assert "cannot write /dev/full" in outcome.err


def test_a_check_that_cannot_be_leaves_no_empty_report(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.xml"
    check.refusal("echo", f"tcp://127.0.0.1:{free_port()}", "--junit", file)
    assert not file.exists()


# Its surroundings


def test_the_directory_it_runs_in_neither_matters_nor_changes(tmp_path: Path) -> None:
    trap = "raise SystemExit('this is somebody else\\'s project')"
    (tmp_path / "conftest.py").write_text(trap)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    surroundings = {
        **os.environ,
        "PYTHONPATH": SOURCES,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "--no-such-option",
        "PYTEST_PLUGINS": "no_such_plugin",
    }
    before = sorted(tmp_path.iterdir())
    result = run_check("chat", "--only", "CHAT-2", "--examples", 2, cwd=tmp_path, env=surroundings)
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(tmp_path.iterdir()) == before


def test_it_leaves_the_environment_as_it_was(check: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--quiet")
    before = dict(os.environ)
    check("echo", *ONE)
    del before["PYTEST_CURRENT_TEST"]  # pytest's own
    assert dict(os.environ) == before


@pytest.mark.parametrize("missing", ["pytest", "hypothesis", "pytest_timeout", "tomlkit"])
@pytest.mark.parametrize("command", ["check", "learn"])
def test_without_what_it_needs_it_says_what_to_install(missing: str, command: str) -> None:
    hidden = f"import sys; sys.modules[{missing!r}] = None; from {main.__module__} import main; sys.exit(main())"
    arguments = [sys.executable, "-c", hidden, command, "echo", "tcp://127.0.0.1:9"]
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert result.stderr == f"socketserver-reference {command}: {NEEDS}\n"


def test_who_stops_reading_the_report_hears_no_complaint() -> None:
    with checking("echo", *QUICK) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(TIMEOUT) == 2


def test_what_the_terminal_cannot_show_is_escaped() -> None:
    result = run_check("echo", "--launch", "grüß-\udcff {port}", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert result.returncode == 2
    assert "gr\\xfc\\xdf-\\udcff" in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.unmeasured
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_and_keeps_the_results_so_far(
    lifeline: Lifeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    file = tmp_path / "verdicts.json"
    command = bad("hanging", lifeline.path)
    with checking("chat", "--launch", command, "--timeout", 60, "--json", file) as process:
        lifeline.wait_for(b"hanging")
        process.send_signal(number)
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, err) == (2, "")
    assert "CHAT-1   holds" in out
    assert json.loads(file.read_text())["summary"]["holds"] == 1
    assert list(temporary.iterdir()) == []
    lifeline.wait_for_the_end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_before_the_first_check_is_one_line(lifeline: Lifeline, number: signal.Signals) -> None:
    with checking("chat", "--launch", bad("deaf", lifeline.path), "--only", "CHAT-1") as process:
        lifeline.wait_for(b"up")
        process.send_signal(number)
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert "Traceback" not in out + err
    lifeline.wait_for_the_end()


def test_an_interrupt_before_anything_was_begun_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(checking_module, "_check", interrupted)
    assert main(["check", "echo"]) == NOT_CHECKED
    assert capsys.readouterr() == (
        "",
        "socketserver-reference check: interrupted before there was any result\n",
    )


def test_a_check_in_another_thread_than_the_main_one_leaves_signals_alone(check: Checker) -> None:
    codes: list[int] = []
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=lambda: codes.append(check("echo", *ONE).code))
    thread.start()
    thread.join()
    assert codes == [0]
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_module_and_the_function_are_the_same_command() -> None:
    result = run_check("echo", "--only", "ECHO-99")
    with pytest.raises(SystemExit) as ended:
        main(["check", "echo", "--no-such-option"])
    assert (result.returncode, ended.value.code) == (2, 2)
