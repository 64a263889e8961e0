"""The pytest plugin: it selects the checks, gives them their fixtures, and turns their outcomes into verdicts.

An installation activates it, so it has to be light: unless a conformance class is collected, it imports neither
Hypothesis nor sockets. The imports for conformance classes are inside its functions.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from socketserver_reference.conformance.checks.base import Conformance
from socketserver_reference.conformance.results import known
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.results.verdicts import OUTCOMES, Record
from socketserver_reference.conformance.runner.check_outcomes import WORST_FIRST, explain, outcome_of
from socketserver_reference.conformance.runner.options import KNOWN_BROKEN_HANDLER_TIMEOUT, OPTIONS, SHARD, Options
from socketserver_reference.conformance.runner.selection import chosen, plays, tellable
from socketserver_reference.conformance.scenario.violation import Violation

if TYPE_CHECKING:
    from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
    from socketserver_reference.conformance.driver.session import Session
    from socketserver_reference.conformance.reproduce.write import Reproduction


@dataclass(eq=False)
class Run:
    """The state of a pytest run: the options, and a record for each conformance class."""

    options: Options
    known: tuple[Known, ...] = ()
    """The known failures, in the dialect of this run."""
    records: dict[type[Conformance], Record] = field(default_factory=dict)
    cannot: str = ""
    """Why the first target that failed to start could not be started."""
    examined: set[type[Conformance]] = field(default_factory=set)
    """Classes whose first conversation failed, so that it was examined whether the dialect fits."""
    misfit: Sequence[str] = ()
    """How the first target that does not speak its dialect shows that, in lines."""
    reproductions: "dict[str, Reproduction]" = field(default_factory=dict)
    """Clause -> the script that shows the violation, or why there is none."""
    remarks: list[str] = field(default_factory=list)
    """Messages about the servers, a line each."""
    outcomes: dict[str, str] = field(default_factory=dict)
    """Clause -> the worst outcome of any check of any class, in any process."""
    interrupted: Callable[[], bool] = lambda: False
    """Whether the user has ended the run: then no script is tried any more."""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Collect the outcomes of checks; pytest-xdist passes the reports of its workers here as well."""
        ended = {report.clause: report.verdict} if getattr(report, "clause", None) else {}
        for clause, outcome in {**ended, **dict.fromkeys(getattr(report, "broken", ()), "violated")}.items():
            worse = self.outcomes.get(clause, outcome), outcome
            self.outcomes[clause] = min(worse, key=WORST_FIRST.index)

    def stale(self) -> list[Known]:
        """Return the known failures whose clauses hold, after all checks."""
        return known.stale(self.known, self.outcomes)

    def expected_failure(self, clause: str | None) -> Known | None:
        """Return the known failure of a clause, or None."""
        return next((entry for entry in self.known if entry.clause == clause), None)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run that would pass, if a known failure is stale."""
        if self.stale() and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def record_of(self, cls: type[Conformance]) -> Record:
        """Return the class's record."""
        shown = chosen(self.options, cls.groups), tellable(self.options, cls.groups)
        return self.records.setdefault(cls, Record(cls.groups, *shown))


