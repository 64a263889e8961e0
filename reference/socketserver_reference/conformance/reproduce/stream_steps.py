"""Writes a scenario as Python: a line for each step of a client, and for the data that clients must read then.

    ann.says(b'hello')
    ann.reads(b'ackhello')

The steps alone determine the data, so a script needs no oracle. With settled utterances they determine every byte. A
burst may correctly be split and mixed in many ways: there the script checks the common properties of all of them
(`all_read` in templates/stream.txt). Some scenarios do not even determine these; then there is no script, and
CannotTell says why.
"""

from collections.abc import Sequence
from itertools import zip_longest

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.reproduce.echo_steps import datagram, echo
from socketserver_reference.conformance.reproduce.lines import (
    AFTER_ALL_STEPS,
    CannotTell,
    Lines,
    Place,
    StreamScript,
    Write,
    call,
    delivery,
)
from socketserver_reference.conformance.reproduce.literals import literal
from socketserver_reference.conformance.scenario.step import OneClient, Utterance
from socketserver_reference.conformance.scenario.steps import Say, Step

ONE_SEGMENT_BYTES = 1024
"""Bytes that certainly fit into one segment."""


# The lines of a scenario


def script_lines(
    protocol: str, steps: Sequence[Step], numbers: Sequence[int], dialect: Dialect, *, fence: bool
) -> Lines:
    """Return the lines of an exchange; raise CannotTell if the data to read is not determined.

    With a `fence` a client speaks once more at the end; any unexpected data before that is a violation.
    """
    script, lines = StreamScript(dialect), Lines()
    write: Write = {"chat": _chat, "echo": echo, "datagram": datagram}[protocol]
    script.bursts = protocol == "chat" and has_bursts(steps)
    for step, number in zip(steps, numbers, strict=True):
        write(script, step)
        lines.note(script.lines, number)
    if protocol == "chat":
        _settle(script)
    if fence and protocol != "echo":
        for speaker in _fences(protocol, script):
            write(script, Say(speaker, b"is that all?"))
    if protocol == "chat":
        _dismiss(script)
    lines.note(script.lines, AFTER_ALL_STEPS)
    return _without_idle(lines)


def _fences(protocol: str, script: StreamScript) -> list[str]:
    """Return the clients that speak at the end, so that all data before it is read."""
    return list(script.here) if protocol == "datagram" else _readers(script)[:1]


# The chat


def _chat(script: StreamScript, step: Step) -> None:
    if step.settles:
        _settle(script)
    elif isinstance(step, Utterance):
        (_send if step.burst else _say)(script, step.who, step.data)
    elif isinstance(step, OneClient):
        _becomes(script, step.who, step)
    else:
        raise CannotTell("a crowd has a different kind of script")


def _becomes(script: StreamScript, who: str, step: Step) -> None:
    """Write a step by which nothing is said to the others."""
    match step.effect:
        case "joins":
            script.connect(who, step.window)
        case "approaches" | "falls silent":
            raise CannotTell("no script can stop within a handshake or an utterance")
        case "hears":
            _wait_until_heard(script, who, step.spoken_by)
        case "leaves":
            script.add(who, f"says({literal(script.dialect.sent(step.said))})")
            _goodbye(script, who)
        case "half-closes":
            _half_close(script, who)
        case "is gone":
            if who in script.sent:
                raise CannotTell(f"the delivery of what {who} sent just before it left is up to the server")
            script.leave(who, call(step))
        case "stops reading":
            script.here[who].stalled = True
        case "reads again":
            _settle(script)
            script.here[who].stalled = False
            _catch_up(script, who)
        case _:
            script.add(who, call(step))


def has_bursts(steps: Sequence[Step]) -> bool:
    """Whether there is a Send, other than one of a single segment right before its sender half-closes."""
    for step, following in zip_longest(steps, steps[1:]):
        ends = following is not None and following.effect == "half-closes"
        last_words = ends and step.clients == following.clients and len(step.said) <= ONE_SEGMENT_BYTES
        if step.burst and not last_words:
            return True
    return False


def _readers(script: StreamScript) -> list[str]:
    return [who for who, place in script.here.items() if place.member and not place.stalled]


def _delivered(script: StreamScript, data: bytes) -> None:
    """Record a delivery for the clients that do not read now."""
    for place in script.here.values():
        if place.stalled:
            place.owed += script.dialect.delivery(data)
        elif not place.member:
            place.could_hear = True


