"""`socketserver-faults schedule PROGRAM [SCENARIO]`: report the first schedule that fails.

Exit codes: 0 if no schedule fails, 1 if one does, 2 if the program could not be played.
"""

import argparse
import os
import shlex
import sys
import time
from dataclasses import replace
from typing import NoReturn

from socketserver_faults.schedule.core.line_points import NoLines
from socketserver_faults.schedule.core.run import LostThread
from socketserver_faults.schedule.exploration import explore, html_story, story
from socketserver_faults.schedule.exploration.replay import BadCode, Code
from socketserver_faults.schedule.exploration.search import Bounds, RunsDiffer, SearchResult
from socketserver_faults.schedule.virtual import models
from socketserver_faults.schedule.virtual.network import NotModelled
from socketserver_faults.schedule.world import learning
from socketserver_faults.schedule.world.scenarios import SCENARIOS, NamedScenario
from socketserver_faults.schedule.world.subject import Subject, SubjectRefused, read
from socketserver_faults.schedule.world.world import World
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.cli import report_files
from socketserver_reference.cli.report_files import CannotWrite
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import BadDialect, find
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.runner.options import number
from socketserver_reference.conformance.scenario.text import printable

UNPLAYABLE = (SubjectRefused, NotModelled, NoLines, LostThread, RunsDiffer)
"""Errors that say why a program cannot be played."""


class Models(argparse.Action):
    """Print the table of what plays under the scheduler, and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print("\n".join(models.lines()))
        parser.exit()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `schedule`."""
    parser.add_argument(
        "program",
        help="a fault, a server of the reference (echo, chat, overthreaded), your own handler package.module:Handler, "
        "or a program that serves by itself: file.py or package.module (its arguments after --)",
    )
    parser.add_argument("scenario", nargs="?", help=f"what the clients do: {', '.join(SCENARIOS)} (default: all)")
    report_files.add_arguments(parser, "a failure", ["html"])
    parser.add_argument("--models", action=Models, nargs=0, help="print what plays under the scheduler, and exit")
    parser.add_argument(
        "--dialect",
        default=NOTE.name,
        metavar="NAME|FILE",
        help="how the program speaks: a bundled dialect, or a TOML file (default: the reference's own)",
    )
    parser.add_argument(
        "--learn", action="store_true", help="learn first how the program speaks, from what it says to virtual clients"
    )
    parser.add_argument(
        "--type", action="append", default=[], metavar="LINE", help="type a line at the program's keyboard; any number"
    )
    parser.add_argument(
        "--deviations",
        type=number(int, 0, 9),
        metavar="K",
        help="try all schedules with up to K deviations (default: one schedule of each class of equivalent ones, or "
        "where that is not possible all with up to 2 deviations, in some scenarios 1 or 3)",
    )
    parser.add_argument(
        "--seconds", type=number(int, 1, 86_400), default=60, metavar="S", help="stop after S seconds (default: 60)"
    )
    parser.add_argument(
        "--schedules",
        type=number(int, 1, 10**9),
        default=10**9,
        metavar="N",
        help="stop after N schedules (default: no limit)",
    )
    parser.add_argument(
        "--random",
        type=number(int, 1, 10**9),
        metavar="N",
        help="play N random scenarios under random schedules instead",
    )
    parser.add_argument(
        "--seed", type=number(int, 0, 10**8), default=0, metavar="N", help="the first seed for --random (default: 0)"
    )
    parser.add_argument("--replay", metavar="CODE", help="play the one schedule whose code a failure printed")
    parser.add_argument(
        "--lines",
        action="store_true",
        help="also switch threads between lines of the program; may report races that CPython cannot produce",
    )


def run(options: argparse.Namespace) -> int:
    """Run `schedule`; return the exit code."""
    try:
        report_files.chosen(options)
        if options.learn and options.dialect != NOTE.name:
            raise SubjectRefused("--learn and --dialect both say how the program speaks: leave one out")
        dialect = spoken_dialect(options.dialect)
        if options.replay is not None:
            return _replay(options, dialect)
        return _search(options, dialect)
    except (*UNPLAYABLE, BadCode, BadDialect, CannotWrite) as error:
        print(f"socketserver-faults schedule: {printable(str(error))}", file=sys.stderr)
        return 2


