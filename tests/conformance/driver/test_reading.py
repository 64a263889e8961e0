"""Which clients a replay reads once more after its last step."""

from collections.abc import Sequence
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.reading import ClientReader, Pace
from socketserver_reference.conformance.scenario.steps import Approach, Connect, HalfClose, Resume, Stall, Step


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
