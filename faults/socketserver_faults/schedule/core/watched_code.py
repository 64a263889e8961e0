"""Code that says what it does with its objects: the same code, with calls of `shared_objects.py` in it.

    self.members.add(member)            <call>(<load>(<load>(self, 'members'), 'add'))(member)
    for member in self.members:         for member in <each>(<load>(self, 'members')):
    self.count += 1                     first = self
                                        <store>(first, 'count').count = <augmented>('iadd', <load>(first, 'count'), 1)

The names of the calls cannot be written in Python, so no program has them. Local variables belong to one thread. The
others, which are declared `global` or `nonlocal` or which inner functions use, are touched by their names, whichever
call of the function they belong to.

Next: `line_points.py`.
"""

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

UNWATCHED_CALLS = {"super", "isinstance", "issubclass", "callable", "range", "type"}
"""Functions that are called as they are."""

OPERATORS = {"bitor": "or", "bitand": "and", "bitxor": "xor", "mult": "mul", "div": "truediv", "matmult": "matmul"}
"""Names of `ast` -> those of `operator`, where they differ."""


def watched(tree: ast.Module, module: str, *, body: bool = False) -> ast.Module:
    """Return the program of a module, so that it says what it does with its objects.

    With `body`, so does what is in no function, because there may be other threads when it runs; and each of its
    variables may be bound then.
    """
    return ast.fix_missing_locations(_Watch(module, tree, body).visit(tree))  # type: ignore[no-any-return]


def _stored(node: ast.AST) -> Iterator[str]:
    """Yield the names that a function, or a module, binds itself, without its inner functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Name) and not isinstance(child.ctx, ast.Load):
            yield child.id
        elif isinstance(child, ast.ExceptHandler) and child.name:
            yield child.name
        if not isinstance(child, Function | Comprehension | ast.ClassDef):
            yield from _stored(child)


def _parameters(node: ast.AST) -> set[str]:
    return (
        {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        if isinstance(node, Function)
        else set()
    )


def _declared(node: ast.AST, kind: type[ast.Global] | type[ast.Nonlocal]) -> set[str]:
    return {name for one in ast.walk(node) if isinstance(one, kind) for name in one.names}


def _declares(node: ast.AST) -> Iterator[str]:
    """Yield the names that a function itself declares to be of another scope."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Global | ast.Nonlocal):
            yield from child.names
        elif not isinstance(child, Function | Comprehension | ast.ClassDef):
            yield from _declares(child)


def _inner(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | Comprehension):
            yield child
        else:
            yield from _inner(child)


