"""`socketserver-reference check`: check any server, and say which clauses it breaks.

The checks run in pytest; this module turns a command line into a pytest run, and its outcome into a report. Exit codes:
0 the server conforms, 1 it does not, 2 it could not be checked; 130 after an interrupt, with the results so far.
"""

import argparse
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.cli import input_files, report_files
from socketserver_reference.cli.options import GROUPS, CommandError, add_check_arguments, of_the_plugin, require_extra
from socketserver_reference.cli.signals import terminated_as_interrupted
from socketserver_reference.cli.targets import find_targets, read_dialect
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.results.exit_codes import CONFORMS, INTERRUPTED, NOT_CHECKED, VIOLATED
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.runner.options import OPTIONS
from socketserver_reference.conformance.scenario.text import printable

add_arguments = add_check_arguments

CHOOSING = ("only", "profile", "known")
"""Options that choose the clauses, or list those that are known to be broken."""

BAD_USAGE, NOTHING_SELECTED = 4, 5
"""Exit statuses of pytest: it could not start; it found no test to run."""


def run(options: argparse.Namespace, pytest_arguments: Sequence[str] = ()) -> int:
    """Check the server that the options name; return the exit code."""
    try:
        with terminated_as_interrupted():
            return _check(options, pytest_arguments)
    except (CommandError, input_files.InvalidInputFile, report_files.CannotWrite) as error:
        print(f"socketserver-reference check: {printable(str(error))}", file=sys.stderr)
    except KeyboardInterrupt:
        print("socketserver-reference check: interrupted before there was any result", file=sys.stderr)
        return INTERRUPTED
    return NOT_CHECKED


def _check(options: argparse.Namespace, pytest_arguments: Sequence[str]) -> int:
    refuse_others(options)
    wanted = report_files.chosen(options)
    name, targets = find_targets(options)
    require_extra()
    from socketserver_reference.conformance.dialects import effects
    from socketserver_reference.conformance.reports import text
    from socketserver_reference.conformance.results.report import Report
    from socketserver_reference.conformance.runner.command_run import Progress
    from socketserver_reference.conformance.runner.display import NORMAL, QUIET, VERBOSE, Display

    display = Display(VERBOSE if options.verbose else QUIET if options.quiet else NORMAL)
    command, choice = again(options), chosen(options)
    dialect = read_dialect(options, targets)
    listed, before = input_files.read(options, dialect.name)
    spoken = "" if dialect.name == "note" else f", in the dialect {dialect.name}"
    heading = (
        f"checking {options.protocol}: {name}{spoken} (seed {options.seed}{share_budget(options, dialect, targets)})"
    )
    display.print(printable(heading), *listed.elsewhere())
    began, clock = datetime.now(UTC), time.monotonic()
    progress = Progress(options.protocol, GROUPS[options.protocol], targets, display)
    with one_processor(os.getpid()) if options.launch is None and options.target is None else nullcontext():
        status = progress.run([*of_the_plugin(options), *listed.options(), *pytest_arguments])
    if progress.cannot:
        raise CommandError(progress.cannot)
    if status == BAD_USAGE:
        raise CommandError("pytest refuses the arguments after --; its message is above")
    trouble = progress.trouble or bool(progress.misfit) or status not in (0, 1, NOTHING_SELECTED)
    with input_files.one_line_errors():
        verdicts, news = listed.apply(progress.verdicts(), strict=options.strict, trouble=trouble)
    code, conclusion = conclude(verdicts, strict=options.strict, trouble=trouble)
    if progress.misfit:
        code, conclusion = NOT_CHECKED, f"could not be checked: it does not speak the dialect {printable(dialect.name)}"
    if progress.interrupted:
        so_far = f"; {conclusion}" if code == VIOLATED or progress.misfit else ""
        code, conclusion = INTERRUPTED, f"interrupted{so_far}"
    about = {verdict.clause.id for verdict in verdicts}
    written = progress.reproductions(verdicts)
    report = Report(
        options.protocol,
        name,
        verdicts,
        conclusion,
        code,
        seed=options.seed,
        profile=options.profile,
        strict=options.strict,
        explored=progress.explored(),
        dialect=dialect.name,
        changes=[(clause, what) for clause, what in effects.changes(dialect) if clause in about],
        waived=[(clause, why) for clause, why in effects.not_applicable(dialect).items() if clause in about],
        misfit=progress.misfit,
        scripts=[str(told) for told in written],
        sources={told.clause: told.text for told in written if told.file},
        news=[*progress.remarks(), *news],
        began=began,
        seconds=time.monotonic() - clock,
        spent=progress.spent,
        command=command,
        choice=choice,
        site=options.site or "",
    )
    if before is not None:
        report = report.compared(options.compare, before)
    try:
        report_files.write_all(report, wanted)
    finally:
        lines = text.write(report, whole=options.verbose)
        # pytest ends with an empty line of its own, as the report begins with one
        display.print(*(lines[-1:] if options.quiet else lines[1:]), least=QUIET)
    if display.unprinted is not None:
        raise display.unprinted
    return code


