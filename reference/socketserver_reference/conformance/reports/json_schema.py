"""The JSON Schema of what `check --json` and `compare --json` write, for programs that read it.

A report has more keys in a later version, and none fewer, so the schema allows keys that it does not know.
"""

from typing import Any

from socketserver_reference.clauses import CLAUSES, PROFILES
from socketserver_reference.conformance.reports.json_report import FORMAT
from socketserver_reference.conformance.results.exit_codes import CONFORMS, INTERRUPTED, NOT_CHECKED, VIOLATED
from socketserver_reference.conformance.results.verdicts import OUTCOMES
from socketserver_reference.conformance.scenario.steps import KINDS

Schema = dict[str, Any]

COUNT: Schema = {"type": "integer", "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0}
TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
TRUTH: Schema = {"type": "boolean"}
CODE: Schema = {"enum": [CONFORMS, VIOLATED, NOT_CHECKED, INTERRUPTED]}

VERBS = {
    **{kind.verb: "a step" for kind in KINDS},
    "reads": "bytes",
    "ends": "end of stream",
    "breaks": "a reset",
    "waits": "nothing, until the timeout",
    "skips": "the middle of a very long exchange is left out",
}
"""What an event does."""


def _object(required: dict[str, tuple[str, Schema]], **optional: tuple[str, Schema]) -> Schema:
    """Return the schema of an object with these keys: what each means, and its schema."""
    keys = {key: {"description": meaning, **schema} for key, (meaning, schema) in {**required, **optional}.items()}
    return {"type": "object", "properties": keys, "required": [*required]}


def _of_a_violation(schema: Schema) -> Schema:
    """Return the schema of what a clause has only if it is violated."""
    return {"anyOf": [schema, {"type": "null"}]}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def schema() -> Schema:
    """Return the schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A report of socketserver-reference, format {FORMAT}",
        "if": {"required": ["servers"]},
        "then": {"$ref": "#/$defs/comparison"},
        "else": {"$ref": "#/$defs/report"},
        "$defs": {
            "comparison": {"description": "what `compare --json` writes", **_comparison()},
            "report": {"description": "what `check --json` writes", **_report()},
            "clause": {"description": "the verdict on a clause", **_clause()},
            "event": {"description": "one thing that happened in an exchange", **_event()},
        },
    }


FORMAT_KEY: tuple[str, Schema] = (
    "the version of the format; it counts on if a key gets another meaning",
    {"const": FORMAT},
)


def _comparison() -> Schema:
    server = _object(
        {
            "name": ("its name in the list of servers", TEXT),
            "protocol": ("what it serves", TEXT),
            "why": ("why it could not be checked", {"type": ["string", "null"]}),
            "report": ("the report of its check", {"anyOf": [{"$ref": "#/$defs/report"}, {"type": "null"}]}),
        }
    )
    return _object(
        {
            "format": FORMAT_KEY,
            "conclusion": ("how many servers conform", TEXT),
            "code": ("the exit code", CODE),
            "servers": ("the servers in the order of the list", _list(server)),
        }
    )


def _report() -> Schema:
    summary = _object({outcome.replace("-", "_"): ("clauses with this verdict", COUNT) for outcome in OUTCOMES})
    change = _object({"clause": ("its id", TEXT), "what": ("what is asked instead", TEXT)})
    waived = _object({"clause": ("its id", TEXT), "why": ("the reason", TEXT)})
    baseline = _object(
        {
            "changes": ("kind of change -> the clauses with it", {"type": "object", "additionalProperties": TEXTS}),
            "differing": ("how the runs themselves differ", TEXTS),
        }
    )
    return _object(
        {
            "format": FORMAT_KEY,
            "protocol": ("what was checked", {"enum": ["echo", "chat", "family"]}),
            "target": ("the server", TEXT),
            "dialect": ("the name of its dialect", TEXT),
            "seed": ("the seed of the exploration", {"type": "integer"}),
            "profile": ("the only profile that was checked, or all", {"enum": [*PROFILES, "all"]}),
            "strict": ("whether a violated SHOULD fails the check", TRUTH),
            "version": ("the version of this project that checked", TEXT),
            "began": ("when the check began", {"type": "string", "format": "date-time"}),
            "seconds": ("how long it took", SECONDS),
            "command": ("the command that checks the same server again", TEXT),
            "clauses": ("the verdicts", _list({"$ref": "#/$defs/clause"})),
            "changes": ("what the dialect asks differently", _list(change)),
            "waived": ("what the dialect does not ask of this server", _list(waived)),
            "explored": ("what the state machines did", TEXTS),
            "summary": ("how many clauses have each verdict", summary),
            "conclusion": ("the last line of the check", TEXT),
            "code": ("its exit code", CODE),
        },
        misfit=("of a server that does not speak the dialect: what was said and read, and what to do", TEXTS),
        baseline=("with --compare: what has changed since the earlier report", baseline),
    )


def _clause() -> Schema:
    return _object(
        {
            "id": ("its id, which never changes", {"enum": [*CLAUSES]}),
            "level": ("whether a server has to keep it", {"enum": ["MUST", "SHOULD"]}),
            "profile": ("whether polite clients ask it, or abrupt ones", {"enum": [*PROFILES]}),
            "sentence": ("what the clause says", TEXT),
            "asked": ("the same in the words of the dialect", TEXT),
            "page": ("the address of its page, if --site was given", {"type": ["string", "null"]}),
            "verdict": ("what came of it", {"enum": [*OUTCOMES]}),
            "seconds": ("how long its checks took", SECONDS),
            "known": ("why it is listed as broken", {"type": ["string", "null"]}),
            "stale": ("whether it is listed as broken, and holds", TRUTH),
            "why": (
                "the reason, unless it holds or is violated; what was not asked of a clause that holds",
                {"type": ["string", "null"]},
            ),
            "expected": ("of a violation: what was expected", _of_a_violation(TEXT)),
            "observed": ("of a violation: what was observed instead", _of_a_violation(TEXT)),
            "shape": ("of a violation: what happened, in a word, if that is known", _of_a_violation(TEXT)),
            "server_ended": ("of a violation: whether the server was seen to have ended", _of_a_violation(TRUTH)),
            "place": ("of a violation: where what is wrong begins, if there is anything to say", _of_a_violation(TEXT)),
            "note": ("of a violation: a remark", _of_a_violation(TEXT)),
            "confirmation": ("of a violation: how often it showed on fresh servers", _of_a_violation(TEXT)),
            "shown": ("of a violation that was replayed: how often it showed", _of_a_violation(COUNT)),
            "replays": ("of a violation that was replayed: how often", _of_a_violation(COUNT)),
            "again": ("of a violation: the command that checks the clause again", _of_a_violation(TEXT)),
            "before": ("of a violation: the exchanges on the same server on which it depends", _of_a_violation(TEXTS)),
            "exchange": ("of a violation: the exchange in words", _of_a_violation(TEXTS)),
            "events": (
                "of a violation: the same exchange as data; empty for one inside this process",
                _of_a_violation(_list({"$ref": "#/$defs/event"})),
            ),
        }
    )


def _event() -> Schema:
    bytes_ = {"type": ["string", "null"], "pattern": "^b['\"]"}
    return _object(
        {
            "step": ("its number among the steps; null for what a client read", {"type": ["integer", "null"]}),
            "who": ("the clients that did it; empty for all", TEXTS),
            "does": (
                "a step of a client, or what it read: "
                + "; ".join(f"{verb}: {what}" for verb, what in VERBS.items() if what != "a step"),
                {"enum": [*VERBS]},
            ),
            "data": ("the bytes said or read, as Python writes bytes, at most 1024", bytes_),
            "bytes": ("their number in all", COUNT),
            "sent": ("the bytes on the wire, where they differ", bytes_),
            "line": ("the whole event in words", TEXT),
            "shows": ("whether the violation shows here", TRUTH),
        }
    )
