"""The pytest plugin: options, fixtures, and what a violation looks like in a report.

It comes with the installation, so it has to be light: unless a conformance class is collected, it imports neither
Hypothesis nor sockets. What it needs then, it imports where it needs it.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from reference.clauses import CLAUSES, PROFILES
from reference.conformance.record import OUTCOMES, Outcome, Record
from reference.conformance.suite import Conformance, NotApplicable, NotChecked
from reference.conformance.violation import Violation

if TYPE_CHECKING:
    from reference.conformance.performer import Performer, Playing

PATIENCE = 5.0
"""Seconds that anything which must come may take, unless --conformance-patience says otherwise."""

EXAMPLES = 30
"""Runs of a state machine, unless --conformance-examples says otherwise."""


@dataclass
class Options:
    """How to check; `conformance` in pytest's configuration, and the options of `check`, end up here."""

    profile: str | None = None
    only: frozenset[str] = frozenset()
    strict: bool = False
    examples: int = EXAMPLES
    seed: int = 0
    patience: float = PATIENCE
    any_segmentation: bool = False
    dialect: str = ""


@dataclass
class Run:
    """What a pytest run knows of conformance: its options, and a record for each conformance class."""

    options: Options
    records: dict[type[Conformance], Record] = field(default_factory=dict)
    cannot: str = ""
    """Why the first target that could not be started could not."""

    def record_of(self, cls: type[Conformance]) -> Record:
        """Return the class's record."""
        return self.records.setdefault(cls, Record(cls.groups))