class _Watch(ast.NodeTransformer):
    def __init__(self, module: str, tree: ast.Module, body: bool) -> None:
        self._module = module
        self._classes: list[str] = []
        variables = _declared(tree, ast.Global) | ({*_stored(tree)} if body else set())
        self._shared: list[dict[str, str]] = [dict.fromkeys(variables, module)]
        self._unwatched_scopes = 0 if body else 1
        self._temporary = 0
        self._bound = {*_stored(tree), *(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))}

    # Building blocks

    def _call(self, function: str, *arguments: ast.expr) -> ast.Call:
        return ast.Call(ast.Name(f"<{function}>", ast.Load()), list(arguments), [])

    def _mangled(self, name: str) -> str:
        private = name.startswith("__") and not name.endswith("__") and self._classes
        return f"_{self._classes[-1].lstrip('_')}{name}" if private and self._classes[-1].strip("_") else name

    def _wrapped(self, function: str, node: ast.expr) -> ast.expr:
        visited = self.visit(node)
        return visited if isinstance(visited, ast.Constant | ast.JoinedStr) else self._call(function, visited)

    # Scopes

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()
        return node

    def _visit_function(self, node: ast.AST) -> ast.AST:
        mine = {*_stored(node), *_parameters(node)} - set(_declares(node))
        rebound = set(_stored(node)) | _declared(node, ast.Nonlocal)
        used = {one.id for inner in _inner(node) for one in ast.walk(inner) if isinstance(one, ast.Name)}
        shared = {name: place for name, place in self._shared[-1].items() if name not in mine}
        place = f"{self._module}:{getattr(node, 'lineno', 0)}"
        shared.update({name: place for name in mine if name in used and name in rebound})
        self._shared.append(shared)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        self.generic_visit(node)
        self._shared.pop()
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_GeneratorExp = _visit_function  # noqa: N815

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.target = self.visit(node.target)
            node.value = self._renamed(node.target, self.visit(node.value))
        return node

    # Variables

    def _key(self, name: str) -> ast.expr | None:
        place = self._shared[-1].get(name)
        if place is None or len(self._shared) <= self._unwatched_scopes:
            return None
        return ast.Tuple([ast.Constant(place), ast.Constant(name)], ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.AST:
        key = self._key(node.id)
        if key is None or not isinstance(node.ctx, ast.Load):
            return node
        return self._call("name", key, node)

    def _renamed(self, target: ast.expr, value: ast.expr) -> ast.expr:
        """Return a value, so that it is noted which shared variables are bound to it."""
        for one in ast.walk(target):
            if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
                key = self._key(one.id)
                value = value if key is None else self._call("rename", key, value)
        return value

    # Statements

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        unpacks = any(isinstance(target, ast.Tuple | ast.List) for target in node.targets)
        node.value = self._wrapped("read", node.value) if unpacks else self.visit(node.value)
        for target in node.targets:
            node.value = self._renamed(target, node.value)
        node.targets = [self.visit(target) for target in node.targets]
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        node.value = self._renamed(node.target, self.visit(node.value))
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        target: ast.Name | ast.Attribute | ast.Subscript = node.target
        before: list[ast.AST] = []
        if isinstance(target, ast.Attribute | ast.Subscript):
            before, target = self._held(target)
        old = (
            ast.Attribute(target.value, target.attr, ast.Load())
            if isinstance(target, ast.Attribute)
            else (
                ast.Subscript(target.value, target.slice, ast.Load())
                if isinstance(target, ast.Subscript)
                else ast.Name(target.id, ast.Load())
            )
        )
        name = type(node.op).__name__.lower()
        what = ast.Constant(f"i{OPERATORS.get(name, name)}")
        made = ast.Assign([target], self._call("augmented", what, self.visit(old), self.visit(node.value)))
        made.value = self._renamed(target, made.value)
        made.targets = [self.visit(target)]
        return [*before, ast.copy_location(made, node)]

    def _held(self, target: ast.Attribute | ast.Subscript) -> tuple[list[ast.AST], ast.Attribute | ast.Subscript]:
        """Return assignments of the parts of a target to variables, and the target with these."""
        before: list[ast.AST] = []

        def held(part: ast.expr) -> ast.expr:
            if isinstance(part, ast.Constant | ast.Slice):
                return part
            self._temporary += 1
            name = f"<{self._temporary}>"
            before.append(ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], self.visit(part)), part))
            return ast.Name(name, ast.Load())

        if isinstance(target, ast.Attribute):
            return before, ast.Attribute(held(target.value), target.attr, target.ctx)
        return before, ast.Subscript(held(target.value), held(target.slice), target.ctx)

    def visit_For(self, node: ast.For) -> ast.AST:
        bound = self._noted(node.target)
        self.generic_visit(node)
        node.iter = self._call("each", node.iter)
        node.body[:0] = bound
        return node

    def visit_With(self, node: ast.With) -> ast.AST:
        bound = [note for item in node.items if item.optional_vars for note in self._noted(item.optional_vars)]
        self.generic_visit(node)
        node.body[:0] = bound
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        bound = self._noted(ast.Name(node.name, ast.Store())) if node.name else []
        self.generic_visit(node)
        node.body[:0] = bound
        return node

    def _noted(self, target: ast.expr) -> list[ast.stmt]:
        """Return a statement that notes which shared variables a target has bound, if it has any."""
        none = ast.Constant(None)
        noted = self._renamed(target, none)
        return [] if noted is none else [ast.Expr(noted)]

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.iter = self._call("each", self.visit(node.iter))
        node.target = self.visit(node.target)
        node.ifs = [self._wrapped("read", test) for test in node.ifs]
        return node

    def _visit_test(self, node: ast.If | ast.While | ast.IfExp | ast.Assert) -> ast.AST:
        test = self._wrapped("read", node.test)
        node.test = ast.Constant(True)
        self.generic_visit(node)
        node.test = test
        return node

    visit_If = visit_While = visit_IfExp = visit_Assert = _visit_test  # noqa: N815

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        return node

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        subject = self._wrapped("compare", node.subject)
        node.subject = ast.Constant(None)
        self.generic_visit(node)
        node.subject = subject
        return node

    # Expressions

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id.startswith("<"):
            value: ast.expr = node.value
        else:
            value = self.visit(node.value)
        name = ast.Constant(self._mangled(node.attr))
        if isinstance(node.ctx, ast.Load):
            return self._call("load", value, name)
        how = "store" if isinstance(node.ctx, ast.Store) else "delete"
        return ast.Attribute(self._call(how, value, name), node.attr, node.ctx)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        how = {ast.Load: "read", ast.Store: "change", ast.Del: "delete"}[type(node.ctx)]
        value = (
            node.value if isinstance(node.value, ast.Name) and node.value.id.startswith("<") else self.visit(node.value)
        )
        return ast.Subscript(self._call(how, value), self.visit(node.slice), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.args = [self.visit(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value) if keyword.arg else self._wrapped("read", keyword.value)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in UNWATCHED_CALLS or name in self._bound:
            node.func = self._call("call", self.visit(node.func))
        return node

    def _visit_display(self, node: ast.expr) -> ast.AST:
        self.generic_visit(node)
        return self._call("new", node)

    def visit_List(self, node: ast.List) -> ast.AST:
        return self._visit_display(node) if isinstance(node.ctx, ast.Load) else self.generic_visit(node)

    visit_Dict = visit_Set = _visit_display  # noqa: N815

    def _visit_comprehension(self, node: Comprehension) -> ast.AST:
        self._visit_function(node)
        return self._call("new", node)

    visit_ListComp = visit_SetComp = visit_DictComp = _visit_comprehension  # noqa: N815

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        node.value = self._wrapped("read", node.value) if isinstance(node.ctx, ast.Load) else self.visit(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
            found = self._call("has", self.visit(node.left), self.visit(node.comparators[0]))
            return found if isinstance(node.ops[0], ast.In) else ast.UnaryOp(ast.Not(), found)
        if all(isinstance(one, ast.Is | ast.IsNot) for one in node.ops):
            self.generic_visit(node)
            return node
        node.left = self._wrapped("compare", node.left)
        node.comparators = [self._wrapped("compare", one) for one in node.comparators]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        node.values = [self._wrapped("read", value) for value in node.values]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        node.operand = self._wrapped("read", node.operand)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        node.left, node.right = self._wrapped("compare", node.left), self._wrapped("compare", node.right)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        node.value = self._wrapped("compare", node.value)
        return node
