"""Steps say of themselves what modules ask of them, so that another one is added in few places."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from socketserver_reference.conformance.confirm.cut import condensed, is_legal
from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.rewrite_limits import CapacityLimit, RateLimited
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.reports.html.lanes import draw
from socketserver_reference.conformance.scenario import steps as steps_module
from socketserver_reference.conformance.scenario.step import BaseStep, OneClient, Speech
from socketserver_reference.conformance.scenario.steps import (
    KINDS,
    Connect,
    HalfClose,
    join,
)
from tests.support.exchanges import did, knowing, story
from tests.support.serving import ROOT

SUITE = "reference/socketserver_reference/conformance"

TELLING = {
    f"{SUITE}/driver/stage.py": "performs them",
    f"{SUITE}/driver/conditions.py": "says which clause they can show broken",
    f"{SUITE}/driver/rewritings.py": "invents them",
    f"{SUITE}/oracles/chat_room.py": "judges them",
    f"{SUITE}/oracles/datagram.py": "judges them",
    f"{SUITE}/oracles/echo.py": "judges them",
    f"{SUITE}/oracles/stream_echo.py": "judges them",
    f"{SUITE}/checks/echo.py": "invents them",
    f"{SUITE}/exploration/chat_machines.py": "invents them",
    f"{SUITE}/exploration/echo_machines.py": "invents them",
    f"{SUITE}/exploration/handshake_rules.py": "invents them",
    "faults/socketserver_faults/schedule/exploration/random_runs.py": "invents them",
    f"{SUITE}/checks/chat_crowds.py": "says which way a crowd leaves",
    f"{SUITE}/checks/chat_frames.py": "says which way a client leaves",
    f"{SUITE}/checks/chat_handshake.py": "says which way a client leaves",
    f"{SUITE}/checks/visits.py": "says which ways clients leave",
}
"""The modules that tell steps by their classes, and why. All others make steps, and read what steps say."""


def told_apart(source: str) -> set[str]:
    """Return the classes of steps that a module uses for more than to make steps of them, and in types."""
    tree = ast.parse(source if KINDS[0].__module__ in source else "")
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == KINDS[0].__module__
        for alias in node.names
        if alias.name in {kind.__name__ for kind in KINDS}
    }
    harmless = {id(name) for node in ast.walk(tree) for made in harmless_in(node) for name in ast.walk(made)}
    used = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in harmless)
    return {node.id for node in used} & names


def harmless_in(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Call(func=ast.Name() as made):
            yield made
        case ast.AnnAssign(annotation=ast.expr() as kind) | ast.arg(annotation=ast.expr() as kind):
            yield kind
        case ast.FunctionDef(returns=ast.expr() as kind):
            yield kind
        case _:
            pass


def test_few_modules_tell_steps_by_their_classes() -> None:
    found = {
        str(file.relative_to(ROOT)): told_apart(file.read_text(encoding="utf-8"))
        for package in ("reference", "faults")
        for file in (ROOT / package).rglob("*.py")
    }
    assert {file: names for file, names in found.items() if names and file not in TELLING} == {}
    assert [file for file in TELLING if not found[file]] == [], "they are no longer exceptions"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("match step:\n    case Say(who):\n        pass", {"Say"}),
        ("isinstance(step, Say | Close)", {"Say", "Close"}),
        ("DOES = {Say: 'says'}", {"Say"}),
        ("type(step) is Say", {"Say"}),
        ("words: list[Say] = [Say('ann', b'hi')]", set()),
        ("def spoken(words: Say) -> type[Close]:\n    return ClosesSoon", set()),
    ],
)
def test_to_tell_steps_by_their_classes_is_seen(source: str, names: set[str]) -> None:
    assert told_apart(f"from {KINDS[0].__module__} import Close, Say\n{source}") == names


def test_every_class_of_a_step_is_in_the_type_of_steps() -> None:
    classes = [one for one in vars(steps_module).values() if getattr(one, "__module__", "") == steps_module.__name__]
    assert [one for one in classes if isinstance(one, type) and issubclass(one, BaseStep)] == [*KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_by_which_a_script_would_do_nothing_says_why_no_script_can_do_it(kind: type[BaseStep]) -> None:
    assert kind.effect or issubclass(kind, Speech) or not kind.reaches_server or kind.unscripted


# A step that the suite has never heard of


@dataclass(frozen=True)
class Ping(OneClient):
    """A client sends something that leads to nothing."""

    verb = "pings"

    def __str__(self) -> str:
        return f"{self.who} pings"


PING: Any = Ping("ann")


def test_an_unknown_step_is_judged_to_change_nothing_and_told_and_drawn() -> None:
    oracle = knowing(StreamChatOracle(NOTE), Connect("ann"), PING)
    assert oracle.required_readers(PING) == []
    told = story(did(*join("ann", "ben"), PING))
    assert told.lines[-1].strip() == "5  ann pings"
    assert (told.events[-1].does, told.events[-1].who) == ("pings", ("ann",))
    row = draw(told).rows[-1]
    assert (row.lanes, row.before, row.after) == ((0,), ("open", "open"), ("open", "open"))


def test_an_unknown_step_is_left_out_with_its_client() -> None:
    steps = [*join("ann", "ben"), PING]
    assert is_legal(steps)
    assert not is_legal([PING, *join("ann")])
    assert not is_legal([*join("ann"), HalfClose("ann"), PING])
    assert condensed(steps) == steps


FRAMED = replace(NOTE, to_sender="nothing")


@pytest.mark.parametrize(
    "phrasing",
    [
        rewrite.StreamRewriter(NOTE),
        rewrite.FramedRewriter(FRAMED),
        rewrite.EchoRewriter(NOTE),
        rewrite.DatagramRewriter(NOTE),
        RateLimited(rewrite.FramedRewriter(NOTE), Limits(gap=1.0)),
        CapacityLimit(rewrite.StreamRewriter(NOTE), replace(NOTE, limits=Limits(members=1)), sees_idle=True),
    ],
    ids=lambda phrasing: type(phrasing).__name__,
)
def test_an_unknown_step_is_performed_as_it_is_by_who_is_there(phrasing: rewrite.Rewriter) -> None:
    phrasing.rewrite(Connect("ann"))
    assert phrasing.rewrite(PING) == [PING]


def test_nobody_does_an_unknown_step_who_could_not_come() -> None:
    seats = CapacityLimit(rewrite.StreamRewriter(NOTE), replace(NOTE, limits=Limits(members=1)), sees_idle=True)
    assert [seats.rewrite(step) for step in (Connect("ben"), Connect("ann"), PING)] == [[Connect("ben")], [], []]
    assert seats.lost == ["ping"]
    assert rewrite.FramedRewriter(FRAMED).rewrite(PING) == []
