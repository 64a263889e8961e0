"""The clauses that the suite found broken in a fault, compared with the catalogue."""

from dataclasses import dataclass, field

from socketserver_faults.catalogue.index import find
from socketserver_reference.clauses import CLAUSES

Stories = dict[str, list[str]]
"""Clause -> the lines of its first violation."""


@dataclass
class FaultResult:
    """The clauses that the suite found broken in a fault: by directed scenarios alone, and with exploration."""

    name: str
    directed: Stories = field(default_factory=dict)
    explored: dict[int, Stories] = field(default_factory=dict)
    """Seed -> what exploration found in addition."""
    unconfirmed: list[str] = field(default_factory=list)
    """Clauses whose violation no replay on a fresh server showed."""
    seconds: float = 0.0
    died: str = ""
    """How the process that checked it failed; "" if it did not."""

    @property
    def found(self) -> Stories:
        """All clauses found broken, in their order."""
        stories = dict(self.directed)
        for more in self.explored.values():
            stories.update((clause, story) for clause, story in more.items() if clause not in stories)
        return {clause: stories[clause] for clause in CLAUSES if clause in stories}

    def mismatches(self) -> list[str]:
        """Return the differences from the catalogue, with the exchange for each clause that should hold."""
        expected = find(self.name).breaks
        if self.died:
            return [f"{self.name}: {self.died}"]
        lines = []
        if self.unconfirmed:
            lines.append(f"{self.name}: no replay shows that it breaks {', '.join(self.unconfirmed)}")
        if missed := [clause for clause in expected if clause not in self.directed]:
            lines.append(f"{self.name} should break {', '.join(missed)}, but no directed scenario shows it")
        if extra := [clause for clause in self.found if clause not in expected]:
            lines.append(
                f"{self.name} breaks {', '.join(self.found) or 'nothing'}; the catalogue says {', '.join(expected)}"
            )
            for clause in extra:
                seeds = [seed for seed, stories in self.explored.items() if clause in stories]
                by = f"exploration, seed {seeds[0]}" if clause not in self.directed else "a directed scenario"
                lines += [f"  by {by}:", *(f"    {line}" for line in self.found[clause])]
        return lines
