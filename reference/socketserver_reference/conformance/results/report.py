"""The report: all results of checking one server, and the wording of verdicts that all formats share.

Verdicts hold the bytes of a server as Python writes bytes, and its output escaped; but a user may give a target any
name. So each format escapes all text for its own reader, and trusts none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.results.baseline import COMPARED_KEYS, BaselineDiff
from socketserver_reference.conformance.results.verdicts import OUTCOMES, Outcome, Verdict

OUTCOME_WORDS = {
    "holds": "holds",
    "violated": "VIOLATED",
    "unconfirmed": "unconfirmed",
    "not-applicable": "not applicable",
    "not-checked": "not checked",
}

CLAUSE_PAGE = "specification/{}"
"""Where on the site the page of a clause is, without its suffix: an address that never changes."""

DISTRIBUTION = "socketserver-reference"

SYMBOLS = {"holds": "✓", "violated": "✗", "unconfirmed": "~", "not-applicable": "-", "not-checked": "?"}
"""Outcome -> a sign for it, always beside the word."""


@dataclass(frozen=True)
class Report:
    """The results of checking one server: all that a report of any format may show."""

    protocol: str
    target: str
    verdicts: Sequence[Verdict]
    conclusion: str = ""
    """The last line of the check: that the server conforms, say."""
    code: int = 0
    """The exit code of the check."""
    seed: int = 0
    profile: str | None = None
    """The only profile that was checked, if it was one alone."""
    strict: bool = False
    """Whether a violated SHOULD fails too."""
    explored: Sequence[str] = ()
    """What the state machines did, a line each."""
    dialect: str = "note"
    changes: Sequence[tuple[str, str]] = ()
    """What the dialect asks differently: clause, what."""
    waived: Sequence[tuple[str, str]] = ()
    """What the dialect does not ask: clause, why."""
    misfit: Sequence[str] = ()
    """How the server shows that it does not speak the dialect, in lines; empty unless it does."""
    scripts: Sequence[str] = ()
    """What became of the script for each violation, a line each."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Clause -> the script that shows its violation, if one was written."""
    news: Sequence[str] = ()
    """Messages about the list of known failures, a line each."""
    baseline: BaselineDiff | None = None
    """What changed since an earlier report, if there is one."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    """How long it all took."""
    spent: Mapping[str, float] = field(default_factory=dict)
    """Clause -> how many seconds its checks took."""
    command: str = ""
    """The command that checks the server again, without what chooses the clauses."""
    choice: str = ""
    """The options that choose the clauses, or list those that are known to be broken."""
    site: str = ""
    """The address of the site with the pages of the clauses, if it was given."""

    def count(self) -> dict[str, int]:
        """Return how many clauses have each outcome."""
        return count(verdict.outcome for verdict in self.verdicts)

    def compared(self, file: Path, before: Mapping[str, Any]) -> "Report":
        """Return the report, with what has changed since an earlier one that a file holds."""
        facts = {key: getattr(self, key) for key in COMPARED_KEYS} | {"profile": self.profile or "all"}
        return replace(self, baseline=BaselineDiff.of(file, before, self.verdicts, facts))

    @property
    def rerun(self) -> str:
        """The command that makes the same check again; "" if there is none."""
        return f"{self.command} {self.choice}".rstrip()

    def again(self, clause: str) -> str:
        """Return the command that checks one clause again, with the one whose check has seen it broken; "" if there is
        none.
        """
        seen_by = [verdict.seen_by for verdict in self.verdicts if verdict.clause.id == clause and verdict.seen_by]
        return " --only ".join([self.command, clause, *seen_by]) if self.command else ""

    def page(self, clause: str) -> str:
        """Return the address of the page of a clause; "" without a site."""
        return f"{self.site}/{CLAUSE_PAGE.format(clause)}.html" if self.site else ""

    def lacks(self, verdict: Verdict) -> bool:
        """Whether a verdict keeps the check from saying that the server conforms."""
        return lacks(verdict, self.strict)

    def fails(self, verdict: Verdict) -> bool:
        """Whether a verdict makes the check fail."""
        return fails(verdict, self.strict)


def count(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how often there is each outcome."""
    some = list(outcomes)
    return {outcome: some.count(outcome) for outcome in OUTCOMES}


def counts(outcomes: Iterable[Outcome]) -> str:
    """Return the same in words, without outcomes that there are not: "19 hold, 1 violated"."""
    words = {**OUTCOME_WORDS, "holds": "hold"}
    found = count(outcomes).items()
    return ", ".join(f"{n} {(OUTCOME_WORDS if n == 1 else words)[outcome].lower()}" for outcome, n in found if n)


def extent(verdicts: Collection[Verdict]) -> str:
    """Return in how many of their protocol's clauses these are verdicts, as "in 3 of 20 clauses"; "" if in all."""
    groups = {verdict.clause.group for verdict in verdicts}
    all_ = sum(clause.group in groups for clause in CLAUSES.values())
    return "" if len(verdicts) == all_ else f"in {len(verdicts)} of {all_} clauses"


def word(verdict: Verdict) -> str:
    """Return the outcome in words, marked if the clause is a SHOULD or a known failure."""
    outcome = "STALE: holds, and is listed as broken" if verdict.stale else OUTCOME_WORDS[verdict.outcome]
    should = " (SHOULD)" if verdict.clause.level == "SHOULD" else ""
    return f"{outcome}{should}{f' ({verdict.known})' if verdict.known else ''}"


def line(verdict: Verdict) -> str:
    """Return a verdict in one line."""
    why = f": {verdict.why}" if verdict.why else ""
    return f"{verdict.clause.id:<8} {word(verdict)}{why}"


def lacks(verdict: Verdict, strict: bool) -> bool:
    """Whether a verdict says that a MUST was not decided, or with `strict` a SHOULD: then no server conforms.

    A violation that was not played again, though it could have been, decides nothing.
    """
    undecided = verdict.outcome == "not-checked" or (verdict.violation is not None and verdict.violation.unreplayed)
    return bool(undecided) and (strict or verdict.clause.level == "MUST")


def fails(verdict: Verdict, strict: bool) -> bool:
    """Whether a verdict makes the check fail: a violated MUST, or with `strict` a violated SHOULD or an unconfirmed
    violation too, unless it is known; and a clause that is listed as broken, and holds.
    """
    if verdict.known is not None:
        return verdict.stale
    broken = verdict.outcome == "violated" and verdict.clause.level == "MUST"
    return broken or (strict and verdict.outcome in ("violated", "unconfirmed"))


def own_version() -> str:
    """Return the version of this project, or "" where it runs from sources that were never installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return ""