def again(options: argparse.Namespace) -> str:
    """Return the command that checks the same server in the same way; what chooses the clauses, or is only about the
    reports, is left out.
    """
    words = ["socketserver-reference", "check", options.protocol, *filter(None, [options.target])]
    for name in ("launch", "transport"):
        words += [f"--{name}={value}" for value in [getattr(options, name)] if value]
    for option in OPTIONS:
        value = getattr(options, option.field)
        if option.name not in (*CHOOSING, "reproduce") and value != option.default:
            words += option.spelled("--", value)
    return shlex.join(words)


def chosen(options: argparse.Namespace) -> str:
    """Return the options that choose the clauses, or list those that are known to be broken."""
    given = [option.spelled("--", getattr(options, option.field)) for option in OPTIONS if option.name in CHOOSING]
    return shlex.join(chain.from_iterable(given))


def share_budget(options: argparse.Namespace, dialect: Dialect, targets: Mapping[str, Any]) -> str:
    """Divide the budget among the targets; return the words about it for the heading, "" for checks without one."""
    from socketserver_reference.conformance.driver.budget import default_budget

    if not targets:
        return ""
    if options.budget is None:
        seconds = default_budget(options.timeout, options.examples, dialect.limits) * len(targets)
        return f", at most {seconds:g} s if it is prompt"
    seconds, options.budget = options.budget, options.budget / len(targets)
    return f", at most {seconds:g} s"


def refuse_others(options: argparse.Namespace) -> None:
    """Raise CommandError if --only names a clause of another protocol."""
    for id in options.only:
        known = [clause.id for clause in CLAUSES.values() if clause.group in GROUPS[options.protocol]]
        if id not in known:
            raise CommandError(f"--only {id}: not a clause of {options.protocol}, which has {', '.join(known)}")


def conclude(verdicts: Sequence[Any], *, strict: bool, trouble: bool) -> tuple[int, str]:
    """Return the exit code and the last line of the report."""
    from socketserver_reference.conformance.results import report

    failing = [verdict for verdict in verdicts if report.fails(verdict, strict)]
    broken = [verdict.clause.id for verdict in failing if not verdict.stale]
    stale = [verdict.clause.id for verdict in failing if verdict.stale]
    if broken:
        return VIOLATED, f"does not conform: breaks {', '.join(broken)}"
    if stale:
        return VIOLATED, f"the list of known failures is stale: no longer broken: {', '.join(stale)}"
    if all(verdict.outcome in ("not-checked", "not-applicable") for verdict in verdicts):
        return NOT_CHECKED, "nothing was checked"
    if unchecked := [verdict.clause.id for verdict in verdicts if report.lacks(verdict, strict)]:
        return NOT_CHECKED, f"not everything could be checked: {', '.join(unchecked)} not checked"
    if trouble:
        return NOT_CHECKED, "not everything could be checked: see the errors above"
    known = [verdict.clause.id for verdict in verdicts if verdict.outcome == "violated" and verdict.known]
    advice = [verdict.clause.id for verdict in verdicts if verdict.outcome == "violated" and not verdict.known]
    doubtful = [verdict.clause.id for verdict in verdicts if verdict.outcome == "unconfirmed" and not verdict.known]
    but = f" but for known failures: {', '.join(known)}" if known else ""
    though = f", though it should not break {', '.join(advice)}" if advice else ""
    undecided = [verdict.clause.id for verdict in verdicts if verdict.outcome == "not-checked"]
    where = f" {extent}" if (extent := report.extent(verdicts)) else ""
    unsure = f"; unconfirmed: {', '.join(doubtful)}" if doubtful else ""
    unasked = f"; not checked: {', '.join(undecided)}" if undecided else ""
    return CONFORMS, f"conforms{where}{but}{though}{unsure}{unasked}"
