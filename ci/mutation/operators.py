"""The deletion of a statement, which Cosmic Ray does not have; and which of its mutants would say nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

import parso
from cosmic_ray.operators.operator import Example, Operator

Node = Any
"""A node of parso's syntax tree; it has no types."""

PROVIDER = "statements"

TRIVIAL = ("core/ReplaceBinaryOperator_BitOr_",)
"""Beginnings of the names of operators that are left out: the reference has `|` between types alone, where nothing else
can stand.
"""

UNJUDGED = ("log.", "log = ", "import ", "from ", "pass", '"', "'", 'r"', "global ")
"""Beginnings of statements that are not deleted: no clause is about what is logged, and a docstring does nothing."""


class DeleteStatement(Operator):
    """Replaces a simple statement by `pass`."""

    def mutation_positions(self, node: Node) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if node.type == "simple_stmt" and not node.get_code(include_prefix=False).startswith(UNJUDGED):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Node, index: int) -> Node:  # noqa: ARG002 - a statement is deleted in one way
        deleted = parso.parse("pass").children[0]
        deleted.prefix = node.children[0].get_first_leaf().prefix
        node.children[0] = deleted
        return node

    @classmethod
    def examples(cls) -> Sequence[Example]:
        return (Example("x = 1\n", "pass\n"),)


class Provider:
    """What Cosmic Ray asks for operators."""

    def __iter__(self) -> Iterator[str]:
        return iter([DeleteStatement.__name__])

    def __getitem__(self, name: str) -> type[Operator]:
        return {DeleteStatement.__name__: DeleteStatement}[name]
