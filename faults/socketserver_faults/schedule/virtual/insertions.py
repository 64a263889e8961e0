"""Calls that are inserted into the loops of a program, where they would otherwise keep other threads from running.

CPython switches threads in the midst of a loop. Here a thread runs until it comes to a point, so a loop without one,
that waits for what another thread does, would wait for ever. `while True: pass`, as many a main program ends, sleeps a
little each time round. Any other `while` sleeps when it goes round and round without a point, and changes no variable.

A run ends by an exception in each thread that is left. An `except:` within a loop would catch it, and the thread would
go on for ever; but the next round raises it again.

Next: `sources.py`.
"""

import ast
from collections.abc import Callable
from typing import Final

from socketserver_faults.schedule.core.decisions import STREAK_SECONDS
from socketserver_faults.schedule.core.scheduler import Scheduler

PAUSE_FUNCTION: Final = "__pause__"
LOOK_AGAIN_FUNCTION: Final = "__look_again__"
"""The built-in functions that are called: in a loop that does nothing, and in any other."""


def functions(scheduler: Scheduler) -> dict[str, Callable[[], None]]:
    """Return the built-in functions."""
    return {PAUSE_FUNCTION: lambda: scheduler.sleep(STREAK_SECONDS), LOOK_AGAIN_FUNCTION: scheduler.look_again}


def with_insertions(program: ast.Module) -> ast.Module:
    """Return a program with the calls in it."""
    return ast.fix_missing_locations(_Insertions().visit(program))  # type: ignore[no-any-return]


class _Insertions(ast.NodeTransformer):
    def visit_While(self, node: ast.While) -> ast.AST:
        """Let it begin each round with a call."""
        idle = all(_does_nothing(statement) for statement in node.body)
        name = ast.Name(PAUSE_FUNCTION if idle else LOOK_AGAIN_FUNCTION, ast.Load())
        node.body = [ast.copy_location(ast.Expr(ast.Call(name, [], [])), node.body[0]), *node.body]
        return self.generic_visit(node)


def _does_nothing(statement: ast.stmt) -> bool:
    """Whether it is `pass`, `continue`, `...` or a text."""
    idle = isinstance(statement, ast.Pass | ast.Continue)
    return idle or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
