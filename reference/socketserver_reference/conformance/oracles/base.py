"""What every oracle can be asked, by whoever plays a scenario."""

from typing import Protocol

from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.scenario.violation import Finding


class Oracle(Protocol):
    """What the stage asks of any oracle."""

    def begin(self, step: Step, *, idle_before: bool) -> None:
        """Note that the clients do this now, and whether the server had come to rest before."""

    def farewell(self) -> list[Step]:
        """Return the steps after which everybody has been seen whole."""

    def listeners(self, step: Step) -> list[str]:
        """Return whom to read after the step, in this order, while something is `due` to them."""

    def due(self, who: str) -> bool:
        """Whether the client must be read further: something that has to come has not."""

    def bystanders(self) -> list[str]:
        """Return the clients who may have something to read, though nothing is due to them."""

    def settled(self, step: Step) -> None:
        """Note that all listeners of the step have been read, and nothing more is due."""

    def hears(self, who: str, data: bytes) -> bool:
        """Take what a client read; False when it is illegal, and `misfit` then explains it."""

    def lacks(self, who: str) -> bytes:
        """After `hears` said no: the bytes that were due, which may still come behind the illegal ones."""

    def misfit(self, who: str, data: bytes) -> Finding:
        """Explain bytes that `hears` refused, with all that came behind them."""

    def ends(self, who: str, how: Ending) -> Finding | None:
        """Take the end of a client's stream."""

    def silent(self, who: str) -> Finding:
        """Explain that nothing came, though something was due."""

    def refused(self, who: str, why: str) -> Finding:
        """Explain that a client could not connect."""
