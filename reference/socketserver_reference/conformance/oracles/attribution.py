"""Which clause a mismatch breaks: the one place where the suite weighs clauses against each other.

A server with one bug should break one clause in the report. So a mismatch is attributed first to the *disruptions*
(abrupt events since all clients were last seen served in full), then to what is special about the utterance, and only
then to the general promise. Each function returns every clause that fits, the likeliest first; a
directed scenario takes its own clause if it is among them. Besides, a finding names what would `also` explain it, if
that is known to be broken already: a server that changes bytes shows that in every scenario, in many disguises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding

CHUNK = NOTE.chunk

MAX_PLAIN_BYTES = 80
"""Bytes up to which nothing is special about the length of an utterance."""

Disruption = Literal["reset", "silent", "half-closed", "stalled", "concurrent", "crowded", "left"]

CLAUSE_OF_DISRUPTION: dict[Disruption, str] = {
    "reset": "CHAT-12",
    "silent": "CHAT-9",
    "half-closed": "CHAT-10",
    "stalled": "CHAT-15",
    "concurrent": "CHAT-13",
    "crowded": "CHAT-17",
    "left": "CHAT-11",
}
"""The clause that promises that this disturbs no other client."""


CONTENT = ("CHAT-2", "CHAT-3", "CHAT-4", "CHAT-5", "CHAT-6", "CHAT-10")
"""The clauses about what deliveries hold: a server that breaks one of them may send anything."""


@dataclass(frozen=True)
class Mismatch:
    """Bytes that no reading of the room explains."""

    who: str
    expected: list[bytes]
    observed: bytes
    before: bytes  # what the client read before, as far as the log remembers
    first: bool  # the client had read nothing so far
    utterance: bytes
    said: list[bytes]  # the last utterances of each client
    lagged: bool  # so much was waiting for it that the server may have ended it
    stalled_once: bool
    quits: list[bytes]
    disruptions: Sequence[Disruption]
    speakers: int

    @property
    def long(self) -> bool:
        """Whether more was said than fits into a chunk."""
        return len(self.utterance) > CHUNK


@dataclass(frozen=True)
class MissingDelivery:
    """A delivery or end of stream that had to come and did not."""

    who: str
    expected: str  # the delivery in words, or "" when only the end of the stream was due
    leaving: str | None
    lurker: bool
    begun: bool  # a part of the delivery came
    stalled_once: bool
    utterance: bytes
    disruptions: Sequence[Disruption]  # for a leaving client: those active when it began to leave


def explain_mismatch(seen: Mismatch, dialect: Dialect) -> Finding:
    """Explain bytes that the oracle did not expect."""
    wanted = seen.expected[0] if seen.expected else b""
    clauses = tuple(dict.fromkeys(_mismatch_clauses(seen, wanted, dialect)))
    quits = ["CHAT-7"] if any(quit in seen.observed for quit in seen.quits) else []
    return Finding(
        clauses,
        f"{seen.who} reads {' or '.join(show(one) for one in seen.expected)}" if seen.expected else "nothing is sent",
        f"{seen.who} reads {show(seen.observed, 200)}",
        also=() if clauses == ("CHAT-7",) else (*quits, *CONTENT),
    )


def _mismatch_clauses(seen: Mismatch, wanted: bytes, dialect: Dialect) -> list[str]:
    observed, prefix = seen.observed, dialect.prefix
    if any(observed.startswith(quit) for quit in seen.quits):
        return ["CHAT-7"]
    extra = observed[: observed.find(wanted)] if wanted in observed else observed
    rest = observed.removeprefix(wanted) if wanted else observed
    if prefix in (extra, rest) or 2 * prefix in (extra[: 2 * len(prefix)], rest[: 2 * len(prefix)]):
        # An empty delivery: most likely the end of stream of a client.
        return ["CHAT-6", "CHAT-10", "CHAT-4"] if seen.long else ["CHAT-10", "CHAT-4", "CHAT-6"]
    again = bool(wanted and not extra) or (extra in seen.before and bool(extra))
    from_nowhere = "CHAT-1" if seen.first and not again else "CHAT-4"
    return [*_likely_clauses(seen, wanted, extra, from_nowhere, prefix), from_nowhere, "CHAT-4"]


def _likely_clauses(seen: Mismatch, wanted: bytes, extra: bytes, from_nowhere: str, prefix: bytes) -> list[str]:
    observed = seen.observed
    if seen.lagged:
        return ["CHAT-14"]
    tail = observed.partition(prefix)[0]
    if len(tail) > 1 and seen.before.endswith(tail):
        return ["CHAT-14", *_by_disruption(seen.disruptions)]
    if seen.speakers > 1 or "concurrent" in seen.disruptions:
        likely = "CHAT-14" if _mixed(seen, prefix) else "CHAT-13"
        return [likely, "CHAT-13", *_by_disruption(seen.disruptions), from_nowhere, "CHAT-2", "CHAT-3", "CHAT-5"]
    if not wanted:
        return [from_nowhere, *_by_disruption(seen.disruptions)]
    if seen.stalled_once:
        return ["CHAT-14", "CHAT-15", "CHAT-2", "CHAT-3"]
    if wanted in observed:  # something came before it, or after it
        if seen.long and not extra:
            return ["CHAT-6", from_nowhere]
        overtaking = extra not in seen.before and all(piece in seen.utterance for piece in extra.split(prefix))
        return [*(["CHAT-5"] if overtaking else []), from_nowhere, "CHAT-3"]
    if not observed.startswith(prefix[: len(observed)]):
        bare = wanted.removeprefix(prefix)
        return ["CHAT-6"] if seen.long and not observed.startswith(bare) else ["CHAT-2"]
    if observed in seen.before:
        return ["CHAT-4", "CHAT-5", *(["CHAT-6"] if seen.long else [])]
    shortened = wanted.startswith(prefix + observed.removeprefix(prefix).partition(prefix)[0])
    order = [] if shortened else ["CHAT-5"]
    return ["CHAT-6", *order, "CHAT-3"] if seen.long else ["CHAT-3", *order, "CHAT-2"]


def _mixed(seen: Mismatch, prefix: bytes) -> bool:
    """Whether the bytes between two prefixes are part of no utterance."""
    first, *pieces = seen.observed.split(prefix)
    return bool(first) or any(not any(piece in said for said in seen.said) for piece in pieces[:-1])


def _by_disruption(disruptions: Sequence[Disruption]) -> list[str]:
    """Return the clauses about what happened since all clients were last seen served in full, the latest first."""
    return [CLAUSE_OF_DISRUPTION[disruption] for disruption in reversed(disruptions)]


def explain_missing(absent: MissingDelivery) -> Finding:
    """Explain that expected bytes did not come."""
    return _missing_delivery(absent, f"{absent.who} reads nothing", _missing_clauses(absent))


def explain_cut_off(absent: MissingDelivery, how: Ending) -> Finding:
    """Explain that the server ended the connection of a client that had not left, or had not read all it must."""
    clauses = _missing_clauses(absent)
    if absent.lurker:  # had the server never counted it, it would have read nothing
        clauses = [*_by_disruption(absent.disruptions), *clauses]
    return _missing_delivery(absent, f"{absent.who} reads {ENDINGS[how]}", clauses)


def _missing_delivery(absent: MissingDelivery, observed: str, clauses: list[str]) -> Finding:
    altered = ["CHAT-3", "CHAT-6"] if len(absent.utterance) > MAX_PLAIN_BYTES or _unusual(absent.utterance) else []
    # A connection that has ended and is not released may delay the others: its thread may use all processor time.
    kept = ["CHAT-10"] if not absent.leaving and {"reset", "left"} & {*absent.disruptions} else []
    also = ("CHAT-2", "CHAT-5", *kept, *altered)
    fitting = tuple(dict.fromkeys(clauses))
    return Finding(fitting, absent.expected or _otherwise(absent), observed, absent=True, also=also)


def _unusual(utterance: bytes) -> bool:
    """Whether there is anything in it but a line of printable ASCII."""
    return utterance != utterance.strip() or not (utterance.isascii() and utterance.decode().isprintable())


def _otherwise(absent: MissingDelivery) -> str:
    return f"{absent.who} reads end of stream" if absent.leaving else f"{absent.who} stays connected"


def _missing_clauses(absent: MissingDelivery) -> list[str]:
    if absent.leaving:
        mixed_up = ["CHAT-13"] if "concurrent" in absent.disruptions else []
        return [*mixed_up, {"quit": "CHAT-7", "half-close": "CHAT-10"}[absent.leaving], "CHAT-11"]
    if absent.lurker:
        crowded = ["CHAT-17"] if "crowded" in absent.disruptions else []
        return [*crowded, "CHAT-9", *_by_disruption(absent.disruptions), "CHAT-2"]
    likely = _by_disruption(absent.disruptions)
    if absent.begun and not likely:
        return ["CHAT-6" if len(absent.utterance) > CHUNK else "CHAT-3"]
    if absent.stalled_once:
        likely.append("CHAT-15")
    if b"quit" in absent.utterance.lower():
        likely.append("CHAT-8")
    elif _unusual(absent.utterance.replace(b"\n", b"")):
        likely.append("CHAT-3")
    elif len(absent.utterance) > CHUNK:
        likely.append("CHAT-6")
    return [*likely, "CHAT-2", "CHAT-5"]


def explain_refusal(who: str, why: str, disruptions: Sequence[Disruption]) -> Finding:
    """Explain that a client could not connect, though the server accepted others before."""
    clauses = [*_by_disruption(disruptions), "CHAT-11", "CHAT-12", "CHAT-17"]
    return Finding(tuple(dict.fromkeys(clauses)), f"{who} connects", f"{who} cannot connect: {why}")
