"""Runs the directed checks of a conformance class without pytest: for the tests of the suite itself."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from reference.conformance.chat import ChatConformance
from reference.conformance.datagram import DatagramConformance
from reference.conformance.echo import EchoConformance
from reference.conformance.performer import Performer
from reference.conformance.plugin import Playing
from reference.conformance.suite import Conformance, NotApplicable, NotChecked
from reference.conformance.target import Target
from reference.conformance.violation import Violation

SUITES: dict[str, type[Conformance]] = {
    "chat": ChatConformance,
    "echo": EchoConformance,
    "datagram": DatagramConformance,
}


def performer(protocol: str, target: Target | str, patience: float) -> Performer:
    """Return a performer for the target, as the plugin makes it; the caller closes it."""
    suite = SUITES[protocol]
    return Performer(
        target,
        patience=patience,
        oracle=suite.oracle,
        greeting=suite.greeting,
        conversation=suite.conversation,
        survival=suite.survival,
    )


def checks(protocol: str, clause: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the clause and the method of each directed check, or of those that decide one clause."""
    suite = SUITES[protocol]
    for name, check in vars(suite).items():
        decided = getattr(check, "decides", None)
        if decided is not None and clause in (None, decided):
            yield decided, getattr(suite(), name)


def outcomes(
    protocol: str, target: Target | str, patience: float, clause: str | None = None
) -> Iterator[tuple[str, str, Violation | NotChecked | NotApplicable | None]]:
    """Yield, for each check, its clause, its name and what it raised."""
    with closing(performer(protocol, target, patience)) as performing:
        for decided, check in checks(protocol, clause):
            try:
                check(Playing(performing, decided))
            except (Violation, NotChecked, NotApplicable) as outcome:
                yield decided, check.__name__, outcome
            else:
                yield decided, check.__name__, None
