"""Which clause an unexpected frame breaks; `attribution.py` does the same for streams.

A frame tells more than a stream: whether it is a whole delivery that comes at the wrong time, one that lost its end,
one with something else inside, or nothing that anybody said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.oracles import attribution

ExpectedFrame = tuple[Template, bytes]
"""As what a member would read an utterance, and the utterance's body."""

MIN_PIECE_BYTES = 4
"""Bytes of an utterance or a notice that are not taken for chance."""


@dataclass(frozen=True)
class FrameMismatch:
    """A frame that no delivery explains, without the prompts before it."""

    frame: bytes
    expected: Sequence[ExpectedFrame]  # what must come next, of each speaker
    due: Sequence[ExpectedFrame]  # all that may still come
    heard: Sequence[ExpectedFrame]
    misattributed: bool  # it is expected, but from another speaker
    out_of_order: bool  # others have heard it in another order
    together: bool  # several spoke at once
    resumed: bool  # the member had not read for a while
    notices: Sequence[Template]
    disruptions: Sequence[attribution.Disruption]

    def clauses(self) -> list[str]:
        """Return the clauses that it may break, the likeliest first."""
        disrupted = [attribution.CLAUSE_OF_DISRUPTION[disruption] for disruption in reversed(self.disruptions)]
        if self.out_of_order:
            return ["CHAT-13", *disrupted]
        if self._is_any(self.heard):
            return ["CHAT-4", *disrupted]
        if self.misattributed:
            return [*disrupted, "CHAT-4"]
        if self._is_any(self.due):  # something before it was left out
            return [*disrupted, "CHAT-5", "CHAT-2", "CHAT-3"]
        if self._lost_its_end():
            return ["CHAT-6"]
        if self._mixed():
            return ["CHAT-14"]
        if not self.expected:
            return disrupted
        # Two orders would show in whole deliveries.
        torn = [clause for clause in disrupted if clause != "CHAT-13"]
        torn = ["CHAT-14", *torn] if self.together or self.resumed else torn
        whole = any(body in self.frame for _, body in self.expected)
        long = len(self.expected[0][1]) > attribution.MAX_PLAIN_BYTES
        return [*torn, *([] if whole else ["CHAT-6", "CHAT-3"] if long else ["CHAT-3"]), "CHAT-2", "CHAT-3"]

    def _is_any(self, forms: Sequence[ExpectedFrame]) -> bool:
        return any(template.label(self.frame, body) is not None for template, body in forms)

    def _lost_its_end(self) -> bool:
        """Whether it is what was due, but for the end of a long utterance."""
        return any(
            template.label(self.frame, body[:length]) is not None
            for template, body in self.expected
            for length in range(attribution.MAX_PLAIN_BYTES, len(body))
            if self.frame.endswith(body[:length] + template.tail)
        )

    def _mixed(self) -> bool:
        """Whether parts of two deliveries are in it, or of one and a notice."""
        known = [body for _, body in (*self.due, *self.heard) if len(body) >= MIN_PIECE_BYTES]
        inside = {body for body in known if body in self.frame}
        pieces = [part for notice in self.notices for part in notice.parts if len(part) >= MIN_PIECE_BYTES]
        return len(inside) > 1 or bool(inside and self.together) or any(part in self.frame for part in pieces)
