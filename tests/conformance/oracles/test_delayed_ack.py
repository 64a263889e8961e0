"""Lags between two members, and which of them are stalls."""

from socketserver_reference.conformance.oracles.measured import delayed_ack
from socketserver_reference.conformance.scenario.steps import Say
from socketserver_reference.conformance.scenario.transcript import Did, Heard, Transcript


def lagging(by: float, every: int = 2) -> Transcript:
    """Return an exchange in which every so many deliveries reach `late` so much later."""
    transcript = Transcript()
    for count in range(20):
        transcript.entries += [
            Did(Say("ann", b"x")),
            Heard("prompt", b"ackx", count),
            Heard("late", b"ac", count + (by if count % every == 0 else 0)),
            Heard("late", b"kx", count + 0.5),
        ]
    return transcript


def test_lags_are_counted_from_one_who_heard_the_same_before() -> None:
    found = delayed_ack.lags(lagging(0.04), "prompt", "late")
    assert len(found) == 40
    unheard = Transcript([Did(Say("ann", b"x")), Heard("late", b"ackx", 1.0), Heard("prompt", b"ackx", 2.0)])
    assert delayed_ack.lags(unheard, "prompt", "late") == []


def test_a_third_of_slow_deliveries_is_a_stall_and_less_is_a_busy_machine() -> None:
    assert delayed_ack.stalls([0.04, 0.0] * 10)
    assert delayed_ack.stalls([0.04, 0.0, 0.0, 0.0])
    assert not delayed_ack.stalls([0.04, 0.0, 0.0, 0.0, 0.0])
    assert not delayed_ack.stalls([])
    finding = delayed_ack.finding([0.04, 0.0, 0.05], "ben", "cal")
    assert finding.clauses == ("CHAT-16",)
    assert finding.observed == "cal hears 2 of 3 deliveries later, half of them by 50 ms or more"
