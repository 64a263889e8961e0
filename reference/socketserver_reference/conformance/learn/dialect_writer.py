"""The findings as a dialect file: every key with the reason for its value in a comment above it.

The comments and values of the file quote output of the server. A terminal may show the file, so it has printable
characters only.
"""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import tomlkit

from socketserver_reference.conformance.dialects.keys import TABLES
from socketserver_reference.conformance.reports.learning import ToldKey

COMMENT_COLUMNS = 110
"""Width of a comment, in columns."""

MAX_QUOTED_BYTES = 60
"""Most bytes of a server's output that a comment quotes."""

TABLE_ORDER = ("", "framing", "delivery", "commands", "quit", "bytes", "limits", "echo", "datagrams")
"""The tables of the file in order; handshakes come after `framing`."""

NO_TIME = "no time was left"
"""Why a question is not asked when the budget is spent."""

Value = str | int | Sequence[str]


@dataclass(frozen=True)
class LearnedKey:
    """A key, its value, and the reason; a value that is not `sure` is written as a comment."""

    table: str
    key: str
    value: Value
    why: str
    sure: bool = True
    presumed: bool = False
    """Whether its question has not been answered yet."""
    subject: str = ""
    """What was being asked when it was found."""

    @property
    def name(self) -> str:
        """Its name with that of its table: `quit.word`."""
        return f"{self.table}.{self.key}"


@dataclass(frozen=True)
class Suspicion:
    """What may be a bug of the server, with its evidence."""

    what: str
    clauses: tuple[str, ...]
    """The clauses that `check` will find broken then."""
    key: str = ""
    """The key that describes it, if it is intended: `bytes.handling`."""
    polite: bool = False
    """Whether it shows in any conversation, also if no client leaves or says anything unusual."""

    def __str__(self) -> str:
        asked = f"`check` will ask for it ({' or '.join(self.clauses)})" if self.clauses else "No clause is about that"
        accept = f"; if it is intended, learn with `--accept {self.key}`" if self.key else ""
        return f"{self.what}. {asked}{accept}."


