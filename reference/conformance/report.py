"""Verdicts as people and programs read them: text, JSON and JUnit's XML. Pure functions; nothing is printed here.

Whatever a server said is in a verdict as Python writes bytes, so all of this is printable ASCII but for the XML's own
escapes.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any

from reference.clauses import PROFILES
from reference.conformance.dialect import Dialect
from reference.conformance.record import OUTCOMES, Verdict

WORDS = {"holds": "holds", "violated": "VIOLATED", "not-applicable": "not applicable", "not-checked": "not checked"}


def count(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Return how many clauses have each outcome."""
    outcomes = [verdict.outcome for verdict in verdicts]
    return {outcome: outcomes.count(outcome) for outcome in OUTCOMES}


def line(verdict: Verdict) -> str:
    """Return a verdict in one line."""
    should = " (SHOULD)" if verdict.clause.level == "SHOULD" else ""
    why = f": {verdict.why}" if verdict.why else ""
    return f"{verdict.clause.id:<8} {WORDS[verdict.outcome]}{should}{why}"


def text(verdicts: Sequence[Verdict], explored: Sequence[str]) -> list[str]:
    """Return the whole report for a terminal: the stories of the violations, then every clause, profile by profile."""
    lines: list[str] = []
    for verdict in verdicts:
        if verdict.violation is not None:
            lines += ["", *verdict.violation.lines()]
    for profile in PROFILES:
        of_profile = [verdict for verdict in verdicts if verdict.clause.profile == profile]
        if of_profile:
            counted = ", ".join(f"{n} {WORDS[outcome].lower()}" for outcome, n in count(of_profile).items() if n)
            lines += ["", f"{profile}: {counted}", *(f"  {line(verdict)}" for verdict in of_profile)]
    return [*lines, *(["", "explored:", *(f"  {told}" for told in explored)] if explored else [])]


def dialect_lines(dialect: Dialect, verdicts: Sequence[Verdict]) -> list[str]:
    """Return what a dialect asks differently, of the clauses that were looked at, and what it leaves out and why."""
    about = {verdict.clause.id for verdict in verdicts}
    changed = [f"  {clause:<8} {what}" for clause, what in dialect.changes if clause in about]
    waived = [f"  {clause:<8} not asked: {why}" for clause, why in dialect.not_applicable.items() if clause in about]
    return ["", f"in the dialect {dialect.name}:", *changed, *waived] if changed or waived else []


def as_json(
    verdicts: Sequence[Verdict], *, protocol: str, target: str, seed: int, profile: str | None
) -> dict[str, Any]:
    """Return the report as the JSON document that `check --json` writes."""
    return {
        "protocol": protocol,
        "target": target,
        "seed": seed,
        "profile": profile or "all",
        "clauses": [_clause(verdict) for verdict in verdicts],
        "summary": {outcome.replace("-", "_"): n for outcome, n in count(verdicts).items()},
    }


def _clause(verdict: Verdict) -> dict[str, Any]:
    violation = verdict.violation
    return {
        "id": verdict.clause.id,
        "level": verdict.clause.level,
        "profile": verdict.clause.profile,
        "verdict": verdict.outcome,
        "why": None if violation or not verdict.why else verdict.why,
        "expected": violation.expected if violation else None,
        "observed": violation.observed if violation else None,
        "exchange": list(violation.exchange) if violation else None,
    }


def as_junit(verdicts: Sequence[Verdict], *, protocol: str, target: str, strict: bool) -> str:
    """Return the report as a JUnit XML document: a test case for every clause."""
    failed = [verdict for verdict in verdicts if fails(verdict, strict)]
    skipped = [verdict for verdict in verdicts if verdict.outcome != "holds" and verdict not in failed]
    suite = ET.Element(
        "testsuite",
        name=_xml(f"{protocol} {target}"),
        tests=str(len(verdicts)),
        failures=str(len(failed)),
        errors="0",
        skipped=str(len(skipped)),
    )
    for verdict in verdicts:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"{protocol}.{verdict.clause.profile}",
            name=_xml(str(verdict.clause)),
            time="0",
        )
        if verdict in failed and verdict.violation is not None:
            failure = ET.SubElement(case, "failure", type=verdict.clause.id, message=_xml(verdict.violation.observed))
            failure.text = _xml("\n".join(verdict.violation.lines()))
        elif verdict in skipped:
            ET.SubElement(case, "skipped", message=_xml(line(verdict)))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    """Return text without the characters that XML cannot hold, even escaped."""
    return re.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "?", text)


def fails(verdict: Verdict, strict: bool) -> bool:
    """Whether a verdict makes the check fail: a violated MUST, or with `strict` a violated SHOULD too."""
    return verdict.outcome == "violated" and (strict or verdict.clause.level == "MUST")
