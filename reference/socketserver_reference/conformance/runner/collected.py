"""The conformance classes that `check` has pytest collect, for the targets on the command line.

`put` fills this module before pytest collects it.
"""

from typing import Any

from socketserver_reference.conformance.checks.base import Conformance
from socketserver_reference.conformance.runner.direct import SUITES


def put(targets: dict[str, Any]) -> dict[type[Conformance], str]:
    """Add a class for each target, by protocol, to this module; return the classes with their protocols."""
    for name in [name for name in globals() if name.startswith("Test")]:  # those of an earlier run in this process
        del globals()[name]
    classes: dict[type[Conformance], str] = {}
    for protocol, target in targets.items():
        name = f"Test{protocol.capitalize()}"
        classes[type(name, (SUITES[protocol],), {"target": target, "__module__": __name__})] = protocol
    globals().update({cls.__name__: cls for cls in classes})
    return classes
