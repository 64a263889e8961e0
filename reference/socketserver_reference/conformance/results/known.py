"""Known failures: clauses that a server's own people list as broken, so that a check fails by what is news alone.

    [[known]]
    clause = "CHAT-12"
    reason = "resets are ours to mend in the next release"
    dialect = "irc"      # only where the server is checked in this dialect
    sometimes = true     # a race: that it holds for once is no news either

What a listed clause turns out to be decides:

    violated          reported as known; it fails nothing, is not made shorter, and nobody waits long for it
    holds             the entry is *stale*, and that fails: a list that nobody clears hides what breaks next. But for
                      what is broken `sometimes`: a race that does not show has not been mended
    not checked,      the entry says nothing, and nothing is said against it; so it is for entries of another dialect
    not applicable    and for those that --only and --profile leave out

A list hides nothing but what it names. What somebody lists may have been mended since, and would then go on explaining
away what others break. So before a listed clause is taken for the reason of anything, its own checks are played, once;
if they hold, it explains nothing. (A clause that is broken `sometimes` is believed.) What a known failure does explain
leaves the other clause not checked: that is no failure, for it cannot be mended by anybody before the known one is, but
the report lists it.

A SHOULD may be listed as well. `known_file.py` reads the list and keeps it up to date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from socketserver_reference.conformance.scenario.text import printable

NO_REASON = "not explained yet"
"""The reason of an entry that nobody has given one so far."""


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
        """Whether the entry is to go, as the clause turned out to be this."""
        return outcome == "holds" and not self.sometimes

    def __str__(self) -> str:
        return f"{'known to be broken sometimes' if self.sometimes else 'known'}: {self.one_line_reason}"

    @property
    def one_line_reason(self) -> str:
        """The reason, on one line."""
        return printable(" ".join(self.reason.split()))


def stale(entries: Iterable[Known], outcomes: Mapping[str, str]) -> list[Known]:
    """Return the entries that are to go, as their clauses turned out to be these."""
    return [entry for entry in entries if entry.is_stale(outcomes.get(entry.clause))]


def stale_message(entry: Known, file: object) -> str:
    """Say that an entry is stale, and what to do about it."""
    where = f"{file}:{entry.line}" if entry.line else f"{file}"
    return f"{where}: {entry.clause} holds and is listed as broken ({entry.one_line_reason}): remove the entry"


def masked_by(clause: str) -> str:
    """Say why a check could not decide its own clause: its scenario showed that this one is broken."""
    return f"its scenario broke {clause} first"
