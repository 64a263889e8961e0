"""The table of what plays under the scheduler, made from the substitutes themselves: `faults/SCHEDULE.md`."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from socketserver_faults.schedule.core.namespace import Namespace
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual import outside
from socketserver_faults.schedule.virtual.module_copies import FRESH_MODULES, PERSISTENT_MODULES
from socketserver_faults.schedule.virtual.network import Network
from socketserver_faults.schedule.virtual.process import DESCRIPTOR_CALLS, PROCESS_CALLS, TRACING_CALLS
from socketserver_faults.schedule.virtual.socket_object import Socket
from socketserver_faults.schedule.virtual.substitutes import WITHOUT_CLOCK, substitutes

OWN_PACKAGES = ("socketserver_faults", "socketserver_reference")

OTHER_NAMES = {
    "os": "the real one; refused if it begins with "
    + ", ".join(f"`{name}`" for name in sorted((*PROCESS_CALLS, *DESCRIPTOR_CALLS))),
    "socket": "the real one if it is a constant; otherwise refused",
    "sys": f"the real one; refused: {', '.join(f'`{name}`' for name in TRACING_CALLS)}",
    "time": f"the real one: {', '.join(f'`{name}`' for name in WITHOUT_CLOCK)}; otherwise refused",
}
"""Module -> what its other names are, where some are refused and some are not."""

HEAD = """# What plays under the scheduler

`socketserver-faults schedule --models` makes this page from the code. The program is every module that belongs neither
to the standard library nor to an installed distribution; it finds these in place of the real modules. Any other module
is the real one.
"""


def lines() -> Iterator[str]:
    """Yield the lines of the page."""
    yield HEAD
    yield "## Modelled\n"
    yield "| module | names | any other name |"
    yield "|---|---|---|"
    with Scheduler() as scheduler:
        network = Network(scheduler)
        found = substitutes(scheduler, lambda: network)
        vars(found["socket"]).update(vars(network.module))
    for name in sorted(found):
        if "." not in name and " " not in name and (names := _names(name, found[name])):
            other = OTHER_NAMES.get(name, "refused" if isinstance(found[name], Namespace) else "the real one")
            yield f"| `{name}` | {', '.join(names)} | {other} |"
    methods = sorted(
        method for method in vars(Socket) if not method.startswith("_") and method not in ("kernel", "of_client")
    )
    yield f"| a socket | {', '.join(f'`{method}`' for method in methods)} | refused |"
    yield "\n`open`, `print`, `input` and `id` are modelled, too: files and folders that a program makes, changes or"
    yield "removes stay in memory, what it prints and logs is in the story, nobody types but what --type says, and"
    yield "addresses are the same in every run.\n"
    yield "## Played as they are, on virtual threads and sockets\n"
    copied = sorted({*FRESH_MODULES, *PERSISTENT_MODULES} - {*OWN_PACKAGES})
    yield f"{', '.join(f'`{name}`' for name in copied)}, and every module of the program.\n"
    yield "## Refused, by name (exit status 2)\n"
    yield "| what | instead |"
    yield "|---|---|"
    for name, instead in (outside.REFUSED_MODULES | outside.REFUSED_NAMES).items():
        yield f"| `{name}` | {instead} |"
    for name, instead in outside.SOCKETS.items():
        yield f"| a socket of `{name}`, once it is used | {instead} |"
    acts: dict[tuple[str, str], None] = dict.fromkeys(outside.OUTSIDE.values())
    for what, instead in acts:
        yield f"| a program that {what} | {instead} |"


def _names(name: str, module: ModuleType) -> list[str]:
    """Return the names of functions and classes that a substitute has in place of the real module's."""
    real = import_module(name)
    own = (
        key
        for key, value in vars(module).items()
        if not key.startswith(("_", "SIG")) and callable(value) and value is not getattr(real, key, None)
    )
    return [f"`{key}`" for key in sorted(own)]
