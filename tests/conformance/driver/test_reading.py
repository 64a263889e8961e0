"""Which clients a replay reads once more after its last step."""

from collections.abc import Sequence
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.reading import ClientReader, Pace
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
