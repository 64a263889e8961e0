"""How a check may end without a verdict of its own: raised by checks, and by what plays them."""

from socketserver_reference.conformance.scenario.violation import Violation


class NotApplicable(Exception):
    """The clause says nothing about this target; the message says why."""


class NotChecked(Exception):
    """The clause could not be decided; the message says why. `violation` is what was seen of another clause instead."""

    def __init__(self, why: str, violation: Violation | None = None) -> None:
        super().__init__(why)
        self.violation = violation
