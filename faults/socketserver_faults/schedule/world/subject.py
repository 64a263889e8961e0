"""What is played under the schedules: a server by name, made of copies of the modules it comes from.

A name is one of the reference (`chat`), one of the catalogue (`closed-request`), or somebody's own handler class
(`package.module:Handler`), which is then served by `socketserver.ThreadingTCPServer`, as in a tutorial. Where a handler
needs a server of another kind, a function of no arguments that returns one can be named in its place
(`package.module:make_server`).

Next: `clients.py`, the clients.
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from socketserver_faults.catalogue.index import Unknown, find
from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.virtual.module_copies import Modules, find_source
from socketserver_reference.address import Address
from socketserver_reference.family import PROGRAMS

MakeServer = Callable[[Modules], Any]

ANYWHERE = Address("tcp", "127.0.0.1")


class SubjectRefused(Exception):
    """This cannot be played under a schedule; the message says why, and what can."""


@dataclass(frozen=True)
class Subject:
    """A server to be made, again and again.

    `fresh` are the modules that each run executes anew; `lines` those between whose lines threads may be switched, if
    that is asked for.
    """

    name: str
    protocol: str
    make: MakeServer
    fresh: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()


def read(name: str, protocol: str = "") -> Subject:
    """Return the subject of that name; raise Refused if there is none. `protocol` is for somebody's own handler."""
    if ":" in name:
        return _own(name, protocol or "chat")
    if name in PROGRAMS:
        modules = tuple(f"socketserver_reference.{module}" for module in ("chat", "echo", "overthreaded"))
        return Subject(
            name,
            "echo" if name == "echo" else "chat",
            lambda modules: modules.load("socketserver_reference.family").make_server(name, ANYWHERE),
            lines=modules,
        )
    return _planted(name)


def _planted(name: str) -> Subject:
    try:
        fault = find(name)
    except Unknown as unknown:
        raise SubjectRefused(
            f"{unknown}; the reference has {', '.join(PROGRAMS)}; or name your own: package.module:Handler"
        ) from None
    reason = ""
    if fault.transport != "tcp":
        reason = f"it serves {fault.transport}, and virtual sockets are TCP connections"
    elif fault.concurrency == "forking":
        reason = "it forks, and the scheduler knows threads alone"
    if reason:
        raise SubjectRefused(f"{name} cannot be played under a schedule: {reason}")
    return Subject(
        name,
        fault.protocol,
        lambda modules: modules.load("socketserver_faults.catalogue.index").find(name).make(),
        lines=(fault.cls.__module__,),
        breaks=fault.breaks,
    )


def _own(name: str, protocol: str) -> Subject:
    module, _, attribute = name.partition(":")
    if not module or not attribute.isidentifier():
        raise SubjectRefused(f"{name!r} names no handler class: write package.module:Handler")
    if find_source(module) is None:
        raise SubjectRefused(f"there is no module {module!r} here, written in Python: is it on PYTHONPATH?")
    package = module.partition(".")[0]

    def make(modules: Modules) -> Any:
        try:
            thing = getattr(modules.load(module), attribute, None)
        except NotModelled:
            raise
        except (Exception, SystemExit) as error:  # whatever the module does
            raise SubjectRefused(f"{module} cannot be imported: {type(error).__name__}: {error}") from None
        socketserver = modules.load("socketserver")
        if inspect.isclass(thing) and issubclass(thing, socketserver.BaseRequestHandler):
            return socketserver.ThreadingTCPServer(("127.0.0.1", 0), thing)
        if inspect.isfunction(thing):
            server = thing()
            if isinstance(server, socketserver.TCPServer):
                return server
        raise SubjectRefused(
            f"{module} has no handler class {attribute!r}, nor a function of that name that returns a server"
        )

    return Subject(name, protocol, make, fresh=(package,), lines=(module,))


def name_of(handler: type[Any] | Callable[[], Any]) -> str:
    """Return the name by which a handler class, or a function that makes a server, can be found again."""
    module, name = handler.__module__, handler.__qualname__
    if module == "__main__" or getattr(sys.modules.get(module), name, None) is not handler:
        raise SubjectRefused(
            f"{name} must stand at the top of a module that can be imported, so that each run has its own"
        )
    return f"{module}:{name}"
