"""How a check may end without a verdict of its own: raised by checks and by the driver."""

from socketserver_reference.conformance.scenario.violation import Violation


class NotApplicable(Exception):
    """The clause says nothing about this target; the message says why."""


class NotChecked(Exception):
    """The clause could not be decided; the message says why. `violation` is one of another clause, seen instead."""

    def __init__(self, why: str, violation: Violation | None = None) -> None:
        super().__init__(why)
        self.violation = violation
