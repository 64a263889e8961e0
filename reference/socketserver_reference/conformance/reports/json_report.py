"""The report as JSON, for programs. `json_schema.py` describes it: `check --json-schema` prints that.

Keys are added, never removed or given another meaning; otherwise `format` would count on.
"""

import json
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.reports.story import ViolationStory
from socketserver_reference.conformance.results.report import Report, own_version
from socketserver_reference.conformance.results.verdicts import Verdict

FORMAT = 1
"""The version of the format."""


def write(report: Report) -> str:
    """Return the report as JSON."""
    return json.dumps(build(report), indent=2) + "\n"


def build(report: Report) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "format": FORMAT,
        "protocol": report.protocol,
        "target": report.target,
        "dialect": report.dialect,
        "seed": report.seed,
        "profile": report.profile or "all",
        "strict": report.strict,
        "version": own_version(),
        "began": report.began.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "command": report.rerun,
        "clauses": [_clause(verdict, report) for verdict in report.verdicts],
        "changes": [{"clause": clause, "what": what} for clause, what in report.changes],
        "waived": [{"clause": clause, "why": why} for clause, why in report.waived],
        "explored": list(report.explored),
        "summary": {outcome.replace("-", "_"): n for outcome, n in report.count().items()},
        **({"misfit": list(report.misfit)} if report.misfit else {}),
        "conclusion": report.conclusion,
        "code": report.code,
        **(
            {"baseline": {"changes": report.baseline.changes, "differing": report.baseline.differing}}
            if report.baseline
            else {}
        ),
    }


def _clause(verdict: Verdict, report: Report) -> dict[str, Any]:
    story = ViolationStory.of(verdict.violation, verdict.clause, report) if verdict.violation else None
    replays = verdict.violation.replays if verdict.violation else None
    return {
        "id": verdict.clause.id,
        "level": verdict.clause.level,
        "profile": verdict.clause.profile,
        "sentence": CLAUSES[verdict.clause.id].sentence,
        "asked": verdict.clause.sentence,
        "page": report.page(verdict.clause.id) or None,
        "verdict": verdict.outcome,
        "seconds": round(report.spent.get(verdict.clause.id, 0.0), 3),
        "known": verdict.known.reason if verdict.known else None,
        "stale": verdict.stale,
        "why": None if story or not verdict.why else verdict.why,
        "expected": story.expected if story else None,
        "observed": story.observed if story else None,
        "shape": story.shape or None if story else None,
        "server_ended": story.server_ended if story else None,
        "place": story.place if story else None,
        "note": story.note if story else None,
        "confirmation": story.confirmation if story else None,
        "shown": replays.shown if replays else None,
        "replays": replays.of if replays else None,
        "again": story.again if story else None,
        "before": list(story.before) if story else None,
        "exchange": list(story.lines) if story else None,
        "events": [event.as_json() for event in story.events] if story else None,
    }