def spoken_dialect(name: str) -> Dialect:
    """Return the dialect of that name or file; raise BadDialect if it is not one of connections."""
    dialect = find(name)
    if not {"chat", "echo"} & set(dialect.protocols):
        raise BadDialect(f"--dialect {name}: it is one of datagrams, and the scheduler models TCP connections alone")
    return dialect


def _learn(options: argparse.Namespace, world: World, protocol: str, until: float) -> Dialect:
    """Learn how the program speaks, until a moment of time.monotonic(), and say it."""
    text = learning.learn_dialect(world, protocol, until)
    print(f"{options.program} speaks this dialect, as learned:")
    print(*(f"  {line}" for line in text.splitlines() if line and not line.startswith("#")), sep="\n")
    return world.dialect


def _again(options: argparse.Namespace, code: Code) -> str:
    dialect = "" if options.dialect == NOTE.name else f" --dialect {shlex.quote(options.dialect)}"
    dialect = " --learn" if options.learn else dialect
    typed = "".join(f" --type {shlex.quote(line)}" for line in options.type)
    arguments = f" -- {shlex.join(options.arguments)}" if options.arguments else ""
    return f"socketserver-faults schedule {shlex.quote(options.program)}{dialect}{typed} --replay {code}{arguments}"


def _subject(options: argparse.Namespace, protocol: str) -> Subject:
    """Return the program that is played, with what it is given."""
    return replace(read(options.program, protocol, options.arguments), typed=tuple(options.type))


def _search(options: argparse.Namespace, dialect: Dialect) -> int:
    if options.random and options.scenario:
        raise SubjectRefused("--random makes its own scenarios: leave the scenario out")
    until = time.monotonic() + options.seconds
    protocol = explore.protocol_of(options.scenario, dialect)
    subject = _subject(options, protocol)
    with one_processor(os.getpid()), world_of(subject, lines=options.lines, dialect=dialect) as world:
        dialect = _learn(options, world, protocol, until) if options.learn else dialect
        explore.meet(world, explore.protocol_of(options.scenario, dialect))
        scenarios: dict[str, NamedScenario] = {}
        bounds = Bounds(options.deviations, options.schedules, until - time.monotonic())
        if options.random:
            found = explore.search_random(world, options.random, options.seed)
        else:
            scenarios = explore.scenarios_for(world.subject, options.scenario, dialect)
            found = explore.search_schedules(world, scenarios, bounds)
        explore.confirm(world, scenarios, found, lines=options.lines)
        if found.outcome is not None:
            again = _again(options, explore.code_of(found, lines=options.lines))
            print(f"{options.program} " + "\n".join(story.report_lines(found, again)))
            _write_page(options, found, again)
            try:
                for other in explore.further_failures(world, scenarios, found, bounds):
                    explore.confirm(world, scenarios, other, lines=options.lines)
                    print(story.further_line(other, explore.code_of(other, lines=options.lines)), flush=True)
            except UNPLAYABLE as error:  # the failure is confirmed all the same
                print(f"not all was searched for other clauses: {printable(str(error))}")
            return 1
    print(f"{options.program}: {found.schedules} schedules in {found.seconds:.1f} s, and none fails")
    print("\n".join(story.coverage_lines(found)))
    return 0


def _replay(options: argparse.Namespace, dialect: Dialect) -> int:
    code = Code.parse(options.replay)
    if options.scenario not in (None, code.scenario):
        raise BadCode(f"{code} is for the scenario {code.scenario!r}, not {options.scenario!r}")
    protocol = explore.protocol_of(code.scenario, dialect)
    subject = _subject(options, protocol)
    with world_of(subject, lines=code.lines, dialect=dialect) as world:
        if options.learn:
            learning.learn_dialect(world, protocol)
        (scenario,) = explore.scenarios_for(world.subject, code.scenario, world.dialect).values()
        outcome = explore.replay_schedule(world, scenario, code)
    print("\n".join(story.run_lines(outcome)))
    if outcome.failure is None:
        return 0
    found = SearchResult({}, scenario=code.scenario, deviations=code.deviations, outcome=outcome)
    _write_page(options, found, _again(options, code))
    return 1


def _write_page(options: argparse.Namespace, found: SearchResult, again: str) -> None:
    if options.html:
        report_files.write(options.html, html_story.write(options.program, found, again))
