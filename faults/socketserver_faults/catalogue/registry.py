"""The catalogue: every planted bug by name, with the clauses it breaks and its story.

A fault is a class of the reference with ONE method overridden, and `@fault` above it says which clauses that breaks:

    @fault("CHAT-8")
    class QuitsInAnyCase(ChatHandler):
        \"\"\"QUIT in capitals counts as quit. ...\"\"\"

        def leaves(self, chunk: bytes) -> bool:
            return super().leaves(chunk.lower())

Everything else follows from the class. Its name, in lower case with hyphens, is the name of the fault
(`quits-in-any-case`); its module is the theme; its base is the class of the reference that it replaces; its docstring
is the story, in four parts that `Fault` names.

`matrix/` runs the suite against each fault, and demands that exactly these clauses are found broken.
"""

import difflib
import inspect
import os
import tempfile
import textwrap
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from socketserver import BaseServer
from typing import Any, TypeVar

from socketserver_reference.address import Address
from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.scenario.text import hyphenated
from socketserver_reference.echo import DatagramEchoHandler
from socketserver_reference.family import PROGRAMS, make_server
from socketserver_reference.lifecycle import Server
from socketserver_reference.overthreaded import OverthreadedChatHandler

FaultClass = TypeVar("FaultClass", bound=type[Any])

THEMES = {
    "ownership": "which thread may close a request",
    "membership": "which clients are members",
    "delivery": "what arrives, where, and how often",
    "leaving": "how clients leave, and what they lose",
    "serving": "the server itself: concurrency, errors, shutdown",
    "echoing": "the echo over connections",
    "datagrams": "the echo over datagrams",
}
"""Theme -> what its faults are about. Each theme is a module of this package, with those that PART_OF names."""

PART_OF = {
    "closed_request": "ownership",
    "ending": "serving",
    "keeping": "serving",
    "requests": "serving",
    "system": "serving",
    "slow_members": "delivery",
}
"""Module -> the theme of another module, to which its faults belong."""


@dataclass(frozen=True)
class Fault:
    """One planted bug: a class of the reference with one method overridden.

    `program` is what it serves, a key of the reference's PROGRAMS. `concurrency` is how its handlers run; `promises` is
    how its users expect them to run, the same unless that is the bug. It listens at `host`, unless it has a path.
    `own_process` faults end, fork or never release their process, so each runs in its own, checked over the network
    alone. `mix_ins` go before those of the program: the fault itself, if its class is a server, and the room that makes
    it show, if it needs one. `scheduler_only` says why the suite cannot see it over real sockets; then only the
    scheduler (`schedule/`) judges it.
    """

    name: str
    breaks: tuple[str, ...]
    cls: type[Any]
    theme: str
    program: str
    transport: str
    concurrency: str
    promises: str
    host: str
    own_process: bool
    mix_ins: tuple[type[Any], ...]
    scheduler_only: str = ""

    @property
    def summary(self) -> str:
        """The first line of the story: the bug in one sentence."""
        return self.story.partition("\n")[0]

    @property
    def story(self) -> str:
        """What the bug is, what its programmer thought, what users see, and the fix."""
        return inspect.getdoc(self.cls) or ""

    @property
    def base(self) -> type[Any]:
        """The class of the reference that it replaces."""
        base: type[Any] = self.cls.__bases__[0]
        return base

    @property
    def method(self) -> str:
        """The name of the method that is overridden."""
        name: str
        (name,) = (name for name, value in vars(self.cls).items() if inspect.isfunction(value))
        return name

    @property
    def protocol(self) -> str:
        """Which conformance class checks it over the network: chat, echo or datagram."""
        if self.program != "echo":
            return "chat"
        return "datagram" if Address(self.transport).datagram else "echo"

    def diff(self) -> str:
        """Return the method as a unified diff against the reference's."""
        before = textwrap.dedent(inspect.getsource(getattr(self.base, self.method)))
        after = textwrap.dedent(inspect.getsource(vars(self.cls)[self.method]))
        owner = next(cls for cls in self.base.__mro__ if self.method in vars(cls))
        return "\n".join(
            difflib.unified_diff(
                before.splitlines(),
                after.splitlines(),
                f"{owner.__module__}.{owner.__qualname__}.{self.method}",
                f"{self.cls.__module__}.{self.cls.__qualname__}.{self.method}",
                n=99,
                lineterm="",
            )
        )

    def make(self, address: Address | None = None, handler: type[Any] | None = None) -> Server:
        """Return the faulty server, bound and listening; `handler` replaces its own handler class."""
        program = PROGRAMS[self.program]
        program = replace(program, mix_ins=(*self.mix_ins, *program.mix_ins), refuses={})
        if not issubclass(self.cls, BaseServer):
            program = replace(program, connection_handler=self.cls, datagram_handler=self.cls)
        if handler is not None:
            program = replace(program, connection_handler=handler, datagram_handler=handler)
        return make_server(program, address or self.anywhere(), self.concurrency)

    def anywhere(self) -> Address:
        """Return an address where nothing listens yet."""
        if self.transport.startswith("unix"):
            return Address(self.transport, path=os.path.join(tempfile.gettempdir(), f"fault-{uuid.uuid4().hex}"))
        return Address(self.transport, self.host)


CATALOGUE: dict[str, Fault] = {}
"""Name -> fault, for the themes that are imported; `index.py` imports all."""


def fault(
    *breaks: str,
    program: str = "",
    transport: str = "",
    concurrency: str = "threading",
    promises: str = "",
    host: str = "127.0.0.1",
    own_process: bool = False,
    room: type[Room] | None = None,
    scheduler_only: str = "",
) -> Callable[[FaultClass], FaultClass]:
    """Enter the class below into the catalogue, as a fault that breaks these clauses."""

    def enter(cls: FaultClass) -> FaultClass:
        name = hyphenated(cls.__name__)
        assert name not in CATALOGUE, f"{name} is in the catalogue already"
        assert breaks, f"{name} breaks no clause, so it is no fault"
        module = cls.__module__.rpartition(".")[2]
        mix_ins = ((cls,) if issubclass(cls, BaseServer) else ()) + ((room,) if room else ())
        CATALOGUE[name] = Fault(
            name=name,
            breaks=tuple(id for id in CLAUSES if id in breaks) + tuple(id for id in breaks if id not in CLAUSES),
            cls=cls,
            theme=PART_OF.get(module, module),
            program=program or _program(cls),
            transport=transport or ("udp" if issubclass(cls, DatagramEchoHandler) else "tcp"),
            concurrency=concurrency,
            promises=promises or concurrency,
            host=host,
            own_process=own_process,
            mix_ins=mix_ins,
            scheduler_only=scheduler_only,
        )
        return cls

    return enter


def _program(cls: type[Any]) -> str:
    """Return the program of which a class of the reference is a part."""
    if issubclass(cls, OverthreadedChatHandler):
        return "overthreaded"
    return "chat" if issubclass(cls, ChatHandler | Room) else "echo"
