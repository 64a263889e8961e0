"""`check` and its surroundings: directory, environment, terminal, signals, threads."""

import contextlib
import gc
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from socketserver_reference.cli import check as checking_module
from socketserver_reference.cli.main import main
from socketserver_reference.cli.options import MISSING_EXTRA
from socketserver_reference.conformance.checks.base import decides
from socketserver_reference.conformance.checks.echo import EchoConformance
from socketserver_reference.conformance.results.exit_codes import INTERRUPTED
from tests.support.checking import Checker, Lifeline, bad, checking, run_check
from tests.support.serving import LONG_TIMEOUT, SOURCES

ONE = ("--only", "ECHO-2", "--examples", 0)


@pytest.mark.slow
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
    result = run_check("echo", "--only", "ECHO-2", "--examples", 1, cwd=tmp_path, env=surroundings)
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
    assert result.stderr == f"socketserver-reference {command}: {MISSING_EXTRA}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_gets_colours_and_a_line_of_progress(environment: dict[str, str], coloured: bool) -> None:
    ours, terminal = os.openpty()
    left = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    command = [sys.executable, "-m", "socketserver_reference", "check", "echo", *map(str, ONE)]
    with subprocess.Popen(command, stdout=terminal, env={**left, "TERM": "xterm", **environment}) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # so Linux says that nobody writes to the terminal any more
            while piece := os.read(ours, 65536):
                shown += piece
        os.close(ours)
    assert process.returncode == 0
    assert (b"  \x1b[32mholds\x1b[0m" in shown, b"\x1b[1;32mconforms\x1b[0m" in shown) == (coloured, coloured)
    assert bool(re.search(rb"\r\x1b\[K  1 of \d+, \d+ s: [\w ]+\r\x1b\[K", shown)) == ("TERM" not in environment)


@pytest.mark.slow
def test_who_stops_reading_the_report_hears_no_complaint() -> None:
    with checking("echo", "--examples", 0) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(LONG_TIMEOUT) == 2


@pytest.mark.slow
def test_what_the_terminal_cannot_show_is_escaped() -> None:
    result = run_check("echo", "--launch", "grüß-\udcff {port}", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert result.returncode == 2
    assert "gr\\xfc\\xdf-\\udcff" in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.sweep
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
        out, err = process.communicate(timeout=LONG_TIMEOUT)
    assert (process.returncode, err) == (INTERRUPTED, "")
    assert "CHAT-1   holds" in out
    assert out.endswith("\n\ninterrupted\n")
    assert "KeyboardInterrupt" not in out
    document = json.loads(file.read_text())
    assert document["summary"]["holds"] == 1
    assert {clause["why"] for clause in document["clauses"] if clause["verdict"] == "not-checked"} == {"interrupted"}
    assert list(temporary.iterdir()) == []
    lifeline.wait_for_the_end()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.sweep)])
def test_an_interrupt_before_the_first_check_is_one_line(lifeline: Lifeline, number: signal.Signals) -> None:
    with checking("chat", "--launch", bad("deaf", lifeline.path), "--only", "CHAT-1") as process:
        lifeline.wait_for(b"up")
        process.send_signal(number)
        out, err = process.communicate(timeout=LONG_TIMEOUT)
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in out + err
    assert "KeyboardInterrupt" not in out + err
    lifeline.wait_for_the_end()


def test_an_interrupt_before_anything_was_begun_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(checking_module, "_check", interrupted)
    assert main(["check", "echo"]) == INTERRUPTED
    assert capsys.readouterr() == (
        "",
        "socketserver-reference check: interrupted before there was any result\n",
    )


@pytest.mark.slow
def test_what_an_interrupt_leaves_unplayed_says_so_also_if_another_check_of_the_clause_held(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    @decides("ECHO-2")
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(EchoConformance, "test_other_bytes_stay_as_they_are", interrupted)
    outcome = check("echo", "--only", "ECHO-2", "--only", "ECHO-3", "--examples", 0)
    assert outcome.code == outcome.document["code"] == INTERRUPTED
    assert outcome.out.endswith("\n\ninterrupted\n")
    assert not {"KeyboardInterrupt", "full-trace"} & {*re.findall(r"[\w-]+", outcome.out)}
    assert [outcome.clause(id)["why"] for id in ("ECHO-2", "ECHO-3")] == ["interrupted"] * 2


@pytest.mark.slow
def test_after_an_interrupt_no_script_is_tried(check: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @decides("ECHO-3")
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(EchoConformance, "test_the_whole_reply_then_end_of_stream", interrupted)
    greets = f"{sys.executable} -m socketserver_faults serve greets-its-clients --quiet --port {{port}}"
    chosen = ("--only", "ECHO-1", "--only", "ECHO-3", "--examples", 0)
    outcome = check("echo", "--launch", greets, *chosen, "--reproduce", tmp_path / "scripts")
    assert (outcome.code, outcome.verdicts["ECHO-1"]) == (INTERRUPTED, "violated")
    assert "no reproduction of ECHO-1: the check ended before it was written" in outcome.out
    assert list((tmp_path / "scripts").glob("*.py")) == []


def test_an_interrupt_of_which_pytest_cannot_tell_the_place_ends_the_check_all_the_same(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    @decides("ECHO-3")
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    def untold(*_: object, **__: object) -> None:
        raise TypeError("unsupported operand type(s) for -: 'NoneType' and 'int'")

    monkeypatch.setattr(EchoConformance, "test_the_whole_reply_then_end_of_stream", interrupted)
    monkeypatch.setattr(pytest.ExceptionInfo, "getrepr", untold)
    outcome = check("echo", "--only", "ECHO-2", "--only", "ECHO-3", "--examples", 0)
    assert (outcome.code, outcome.verdicts) == (INTERRUPTED, {"ECHO-2": "holds", "ECHO-3": "not-checked"})


@pytest.mark.slow
def test_an_interrupt_that_python_loses_in_a_callback_comes_again(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        gc.callbacks.remove(interrupted)
        raise KeyboardInterrupt

    @decides("ECHO-3")
    def collecting(_: object) -> None:
        gc.callbacks.append(interrupted)
        gc.collect()
        assert threading.Event().wait(LONG_TIMEOUT), "the interrupt never came"

    monkeypatch.setattr(EchoConformance, "test_the_whole_reply_then_end_of_stream", collecting)
    outcome = check("echo", "--only", "ECHO-2", "--only", "ECHO-3", "--examples", 0)
    assert outcome.code == INTERRUPTED
    assert outcome.clause("ECHO-3")["why"] == "interrupted"


@pytest.mark.slow
def test_an_interrupted_check_that_saw_a_clause_broken_says_so(
    check: Checker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @decides("ECHO-3")
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    badge = tmp_path / "badge.svg"
    monkeypatch.setattr(EchoConformance, "test_the_whole_reply_then_end_of_stream", interrupted)
    outcome = check(
        "echo", "--launch", bad("markup"), "--only", "ECHO-2", "--only", "ECHO-3", "--examples", 0, "--badge", badge
    )
    assert outcome.code == INTERRUPTED
    assert outcome.out.endswith("\n\ninterrupted; does not conform: breaks ECHO-2\n")
    assert "ECHO-3   not checked: interrupted\n" in outcome.out
    assert "breaks ECHO-2" in badge.read_text()


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
