"""Loops that do nothing until another thread has done something: `while True: pass`, as many a main program ends.

CPython switches threads in the midst of such a loop. Here a thread runs until it comes to a point, so a loop without
one would keep the others from running for ever. In the program's modules it sleeps a little each time round instead.

Next: `module_copies.py`.
"""

import ast
from typing import Final

PAUSE_FUNCTION: Final = "__pause__"
"""The built-in function that is called in such a loop."""

PAUSE_SECONDS = 0.1
"""Virtual seconds that it takes: time passes only when no other thread can run."""


def with_pauses(source: bytes, file: str) -> ast.Module:
    """Return the program of a file, with a pause in each loop that does nothing."""
    return ast.fix_missing_locations(_Pauses().visit(ast.parse(source, file)))  # type: ignore[no-any-return]


class _Pauses(ast.NodeTransformer):
    def visit_While(self, node: ast.While) -> ast.AST:
        """Let it pause if it does nothing else."""
        if all(_does_nothing(statement) for statement in node.body):
            pause = ast.Expr(ast.Call(ast.Name(PAUSE_FUNCTION, ast.Load()), [], []))
            node.body = [ast.copy_location(pause, node.body[0]), *node.body]
        return self.generic_visit(node)


def _does_nothing(statement: ast.stmt) -> bool:
    """Whether it is `pass`, `continue`, `...` or a text."""
    idle = isinstance(statement, ast.Pass | ast.Continue)
    return idle or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
