"""Lags between two members, and which of them are stalls; waits beside a silent client, and which are delays."""

from socketserver_reference.conformance.oracles.measured import delay, delayed_ack
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Say
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Entry, Heard, Transcript


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


def visit(who: str, waited: float) -> list[Entry]:
    """Return the exchange of a client that reads its reply in two pieces, the first after so many seconds."""
    asks: list[Entry] = [
        Did(Connect(who), when=10.0),
        Did(Say(who, b"hello"), when=20.0),
        Heard("other", b"late", 20.0 + waited / 2),
    ]
    reads: list[Entry] = [Heard(who, b"HEL", 20.0 + waited), Heard(who, b"LO", 99.0)]
    return [*asks, *reads, Did(HalfClose(who), when=100.0), Heard(who, b"bye", 101.0), Ended(who, "eof")]


def waited(*alone: float, beside: float) -> tuple[str, ...]:
    """Return the clauses that are broken if clients waited so long."""
    visits = [visit(f"client{count}", seconds) for count, seconds in enumerate(alone)]
    transcript = Transcript([*(entry for one in visits for entry in one), *visit("ann", beside)])
    found = delay.finding(transcript, [f"client{count}" for count in range(len(alone))], "ann")
    return found.clauses if found else ()


def test_a_client_waits_from_its_request_to_the_first_byte_that_it_reads() -> None:
    assert delay.waits(Transcript(visit("ann", 3.0))) == {"ann": 3.0}


def test_a_client_is_delayed_if_it_waits_many_times_as_long_as_those_who_were_alone() -> None:
    assert waited(0.25, 0.125, beside=4.0) == ("ECHO-8",)
    assert waited(0.25, 0.5, beside=4.0) == ()  # one of those waited long as well: a busy machine, or a slow server
    assert waited(0.0, 0.0, beside=0.375) == ()  # it may be the machine


def test_the_finding_says_how_long_each_had_to_wait() -> None:
    found = delay.finding(Transcript([*visit("ann", 0.25), *visit("ben", 4.0)]), ["ann"], "ben")
    assert found is not None
    assert found.observed == "ben reads it after 4.0 s, and none of them had to wait longer than 250.0 ms"
