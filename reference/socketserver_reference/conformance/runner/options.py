"""How to check: one table of options, from which those of `check`, of `compare` and of pytest are made."""

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socketserver_reference.clauses import CLAUSES, PROFILES
from socketserver_reference.conformance.results.known import Known

PATIENCE = 5.0
"""Seconds that anything which must come may take, unless an option says otherwise."""

LONGEST = 86_400
"""Seconds of patience at most: a day, far below what a system's clocks can count to."""

EXAMPLES = 30
"""Runs of a state machine, unless an option says otherwise."""


# How a value is read


def number(kind: type[int] | type[float], least: float, most: float | None = None) -> Callable[[str], Any]:
    """Return what reads a number within these bounds, and raises ArgumentTypeError for anything else."""

    def read(text: str) -> int | float:
        try:
            value = kind(text)
        except ValueError:
            value = least - 1
        if not (text.isascii() and least <= value and (most is None or value <= most)):
            to = "on" if most is None else f"to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} {to}")
        return value

    return read


def seed(text: str) -> int:
    """Return a seed, drawn for the word random; raise ArgumentTypeError for anything else than that or a number."""
    if text == "random":
        return random.SystemRandom().randrange(2**32)
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor the word random")
    return int(text)


def clause(text: str) -> str:
    """Return a clause id; raise ArgumentTypeError for anything else."""
    if text not in CLAUSES:
        alike = [id for id in CLAUSES if id.startswith(text.partition("-")[0] + "-")]
        are = f"they are {', '.join(alike)}" if alike else "`socketserver-reference spec` lists them"
        raise argparse.ArgumentTypeError(f"{text!r} is no clause; {are}")
    return text


# The table


@dataclass(frozen=True)
class Option:
    """One option: `--seed` of `check`, and `--conformance-seed` of pytest."""

    name: str
    help: str
    read: Callable[[str], Any] | None = None
    """What makes a value of the text; a flag if there is neither this, nor `metavar`, nor `choices`."""
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    default: Any = None
    repeatable: bool = False
    effort: bool = False
    """Whether it says how hard to look, so that it is the same for all servers that are compared."""
    per_server: bool = False
    """Whether the file that `compare` reads may say it of each server."""

    @property
    def field(self) -> str:
        """The name under which argparse keeps the value."""
        return self.name.replace("-", "_")

    def settings(self) -> dict[str, Any]:
        """Return the keyword arguments by which argparse, or pytest, adds the option."""
        if self.read is None and self.metavar is None and self.choices is None:
            return {"action": "store_true", "help": self.help}
        given = {"type": self.read, "metavar": self.metavar, "choices": self.choices}
        kept = {name: value for name, value in given.items() if value is not None}
        if self.repeatable:
            return {**kept, "action": "append", "default": [], "help": self.help}
        return {**kept, "default": self.default, "help": self.help}

    def spelled(self, prefix: str, value: Any) -> list[str]:
        """Return the words of a command line that say a value."""
        if value in (None, False, ""):
            return []
        if value is True:
            return [f"{prefix}{self.name}"]
        return [f"{prefix}{self.name}={one}" for one in (value if self.repeatable else [value])]


OPTIONS = (
    Option("profile", "check the clauses of this profile only", choices=PROFILES, effort=True),
    Option("only", "check this clause only, CHAT-7 say (repeatable)", clause, "ID", repeatable=True),
    Option("strict", "a violated SHOULD fails too", effort=True),
    Option(
        "examples",
        f"runs of each state machine (default: {EXAMPLES})",
        number(int, 1),
        "N",
        default=EXAMPLES,
        effort=True,
    ),
    Option("seed", "seed of the state machines (default: 0)", seed, "N|random", default=0, effort=True),
    Option(
        "patience",
        f"how long anything that must come may take (default: {PATIENCE:g})",
        number(float, 0.01, LONGEST),
        "SECONDS",
        default=PATIENCE,
        effort=True,
    ),
    Option(
        "any-segmentation",
        "the path to the server may split what a client says (a proxy, say): accept every way, and leave out the "
        "clauses about whole chunks",
    ),
    Option(
        "dialect",
        "how the server speaks, where it differs from the reference: a name from `socketserver-reference dialects`, or "
        "a TOML file",
        metavar="NAME|FILE",
        default="",
        per_server=True,
    ),
    Option(
        "known",
        "list of clauses known to be broken, TOML or JSON: these fail nothing, but one that holds does",
        Path,
        "FILE",
        per_server=True,
    ),
    Option(
        "reproduce",
        "for every violated clause write a script there that shows it, with the standard library alone",
        Path,
        "DIR",
    ),
)


@dataclass
class Options:
    """How to check: what the options of a run say."""

    profile: str | None = None
    only: frozenset[str] = frozenset()
    strict: bool = False
    examples: int = EXAMPLES
    seed: int = 0
    patience: float = PATIENCE
    any_segmentation: bool = False
    dialect: str = ""
    """The name or the file of the dialect that the servers of this run speak; "" if each class says its own."""
    known: tuple[Known, ...] = ()
    """What is listed as broken, in the dialect of this run."""
    known_file: Path | None = None
    reproduce: Path | None = None
    """The directory for scripts that show the violations."""

    def listed(self, clause: str | None) -> Known | None:
        """Return the entry that lists a clause as broken."""
        return next((entry for entry in self.known if entry.clause == clause), None)