RUN = pytest.StashKey[Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance of echo and chat servers")
    for option in (*OPTIONS, SHARD):
        group.addoption(f"--conformance-{option.name}", **option.settings())


def pytest_configure(config: pytest.Config) -> None:
    options = Options(**{option.field: config.getoption(f"--conformance-{option.name}") for option in OPTIONS})
    config.stash[RUN] = Run(options, _known(options))
    config.pluginmanager.register(config.stash[RUN])


def _known(options: Options) -> tuple[Known, ...]:
    """Return the known failures in the dialect of the run."""
    if options.known is None:
        return ()
    from socketserver_reference.conformance.results.known_file import BadKnown, read

    try:
        name = options.dialect and Path(options.dialect).name.removesuffix(".toml")
        return tuple(entry for entry in read(options.known) if not name or entry.applies_to(name))
    except BadKnown as error:
        raise pytest.UsageError(str(error)) from None


# The selection of checks


def conformance_class(item: pytest.Item) -> type[Conformance] | None:
    """Return the conformance class of a check, or None for any other test."""
    cls = getattr(item, "cls", None)
    return cls if isinstance(cls, type) and issubclass(cls, Conformance) else None


def decided(item: pytest.Item) -> str | None:
    """Return the clause that a check decides; None for an exploration, and for tests that are no checks."""
    clause = getattr(getattr(item, "function", None), "decides", None)
    return clause if isinstance(clause, str) else None


@pytest.hookimpl(trylast=True)  # after -m and -k, so that shards are of one size
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the checks that the options leave out, and what belongs to other shards."""
    options = config.stash[RUN].options
    kept = [item for item in items if is_played(item, options)]
    part, parts = config.getoption("--conformance-shard") or (1, 1)
    own = set(sorted(kept, key=lambda item: item.nodeid)[part - 1 :: parts])
    if left_out := [item for item in items if item not in own]:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item in own]


def is_played(item: pytest.Item, options: Options) -> bool:
    """Whether the options leave in a test; they leave out checks and explorations alone."""
    cls = conformance_class(item)
    return cls is None or plays(options, cls.groups, item.name, decided(item))


# The fixtures of checks


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Set the timeout of classes that wait by themselves: a short one for a clause that is known to be broken."""
    cls = conformance_class(item)
    if cls is not None and hasattr(cls, "timeout"):
        run = item.config.stash[RUN]
        timeout = run.options.timeout
        known = run.expected_failure(decided(item)) is not None
        cls.timeout = min(KNOWN_BROKEN_HANDLER_TIMEOUT, timeout) if known else timeout


@pytest.fixture(scope="class")
def conformance_session(request: pytest.FixtureRequest) -> "Iterator[Session]":
    """The target of the class, started before its first check and ended after the last."""
    from socketserver_reference.conformance.confirm.confirmer import Effort
    from socketserver_reference.conformance.dialects.loader import BadDialect, spoken
    from socketserver_reference.conformance.driver.budget import Budget, default_budget
    from socketserver_reference.conformance.exploration.examples import kept_at
    from socketserver_reference.conformance.runner import direct
    from socketserver_reference.conformance.targets.base import CannotCheck

    run = request.config.stash[RUN]
    try:
        dialect = spoken(
            run.options.dialect or request.cls.dialect or "note",
            request.cls.protocol,
            any_segmentation=run.options.any_segmentation,
        )
        run.record_of(request.cls).dialect = dialect
        options = run.options
        seconds = options.budget or default_budget(options.timeout, options.examples, dialect.limits)
        budget = Budget(seconds, fixed=options.budget is not None)
        with kept_at(options.database):  # before anything is checked
            pass
        session = direct.session_for(request.cls, request.cls.target, run.options.timeout, dialect, Effort())
    except (BadDialect, CannotCheck) as error:
        run.cannot = run.cannot or str(error)
        pytest.fail(str(error), pytrace=False)
    session.keep(budget)
    direct.expect_failures(session, request.cls.protocol, run.known)
    try:
        yield session
        run.remarks += session.remarks
        _reproduce(run, request.cls, session)
    finally:
        session.close()


def _reproduce(run: Run, cls: type[Conformance], session: "Session") -> None:
    """Write the requested scripts, those for new failures first."""
    from socketserver_reference.conformance.reproduce.write import write_all

    violations = [verdict.violation for verdict in run.record_of(cls).verdicts() if verdict.violation is not None]
    if run.options.reproduce is not None and violations and not run.interrupted():
        violations.sort(key=lambda violation: run.expected_failure(violation.clause_id) is not None)
        for told in write_all(session, cls.protocol, violations, run.options.reproduce):
            run.reproductions[told.clause] = told


class _Fixtures:
    """The fixtures of conformance classes alone, so that other tests may have fixtures of the same names."""

    @pytest.fixture
    def play(self, request: pytest.FixtureRequest, conformance_session: "Session") -> "ScenarioRunner":
        """Play a scenario: see ScenarioRunner."""
        from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner

        clause = decided(request.node)
        if clause is None:
            pytest.fail("a check that plays a scenario must name the clause that it @decides", pytrace=False)
        return ScenarioRunner(conformance_session, clause, request.config.stash[RUN].options.idle)

    @pytest.fixture
    def explore(self, request: pytest.FixtureRequest, conformance_session: "Session") -> Callable[[str], None]:
        """Explore the target with the state machine of a profile."""
        from socketserver_reference.conformance.exploration.explore import explore as run_machine

        run = request.config.stash[RUN]
        record = run.record_of(request.cls)

        def exploring(profile: Any) -> None:
            options = run.options
            run_machine(
                conformance_session,
                record,
                request.cls.protocol,
                profile,
                examples=options.examples,
                with_seed=options.seed,
                database=options.database,
                kept_as=request.node.nodeid,
                chosen=tellable(options, request.cls.groups),
            )

        return exploring


for _name in ("play", "explore"):
    setattr(Conformance, _name, vars(_Fixtures)[_name])


# The outcome of a check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the outcome of a check into a verdict, and its report into a story without a traceback."""
    cls = conformance_class(item)
    if cls is None:
        return (yield)
    from socketserver_reference.conformance.targets.base import CannotCheck

    raised = call.excinfo
    error = raised.value if raised is not None else None
    run = item.config.stash[RUN]
    absent = str(error) if isinstance(error, CannotCheck) else ""
    run.cannot = run.cannot or absent
    if isinstance(error, Violation | NotApplicable | NotChecked | CannotCheck):  # reported as a story, below
        call.excinfo = _untraced(absent)
    elif isinstance(error, pytest.fail.Exception) and not error.pytrace:
        call.excinfo = _untraced(str(error))
    report = yield
    call.excinfo = raised
    misfit = _misfit(run, cls, item, error)
    error = NotChecked(misfit[0].rstrip(":")) if misfit else error
    if call.when == "call" or error is not None:
        clause = decided(item)
        outcome, why = outcome_of(clause, error)
        record = run.record_of(cls)
        if clause is not None:
            record.note(clause, outcome, why)
        seen = error.violation if isinstance(error, NotChecked) and error.violation is not None else error
        if isinstance(seen, Violation):
            for violation in (*seen.before, seen):
                record.note_violation(violation, clause or "")
        told: Any = report  # a plugin that reports checks instead of tests reads these
        told.clause, told.verdict, told.broken = clause, outcome, record.broken
        told.trouble = not isinstance(seen, Violation | NotApplicable | NotChecked | None)
        if isinstance(seen, Violation):  # the one that fails the test, if any does
            seen = next((one for one in seen.before if not run.expected_failure(one.clause_id)), seen)
        entry = run.expected_failure(seen.clause_id) if isinstance(seen, Violation) else None
        explain(report, clause, seen, entry, strict=run.options.strict, dialect=record.dialect)
        if misfit:
            report.longrepr = "\n".join(misfit)
    return report


def _untraced(message: str) -> pytest.ExceptionInfo[BaseException]:
    """Return a failure without a traceback: it would say nothing more, and pytest takes 10 ms to filter a long one."""
    try:
        raise pytest.fail.Exception(message, pytrace=False)
    except pytest.fail.Exception as failure:
        return pytest.ExceptionInfo.from_exception(failure)


def _misfit(run: Run, cls: type[Conformance], item: pytest.Item, error: BaseException | None) -> Sequence[str]:
    """Return the lines that tell that the server does not speak the dialect, if that is why its first conversation
    failed; nothing further is checked then.
    """
    session: Session | None = getattr(item, "funcargs", {}).get("conformance_session")
    shown = error if isinstance(error, Violation) else getattr(error, "violation", None)
    if session is None or session.healthy or shown is None or cls in run.examined:
        return ()
    run.examined.add(cls)
    from socketserver_reference.conformance.driver.dialect_fit import misfit
    from socketserver_reference.conformance.runner import advice

    found = misfit(session.site, session.dialect, cls.protocol, session.full_timeout)
    if found is None:
        return ()
    session.unusable = str(found)
    told = advice.told(found, cls.protocol, cls.target)
    run.misfit = run.misfit or told
    return told


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print a summary of the verdicts of each conformance class, unless pytest prints no summary."""
    if config.getoption("no_summary"):
        return
    for cls, record in config.stash[RUN].records.items():
        verdicts = record.verdicts()
        counted = {outcome: [v.clause.id for v in verdicts if v.outcome == outcome] for outcome in OUTCOMES}
        line = ", ".join(f"{len(ids)} {outcome.replace('-', ' ')}" for outcome, ids in counted.items() if ids)
        broken = f" ({', '.join(counted['violated'])})" if counted["violated"] else ""
        terminalreporter.write_line(f"{cls.__name__}: {line}{broken}")
    for reproduction in config.stash[RUN].reproductions.values():
        terminalreporter.write_line(str(reproduction))
    for remark in config.stash[RUN].remarks:
        terminalreporter.write_line(remark)
    for entry in config.stash[RUN].stale():
        terminalreporter.write_line(known.stale_message(entry, config.stash[RUN].options.known), red=True)
