"""Writes a scenario of an echo as Python, over connections and over datagrams."""

from socketserver_reference.conformance.reproduce.lines import CannotTell, StreamScript, call
from socketserver_reference.conformance.reproduce.literals import literal
from socketserver_reference.conformance.scenario.step import OneClient, Utterance
from socketserver_reference.conformance.scenario.steps import Step

MAX_SAID_BYTES = 1 << 20
"""Most bytes that a script sends before it reads."""


def datagram(script: StreamScript, step: Step) -> None:
    match step:
        case OneClient(who) if step.effect == "joins":
            script.connect(who, step.window)
        case Utterance(who, data):
            script.add(who, f"says({literal(script.dialect.sent(data))})")
            if step.waits:
                reply = script.dialect.reply(data[: script.dialect.datagram])
                script.add(who, f"reads({literal(reply)})")
        case _:
            script.leave(step.who, "closes()")  # type: ignore[union-attr]  # the oracle accepts no other step


def echo(script: StreamScript, step: Step) -> None:
    match step:
        case OneClient(who) if step.effect == "joins":
            script.connect(who, step.window)
        case Utterance(data=data) if len(data) > MAX_SAID_BYTES:
            raise CannotTell(f"a script cannot send {len(data)} bytes and read at the same time")
        case Utterance(who, data):
            script.add(who, f"says({literal(script.dialect.sent(data))})")
            script.here[who].owed += script.dialect.reply(data) if script.dialect.persistent else data
            if step.waits:
                _reply(script, who, ends=not script.dialect.persistent)
        case OneClient(who) if step.effect == "half-closes":
            script.add(who, "half_closes()")
            _reply(script, who, ends=True)
        case OneClient(who) if step.effect == "is gone":
            script.leave(who, call(step))
        case _:
            raise AssertionError(f"an echo server has no {type(step).__name__}")


def _reply(script: StreamScript, who: str, *, ends: bool) -> None:
    """Write that a client reads its replies; and the end, after a single reply or after its last request."""
    place, dialect = script.here[who], script.dialect
    request, place.owed = place.owed, b""
    if not dialect.persistent and dialect.raw and len(request) > dialect.chunk:
        whole = dialect.reply(request[: dialect.chunk])
        least = min(1, len(dialect.reply(request[:1])))
        script.add(who, f"reads_a_beginning({literal(whole)}, {least})")
        del script.here[who]
        return
    reply = request if dialect.persistent else dialect.reply(request)
    if reply:
        script.add(who, f"reads({literal(reply)})")
    if ends:
        script.ends(who)
