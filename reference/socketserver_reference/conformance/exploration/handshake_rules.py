"""Rules for the machines of a chat with a handshake: clients stop in it, are silent, and leave."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from socketserver_reference.conformance.exploration.chat_machines import PoliteChatMachine
from socketserver_reference.conformance.exploration.machine import MAX_MEMBERS, NUMBERS, pick
from socketserver_reference.conformance.scenario.steps import Abandon, Approach, Close, HalfClose, Reset

MAX_OUTSIDE = 2
"""Most clients that are in the middle of a handshake at one time."""


def with_handshakes(machine: Any) -> Any:
    """Return the machine with these rules."""
    return type(machine.__name__, (HandshakeRules, machine), {})


class HandshakeRules(PoliteChatMachine):
    """See the module."""

    @rule(answers=st.integers(0, 2), half=st.booleans())
    def approach(self, answers: int, half: bool) -> None:
        outside = self.room.outside
        if len(outside) < MAX_OUTSIDE and len(self.present()) + len(outside) < MAX_MEMBERS:
            self.before("silent")
            asked = sum(turn.send is not None for turn in self.room.dialect.handshake)
            self.do(Approach(self.newcomer(), min(answers, asked), half and answers < asked))

    @rule(number=NUMBERS, way=NUMBERS)
    def give_up(self, number: int, way: int) -> None:
        ways: list[Any] = [HalfClose, Close, *([Reset, Abandon] if self.abrupt and self.asked("CHAT-12") else [])]
        if self.room.outside:
            leaves = ways[way % len(ways)]
            self.before("reset" if leaves in (Reset, Abandon) else "left")
            self.do(leaves(pick(sorted(self.room.outside), number)))
