"""Verdicts as people and programs read them: text, JSON and JUnit's XML. Pure functions; nothing is printed here.

Whatever a server said is in a verdict as Python writes bytes, so all of this is printable ASCII but for the XML's own
escapes.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any

from reference.clauses import PROFILES
from reference.conformance.record import OUTCOMES, Verdict

WORDS = {"holds": "holds", "violated": "VIOLATED", "not-applicable": "not applicable", "not-checked": "not checked"}


def count(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Return how many clauses have each outcome."""
    outcomes = [verdict.outcome for verdict in verdicts]
    return {outcome: outcomes.count(outcome) for outcome in OUTCOMES}


def line(verdict: Verdict) -> str:
    """Return a verdict in one line."""
    should = " (SHOULD)" if verdict.clause.level == "SHOULD" else ""
    known = f" ({verdict.known})" if verdict.known else ""
    why = f": {verdict.why}" if verdict.why else ""
    word = "STALE: holds, and is listed as broken" if verdict.stale else WORDS[verdict.outcome]
    return f"{verdict.clause.id:<8} {word}{should}{known}{why}"


def text(verdicts: Sequence[Verdict], explored: Sequence[str]) -> list[str]:
    """Return the whole report for a terminal: the stories of the violations, then every clause, profile by profile.

    What is known to be broken has been told before: its stories are left to the other reports.
    """
    lines: list[str] = []
    for verdict in verdicts:
        if verdict.violation is not None and verdict.known is None:
            lines += ["", *verdict.violation.lines()]
    for profile in PROFILES:
        of_profile = [verdict for verdict in verdicts if verdict.clause.profile == profile]
        if of_profile:
            counted = ", ".join(f"{n} {WORDS[outcome].lower()}" for outcome, n in count(of_profile).items() if n)
            known = sum(verdict.known is not None and verdict.outcome == "violated" for verdict in of_profile)
            told = f" ({known} of them known)" if known else ""
            lines += ["", f"{profile}: {counted}{told}", *(f"  {line(verdict)}" for verdict in of_profile)]
    return [*lines, *(["", "explored:", *(f"  {told}" for told in explored)] if explored else [])]


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
        "known": verdict.known.reason if verdict.known else None,
        "stale": verdict.stale,
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
        if verdict in failed:
            story = verdict.violation.lines() if verdict.violation else [line(verdict)]
            message = verdict.violation.observed if verdict.violation else line(verdict)
            failure = ET.SubElement(case, "failure", type=verdict.clause.id, message=_xml(message))
            failure.text = _xml("\n".join(story))
        elif verdict in skipped:
            ET.SubElement(case, "skipped", message=_xml(line(verdict)))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    """Return text without the characters that XML cannot hold, even escaped."""
    return re.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "?", text)


def fails(verdict: Verdict, strict: bool) -> bool:
    """Whether a verdict makes the check fail: a violated MUST, or with `strict` a violated SHOULD too, unless it is
    known; and what is listed as broken, and holds.
    """
    if verdict.known is not None:
        return verdict.stale
    return verdict.outcome == "violated" and (strict or verdict.clause.level == "MUST")