RUN = pytest.StashKey[Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance of echo and chat servers")
    group.addoption("--conformance-profile", choices=PROFILES, help="check the clauses of this profile only")
    group.addoption(
        "--conformance-only",
        action="append",
        default=[],
        metavar="ID",
        type=_clause,
        help="check this clause only, e.g. CHAT-7 (repeatable)",
    )
    group.addoption("--conformance-strict", action="store_true", help="a violated SHOULD fails too")
    group.addoption(
        "--conformance-examples", type=_positive(int), default=EXAMPLES, metavar="N", help="runs of each state machine"
    )
    group.addoption("--conformance-seed", type=int, default=0, metavar="N", help="seed of the state machines")
    group.addoption(
        "--conformance-patience",
        type=_positive(float),
        default=PATIENCE,
        metavar="SECONDS",
        help="longest wait for what must come",
    )
    group.addoption(
        "--conformance-any-segmentation",
        action="store_true",
        help="the path to the server may split what a client says: accept every way",
    )

    group.addoption(
        "--conformance-dialect",
        default="",
        metavar="NAME|FILE",
        help="the dialect the server speaks: a name from `socketserver-reference dialects`, or a TOML file",
    )


def _positive(kind: type[Any]) -> Callable[[str], Any]:
    """Return what reads a number above zero, and raises for anything else."""

    def read(text: str) -> Any:
        import argparse
        import math

        try:
            number = kind(text)
        except ValueError:
            number = 0
        if not 0 < number < math.inf:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
        return number

    return read


def _clause(text: str) -> str:
    """Return a clause id; raise for anything else."""
    if text not in CLAUSES:
        import argparse

        raise argparse.ArgumentTypeError(f"{text!r} is no clause; `socketserver-reference spec` lists them")
    return text


def pytest_configure(config: pytest.Config) -> None:
    option = config.getoption
    config.stash[RUN] = Run(
        Options(
            profile=option("--conformance-profile"),
            only=frozenset(option("--conformance-only")),
            strict=option("--conformance-strict"),
            examples=option("--conformance-examples"),
            seed=option("--conformance-seed"),
            patience=option("--conformance-patience"),
            any_segmentation=option("--conformance-any-segmentation"),
            dialect=option("--conformance-dialect"),
        )
    )


# Which checks run


def conformance_class(item: pytest.Item) -> type[Conformance] | None:
    """Return the conformance class of a check, or None for any other test."""
    cls = getattr(item, "cls", None)
    return cls if isinstance(cls, type) and issubclass(cls, Conformance) else None


def decided(item: pytest.Item) -> str | None:
    """Return the clause that a check decides; None for an exploration, and for tests that are no checks."""
    clause = getattr(getattr(item, "function", None), "decides", None)
    return clause if isinstance(clause, str) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the options leave out, and tell those classes that wait by themselves how long to."""
    options = config.stash[RUN].options
    for cls in {cls for item in items if (cls := conformance_class(item)) is not None and hasattr(cls, "patience")}:
        cls.patience = options.patience
    left_out = [item for item in items if conformance_class(item) and not _selected(item, options)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _selected(item: pytest.Item, options: Options) -> bool:
    clause = decided(item)
    if clause is not None:
        return (not options.only or clause in options.only) and options.profile in (None, CLAUSES[clause].profile)
    if item.name == "test_explore_politely":
        return not options.only and options.profile in (None, "basic")
    return item.name != "test_explore_abruptly" or (not options.only and options.profile in (None, "hardened"))


# What checks are given


@pytest.fixture(scope="class")
def performer(request: pytest.FixtureRequest) -> "Iterator[Performer]":
    """The target of the class, started when its first check runs and ended after the last."""
    from reference.conformance.dialect_file import BadDialect, spoken
    from reference.conformance.performer import Performer
    from reference.conformance.target import CannotCheck

    run = request.config.stash[RUN]
    try:
        dialect = spoken(
            run.options.dialect or request.cls.dialect or "note",
            request.cls.protocol,
            any_segmentation=run.options.any_segmentation,
        )
        run.record_of(request.cls).dialect = dialect
        performing = Performer.of(request.cls, request.cls.target, run.options.patience, dialect)
    except (BadDialect, CannotCheck) as error:
        run.cannot = run.cannot or str(error)
        pytest.fail(str(error), pytrace=False)
    try:
        yield performing
    finally:
        performing.close()


@pytest.fixture
def play(request: pytest.FixtureRequest, performer: "Performer") -> "Playing":
    """Play a scenario: see Playing."""
    from reference.conformance.performer import Playing

    clause = decided(request.node)
    if clause is None:
        pytest.fail("a check that plays a scenario says which clause it @decides", pytrace=False)
    return Playing(performer, clause)


@pytest.fixture
def explore(request: pytest.FixtureRequest, performer: "Performer") -> Callable[[str], None]:
    """Explore the target with the state machine of a profile."""
    from reference.conformance.exploration import explore as run_machine

    run = request.config.stash[RUN]
    record = run.record_of(request.cls)

    def exploring(profile: Any) -> None:
        options = run.options
        run_machine(performer, record, request.cls.protocol, profile, examples=options.examples, with_seed=options.seed)

    return exploring


# What becomes of a check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the outcome of a check into a verdict, and its report into what a stranger can follow."""
    report = yield
    cls = conformance_class(item)
    if cls is None:
        return report
    run = item.config.stash[RUN]
    error = call.excinfo.value if call.excinfo is not None else None
    if call.when == "call" or error is not None:
        clause = decided(item)
        outcome, why = _judge(clause, error)
        record = run.record_of(cls)
        if clause is not None:
            record.note(clause, outcome, why)
        seen = error.violation if isinstance(error, NotChecked) and error.violation is not None else error
        if isinstance(seen, Violation):
            record.note_violation(seen, own=clause == seen.clause_id)
        told: Any = report  # whoever reports checks, not tests, reads these
        told.clause, told.verdict = clause, outcome
        told.trouble = not isinstance(seen, Violation | NotApplicable | NotChecked | None)
        _explain(report, run.options, seen)
    return report


def _judge(clause: str | None, error: BaseException | None) -> tuple[Outcome, str]:
    """Return what the end of a check says of the clause it decides."""
    if error is None:
        return "holds", ""
    if isinstance(error, NotApplicable):
        return "not-applicable", str(error)
    if isinstance(error, Violation):
        if clause in (None, error.clause_id):
            return "violated", ""
        return ("holds", "") if error.afterwards else ("not-checked", f"its scenario broke {error.clause_id} first")
    return "not-checked", str(error) or type(error).__name__


def _explain(report: pytest.TestReport, options: Options, error: BaseException | None) -> None:
    """Show a violation as its story, without a traceback, and what is no failure as none."""
    if isinstance(error, NotApplicable | NotChecked):
        report.outcome = "skipped"
        report.longrepr = (report.location[0], report.location[1] or 0, f"{type(error).__name__}: {error}")
    elif isinstance(error, Violation):
        report.longrepr = str(error)
        if CLAUSES[error.clause_id].level == "SHOULD" and not options.strict:
            report.outcome = "skipped"
            report.wasxfail = f"{error.clause_id} is a SHOULD: {error.observed}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say for each conformance class what holds and what does not, unless pytest is to sum up nothing."""
    if config.getoption("no_summary"):
        return
    for cls, record in config.stash[RUN].records.items():
        verdicts = record.verdicts()
        counted = {outcome: [v.clause.id for v in verdicts if v.outcome == outcome] for outcome in OUTCOMES}
        line = ", ".join(f"{len(ids)} {outcome.replace('-', ' ')}" for outcome, ids in counted.items() if ids)
        broken = f" ({', '.join(counted['violated'])})" if counted["violated"] else ""
        terminalreporter.write_line(f"{cls.__name__}: {line}{broken}")