def _say(script: StreamScript, who: str, data: bytes) -> None:
    if script.bursts:
        _send(script, who, data)
        _settle(script)
        return
    if script.here[who].could_hear:
        raise CannotTell(f"the time from which {who} hears the others is up to the server")
    script.here[who].member = True
    script.add(who, f"says({literal(script.dialect.sent(data))})")
    _delivered(script, data)
    for reader in sorted(_readers(script), key=lambda name: name != who):
        script.add(reader, f"reads({delivery(script.dialect, data)})")


def _send(script: StreamScript, who: str, data: bytes) -> None:
    place, prefix = script.here[who], script.dialect.prefix
    if place.could_hear or (not place.member and script.sent):
        raise CannotTell(f"the time from which {who} hears the others is up to the server")
    place.member = True
    if not script.bursts:  # its last utterance: it is delivered when the speaker has half-closed
        script.add(who, f"says({literal(script.dialect.sent(data))})")
        script.sent[who] = data
        return
    script.sent[who] = script.sent.get(who, b"") + data
    if prefix in script.sent[who] or data[-1] in prefix:
        raise CannotTell(f"the bytes that {who} sends look like the beginning of a delivery")
    for other in script.here.values():
        if other.stalled and not other.behind:
            _fall_behind(script, other)
        if not other.member:
            other.could_hear = True
    script.add(who, f"says({literal(script.dialect.sent(data))}, waits=False)")


def _fall_behind(script: StreamScript, place: Place) -> None:
    """Write how much another client had read when this one stopped, before a burst."""
    if place.owed or not _readers(script):
        raise CannotTell(f"a script cannot say what {place.variable} has to read when it reads again")
    place.behind = f"since_{place.variable}"
    control = script.here[_readers(script)[0]].variable
    script.lines.append(f"{place.behind} = len({control}.past)")


def _settle(script: StreamScript) -> None:
    """Write that all readers read the burst."""
    if not script.sent:
        return
    readers = ", ".join(script.here[who].variable for who in _readers(script))
    script.lines.append(f"all_read({readers})")
    script.sent.clear()


def _catch_up(script: StreamScript, who: str) -> None:
    """Write that a client reads its deliveries from while it was stalled."""
    place = script.here[who]
    if place.behind:
        control = next(name for name in _readers(script) if name != who)
        script.add(who, f"catches_up({script.here[control].variable}, {place.behind})")
    elif place.owed:
        script.add(who, f"reads({literal(place.owed, script.dialect.prefix)})")
    place.owed, place.behind = b"", ""


def _wait_until_heard(script: StreamScript, who: str, speaker: str) -> None:
    if any(place.stalled for place in script.here.values()):
        raise CannotTell("a script cannot say what a stalled client has to read after another client was waited for")
    _settle(script)
    others = [name for name in _readers(script) if name != speaker]
    variables = [script.here[name].variable for name in (who, speaker, *others)]
    script.lines.append(f"speak_until_heard({', '.join(variables)})")
    for name, place in script.here.items():
        place.could_hear = name != who and not place.member
    script.here[who].member = True


def _half_close(script: StreamScript, who: str) -> None:
    script.add(who, "half_closes()")
    if script.bursts:
        _settle(script)
    elif words := script.sent.pop(who, b""):
        _delivered(script, words)
        for reader in _readers(script):
            script.add(reader, f"reads({delivery(script.dialect, words)})")
    _goodbye(script, who)


def _goodbye(script: StreamScript, who: str) -> None:
    """Write that a leaving client reads its deliveries and the end."""
    place = script.here[who]
    _catch_up(script, who)
    if place.could_hear:
        script.add(who, "reads_to_the_end()")
        del script.here[who]
    else:
        script.ends(who)


def _dismiss(script: StreamScript) -> None:
    """Have the clients leave that never spoke and cannot have heard anything: any data they read is wrong."""
    for who, place in list(script.here.items()):
        if not place.member and not place.could_hear:
            script.add(who, "half_closes()")
            script.ends(who)


def _without_idle(lines: Lines) -> Lines:
    """Return the lines without definitions of unused variables."""
    text = "\n".join(line for line, _ in lines.numbered)
    used = [
        (line, number)
        for line, number in lines.numbered
        if not line.startswith("since_") or text.count(line.partition(" ")[0]) > 1
    ]
    return Lines(used)
