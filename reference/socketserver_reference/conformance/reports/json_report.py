"""The report as JSON, for programs. Keys are added, never removed or given another meaning.

    protocol, target, dialect, seed, profile, strict    what was checked, and how
    version, began, seconds                             by which version of this project, when (UTC), how long it took
    command         the command that checks the same server again
    clauses         for each clause:
        sentence, asked                                 what the clause says, and the same in the words of the dialect
        id, level, profile, verdict                     a verdict is holds, violated, unconfirmed,
                                                        not-applicable or not-checked
        known, stale                                    why it is listed as broken; whether it holds nevertheless
        why                                             the reason, unless it holds or is violated; what was
                                                        not asked of a clause that holds
        expected, observed, note, exchange              of a violation, in words; otherwise null
        confirmation                                    of a violation, how often it showed on fresh servers, in words
        shown, replays                                  of a violation, the same as numbers; null if it was not replayed
        before                                          the exchanges on the same server on which it depends, in words
        events                                          the same exchange as data, without those before it
    changes         what the dialect asks differently: clause, what
    waived          what the dialect does not ask of this server: clause, why
    explored        what the state machines did, a line each
    summary         how many clauses have each verdict
    misfit          where the server does not speak the dialect: what was said, expected and read, and what to do
    conclusion      the last line of the check
    code            its exit code
    baseline        with --compare: `changes`, lists of clauses by kind of change; `differing`, how the runs differ

An event is one thing that happened, with these keys:

    step            its number among the steps; null for what a client read
    who             the clients that did it; empty for all clients
    does            connects, says, sends (says without waiting), settles, quits, answers (its part of a handshake),
                    half-closes, closes, abandons (closes without reading), resets, stalls, resumes; reads, ends (reads
                    end of stream), breaks (reads a reset), waits (until the timeout); skips (the middle of a very long
                    exchange is left out)
    data, bytes     the bytes said or read, as Python writes bytes, at most 1024; and their number in all
    sent            the bytes on the wire, where they differ
    line            the whole event in words

An exchange with a socketserver inside this process (SRV clauses) has no events, only words.
"""

import json
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.reports.story import ViolationStory
from socketserver_reference.conformance.results.report import Report, own_version
from socketserver_reference.conformance.results.verdicts import Verdict


def write(report: Report) -> str:
    """Return the report as JSON."""
    return json.dumps(build(report), indent=2) + "\n"


def build(report: Report) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "protocol": report.protocol,
        "target": report.target,
        "dialect": report.dialect,
        "seed": report.seed,
        "profile": report.profile or "all",
        "strict": report.strict,
        "version": own_version(),
        "began": report.began.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "command": report.command,
        "clauses": [_clause(verdict) for verdict in report.verdicts],
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


def _clause(verdict: Verdict) -> dict[str, Any]:
    story = ViolationStory.of(verdict.violation, verdict.clause) if verdict.violation else None
    replays = verdict.violation.replays if verdict.violation else None
    return {
        "id": verdict.clause.id,
        "level": verdict.clause.level,
        "profile": verdict.clause.profile,
        "sentence": CLAUSES[verdict.clause.id].sentence,
        "asked": verdict.clause.sentence,
        "verdict": verdict.outcome,
        "known": verdict.known.reason if verdict.known else None,
        "stale": verdict.stale,
        "why": None if story or not verdict.why else verdict.why,
        "expected": story.expected if story else None,
        "observed": story.observed if story else None,
        "note": story.note if story else None,
        "confirmation": story.confirmation if story else None,
        "shown": replays.shown if replays else None,
        "replays": replays.of if replays else None,
        "before": list(story.before) if story else None,
        "exchange": list(story.lines) if story else None,
        "events": [event.as_json() for event in story.events] if story else None,
    }
