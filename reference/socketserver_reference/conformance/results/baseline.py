"""What has changed since an earlier run: `check --compare OLD.json`, of a report that --json wrote.

It only informs: the exit code is that of the check.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socketserver_reference.conformance.dialects.input_file import BadFile, read_text
from socketserver_reference.conformance.results.verdicts import OUTCOMES, Verdict
from socketserver_reference.conformance.scenario.text import printable

COMPARED_KEYS = ("protocol", "target", "dialect", "seed", "profile")
"""What two runs should have in common, as a report's keys: otherwise a difference may come from there."""

MAX_REPORT_BYTES = 64 * 1024 * 1024
"""Bytes of a report at most: far more than this project writes."""


class BadReport(BadFile):
    """The earlier report cannot be compared with; the message says why, and what would do."""


def read(file: Path) -> dict[str, Any]:
    """Return an earlier report; raise BadReport if the file is not one."""
    text = read_text(file, BadReport, MAX_REPORT_BYTES, instead="; name a report that --json wrote")
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict) or not isinstance(report.get("clauses"), list):
        raise BadReport(f"{file} is not a report that --json wrote")
    for clause in report["clauses"]:
        if not isinstance(clause, dict) or not isinstance(clause.get("id"), str) or _outcome(clause) not in OUTCOMES:
            raise BadReport(f"{file} is not a report that --json wrote: a clause in it has no id, or no verdict")
    return report


def _outcome(clause: Mapping[str, Any]) -> Any:
    outcome = clause.get("verdict")
    return outcome if isinstance(outcome, str) else None


@dataclass(frozen=True)
class BaselineDiff:
    """What has changed."""

    file: Path
    changes: dict[str, list[str]]
    """The clauses whose verdict differs from the earlier report, by kind of change."""
    differing: list[str]
    """How the runs themselves differ, in words."""

    @classmethod
    def of(
        cls, file: Path, before: Mapping[str, Any], verdicts: Sequence[Verdict], facts: Mapping[str, Any]
    ) -> "BaselineDiff":
        """Compare verdicts with those of an earlier report; `facts` is what the report says of the run: see
        COMPARED_KEYS.
        """
        return cls(file, changes(before, verdicts), others(before, facts))

    def lines(self) -> list[str]:
        """Return it for a terminal."""
        lines = [f"  {what}: {', '.join(printable(id) for id in ids)}" for what, ids in self.changes.items()]
        same = ["  all verdicts are the same"]
        return [f"since {self.file}:", *(f"  {line}" for line in self.differing), *(lines or same)]


def changes(report: Mapping[str, Any], verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """Return the clauses whose verdict differs from the earlier report, by kind of change."""
    before = {clause["id"]: clause["verdict"] for clause in report["clauses"]}
    found: dict[str, list[str]] = {}
    for verdict in verdicts:
        was = before.pop(verdict.clause.id, None)
        if was != verdict.outcome:
            found.setdefault(_change(was, verdict.outcome), []).append(verdict.clause.id)
    if before:
        found["not looked at"] = list(before)
    return found


def _change(was: str | None, now: str) -> str:
    """Say how the verdict on a clause changed."""
    if now == "violated":
        return "newly violated"
    if (was, now) == ("violated", "holds"):
        return "fixed"
    if was == "violated":
        return f"violated before, now {now.replace('-', ' ')}"
    return f"now {now.replace('-', ' ')}"


def others(report: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """Return how the runs themselves differ, in words; facts that a report lacks are left out."""
    return [
        f"another {key}: {printable(str(facts[key]))} now, {printable(str(report[key]))} then"
        for key in COMPARED_KEYS
        if key in report and key in facts and report[key] != facts[key]
    ]
