"""Oracles that remember what they have said: under most schedules, the clients read the same.

What an oracle says depends on what it was asked before, and on nothing else. So the questions of all runs are kept,
each with its answer, as a tree::

    begin(ann connects) -> begin(ann says hi) -> feed(ann, b"ackhi") -> ...
                                              -> feed_end(ann, "reset") -> ...

A run goes down the tree. Only where it leaves it, an oracle is made, told all that came before, and asked. What raises
an exception is not kept: it ends a run.

Next: `clients.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from socketserver_reference.conformance.oracles.base import Oracle

Question = tuple[Any, ...]
"""The name of a method of an oracle, and its arguments."""

MAX_REMEMBERED_BYTES = 16 * 1024 * 1024
"""Bytes that are remembered at most; then all is forgotten."""

PLACE_BYTES = 500
"""Bytes that a place in the tree takes, about, besides what a client has read."""


@dataclass(slots=True)
class Place:
    """A place in the tree: the answer to the last question, and the places to which further questions lead."""

    answer: Any = None
    following: "dict[Question, Place]" = field(default_factory=dict)


def _put(oracle: Any, question: Question) -> Any:
    """Put a question to an oracle."""
    name, *arguments = question
    if name == "begin":
        return oracle.begin(arguments[0], idle_before=arguments[1])
    return getattr(oracle, name)(*arguments)


class Memory:
    """What oracles of one class have answered in all runs; `make` makes one."""

    def __init__(self, make: Callable[[], Oracle]) -> None:
        self.make = make
        self.begin = Place()
        self._size = 0
        self._kind: Any = type("Remembered", (_Remembered, type(make())), {})

    def oracle(self) -> Oracle:
        """Return an oracle for one run."""
        oracle: Oracle = self._kind(self)
        return oracle

    def add(self, place: Place, question: Question, answer: Any) -> Place:
        """Return a new place, to which a question leads."""
        self._size += PLACE_BYTES + sum(len(part) for part in question if isinstance(part, bytes))
        if self._size > MAX_REMEMBERED_BYTES:
            self.begin, self._size = Place(), 0
        following = place.following[question] = Place(answer)
        return following


class _Remembered:
    """An oracle for one run. It is of the class of those that it stands for, since drivers ask for that."""

    def __init__(self, memory: Memory) -> None:
        self._memory, self._place = memory, memory.begin
        self._asked: list[Question] = []
        self._oracle: Oracle | None = None
        """Judges from where the run has left the tree."""

    def _judge(self, question: Question) -> Place:
        """Ask an oracle what nobody has asked in this place before."""
        if self._oracle is None:
            self._oracle = self._memory.make()
            for before in self._asked:
                _put(self._oracle, before)
        return self._memory.add(self._place, question, _put(self._oracle, question))


def _asking(name: str) -> Callable[..., Any]:
    def ask(self: _Remembered, *arguments: Any, **keywords: Any) -> Any:
        question = (name, *arguments, *keywords.values())
        self._place = self._place.following.get(question) or self._judge(question)
        self._asked.append(question)
        return self._place.answer

    return ask


for _name in {*vars(Oracle), "lags", "rested"}:
    if not _name.startswith("_"):
        setattr(_Remembered, _name, _asking(_name))
