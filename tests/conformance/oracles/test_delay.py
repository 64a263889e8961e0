"""How long clients wait for replies, alone and beside a silent one, and from which difference on that is a delay."""

from socketserver_reference.conformance.oracles.measured import delay
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Say
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Entry, Heard, Transcript


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
    assert waited(0.0, 0.0, beside=0.0625) == ()  # nobody notices that


def test_the_finding_says_how_long_each_had_to_wait() -> None:
    found = delay.finding(Transcript([*visit("ann", 0.25), *visit("ben", 4.0)]), ["ann"], "ben")
    assert found is not None
    assert found.observed == "ben reads it after 4.0 s, and none of them had to wait longer than 250.0 ms"
