"""A scenario as it was played: what it takes to play it again."""

from dataclasses import dataclass, replace
from typing import Literal, Self

from socketserver_reference.conformance.scenario.steps import Step

Politeness = Literal["polite", "polite at first", "abrupt"]
"""Before which steps a stage waits until the server is idle: all, all until the first abrupt one, or none."""


@dataclass(frozen=True)
class Scene:
    """The steps of a scenario, the clause that it was to decide, and how it was played."""

    steps: list[Step]
    """They grow while it is played."""
    about: str | None = None
    politeness: Politeness = "polite"

    def of(self, steps: list[Step]) -> Self:
        """Return a scenario of other steps that is played in the same way."""
        return replace(self, steps=steps)
