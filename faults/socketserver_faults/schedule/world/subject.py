"""The program that is played under the schedules: a server by name, made of copies of the modules it comes from.

The name is one of the reference (`chat`), one of the catalogue (`closed-request`), or a handler class of the user's
(`package.module:Handler`), which `socketserver.ThreadingTCPServer` serves, as in a tutorial. For a server of another
kind, name it, or a function without arguments that returns it (`package.module:make_server`). A module or a file
without a colon is run as `python -m module` and `python file.py` run it, and makes its server itself.

Next: `remembered.py`, the oracles of its clients.
"""

import inspect
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from socketserver_faults.catalogue.index import Unknown, find
from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.virtual.module_copies import Modules
from socketserver_faults.schedule.virtual.outside import SOCKETS
from socketserver_faults.schedule.virtual.sources import find_source
from socketserver_reference.address import Address
from socketserver_reference.family import PROGRAMS

MakeServer = Callable[[Modules], Any]

MODULE_NAME = re.compile(r"\w[\w-]*(\.\w+)*")
"""Names of modules; the file of a program may have dashes in its name."""

ANYWHERE = Address("tcp", "127.0.0.1")


class SubjectRefused(Exception):
    """A program or scenario that cannot be played under schedules; the message says why, and what can."""


@dataclass(frozen=True)
class Subject:
    """A program, of which each run makes a server.

    Each run executes the modules in `fresh` anew. `lines` are modules between whose lines threads may be switched,
    if `--lines` is given. With `loop`, the server's own serve_forever() accepts the clients, and is a thread like any
    other; without it, the first thread lets the server handle one request after the other: that makes fewer schedules.
    """

    name: str
    protocol: str
    make: MakeServer | None = None
    """None if the program makes its server itself."""
    main: str = ""
    """The module that runs as `__main__` then."""
    arguments: tuple[str, ...] = ()
    """The program's command line, with its name first."""
    folders: tuple[str, ...] = ()
    """Where its modules are, before sys.path."""
    fresh: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    loop: bool = False
    typed: tuple[str, ...] = ()
    """The lines that it gets from the keyboard."""

    @property
    def given(self) -> tuple[tuple[str, ...], ...]:
        """What its process is given: the command line, the folders, and what is typed."""
        return self.arguments, self.folders, self.typed


def read(name: str, protocol: str = "", arguments: Sequence[str] = ()) -> Subject:
    """Return the subject of that name; raise SubjectRefused if there is none.

    A user's program serves `protocol`, and gets the arguments.
    """
    path, _, attribute = name.partition(":")
    if ":" in name or path.endswith(".py"):
        return _own(name, path, attribute, protocol or "chat", arguments)
    if name in PROGRAMS:
        modules = tuple(f"socketserver_reference.{module}" for module in ("chat", "echo", "overthreaded"))
        return Subject(
            name,
            "echo" if name == "echo" else "chat",
            lambda modules: modules.load("socketserver_reference.family").make_server(name, ANYWHERE),
            lines=modules,
        )
    return _planted(name, protocol, arguments)


def _planted(name: str, protocol: str, arguments: Sequence[str]) -> Subject:
    try:
        fault = find(name)
    except Unknown as unknown:
        if MODULE_NAME.fullmatch(name) and find_source(name, [os.getcwd()]) is not None:
            return _own(name, name, "", protocol or "chat", arguments)
        raise SubjectRefused(
            f"{unknown}; the reference has {', '.join(PROGRAMS)}; a program of yours is package.module:Handler, "
            "package.module or file.py"
        ) from None
    reason = ""
    if fault.transport != "tcp":
        reason = f"it serves {fault.transport}, and the scheduler models TCP connections alone"
    elif fault.concurrency == "forking":
        reason = "it forks, and the scheduler models threads alone"
    if reason:
        raise SubjectRefused(f"{name} cannot be played under a schedule: {reason}")
    return Subject(
        name,
        fault.protocol,
        lambda modules: modules.load("socketserver_faults.catalogue.index").find(name).make(),
        lines=(fault.cls.__module__,),
        breaks=fault.breaks,
    )