@dataclass
class LearnedDialect:
    """The findings about one server."""

    findings: list[LearnedKey] = field(default_factory=list)
    handshake: list[tuple[LearnedKey, ...]] = field(default_factory=list)
    """The parts of the handshake in order."""
    remarks: list[str] = field(default_factory=list)
    """Observations that no key can express."""
    suspicions: list[Suspicion] = field(default_factory=list)
    """What may be bugs."""
    accepted: frozenset[str] = frozenset()
    """The keys whose values are written even if they may describe bugs."""
    subject: str = ""
    """What is being asked now."""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """The reason why questions were left out -> the keys that they would have decided."""

    def learn(self, table: str, key: str, value: Value, why: str, *, sure: bool = True, presumed: bool = False) -> None:
        """Note a finding, in place of an earlier one for the same key."""
        self.findings = [one for one in self.findings if (one.table, one.key) != (table, key)]
        self.findings.append(LearnedKey(table, key, value, why, sure, presumed, self.subject))

    def add_to_answers(self, why: str) -> None:
        """Add to the reason of each answer of the handshake that ends in a line's end."""

        def told(one: LearnedKey) -> LearnedKey:
            ends = one.key == "send" and str(one.value).endswith("\n")
            return replace(one, why=f"{one.why}; {why}") if ends else one

        self.handshake = [tuple(map(told, part)) for part in self.handshake]

    def leave_out(self, names: Iterable[str], why: str = NO_TIME) -> None:
        """Note that these keys were not asked for, unless the answer is known: what was presumed of them stays, and the
        others are comments with their default.
        """
        known = {one.name: one for one in self.findings}
        for name in names:
            table, _, key = name.partition(".")
            if name not in known:
                self.learn(table, key, _default(table, key), f"not asked: {why}", sure=False, presumed=True)
            elif known[name].presumed:
                self.learn(table, key, known[name].value, f"not asked: {why}", presumed=True)
            else:
                continue
            self.left_out.setdefault(why, []).append(name)

    def doubt(self, doubtful: Callable[[LearnedKey], bool]) -> None:
        """Make comments of the keys that are doubtful."""

        def doubted(one: LearnedKey) -> LearnedKey:
            return replace(one, sure=one.sure and not doubtful(one))

        self.findings = [doubted(one) for one in self.findings]
        self.handshake = [tuple(map(doubted, part)) for part in self.handshake]

    def knows(self, table: str, key: str, value: Value) -> bool:
        """Whether there is a finding for this key."""
        return any((one.table, one.key, one.value) == (table, key, value) for one in self.findings)

    def suspect(self, what: str, *clauses: str, polite: bool = False) -> None:
        """Note what may be a bug."""
        suspicion = Suspicion(what, clauses, polite=polite)
        self.suspicions += [suspicion] if suspicion not in self.suspicions else []

    def learn_or_suspect(self, table: str, key: str, value: Value, what: str, *clauses: str) -> None:
        """Note a value that may describe a bug: it is written only if its key is accepted."""
        name = f"{table}.{key}"
        if name in self.accepted:
            self.learn(table, key, value, f"{what}; accepted")
            return
        self.learn(table, key, value, f"{what}: this may be a bug, so it is not written down", sure=False)
        self.suspicions.append(Suspicion(f"{what[:1].upper()}{what[1:]}", clauses, name))

    def told(self) -> list[ToldKey]:
        """Return the keys in the order of the file, for a report."""
        found = [one for table in TABLE_ORDER for one in self.findings if one.table == table]
        asked = [
            replace(one, table=f"{one.table} {number}") for number, part in enumerate(self.handshake, 1) for one in part
        ]
        return [
            ToldKey(one.name.removeprefix("."), toml_value(one.value), one.why, one.sure, one.subject)
            for one in [*asked, *found]
        ]

    @property
    def doubtful(self) -> list[LearnedKey]:
        """The keys that are not sure, and describe no bug."""
        suspected = {one.key for one in self.suspicions}
        return [one for one in self.findings if not one.sure and f"{one.table}.{one.key}" not in suspected]

    def exchange(self, **texts: tuple[str | bool, str]) -> None:
        """Note a part of the handshake: the bytes to wait for and those to send then, each with the reason."""
        self.handshake.append(
            tuple(LearnedKey("handshake", key, text, why, subject=self.subject) for key, (text, why) in texts.items())
        )


def _default(table: str, key: str) -> Value:
    """Return what holds without a key; "" if that depends on others."""
    described = TABLES[table].key(key)
    assert described is not None, f"{table} has no key {key}"
    value: Value | None = described.default
    return "" if value is None else value


def quoted(data: bytes) -> str:
    """Return bytes for a comment: printable, and not too many."""
    return repr(data) if len(data) <= MAX_QUOTED_BYTES else f"{data[:MAX_QUOTED_BYTES]!r}..."


def text(learned: LearnedDialect, header: Sequence[str] = ()) -> str:
    """Return the file."""
    told = [*header, *learned.remarks, *(f"May be a bug: {one}" for one in learned.suspicions)]
    blocks = ["\n".join(comment(line) for line in told)]
    for table in TABLE_ORDER:
        found = [finding for finding in learned.findings if finding.table == table]
        if found:
            blocks.append("\n".join([*([f"[{table}]"] if table else []), *map(_line, found)]))
        if table == "framing":
            blocks += ["\n".join([_heading(exchange), *map(_line, exchange)]) for exchange in learned.handshake]
    return "\n\n".join(blocks) + "\n"


def _heading(exchange: Sequence[LearnedKey]) -> str:
    return "[[handshake]]" if any(one.sure for one in exchange) else "# [[handshake]]"


def comment(line: str) -> str:
    """Return a text as a comment of one or more lines."""
    plain = line.encode("unicode_escape").decode() if not (line.isascii() and line.isprintable()) else line
    return textwrap.fill(plain, COMMENT_COLUMNS, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False)


def _line(finding: LearnedKey) -> str:
    line = f"{finding.key} = {toml_value(finding.value)}"
    return f"{comment(finding.why)}\n{'' if finding.sure else '# '}{line}"


def toml_value(value: Value) -> str:
    """Return a value as TOML in printable characters."""
    told = tomlkit.item(value).as_string()
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in told)
