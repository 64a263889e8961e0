"""`--reproduce`: where the scripts are, what has none, and why."""

from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.reproduce import write
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.runner.command_run import Progress
from socketserver_reference.conformance.runner.display import Display
from socketserver_reference.conformance.runner.options import Options
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.checking import PLUGIN, Checker, bad
from tests.support.known_failures import entry, serving_fault


@pytest.mark.slow
def test_check_says_where_the_scripts_are_and_what_has_none(check: Checker, tmp_path: Path) -> None:
    command = bad("hangs-up")
    options = ("--only", "ECHO-2", "--timeout", 1, "--examples", 0)
    outcome = check("echo", "--launch", command, *options, "--reproduce", tmp_path / "to" / "scripts")
    assert outcome.code == 1
    assert f"\nreproductions:\n  {tmp_path}/to/scripts/ECHO-2.py: it shows\n" in outcome.out
    assert "reproductions:" not in check("echo", "--launch", command, *options).out


def test_a_place_where_nothing_can_be_written_is_refused(check: Checker, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = check.refusal("echo", "--reproduce", tmp_path / "file")
    assert line.endswith(f"cannot write into {tmp_path}/file: File exists; name a directory where files can be made")


def test_a_violation_inside_a_process_has_a_test_instead(tmp_path: Path) -> None:
    progress = Progress("family", ("SRV",), {}, Display())
    verdicts = [Verdict(CLAUSES["SRV-8"], "violated", "that", VIOLATIONS["SRV-8"]("this", "that", []))]
    assert progress.reproductions(verdicts) == []
    progress._run.options = Options(reproduce=tmp_path)
    assert [*map(str, progress.reproductions(verdicts))] == [
        f"{tmp_path}/test_SRV_8.py: a test to complete with your server"
    ]
    compile((tmp_path / "test_SRV_8.py").read_text(), "test", "exec")
    verdicts = [Verdict(CLAUSES["CHAT-2"], "violated", "that", VIOLATIONS["CHAT-2"]("this", "that", []))]
    assert [*map(str, progress.reproductions(verdicts))] == [f"no reproduction of CHAT-2: {write.UNWRITTEN}"]


MINE = """
from socketserver_reference.conformance import EchoConformance

class TestMine(EchoConformance):
    target = "{}"
"""


def test_pytest_writes_them_too_what_is_news_first(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", known=entry("ECHO-2"))
    with serving_fault("keeps-the-case") as address:
        pytester.makepyfile(test_mine=MINE.format(address))
        options = ("--conformance-only=ECHO-2", "--conformance-timeout=1", "--conformance-known=known.toml")
        result = pytester.runpytest_inprocess(*PLUGIN, *options, "--conformance-reproduce=scripts")
    result.stdout.fnmatch_lines(["scripts/ECHO-2.py: it shows"])
