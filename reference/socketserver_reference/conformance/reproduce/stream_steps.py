"""Writes a scenario as Python: a line for each thing that clients do, and for each thing that they must read then.

    ann.says(b'hello')
    ann.reads(b'ackhello')

What must be read follows from the steps alone, so whoever has the script needs no oracle. Where everything is settled
it is known byte for byte. What is sent in bursts may be cut and mixed in many right ways: there the script demands what
all of them have in common (`all_read` in templates/stream.txt). Some scenarios leave too much open even for that; then
there is no script, and CannotTell says why.
"""

from collections.abc import Sequence
from itertools import zip_longest

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.reproduce.echo_steps import datagram, echo
from socketserver_reference.conformance.reproduce.lines import (
    AFTERWARDS,
    CannotTell,
    Lines,
    Place,
    Script,
    Write,
    call,
    delivery,
)
from socketserver_reference.conformance.reproduce.literals import literal
from socketserver_reference.conformance.scenario.steps import OneClient, Say, Step, Utterance

SEGMENT = 1024
"""Bytes that surely go in one segment."""


# What is read


def written(protocol: str, steps: Sequence[Step], numbers: Sequence[int], dialect: Dialect, *, fence: bool) -> Lines:
    """Return the lines of an exchange; raise CannotTell if there is no telling what has to be read.

    With a `fence` somebody speaks once more in the end, before which nothing may come that was not due.
    """
    script, lines = Script(dialect), Lines()
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
    lines.note(script.lines, AFTERWARDS)
    return _without_idle(lines)


def _fences(protocol: str, script: Script) -> list[str]:
    """Return who speaks in the end, so that all have read what came to them."""
    return list(script.here) if protocol == "datagram" else _readers(script)[:1]


# The chat


def _chat(script: Script, step: Step) -> None:
    if step.settles:
        _settle(script)
    elif isinstance(step, Utterance):
        (_send if step.burst else _say)(script, step.who, step.data)
    elif isinstance(step, OneClient):
        _becomes(script, step.who, step)
    else:
        raise CannotTell("a crowd has a script of its own")


def _becomes(script: Script, who: str, step: Step) -> None:
    """Write a step by which nothing is said to the others."""
    match step.effect:
        case "joins":
            script.connect(who, step.window)
        case "hears":
            _heed(script, who, step.spoken_by)
        case "leaves":
            script.add(who, f"says({literal(script.dialect.sent(step.said))})")
            _goodbye(script, who)
        case "half-closes":
            _half_close(script, who)
        case "is gone":
            if who in script.sent:
                raise CannotTell(f"whether what {who} said just before it went is heard is up to the server")
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
    """Whether anything is sent that is not waited for, but for last words that fit into a segment."""
    for step, following in zip_longest(steps, steps[1:]):
        ends = following is not None and following.effect == "half-closes"
        last_words = ends and step.clients == following.clients and len(step.said) <= SEGMENT
        if step.burst and not last_words:
            return True
    return False


def _readers(script: Script) -> list[str]:
    return [who for who, place in script.here.items() if place.member and not place.stalled]


def _delivered(script: Script, data: bytes) -> None:
    """Note for those who do not read what is delivered to them."""
    for place in script.here.values():
        if place.stalled:
            place.owed += script.dialect.delivery(data)
        elif not place.member:
            place.could_hear = True


def _say(script: Script, who: str, data: bytes) -> None:
    if script.bursts:
        _send(script, who, data)
        _settle(script)
        return
    if script.here[who].could_hear:
        raise CannotTell(f"from when on {who} hears the others is up to the server")
    script.here[who].member = True
    script.add(who, f"says({literal(script.dialect.sent(data))})")
    _delivered(script, data)
    for reader in sorted(_readers(script), key=lambda name: name != who):
        script.add(reader, f"reads({delivery(script.dialect, data)})")


def _send(script: Script, who: str, data: bytes) -> None:
    place, prefix = script.here[who], script.dialect.prefix
    if place.could_hear or (not place.member and script.sent):
        raise CannotTell(f"from when on {who} hears the others is up to the server")
    place.member = True
    if not script.bursts:  # last words: they are heard when their speaker has half-closed
        script.add(who, f"says({literal(script.dialect.sent(data))})")
        script.sent[who] = data
        return
    script.sent[who] = script.sent.get(who, b"") + data
    if prefix in script.sent[who] or data[-1] in prefix:
        raise CannotTell(f"what {who} sends can be taken for the beginning of a delivery")
    for other in script.here.values():
        if other.stalled and not other.behind:
            _fall_behind(script, other)
        if not other.member:
            other.could_hear = True
    script.add(who, f"says({literal(script.dialect.sent(data))}, waits=False)")


def _fall_behind(script: Script, place: Place) -> None:
    """Note where one stopped reading, before the others read what may come in many ways."""
    if place.owed or not _readers(script):
        raise CannotTell(f"what {place.variable} has to read when it reads again is too much to say")
    place.behind = f"since_{place.variable}"
    control = script.here[_readers(script)[0]].variable
    script.lines.append(f"{place.behind} = len({control}.past)")


def _settle(script: Script) -> None:
    """Write that everybody reads what was sent."""
    if not script.sent:
        return
    readers = ", ".join(script.here[who].variable for who in _readers(script))
    script.lines.append(f"all_read({readers})")
    script.sent.clear()


def _catch_up(script: Script, who: str) -> None:
    """Write that one reads what it has not read while it was stalled."""
    place = script.here[who]
    if place.behind:
        control = next(name for name in _readers(script) if name != who)
        script.add(who, f"catches_up({script.here[control].variable}, {place.behind})")
    elif place.owed:
        script.add(who, f"reads({literal(place.owed, script.dialect.prefix)})")
    place.owed, place.behind = b"", ""


def _heed(script: Script, who: str, speaker: str) -> None:
    if any(place.stalled for place in script.here.values()):
        raise CannotTell("what one has to read who stopped reading while another was waited for is too much to say")
    _settle(script)
    others = [name for name in _readers(script) if name != speaker]
    variables = [script.here[name].variable for name in (who, speaker, *others)]
    script.lines.append(f"speak_until_heard({', '.join(variables)})")
    for name, place in script.here.items():
        place.could_hear = name != who and not place.member
    script.here[who].member = True


def _half_close(script: Script, who: str) -> None:
    script.add(who, "half_closes()")
    if script.bursts:
        _settle(script)
    elif words := script.sent.pop(who, b""):
        _delivered(script, words)
        for reader in _readers(script):
            script.add(reader, f"reads({delivery(script.dialect, words)})")
    _goodbye(script, who)


def _goodbye(script: Script, who: str) -> None:
    """Write that one who leaves reads what is due to it, and the end."""
    place = script.here[who]
    _catch_up(script, who)
    if place.could_hear:
        script.add(who, "reads_to_the_end()")
        del script.here[who]
    else:
        script.ends(who)


def _dismiss(script: Script) -> None:
    """Have those leave who have never spoken, and cannot have heard anything: whatever they read is wrong."""
    for who, place in list(script.here.items()):
        if not place.member and not place.could_hear:
            script.add(who, "half_closes()")
            script.ends(who)


def _without_idle(lines: Lines) -> Lines:
    """Return the lines without those that note what nobody asks for later."""
    text = "\n".join(line for line, _ in lines.numbered)
    used = [
        (line, number)
        for line, number in lines.numbered
        if not line.startswith("since_") or text.count(line.partition(" ")[0]) > 1
    ]
    return Lines(used)
