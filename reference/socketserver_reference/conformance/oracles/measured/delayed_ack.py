"""Whether deliveries wait for delayed acknowledgements: the one question that only a clock answers (CHAT-16).

Without TCP_NODELAY the server's kernel holds a small delivery back until the one before is acknowledged, and the
kernel of a client that says nothing acknowledges after 40 ms. Two members hear the same deliveries; one acknowledges
at once, one late. Whatever else slows the machine slows both.
"""

from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.step import Utterance
from socketserver_reference.conformance.scenario.transcript import Did, Heard, Transcript
from socketserver_reference.conformance.scenario.violation import Finding

MIN_STALL_SECONDS = 0.020
"""Seconds of lag that count as a stall: half of the 40 ms that it takes."""


def lags(transcript: Transcript, prompt: str, late: str) -> list[float]:
    """Return, for each utterance that both heard, by how many seconds `late` heard it after `prompt`."""
    found = []
    heard: dict[str, float] = {}
    for entry in transcript.entries:
        match entry:
            case Did(Utterance()):
                heard = {}
            case Heard(who, _, when):
                heard.setdefault(who, when)
                if who == late and prompt in heard:
                    found.append(when - heard[prompt])
            case _:  # nobody speaks or hears
                pass
    return found


def stalls(lags: list[float]) -> bool:
    """Whether the pattern is that of stalls: more than a fifth are late.

    Measured: every second one, but for those before the first stall, 10 or 11 of 24 in all (the report of a check says
    how many: `serve waits-for-acknowledgements` of the faults is such a server); on a busy machine now and then fewer,
    for the prompt client is late as well. Where nothing stalls it is none, on a busy machine, too.
    """
    return 5 * sum(lag > MIN_STALL_SECONDS for lag in lags) > len(lags)


def finding(lags: list[float], prompt: str, late: str) -> Finding:
    """Explain the stalls."""
    slow = sorted(lag for lag in lags if lag > MIN_STALL_SECONDS)
    return Finding(
        attribution.clauses(attribution.CHAT_ROWS, "late", []),
        f"{late}, whose kernel delays its acknowledgements, hears a delivery when {prompt} does",
        f"{late} hears {len(slow)} of {len(lags)} deliveries later, half of them by "
        f"{1000 * slow[len(slow) // 2]:.0f} ms or more",
        "late",
    )
