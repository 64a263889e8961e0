"""The conformance suite: checks any implementation, in any language, over real sockets.

A pytest file in your own repository needs only this:

    from socketserver_reference.conformance import ChatConformance, Launched

    class TestMine(ChatConformance):
        target = Launched("node server.js {port}")

A scenario passes through the folders in this order, which is also the order to read them in; each `__init__` says more:

    scenario/       steps, and what clients observed, as data
    dialects/       how servers speak          targets/       where the server is; starts and ends it
    oracles/        judge what clients read    results/       verdicts, expected failures, the report
    driver/         plays scenarios            checks/        a directed scenario for each clause
    reports/        results for people and programs
    confirm/        plays violations again, and cuts their exchanges
    exploration/    Hypothesis draws the steps of clients
    inprocess/      the SRV clauses, inside the server's process
    reproduce/      a script for each violation
    learn/          proposes a dialect
    runner/         runs all of it: the pytest plugin, and the run of a command

RULE: a folder imports only folders above it. Nothing here imports a server: the suite knows what a server must do from
`clauses.py` and `model.py` alone. Importing this package imports nothing else; the names below are imported on first
use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socketserver_reference.conformance.checks.chat import ChatConformance
    from socketserver_reference.conformance.checks.datagram import DatagramConformance
    from socketserver_reference.conformance.checks.echo import EchoConformance
    from socketserver_reference.conformance.inprocess.checks import ServerConformance
    from socketserver_reference.conformance.inprocess.hosts import ServerSpec
    from socketserver_reference.conformance.runner.machines import state_machine
    from socketserver_reference.conformance.scenario.violation import Violation
    from socketserver_reference.conformance.targets.external import Running
    from socketserver_reference.conformance.targets.in_process import InProcess
    from socketserver_reference.conformance.targets.launched import Launched

__all__ = [
    "ChatConformance",
    "DatagramConformance",
    "EchoConformance",
    "InProcess",
    "Launched",
    "Running",
    "ServerConformance",
    "ServerSpec",
    "Violation",
    "state_machine",
]

_HOMES = {
    "ChatConformance": "checks.chat",
    "DatagramConformance": "checks.datagram",
    "EchoConformance": "checks.echo",
    "InProcess": "targets.in_process",
    "Launched": "targets.launched",
    "Running": "targets.external",
    "ServerConformance": "inprocess.checks",
    "ServerSpec": "inprocess.hosts",
    "Violation": "scenario.violation",
    "state_machine": "runner.machines",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
