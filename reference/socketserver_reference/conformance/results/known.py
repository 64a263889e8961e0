"""Known failures: clauses that a server's maintainers list as broken, so that a check fails only on new failures.

    [[known]]
    clause = "CHAT-12"
    reason = "to be fixed in the next release"
    dialect = "irc"      # only where the server is checked in this dialect
    sometimes = true     # a race: that it holds once does not fail the check either

The verdict on a listed clause decides:

    violated          reported as known; it fails nothing, is not minimised, and its timeout is short
    holds             the entry is *stale*, and that fails: an outdated list hides the next failure. An entry with
                      `sometimes` is never stale: a race that does not show has not been fixed
    not checked,      the entry has no effect; the same goes for entries of another dialect, and for those that
    not applicable    --only and --profile leave out

A list hides only the clauses it names. A listed clause may have been fixed since, and would then go on explaining away
other failures. So its own checks are run once before any failure is attributed to it; if they do not show it, it
explains nothing. (An entry with `sometimes` is trusted.) A scenario that a known failure broke is played again without
what triggers that one: see `driver/masking.py`. Only where no such scenario exists, its clause is not checked; then the
server is not said to conform, and the report lists these clauses.

A SHOULD may be listed as well. `known_file.py` reads the list and keeps it up to date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from socketserver_reference.conformance.scenario.text import printable

NO_REASON = "not explained yet"
"""The reason of an entry that --update-known added."""


@dataclass(frozen=True)
class Known:
    """One entry: the server breaks this clause, and why that is so. `line` is where it begins in its file, if known."""

    clause: str
    reason: str
    dialect: str | None = None
    sometimes: bool = False
    line: int = field(default=0, compare=False)

    def applies_to(self, dialect: str) -> bool:
        """Whether it is about servers checked in this dialect."""
        return self.dialect in (None, dialect)

    def is_stale(self, outcome: str | None) -> bool:
        """Whether the entry must be removed, given the outcome of its clause."""
        return outcome == "holds" and not self.sometimes

    def __str__(self) -> str:
        return f"{'known to be broken sometimes' if self.sometimes else 'known'}: {self.one_line_reason}"

    @property
    def one_line_reason(self) -> str:
        """The reason, on one line."""
        return printable(" ".join(self.reason.split()))


def stale(entries: Iterable[Known], outcomes: Mapping[str, str]) -> list[Known]:
    """Return the entries that must be removed, given the outcomes of their clauses."""
    return [entry for entry in entries if entry.is_stale(outcomes.get(entry.clause))]


def stale_message(entry: Known, file: object) -> str:
    """Say that an entry is stale, and what to do about it."""
    where = f"{file}:{entry.line}" if entry.line else f"{file}"
    return f"{where}: {entry.clause} holds and is listed as broken ({entry.one_line_reason}): remove the entry"


def masked_by(clause: str) -> str:
    """Say why a check could not decide its own clause: its scenario showed that this one is broken."""
    return f"its scenario broke {clause} first"
