"""Whether a silent client delays another (ECHO-8): a question for a clock, where the other is served after all.

A server that serves one client at a time may lose patience with a silent one, and serve the next then. So what a client
waits for its reply beside a silent one is compared with what others waited before, alone, in the same exchange:
whatever slows the machine slows them as well.
"""

from collections.abc import Sequence

from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.transcript import Did, Heard, Transcript
from socketserver_reference.conformance.scenario.violation import Finding

DELAY_FACTOR = 10
"""Times the longest wait of those who were alone, from which on a client is delayed."""

MIN_DELAY_SECONDS = 0.5
"""Seconds that are no delay for a client, whatever others wait: on a busy machine a process may rest for that long."""


def waits(transcript: Transcript) -> dict[str, float]:
    """Return the seconds from the first request of each client to the first byte of the reply."""
    found: dict[str, float] = {}
    speaker, asked = "", 0.0
    for entry in transcript.entries:
        match entry:
            case Did(step):
                speaker, asked = step.spoken_by, entry.when
            case Heard(who, _, when) if who == speaker:
                found.setdefault(who, when - asked)
            case _:  # somebody else reads
                pass
    return found


def finding(transcript: Transcript, alone: Sequence[str], beside: str) -> Finding | None:
    """Explain the delay of a client that asked beside a silent one; None if there is none."""
    waited = waits(transcript)
    longest = max(waited[who] for who in alone)
    if waited[beside] < max(MIN_DELAY_SECONDS, DELAY_FACTOR * longest):
        return None
    others = f"none of them had to wait longer than {1000 * longest:.1f} ms"
    return Finding(
        attribution.clauses(attribution.ECHO_ROWS, "late", []),
        f"{beside} reads the reply as soon as {' and '.join(alone)}, who asked when nobody else was connected",
        f"{beside} reads it after {waited[beside]:.1f} s, and {others}",
        "late",
    )
