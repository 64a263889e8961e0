"""The one table of options for the checks, from which `check`, `compare` and the pytest plugin make theirs.

A field of `Options` is an option: its name, its type and its default, with all that argparse and pytest have to know of
it. A new option is a new field, and nothing else.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from socketserver_reference.clauses import CLAUSES, PROFILES
from socketserver_reference.conformance.driver.budget import DEFAULT_EXAMPLES

DEFAULT_TIMEOUT = 5.0
"""Default timeout in seconds for any expected data or event."""

MAX_TIMEOUT = 86_400
"""The longest timeout, in seconds: a day, far below the limit of a system's clocks."""

KNOWN_BROKEN_HANDLER_TIMEOUT = 2.0
"""Timeout in seconds for a handler of a server that is known to break a clause."""


# Readers of values


def number(kind: type[int] | type[float], least: float, most: float | None = None) -> Callable[[str], Any]:
    """Return a function that reads a number within these bounds, or raises ArgumentTypeError."""

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
    """Return a seed from a number, or a drawn one for the word random; otherwise raise ArgumentTypeError."""
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


def shard(text: str) -> tuple[int, int]:
    """Return the number of a part and how many there are, from a text such as 2/8, or raise ArgumentTypeError."""
    part, _, parts = text.partition("/")
    if not (parts.isascii() and parts.isdigit() and part.isascii() and part.isdigit() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part such as 1/4, the first of four")
    return int(part), int(parts)


# The table


@dataclass(frozen=True)
class Option:
    """One option: `--seed` of `check`, and `--conformance-seed` of pytest."""

    help: str
    read: Callable[[str], Any] | None = None
    """Converts the text to the value; an option without this, `metavar` and `choices` is a flag."""
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    repeatable: bool = False
    effort: bool = False
    """Whether it sets the effort of a check, so that it is the same for all compared servers."""
    per_server: bool = False
    """Whether the file that `compare` reads may say it of each server."""
    field: str = ""
    """The attribute of the value in Options, and in the result of argparse."""
    default: Any = None

    @property
    def name(self) -> str:
        """Its name on a command line, without the dashes."""
        return self.field.replace("_", "-")

    def settings(self) -> dict[str, Any]:
        """Return the keyword arguments with which argparse or pytest adds the option."""
        if self.read is None and self.metavar is None and self.choices is None:
            return {"action": "store_true", "help": self.help}
        given = {"type": self.read, "metavar": self.metavar, "choices": self.choices}
        kept = {name: value for name, value in given.items() if value is not None}
        if self.repeatable:
            return {**kept, "action": "append", "default": [], "help": self.help}
        return {**kept, "default": self.default, "help": self.help}

    def spelled(self, prefix: str, value: Any) -> list[str]:
        """Return the words of a command line that set this value."""
        if value is None or value is False or value == "":
            return []
        if value is True:
            return [f"{prefix}{self.name}"]
        return [f"{prefix}{self.name}={one}" for one in (value if self.repeatable else [value])]


def _option(
    default: Any, help: str, read: Callable[[str], Any] | None = None, metavar: str | None = None, **more: Any
) -> Any:
    """Return a field of `Options`: see `Option`, also for what `more` there can be."""
    return field(default=default, metadata={"option": Option(help, read, metavar, default=default, **more)})


@dataclass(frozen=True)
class Options:
    """The options, and the values of one run."""

    profile: str | None = _option(None, "check the clauses of this profile only", choices=PROFILES, effort=True)
    only: Sequence[str] = _option(
        (), "check this clause only, for example CHAT-7 (repeatable)", clause, "ID", repeatable=True
    )
    strict: bool = _option(False, "a violated SHOULD fails the check, too", effort=True)
    examples: int = _option(
        DEFAULT_EXAMPLES,
        f"runs of each state machine, 0 for none (default: {DEFAULT_EXAMPLES})",
        number(int, 0),
        "N",
        effort=True,
    )
    seed: int = _option(0, "seed of the state machines (default: 0)", seed, "N|random", effort=True)
    database: str = _option(
        "",
        "keep the runs of state machines that fail there, and begin with those that are there: a directory, or "
        "redis://host:port/number",
        metavar="DIR|URL",
    )
    timeout: float = _option(
        DEFAULT_TIMEOUT,
        f"timeout for anything that must come (default: {DEFAULT_TIMEOUT:g})",
        number(float, 0.01, MAX_TIMEOUT),
        "SECONDS",
        effort=True,
    )
    idle: float = _option(
        0.0,
        "seconds for which members say nothing, for CHAT-21 (default: 0, which leaves that clause out)",
        number(float, 0, MAX_TIMEOUT),
        "SECONDS",
        effort=True,
    )
    budget: float | None = _option(
        None,
        "seconds that the check of a server may take; what has no time left is not checked (default: 60, more with a "
        "longer timeout, more examples, or a dialect whose limits make clients wait; twice as many if clients that "
        "leave harm it)",
        number(float, 0.1, MAX_TIMEOUT),
        "SECONDS",
        effort=True,
    )
    any_segmentation: bool = _option(
        False,
        "accept any way to split what a client sends, as a proxy before the server may do, and leave out the clauses "
        "about whole chunks",
    )
    dialect: str = _option(
        "",
        "how the server's protocol differs from the reference's: a name from `socketserver-reference dialects`, or a "
        "TOML file",
        metavar="NAME|FILE",
        per_server=True,
    )
    """Empty if each class names its own."""
    known: Path | None = _option(
        None,
        "list of known failures, TOML: a listed clause fails the check if it holds, not if it is broken",
        Path,
        "FILE",
        per_server=True,
    )
    reproduce: Path | None = _option(
        None,
        "write here for each violated clause a script that shows the violation, with the standard library alone",
        Path,
        "DIR",
    )


OPTIONS: tuple[Option, ...] = tuple(replace(one.metadata["option"], field=one.name) for one in fields(Options))
"""The rows of the table."""

SHARD = Option("run this part of all chosen tests, such as 1/4, the first of four", shard, "K/N", field="shard")
"""An option of pytest alone: a report of a part of the checks is none."""
