"""The interface of every oracle, for the driver of a scenario."""

from typing import Protocol

from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.scenario.violation import Finding


class Oracle(Protocol):
    """The questions of the driver to any oracle."""

    def begin(self, step: Step, *, idle_before: bool) -> None:
        """Note that the clients do this now, and whether the server had come to rest before."""

    def final_steps(self) -> list[Step]:
        """Return the steps that show that every client is served in full."""

    def required_readers(self, step: Step) -> list[str]:
        """Return the clients to read after the step, in this order, while something is `due` to them."""

    def due(self, who: str) -> bool:
        """Whether the client must be read further: bytes that must come have not come."""

    def optional_readers(self) -> list[str]:
        """Return the clients that may have something to read, though nothing is due to them."""

    def settled(self, step: Step) -> None:
        """Note that all listeners of the step have been read, and nothing more is due."""

    def feed(self, who: str, data: bytes) -> bool:
        """Take what a client read; False when it is illegal, and `explain_mismatch` then explains it."""

    def expected_bytes(self, who: str) -> bytes:
        """After `feed` returned False: the expected bytes, which may still come after the illegal ones."""

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        """Explain bytes that `feed` refused, with all that came after them."""

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        """Take the end of a client's stream."""

    def explain_silence(self, who: str) -> Finding:
        """Explain that nothing came, though bytes were expected."""

    def explain_refusal(self, who: str, why: str) -> Finding:
        """Explain that a client could not connect."""

    def explain_death(self, expected: str) -> Finding:
        """Explain that the server ended, though no client has seen that."""
