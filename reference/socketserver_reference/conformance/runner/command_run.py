"""Runs pytest for `check`, with its own reporting silenced, and prints a line for each check as it ends.

The run is isolated from the directory it starts in: it uses neither its configuration nor its plugins, and leaves no
file there. A user passes options to pytest after `--`.
"""

import os
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.results.report import OUTCOME_WORDS, counts
from socketserver_reference.conformance.results.verdicts import Outcome, Record, Verdict
from socketserver_reference.conformance.runner import lost_interrupts, plugin
from socketserver_reference.conformance.runner.check_outcomes import WORST_FIRST
from socketserver_reference.conformance.runner.display import NORMAL, VERBOSE, Display
from socketserver_reference.conformance.runner.options import Options
from socketserver_reference.conformance.runner.selection import chosen
from socketserver_reference.conformance.targets.notice import on_this_stderr

if TYPE_CHECKING:
    from socketserver_reference.conformance.reproduce.write import Reproduction

COLLECTED = {"family": "socketserver_reference.conformance.runner.collected_family"}
"""Protocol -> the module whose classes are collected, if not `collected`."""

QUIET_PYTEST = [
    "-qq",
    "--assert=plain",
    "--no-header",
    "--no-summary",
    "--tb=short",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
]


class Progress:
    """One run of the checks; also a pytest plugin, which receives the results."""

    def __init__(self, protocol: str, groups: Sequence[str], targets: dict[str, Any], display: Display) -> None:
        self._module = COLLECTED.get(protocol, "socketserver_reference.conformance.runner.collected")
        self._groups = groups
        self._targets = targets
        self._run = plugin.Run(Options())
        self._display = display
        self._several = len(targets) != 1
        self._subject = ""
        self._outcomes: dict[str, Outcome] = {}  # clause -> the worst outcome of its checks of the subject so far
        self._number = 0  # of the check that is played
        self._of = 0
        self.spent: dict[str, float] = {}
        """Clause -> seconds that its checks took."""
        self._collected: set[str | None] = set()  # clauses with a check that runs
        self._deselected: set[str] = set()  # clauses with a check that pytest's own arguments leave out
        self._unplayed: dict[str, str | None] = {}  # the checks that have not ended yet -> the clause each decides
        self.interrupted = False
        """Whether a signal ended the run."""
        self.trouble = False
        """Whether a check ended with an error of its own."""

    @property
    def cannot(self) -> str:
        """Why there is no server to check, or ""."""
        return self._run.cannot

    @property
    def misfit(self) -> Sequence[str]:
        """How the server shows that it does not speak the dialect, in lines; empty unless it does."""
        return self._run.misfit

    def run(self, arguments: Sequence[str]) -> int:
        """Run the checks; return pytest's exit status."""
        if self._targets:
            from socketserver_reference.conformance.runner import collected

            collected.put(self._targets)
        with _undisturbed() as directory, on_this_stderr(), self._display.ticking():
            isolated = ["-c", os.devnull, f"--rootdir={directory}", "--noconftest", "-p", "pytest_timeout"]
            words = [*isolated, *QUIET_PYTEST, "-p", plugin.__name__, "--pyargs", self._module, *arguments]
            with self._display.alone():
                return int(pytest.main(words, plugins=[self]))

    # The hooks of pytest

    def pytest_configure(self, config: pytest.Config) -> None:
        self._plugins = config.pluginmanager

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._run = session.config.stash[plugin.RUN]
        self._run.interrupted = lambda: self.interrupted

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            if (clause := plugin.decided(item)) and plugin.is_played(item, self._run.options):
                self._deselected.add(clause)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._unplayed = {item.nodeid: plugin.decided(item) for item in session.items}
        self._collected = {*self._unplayed.values()}
        self._of = len(session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        with lost_interrupts.repeated():
            return (yield)

    def pytest_runtest_logstart(self, location: tuple[str, int | None, str]) -> None:
        self._number += 1
        self._display.progress(_told(location)[1], self._number, self._of)

    def pytest_sessionfinish(self) -> None:
        self._sum_up()
        self._display.clear()
        if self.interrupted:
            self._display.print("")  # as pytest would

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self) -> tuple[str, str, str]:
        return "", "", ""  # no dots: each check has its line

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not (report.when == "setup" and report.outcome != "passed"):
            return
        self._unplayed.pop(report.nodeid, None)
        if self._run.cannot or self._run.misfit:
            return
        clause, outcome = report.clause, report.verdict
        if clause:
            self.spent[clause] = self.spent.get(clause, 0.0) + report.duration
        subject, story = _told(report.location)
        if subject != self._subject:
            self._sum_up()
            if self._several:
                self._display.print(subject, least=VERBOSE)
        self._subject = subject
        if clause:
            self._outcomes[clause] = min(outcome, self._outcomes.get(clause, outcome), key=WORST_FIRST.index)
        expected = outcome == "violated" and self._run.expected_failure(clause)
        word = "known failure" if expected else OUTCOME_WORDS[outcome]
        tells = outcome in ("violated", "unconfirmed") or report.trouble
        self._display.print(f"  {clause or '-':<8} {word:<14} {story}", least=NORMAL if tells else VERBOSE)
        if report.trouble:
            self.trouble = True
            self._display.print(report.longreprtext)

    def _sum_up(self) -> None:
        """Print a line for a class of the family whose checks have ended."""
        if self._outcomes and not self._targets:
            self._display.print(f"  {self._subject:<34} {counts(self._outcomes.values())}")
        self._outcomes.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_keyboard_interrupt(self) -> Generator[None, object, object]:
        self.interrupted = True
        self._plugins.unregister(name="terminalreporter")  # it would tell where in this project Python was
        try:
            return (yield)
        except TypeError:  # pytest cannot tell it: Python 3.11 knows no line of some instructions
            return None

    # The results

    def verdicts(self) -> list[Verdict]:
        """Return the verdicts on the chosen clauses of the protocol; pytest's own arguments are a choice, too."""
        found: list[Verdict] = []
        for record in self._run.records.values():
            self._note_interrupt(record)
            for clause in self._deselected & self._collected:
                record.note(clause, "not-checked", "the arguments after -- leave out a part of its checks")
        for group in self._groups:
            records = [record for record in self._run.records.values() if group in record.groups]
            found += merged(records) if records else self._unrecorded(group)
        return [verdict for verdict in found if verdict.clause.id not in self._deselected - self._collected]

    def _unrecorded(self, group: str) -> list[Verdict]:
        """Return the verdicts on clauses without a check: none ran, or the transport is of the other kind."""
        record = Record((group,), chosen(self._run.options, (group,)))
        datagrams = group == "UDP"
        if self._targets and not any((protocol == "datagram") == datagrams for protocol in self._targets):
            kind = "datagrams" if datagrams else "connections"
            for clause in record.clauses:
                record.note(clause.id, "not-applicable", f"the clause is about {kind}")
        self._note_interrupt(record)
        return record.verdicts()

    def _note_interrupt(self, record: Record) -> None:
        """Note that the checks which had not ended when the user interrupted the run decide nothing."""
        for clause in filter(None, self._unplayed.values()) if self.interrupted else ():
            record.note(clause, "not-checked", "interrupted")

    def reproductions(self, verdicts: Sequence[Verdict]) -> "list[Reproduction]":
        """Return what became of the script for each violation, if scripts were requested."""
        if self._run.options.reproduce is None:
            return []
        from socketserver_reference.conformance.reproduce.write import UNWRITTEN, Reproduction, write_test

        violated = [verdict.violation for verdict in verdicts if verdict.violation is not None]
        none = {
            violation.clause_id: write_test(violation, self._run.options.reproduce)
            if CLAUSES[violation.clause_id].observer == "in-process"
            else Reproduction(violation.clause_id, None, UNWRITTEN)
            for violation in violated
        }
        return [*{**none, **self._run.reproductions}.values()]

    def remarks(self) -> list[str]:
        """Return the messages about the servers."""
        return self._run.remarks

    def explored(self) -> list[str]:
        """Return the lines about the explorations."""
        return [line for record in self._run.records.values() for line in record.explored]