def _own(name: str, path: str, attribute: str, protocol: str, arguments: Sequence[str]) -> Subject:
    module, folder = path, os.getcwd()
    if path.endswith(".py"):
        folder, file = os.path.split(os.path.abspath(path))
        module = file.removesuffix(".py")
    if not MODULE_NAME.fullmatch(module) or (":" in name and not attribute.isidentifier()):
        raise SubjectRefused(f"{name!r} names no handler class: write package.module:Handler")
    spec = find_source(module, [folder])
    if spec is None or (path.endswith(".py") and spec.origin != os.path.join(folder, file)):
        where = "can it be read?" if path.endswith(".py") else "is it on PYTHONPATH?"
        raise SubjectRefused(f"there is no module {path!r} here, written in Python: {where}")

    def make(modules: Modules) -> Any:
        try:
            thing = getattr(modules.load(module), attribute, None)
        except (NotModelled, SubjectRefused):
            raise
        except (Exception, SystemExit) as error:  # whatever the module does
            raise SubjectRefused(f"{module} cannot be imported: {type(error).__name__}: {error}") from None
        return _server(modules.load("socketserver"), f"{module}:{attribute}", thing)

    return Subject(
        name,
        protocol,
        make if attribute else None,
        "" if attribute else module,
        (spec.origin or module, *arguments),
        (folder,),
        fresh=(module.partition(".")[0],),
        lines=(module,),
        loop=True,
    )


def _server(socketserver: Any, name: str, thing: Any) -> Any:
    """Return the server of a handler class, of a function or a class that makes one, or the server itself."""
    module, _, attribute = name.partition(":")
    if inspect.isclass(thing) and issubclass(thing, socketserver.BaseRequestHandler):
        if issubclass(thing, socketserver.DatagramRequestHandler):
            raise SubjectRefused(f"{attribute} serves datagrams: {SOCKETS['SOCK_DGRAM']}")
        return _plain_server(socketserver, name)(("127.0.0.1", 0), thing)
    is_class = inspect.isclass(thing) and issubclass(thing, socketserver.BaseServer)
    if inspect.isfunction(thing) or is_class:
        try:
            inspect.signature(thing).bind()
        except TypeError as error:
            kind = "server class that is made" if is_class else "function"
            raise SubjectRefused(f"{name} must be a {kind} without arguments: {error}") from None
        thing = thing()
    if isinstance(thing, socketserver.UDPServer):
        raise SubjectRefused(f"{name} serves datagrams: {SOCKETS['SOCK_DGRAM']}")
    if isinstance(thing, socketserver.TCPServer):
        return thing
    raise SubjectRefused(
        f"{module} has no handler class {attribute!r}, nor a server of that name, nor a function that returns one"
    )


def _plain_server(socketserver: Any, name: str) -> type[Any]:
    """Return the server of a handler that is named alone: it names what only the program's own server can have."""
    module = name.partition(":")[0]

    def missing(_: object, attribute: str) -> NoReturn:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        raise NotModelled(
            f"{name} uses self.server.{attribute}, which socketserver.ThreadingTCPServer does not have: name the "
            f"program's own server, a function that returns it ({module}:make_server), or the whole program ({module})"
        )

    return type(
        "ThreadingTCPServer", (socketserver.ThreadingTCPServer,), {"__getattr__": missing, "__module__": "socketserver"}
    )


def hint(subject: Subject, error: BaseException | None = None) -> str:
    """Return what may be wrong with a program that ends at once, or by an error: in brackets, or ""."""
    wants_arguments = error is None or isinstance(error, SystemExit | IndexError | ValueError)
    if wants_arguments or (isinstance(error, TypeError) and len(subject.arguments) == 1):
        return " (its arguments stand after --)"
    folder, file = os.path.split(os.path.relpath(subject.arguments[0]))
    module = ".".join([*folder.split(os.sep), file.removesuffix(".py")])
    if isinstance(error, ImportError) and folder and subject.main != module and MODULE_NAME.fullmatch(module):
        return f" (if it belongs to a package, name it as `python -m` does: {module})"
    return ""


def name_of(handler: type[Any] | Callable[[], Any]) -> str:
    """Return the name by which a handler class, or a function that makes a server, can be imported."""
    module, name = handler.__module__, handler.__qualname__
    if module == "__main__" or getattr(sys.modules.get(module), name, None) is not handler:
        raise SubjectRefused(
            f"{name} must be at the top level of a module that can be imported, because each run imports it anew"
        )
    return f"{module}:{name}"
