"""Who reads when, and how long each waits."""

from collections.abc import Sequence
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.reading import ClientReader, Pace
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import (
    Approach,
    Connect,
    Dawdle,
    HalfClose,
    Resume,
    Stall,
    Step,
    join,
)


class Reader(ClientReader):
    """Clients, of which it is only noted who is read."""

    def __init__(self, *steps: Step) -> None:
        nothing: Any = None
        super().__init__(nothing, NOTE, 0.1, None, Pace())
        self.read: list[str] = []
        for step in steps:
            self._note_reading(step)
        self._clients = dict.fromkeys(("ann", "vic"), nothing)

    def _poll(self, names: list[str]) -> None:
        self.read = names


@pytest.mark.parametrize(
    ("steps", "read"),
    [
        ([Connect("vic")], ["ann", "vic"]),
        ([Connect("vic"), Stall("vic")], ["ann"]),
        ([Connect("vic"), Stall("vic"), Resume("vic")], ["ann", "vic"]),
        ([Approach("vic")], ["ann"]),
        ([Approach("vic"), HalfClose("vic")], ["ann"]),
    ],
)
def test_who_is_no_member_is_not_judged(steps: Sequence[Step], read: list[str]) -> None:
    reader = Reader(*steps)
    reader.read_what_is_there()
    assert reader.read == read


class Scripted:
    """A client that receives this, one after the other, and notes its timeouts."""

    def __init__(self, *received: bytes | str | None) -> None:
        self.received = [*received]
        self.timeouts: list[float] = []

    def set_timeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def receive(self) -> Any:
        return self.received.pop(0)

    def close(self) -> None:
        self.received.clear()


@pytest.mark.parametrize(
    ("steps", "received", "told"),
    [
        ([Stall("vic"), Resume("vic")], [b"some", None, b"the rest"], ["some", "the rest"]),
        ([Stall("vic"), Resume("vic")], [b"some", None, None], ["some", "nothing"]),
        ([Stall("vic"), Resume("vic")], [None, b"some", None], ["some", "nothing"]),
        ([], [b"some", None], ["some", "nothing"]),
    ],
)
def test_who_reads_again_waits_longer_once(steps: list[Step], received: list[bytes | None], told: list[str]) -> None:
    """The server's system may have tried in vain when there was no room, and tries again later."""
    reader = Reader(*join("ann", "vic"), *steps)
    told_by_it: list[str] = []
    waited: list[float] = []
    vic: Any = Scripted(*received)
    reader._clients = {"vic": vic}
    reader._keep_up = lambda: None  # type: ignore[method-assign]  # nobody else is there

    def take(who: str, got: Any) -> None:  # noqa: ARG001 - it is vic
        told_by_it.append(got.decode())

    def silence(who: str, seconds: float) -> None:  # noqa: ARG001 - it is vic
        told_by_it.append("nothing")
        waited.append(seconds)

    reader._take = take  # type: ignore[method-assign]  # who is judged is not the question
    reader._report_silence = silence  # type: ignore[method-assign]  # it need not raise here
    while vic.received:
        reader._read("vic")
    assert told_by_it == told
    assert [seconds > reader.timeout for seconds in waited] == [received[-2:] == [None, None]] * len(waited)


def test_who_reads_again_waits_no_longer_once_the_time_of_the_check_is_over() -> None:
    def is_over() -> None:
        raise NotChecked("no time left")

    reader = Reader(*join("ann", "vic"), Stall("vic"), Resume("vic"))
    vic: Any = Scripted(None, b"too late")
    reader._clients = {"vic": vic}
    reader.before_step = is_over
    with pytest.raises(NotChecked):
        reader._read("vic")
    assert vic.received == [b"too late"]


def test_once_those_who_give_way_have_been_cut_off_nobody_asks_again_and_again() -> None:
    waits, slow = Scripted(None, None, None, b"at last"), Scripted(b"much", "eof")
    reader = Reader(*join("ann", "vic"), Dawdle("vic"))
    reader.timeout = 600.0
    taken: list[tuple[str, object]] = []

    def take(who: str, got: object) -> None:
        taken.append((who, got))
        if got == "eof":
            del clients[who]

    clients: dict[str, Any] = {"ann": waits, "vic": slow}
    reader._clients = clients
    reader._take = take  # type: ignore[method-assign]  # who is judged is not the question
    assert reader._receive_past_others(waits) == b"at last"  # type: ignore[arg-type]  # it does what a client does
    assert taken == [("vic", b"much"), ("vic", "eof")]
    first, reading, still, alone, last = waits.timeouts
    assert (first, reading, still, last) == (0.02, 0, 0, 600.0)
    assert 0 < alone < 600
