"""Writes a scenario of a chat in frames as Python: what `moves.py` is for streams.

    ann.says(b'hello', ben, cal)

Beside what somebody says stands who must hear it, and does so at once, or when `all_hear` is called. Frames tell
deliveries apart, so whoever plays the script needs to know no more: in what order things come, what comes between
them, and by which label a speaker goes is seen to by `hears` in scripts/frames.txt. It goes by patterns, which are made
here from the dialect's templates.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from reference.conformance.dialect import Dialect
from reference.conformance.literals import literal
from reference.conformance.moves import AFTERWARDS, CannotTell, Lines
from reference.conformance.phrasing import SERIAL
from reference.conformance.room import WAITING
from reference.conformance.scenario import (
    Close,
    Connect,
    HalfClose,
    Heed,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
)
from reference.conformance.template import FIELD, Template

KNOCK = b"knock 9"
"""The longest thing that a script says by itself."""


@dataclass
class Guest:
    """What a script knows of one client."""

    variable: str
    member: bool = False  # it has spoken, or was heard to be there
    early: bool = False  # it is no member yet, and others have spoken
    stalled: bool = False
    owed: int = 0  # bytes that wait for it, since it stopped reading


@dataclass
class FrameScript:
    """The lines of an exchange, as they come about."""

    dialect: Dialect
    lines: list[str] = field(default_factory=list)
    here: dict[str, Guest] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    """Who has said something that nobody has read yet."""

    def add(self, who: str, call: str) -> None:
        """Write a line: a client does something."""
        self.lines.append(f"{self.here[who].variable}.{call}")

    def variables(self, names: Sequence[str]) -> str:
        """Return clients as arguments."""
        return ", ".join(self.here[name].variable for name in names)

    @property
    def readers(self) -> list[str]:
        """Who reads what is due to it."""
        return [who for who, guest in self.here.items() if guest.member and not guest.stalled]

    # What clients do

    def write(self, step: Step) -> None:
        """Write the lines of a step; raise CannotTell if there are none."""
        match step:
            case Connect(who, _, window):
                variable = re.sub(r"\W", "_", who)
                self.here[who] = Guest(variable, early=bool(self.pending))
                self.lines.append(f'{variable} = Client("{who}"{f", {window}" if window else ""})')
            case Say(who, data):
                self._says(who, data, at_once=not self.pending)
                self.settle()
            case Send(who, data):
                self._says(who, data, at_once=False)
            case Settle():
                self.settle()
            case Heed(who, speaker):
                self._heed(who, speaker)
            case Quit(who, data):
                self.add(who, f"says({literal(data)})")
                self._leaves(who)
            case HalfClose(who):
                self.add(who, "half_closes()")
                self._leaves(who)
            case Close(who) | Reset(who):
                self.add(who, "resets()" if isinstance(step, Reset) else "closes()")
                self._lost(who)
                del self.here[who]
            case Stall(who):
                self.here[who].stalled = True
            case Resume(who):
                self._wakes(who)
                self.settle(anyway=True)
            case _:
                raise CannotTell("a crowd has a script of its own")

    def _says(self, who: str, data: bytes, *, at_once: bool) -> None:
        self.here[who].member = True
        itself = self.dialect.hears_itself
        hearers = [name for name, guest in self.here.items() if guest.member and (itself or name != who)]
        now = [name for name in hearers if at_once and not self.here[name].stalled]
        words = [_words(data), *([self.variables(now)] if now else [])]
        for name in hearers:
            guest = self.here[name]
            guest.owed += len(self.dialect.delivery(data, b"")) if guest.stalled else 0
        self.add(who, f"says({', '.join([*words, *self._others(hearers, now)])})")
        if not at_once:
            self.pending.add(who)

    def _others(self, hearers: Sequence[str], now: Sequence[str]) -> list[str]:
        """Return as arguments who must hear something later, and who may, as it is not known to be there yet."""
        later = [name for name in hearers if name not in now]
        perhaps = [name for name, guest in self.here.items() if not guest.member]
        for name in perhaps:
            self.here[name].early = True
        named = {"later": later, "perhaps": perhaps}
        return [f"{name}=[{self.variables(names)}]" for name, names in named.items() if names]

    def settle(self, *, anyway: bool = False) -> None:
        """Write that everybody reads what is due."""
        if (self.pending or anyway) and self.readers:
            self.lines.append(f"all_hear({self.variables(self.readers)})")
        self.pending.clear()

    def _heed(self, who: str, speaker: str) -> None:
        if any(guest.stalled for guest in self.here.values()):
            raise CannotTell("what one has to read who stopped reading while another was waited for is too much to say")
        if self.dialect.sayable(KNOCK) != KNOCK:
            raise CannotTell(f"nobody can say {KNOCK!r} in this dialect, and go on until it is heard")
        self.settle()
        self.here[speaker].member = True
        itself = self.dialect.hears_itself
        hearers = [name for name in self.readers if name != who and (itself or name != speaker)]
        self.here[who].member = True
        words = [self.variables([who, speaker, *hearers]), *self._others([], [])]
        self.lines.append(f"speak_until_heard({', '.join(words)})")

    def _leaves(self, who: str) -> None:
        """Write that one who leaves reads what is due to it, and the end; what is under way may come too late."""
        self._wakes(who)
        if self.pending - {who}:
            raise CannotTell(f"whether {who} hears what was under way when it left is up to the server")
        self.settle()
        self.add(who, "ends()")
        del self.here[who]

    def _wakes(self, who: str) -> None:
        guest = self.here[who]
        if guest.owed >= WAITING:
            raise CannotTell(f"what {guest.variable} reads that has fallen so far behind is up to the server")
        guest.stalled, guest.owed = False, 0

    def _lost(self, who: str) -> None:
        """Write that nobody has to hear what one has said who has gone, where it may not have been heard yet."""
        if who in self.pending or any(guest.stalled for guest in self.here.values()):
            self.lines.append(f"may_be_lost({self.here[who].variable})")
            self.pending.discard(who)

    # The end

    def fence(self) -> None:
        """Have somebody speak once more, before whose words nothing may come that was not due."""
        heard = b"is that all?"
        speaker = next(iter(self.readers), None)
        if speaker is not None and self.dialect.sayable(heard) == heard:
            self.write(Say(speaker, heard))

    def dismiss(self) -> None:
        """Have those leave who have never spoken, and cannot have heard anything: whatever they read is wrong."""
        for who, guest in list(self.here.items()):
            if not (guest.member or guest.early) and "CHAT-10" not in self.dialect.not_applicable:
                self.write(HalfClose(who))


def written(steps: Sequence[Step], numbers: Sequence[int], dialect: Dialect, *, fence: bool) -> Lines:
    """Return the lines of an exchange, each with the number of the step that it belongs to."""
    if dialect.framing_out.kind == "none":
        raise CannotTell(
            "nothing marks where a delivery ends in this dialect, so a script cannot tell one from another"
        )
    script, lines = FrameScript(dialect), Lines()
    for step, number in zip(steps, numbers, strict=True):
        script.write(step)
        lines.note(script.lines, number)
    script.settle()
    if fence:
        script.fence()
    script.dismiss()
    lines.note(script.lines, AFTERWARDS)
    return lines


def _words(data: bytes) -> str:
    """Return, as Python, what is said; a number behind it that tells it from others is counted when it is said."""
    serial = SERIAL.search(data)
    if serial is None or not serial.start():
        return literal(data)
    return f"numbered({literal(data[: serial.start()])})"


# Patterns


def patterns(dialect: Dialect) -> dict[str, bytes]:
    """Return the regular expressions of what is heard, with a gap for what was said, and of what means nothing."""
    prompt = b"(?:%s)" % b"|".join(map(_escaped, dialect.all_prompts)) if dialect.all_prompts else b""
    before = prompt + b"*" if prompt else b""
    heard = pattern(dialect.template)
    if dialect.framing_in.kind == "chunk":  # of two that the server takes in one the second has nothing before it
        heard = b"(?:%s)?%%s" % heard.removesuffix(b"%s") if heard.endswith(b"%s") else heard
    found = {"HEARD": before.replace(b"%", b"%%") + heard}
    passing = [pattern(notice) for notice in dialect.notices]
    if isinstance(dialect.to_sender, Template):
        own = pattern(dialect.to_sender, named=False)
        if dialect.to_sender.has_body:
            found["MINE"] = before.replace(b"%", b"%%") + own
        else:
            passing.append(own)
    alone = [prompt + b"+"] if prompt else []
    found["PASSES"] = b"|".join([*alone, *(before + one for one in passing)]) or b"(?!)"
    return found


ANY = rb"[^\r\n]*?"


def pattern(template: Template, *, named: bool = True) -> bytes:
    """Return a template as a regular expression that any Python understands; if it has a gap, it is to be filled in."""
    made, end = b"", 0
    for found in FIELD.finditer(template.text):
        made += _literal(template, end, found.start())
        end = found.end()
        match found[1]:
            case "body":
                made += b"%s"
            case "sender" if named and template.has_body:
                made += rb"(?P=sender)" if b"(?P<sender>" in made else b"(?P<sender>%s)" % ANY
            case _:
                made += ANY
    return made + _literal(template, end, len(template.text))


def _literal(template: Template, begin: int, end: int) -> bytes:
    """Return a part of a template without fields as a regular expression."""
    escaped = _escaped(template.text[begin:end].encode())
    return escaped.replace(b"%", b"%%") if template.has_body else escaped


def _escaped(text: bytes) -> bytes:
    """Return bytes as a regular expression: re.escape() has every blank escaped, which nobody can read."""
    escaped = re.sub(rb"[\\^$.|?*+()\[\]{}]", lambda found: b"\\" + found[0], text)
    return escaped.replace(b"\n", rb"\n").replace(b"\r", rb"\r")


def raw(pattern: bytes) -> str:
    """Return a regular expression as Python that can be read, if that is possible."""
    legible = pattern.isascii() and pattern.decode().isprintable() and b'"' not in pattern
    return f'rb"{pattern.decode()}"' if legible and not pattern.endswith(b"\\") else repr(pattern)
