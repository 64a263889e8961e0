"""Does that server do it? The conformance suite: checks any implementation, in any language, over real sockets.

In your own repository, a pytest file needs no more than this:

    from socketserver_reference.conformance import ChatConformance, Launched

    class TestMine(ChatConformance):
        target = Launched("node server.js {port}")

The way of a scenario through the suite, which is also the order to read it in; each folder says more in its __init__:

    scenario/       steps and what came of them, as data
    dialects/       how servers speak        targets/       where the server is, and how it is started and ended
    oracles/        judge what clients saw   results/       verdicts, known failures, the report
    learn/          proposes a dialect
    driver/         plays scenarios          checks/        a directed scenario for every clause
    reports/        results for people and programs
    exploration/    Hypothesis draws what clients do
    inprocess/      the SRV clauses, where the server runs
    reproduce/      a script for each violation
    runner/         runs it all: the pytest plugin, and the run of a command

RULE: a folder imports only folders above it. Nothing here imports a server: the suite knows what a server must do from
`clauses.py` and `model.py` alone. Importing this package imports nothing else; the names below are found when they are
asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socketserver_reference.conformance.checks.chat import ChatConformance
    from socketserver_reference.conformance.checks.datagram import DatagramConformance
    from socketserver_reference.conformance.checks.echo import EchoConformance
    from socketserver_reference.conformance.inprocess.checks import ServerConformance, ServerSpec
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
]

_HOMES = {
    "ChatConformance": "checks.chat",
    "DatagramConformance": "checks.datagram",
    "EchoConformance": "checks.echo",
    "InProcess": "targets.in_process",
    "Launched": "targets.launched",
    "Running": "targets.external",
    "ServerConformance": "inprocess.checks",
    "ServerSpec": "inprocess.checks",
    "Violation": "scenario.violation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
