"""`socketserver-reference check`: check a server, any server, and say which clauses it breaks.

The checks are pytest's; this module turns a command line into a pytest run and its outcome into a report. Exit codes:
0 the server conforms, 1 it does not, 2 it could not be checked.
"""

import argparse
import io
import os
import random
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from socketserver_reference.address import TRANSPORTS, Address, BadAddress
from socketserver_reference.clauses import CLAUSES, PROFILES
from socketserver_reference.cli import history, report_files

if TYPE_CHECKING:
    from socketserver_reference.conformance.dialects.dialect import Dialect

CONFORMS, VIOLATED, NOT_CHECKED = 0, 1, 2

BAD_USAGE, NOTHING_SELECTED = 4, 5
"""Exit statuses of pytest: it could not begin; it found nothing to do."""

GROUPS = {"echo": ("ECHO", "UDP"), "chat": ("CHAT",), "family": ("SRV",)}
"""Protocol -> the groups of clauses that it is checked for."""

LONGEST = 86_400.0
"""Seconds of patience at most: a day, far below what a system's clocks can count to."""

NEEDS = "checking needs pytest, pytest-timeout and Hypothesis: pip install 'socketserver-reference[check]'"


class CannotCheck(Exception):
    """The command line asks for what cannot be; the message says what would do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `check`."""
    parser.add_argument(
        "protocol",
        choices=GROUPS,
        help="what the server serves; family: the socketserver classes of this Python, with the reference's handlers",
    )
    parser.add_argument(
        "target",
        nargs="?",
        help="where a server listens: tcp://host:port, udp://host:port, unix:///path, unix-datagram:///path "
        "(default: the reference, in this process)",
    )
    parser.add_argument(
        "--launch",
        metavar="COMMAND",
        help="start the server by this command, told by {host}, {port} and {path} where to listen, and stop it in the "
        "end; with a TARGET: a command that listens there of itself",
    )
    parser.add_argument(
        "--transport", choices=TRANSPORTS, help="with --launch, or for the reference: what it listens on (default: tcp)"
    )
    parser.add_argument("--profile", choices=PROFILES, help="check the clauses of this profile only")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="check this clause only (repeatable)")
    add_effort_arguments(parser)
    parser.add_argument(
        "--any-segmentation",
        action="store_true",
        help="the path to the server may split what a client says (a proxy, say): accept every way, and leave out the "
        "clauses about whole chunks",
    )
    parser.add_argument(
        "--dialect",
        default="note",
        metavar="NAME|FILE",
        help="how the server speaks, where it differs from the reference: see `dialects` (default: note)",
    )
    history.add_arguments(parser)
    report_files.add_arguments(parser, "the verdicts")
    parser.epilog = "Arguments after -- are pytest's own."


def add_effort_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say how hard to look, and how much to ask."""
    parser.add_argument("--strict", action="store_true", help="a violated SHOULD fails too")
    parser.add_argument(
        "--examples", type=number(int, 1), default=30, metavar="N", help="runs of each state machine (default: 30)"
    )
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="N|random", help="seed of the state machines (default: 0)"
    )
    parser.add_argument(
        "--patience",
        type=number(float, 0.01, LONGEST),
        default=5.0,
        metavar="SECONDS",
        help="how long anything that must come may take (default: 5)",
    )


def number(kind: Callable[[str], Any], least: float, most: float = float("inf")) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            number = kind(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            to = "on" if most == float("inf") else f"to {most:g}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} {to}")
        return number

    return read


def _seed(text: str) -> int:
    if text == "random":
        return random.SystemRandom().randrange(2**32)
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor the word random")
    return int(text)


def run(options: argparse.Namespace, pytest_arguments: Sequence[str] = ()) -> int:
    """Check as the options say; return the exit code."""
    # A target's name may hold what the terminal cannot show; only a replaced stdout is of another kind.
    if isinstance(sys.stdout, io.TextIOWrapper):  # pragma: no branch
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with terminated_as_interrupted():
            return _check(options, pytest_arguments)
    except (CannotCheck, history.NotInOrder, report_files.CannotWrite) as error:
        print(f"socketserver-reference check: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("socketserver-reference check: interrupted before there was anything to tell", file=sys.stderr)
    return NOT_CHECKED


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Take a request to end (SIGTERM) for a Ctrl-C: the server is ended, and the results so far are told."""
    if threading.current_thread() is not threading.main_thread():  # nobody else may say what becomes of a signal
        yield
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows is the end, in order
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check(options: argparse.Namespace, pytest_arguments: Sequence[str]) -> int:
    only = read_only(options)
    wanted = report_files.chosen(options)
    name, targets = find_targets(options)
    if not all(find_spec(name) for name in ("hypothesis", "pytest", "pytest_timeout")):
        raise CannotCheck(NEEDS)
    from socketserver_reference.conformance.dialects import effects
    from socketserver_reference.conformance.reports import text
    from socketserver_reference.conformance.results.report import Report
    from socketserver_reference.conformance.runner.command_run import Progress

    dialect = read_dialect(options, targets)
    listed, before = history.read(options, dialect.name)
    spoken = "" if dialect.name == "note" else f", in the dialect {dialect.name}"
    heading = f"checking {options.protocol}: {name}{spoken} (seed {options.seed})"
    print(heading, *listed.elsewhere(), sep="\n", flush=True)
    began, clock = datetime.now(UTC), time.monotonic()
    progress = Progress(options.protocol, GROUPS[options.protocol], targets)
    with one_processor() if options.launch is None and options.target is None else nullcontext():
        status = progress.run([*conformance_options(options, only), *listed.options(), *pytest_arguments])
    if progress.cannot:
        raise CannotCheck(progress.cannot)
    if status == BAD_USAGE:
        raise CannotCheck("pytest refuses the arguments after --, as said above")
    trouble = progress.trouble or status not in (0, 1, NOTHING_SELECTED)
    with history.told_in_one_line():
        verdicts, news = listed.judge(progress.verdicts(), strict=options.strict, trouble=trouble)
    code, conclusion = conclude(verdicts, strict=options.strict, trouble=trouble)
    about = {verdict.clause.id for verdict in verdicts}
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
        scripts=progress.reproductions(verdicts),
        news=news,
        began=began,
        seconds=time.monotonic() - clock,
        spent=progress.spent,
    )
    if before is not None:
        report = report.compared(options.compare, before)
    print("\n".join(text.write(report)), flush=True)
    report_files.write_all(report, wanted)
    return code


