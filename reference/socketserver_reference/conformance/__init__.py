"""Does that server do it? The conformance suite: checks any implementation, in any language, over real sockets.

In your own repository, a pytest file needs no more than this:

    from socketserver_reference.conformance import ChatConformance, Launched

    class TestMine(ChatConformance):
        target = Launched("node server.js {port}")

The way of a scenario through the suite, which is also the order to read it in:

    scenario.py       steps, as data                      dialect.py    how they become bytes
    stage.py          performs them on real sockets       client.py     one socket
    transcript.py     what every client saw
    room.py           who is there, and what was abrupt
    oracle.py         judges it by the model              log.py        every legal order and segmentation
    blame.py          which clause a misfit breaks        violation.py  the exception that says so
    echo_oracle.py    the same for the echo servers       pacing.py     the one question for a clock
    record.py         a verdict for every clause

Other people's servers speak in other ways; a dialect says how:

    dialect.py        what one may say, and which clauses it changes or makes meaningless
    dialect_file.py   from TOML                           dialect_keys.py   every key, and what it may hold
    dialects/         those that come along               template.py, framing.py   bytes that are partly known
    phrasing.py       any scenario in its words           frames.py     what a client read, cut into frames
    frame_oracle.py   judges them, by what is in each member's inbox.py     order.py   one order for all
    frame_blame.py    which clause a frame breaks         stream_echo_oracle.py   an echo that answers everything

    target.py         where the server is                 launch.py, keeper.py   a command, started and ended
    threads.py        whether it has come to rest
    performer.py      one scenario after the other, none suffering from the one before
    chat.py echo.py datagram.py    a directed scenario for every clause, as classes that others subclass
    server.py         the SRV clauses, where the server runs; with it server_checks.py scene.py desk.py probes.py
                      hosting.py forking.py, and under_check_family.py for the reference's own classes
    machines.py       the state machines around them       exploration.py   running them, and what they find
    plugin.py         pytest options and fixtures         report/       verdicts as text, JSON, JUnit, Markdown, HTML
    servers.py        a file that lists several servers   comparing.py  checking one after the other
    known.py          what is known to be broken          known_file.py, known_command.py   the list, read and kept
    since.py          what has changed since an earlier run
    reproduce.py      a script for each violation         shorten.py    by no more steps than it takes
    script.py         put together from scripts/          exchange.py   the steps as Python, in the dialect's words
    moves.py frame_moves.py    what is read then          literals.py   bytes, briefly
    learning/         talks to a server of unknown dialect, and proposes one

Nothing here imports a server: the suite knows what a server must do from `clauses.py` and `model.py`
alone. Importing this package imports nothing else; the names below are found when they are asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socketserver_reference.conformance.checks.chat import ChatConformance
    from socketserver_reference.conformance.checks.datagram import DatagramConformance
    from socketserver_reference.conformance.checks.echo import EchoConformance
    from socketserver_reference.conformance.inprocess.checks import Served, ServerConformance
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
    "Served",
    "ServerConformance",
    "Violation",
]

_HOMES = {
    "ChatConformance": "checks.chat",
    "DatagramConformance": "checks.datagram",
    "EchoConformance": "checks.echo",
    "InProcess": "targets.in_process",
    "Launched": "targets.launched",
    "Running": "targets.external",
    "Served": "inprocess.checks",
    "ServerConformance": "inprocess.checks",
    "Violation": "scenario.violation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
