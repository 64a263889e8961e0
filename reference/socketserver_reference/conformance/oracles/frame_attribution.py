"""Which clause a frame breaks that was not due: what `attribution.py` is for streams.

A frame tells more than a stream: whether it is a whole delivery that comes at the wrong time, one that lost its end,
one with something else inside, or nothing that anybody said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.oracles import attribution

Form = tuple[Template, bytes]
"""As what a member would read an utterance, and the utterance's body."""

PIECE = 4
"""Bytes of an utterance or a notice that are not taken for chance."""


@dataclass(frozen=True)
class FrameMisfit:
    """A frame that no delivery explains, without the prompts before it."""

    frame: bytes
    expected: Sequence[Form]  # what must come next, of each speaker
    due: Sequence[Form]  # all that may still come
    heard: Sequence[Form]
    ascribed: bool  # it is due, but somebody else's
    out_of_order: bool  # others have heard it in another order
    together: bool  # several spoke at once
    resumed: bool  # the member had not read for a while
    notices: Sequence[Template]
    circumstances: Sequence[attribution.Circumstance]

    def clauses(self) -> list[str]:
        """Return the clauses that it may break, the likeliest first."""
        disturbed = [attribution.CLAUSE_OF[circumstance] for circumstance in reversed(self.circumstances)]
        if self.out_of_order:
            return ["CHAT-13", *disturbed]
        if self._is_any(self.heard):
            return ["CHAT-4", *disturbed]
        if self.ascribed:
            return [*disturbed, "CHAT-4"]
        if self._is_any(self.due):  # something before it was left out
            return [*disturbed, "CHAT-5", "CHAT-2", "CHAT-3"]
        if self._lost_its_end():
            return ["CHAT-6"]
        if self._mixed():
            return ["CHAT-14"]
        if not self.expected:
            return disturbed
        # Two orders would show in whole deliveries.
        torn = [clause for clause in disturbed if clause != "CHAT-13"]
        torn = ["CHAT-14", *torn] if self.together or self.resumed else torn
        whole = any(body in self.frame for _, body in self.expected)
        long = len(self.expected[0][1]) > attribution.LINE
        return [*torn, *([] if whole else ["CHAT-6", "CHAT-3"] if long else ["CHAT-3"]), "CHAT-2", "CHAT-3"]

    def _is_any(self, forms: Sequence[Form]) -> bool:
        return any(template.label(self.frame, body) is not None for template, body in forms)

    def _lost_its_end(self) -> bool:
        """Whether it is what was due, but for the end of a long utterance."""
        return any(
            template.label(self.frame, body[:length]) is not None
            for template, body in self.expected
            for length in range(attribution.LINE, len(body))
            if self.frame.endswith(body[:length] + template.tail)
        )

    def _mixed(self) -> bool:
        """Whether parts of two deliveries are in it, or of one and a notice."""
        known = [body for _, body in (*self.due, *self.heard) if len(body) >= PIECE]
        inside = {body for body in known if body in self.frame}
        pieces = [part for notice in self.notices for part in notice.parts if len(part) >= PIECE]
        return len(inside) > 1 or bool(inside and self.together) or any(part in self.frame for part in pieces)