def read_only(options: argparse.Namespace) -> list[str]:
    """Return the clauses asked for by --only; raise CannotCheck for what is none, or none of this protocol."""
    for id in options.only:
        known = [clause.id for clause in CLAUSES.values() if clause.group in GROUPS[options.protocol]]
        if id not in known:
            raise CannotCheck(f"--only {id}: not a clause of {options.protocol}, which has {', '.join(known)}")
    return list(options.only)


def read_dialect(options: argparse.Namespace, targets: Mapping[str, Any]) -> "Dialect":
    """Return the dialect to check in; raise CannotCheck if there is no such dialect, or if it is for something else."""
    from socketserver_reference.conformance.dialects.loader import BadDialect, spoken

    if options.protocol == "family" and options.dialect != "note":
        raise CannotCheck("--dialect says how a server speaks, and family is about the classes of this Python")
    try:
        found = [spoken(options.dialect, each, any_segmentation=options.any_segmentation) for each in targets]
    except BadDialect as error:
        raise CannotCheck(f"--dialect {options.dialect}: {error}") from None
    return found[0] if found else spoken("note", "chat", any_segmentation=False)


def find_targets(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Return the name of what is to be checked, and a target for each conformance class that checks it."""
    if options.protocol == "family":
        if options.target or options.launch or options.transport:
            raise CannotCheck("family checks the socketserver classes of this Python and takes no target")
        return "every class of the reference", {}
    if options.launch is None and options.target is None:
        return embedded(options.protocol, options.transport)
    try:
        address = Address.parse(options.target) if options.target else None
    except BadAddress as error:
        raise CannotCheck(str(error)) from None
    if address is not None and options.transport not in (None, address.transport):
        raise CannotCheck(f"--transport {options.transport} contradicts the target {address}")
    from socketserver_reference.conformance.targets.external import Running
    from socketserver_reference.conformance.targets.launched import Launched

    if options.launch is not None:
        target: Any = Launched(options.launch, address, options.transport)
        transport = target.guessed_transport
    else:
        assert address is not None
        target, transport = Running(address), address.transport
    return str(target), {conformance_protocol(options.protocol, transport): target}


def embedded(protocol: str, transport: str | None) -> tuple[str, dict[str, Any]]:
    """Return the reference as targets in this process; the echo is checked over connections and over datagrams."""
    from socketserver_reference.conformance.targets.in_process import InProcess
    from socketserver_reference.family import make_server

    transports = [transport] if transport else ["tcp", "udp"] if protocol == "echo" else ["tcp"]
    name = f"the reference in this process, over {' and '.join(transports)}"
    path = os.path.join(tempfile.gettempdir(), f"embedded-{uuid.uuid4().hex}")  # the server removes it when it closes
    targets = {}
    for one in transports:
        address = Address(one, path=path) if one.startswith("unix") else Address(one, "127.0.0.1")
        targets[conformance_protocol(protocol, one)] = InProcess(partial(make_server, protocol, address), name=name)
    return name, targets


@contextmanager
def one_processor(number: int = 0) -> Iterator[None]:
    """Stay on one processor, where the system lets one choose; the number says on which of those there are.

    Checker and server take turns with one interpreter then; handing it from one processor to the other and back costs
    two to three times as much as all they do (measured on two processors).
    """
    if not hasattr(os, "sched_setaffinity"):  # pragma: no cover - Linux has it
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[number % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def conformance_protocol(protocol: str, transport: str) -> str:
    """Return which conformance class checks a protocol over a transport; raise CannotCheck if none can."""
    datagram = Address(transport).datagram
    if datagram and protocol == "chat":
        raise CannotCheck(f"a chat has connections, and {transport} has none: check it over tcp or unix")
    return "datagram" if datagram else protocol


def conformance_options(options: argparse.Namespace, only: Sequence[str]) -> list[str]:
    """Return the options of `check` as those of the pytest plugin."""
    return [
        *([f"--conformance-profile={options.profile}"] if options.profile else []),
        *(f"--conformance-only={id}" for id in only),
        *(["--conformance-strict"] if options.strict else []),
        *(["--conformance-any-segmentation"] if options.any_segmentation else []),
        f"--conformance-dialect={options.dialect}",
        f"--conformance-examples={options.examples}",
        f"--conformance-seed={options.seed}",
        f"--conformance-patience={options.patience}",
        *([f"--conformance-reproduce={options.reproduce}"] if options.reproduce else []),
    ]


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
    if trouble:
        return NOT_CHECKED, "not all could be checked: see the lines that say not checked"
    if not any(verdict.outcome in ("holds", "violated") for verdict in verdicts):
        return NOT_CHECKED, "nothing was checked"
    known = [verdict.clause.id for verdict in verdicts if verdict.outcome == "violated" and verdict.known]
    advice = [verdict.clause.id for verdict in verdicts if verdict.outcome == "violated" and not verdict.known]
    but = f" but for known failures: {', '.join(known)}" if known else ""
    return CONFORMS, f"conforms{but}" + (f", though it should not break {', '.join(advice)}" if advice else "")
