"""Classes for runs that nobody records: the same code, without what says what a step touches.

    self._touch(READ, "next")               is left out
    if self.points.recording or not ready:  if False or not ready:

Most runs are not recorded, and would say to nobody what they touch. So the methods of a class are compiled once more
without that, into a subclass; nothing is written twice.

Next: `serials.py`.
"""

import ast
import copy
import inspect
import linecache
import sys
from functools import cache
from typing import Any, TypeVar

Kind = TypeVar("Kind", bound=type)

SAYS = {
    *("touch", "_touch", "_touch_options", "_touch_places", "observe", "refuse_to_reduce"),
    *("_note_taken", "_note_released", "_note_spawned", "_note_ended", "_note_gone"),
}
"""Methods that do nothing else: calls of which nobody uses the result are left out."""

ASKS = {"recorded": False, "recording": False, "recorder": None, "_touch_name": None}
"""Attributes that say whether the run is recorded, and what they say if it is not."""


def unrecorded(kind: Kind) -> Kind:
    """Return a subclass of a class whose methods do not say what they touch, and may be used in no recorded run."""
    made: Kind = _made(kind)
    return made


@cache
def _made(kind: type) -> Any:
    own: dict[str, Any] = {}
    for base in reversed(kind.__mro__[:-1]):
        own.update(_methods(base))
    own.update(silent=True, __module__=kind.__module__, __qualname__=kind.__qualname__)
    return type(kind)(kind.__name__, (kind,), own)


@cache
def _methods(kind: type) -> dict[str, Any]:
    """Return the methods and properties that a class defines itself, compiled once more."""
    module = sys.modules[kind.__module__]
    body = next(one for one in _classes(inspect.getfile(module)) if one.name == kind.__name__)
    methods = [one for one in body.body if isinstance(one, ast.FunctionDef) and one.name not in SAYS]
    silent = copy.copy(body)
    silent.bases, silent.keywords, silent.decorator_list = [], [], []
    silent.body = [ast.Pass(), *map(_Silent().visit, methods)]
    made: dict[str, Any] = {}
    tree = ast.fix_missing_locations(ast.Module([silent], []))
    exec(compile(tree, inspect.getfile(module), "exec"), vars(module), made)
    return {method.name: vars(made[kind.__name__])[method.name] for method in methods}


@cache
def _classes(file: str) -> list[ast.ClassDef]:
    """Return the classes of a module; parsed once, as that takes longer than all else here."""
    return [one for one in ast.parse("".join(linecache.getlines(file))).body if isinstance(one, ast.ClassDef)]


class _Silent(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        call = node.value
        says = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in SAYS
        return ast.copy_location(ast.Pass(), node) if says else self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr in ASKS and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Constant(ASKS[node.attr]), node)
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Decide now whether None is None."""
        self.generic_visit(node)
        known = {"None is None": True, "None is not None": False}.get(ast.unparse(node))
        return node if known is None else ast.copy_location(ast.Constant(known), node)

    def visit_If(self, node: ast.If) -> ast.AST:
        """Leave it out if nothing is left in it."""
        self.generic_visit(node)
        calls = any(isinstance(one, ast.Call) for one in ast.walk(node.test))
        if calls or node.orelse or not all(isinstance(one, ast.Pass) for one in node.body):
            return node
        return ast.copy_location(ast.Pass(), node)