def _told(location: tuple[str, int | None, str]) -> tuple[str, str]:
    """Return the subject of a check, and the check in words, from its place in pytest."""
    subject, _, check = location[2].rpartition(".test_")
    return subject.removeprefix("Test"), check.replace("_", " ")


def merged(records: Sequence[Record]) -> list[Verdict]:
    """Return the worst verdict on each clause among several records."""
    worst: dict[str, Verdict] = {}
    for verdict in (verdict for record in records for verdict in record.verdicts()):
        seen = worst.setdefault(verdict.clause.id, verdict)
        worst[verdict.clause.id] = min(seen, verdict, key=lambda one: WORST_FIRST.index(one.outcome))
    return [worst[id] for id in CLAUSES if id in worst]


@contextmanager
def _undisturbed() -> Iterator[str]:
    """Isolate pytest and Hypothesis from the environment; yield a temporary directory for the files they write."""
    with tempfile.TemporaryDirectory(prefix="check-") as directory:
        settings = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HYPOTHESIS_STORAGE_DIRECTORY": directory}
        before = {name: os.environ.get(name) for name in (*settings, "PYTEST_ADDOPTS", "PYTEST_PLUGINS")}
        for name in before:
            os.environ.pop(name, None)
        os.environ.update(settings)
        try:
            yield directory
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
