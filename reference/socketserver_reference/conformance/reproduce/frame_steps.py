"""Writes a scenario of a chat in frames as Python: what `stream_steps.py` is for streams.

    ann.says(b'hello', ben, cal)

Beside what somebody says stands who must hear it, and does so at once, or when `all_hear` is called. Frames tell
deliveries apart, so whoever plays the script needs to know no more: in what order things come, what comes between
them, and by which label a speaker goes is seen to by `hears` in templates/frames.txt. It goes by patterns, which are
made here from the dialect's templates, frame and all. Who was there while others spoke, and is not known to have been a
member, is `early`: before the first thing that it must hear, anything may come.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.rewrite import ROOM_FOR_SERIAL, SERIAL
from socketserver_reference.conformance.dialects.template import FIELD, Template
from socketserver_reference.conformance.oracles.chat_room import WAITING
from socketserver_reference.conformance.reproduce.lines import AFTERWARDS, CannotTell, Lines, call
from socketserver_reference.conformance.reproduce.literals import SHORT, counts, literal
from socketserver_reference.conformance.scenario.steps import HalfClose, OneClient, Say, Step, Utterance

KNOCK = b"knock 9"
"""The longest thing that a script says by itself."""


@dataclass
class Guest:
    """What a script knows of one client."""

    variable: str
    member: bool = False  # it has spoken, or was heard to be there
    early: bool = False  # it was no member yet when others spoke: it may have heard them
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
    introduced: str = ""
    """Who has been heard by somebody who came for that, and has said nothing since."""

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
        introduced, self.introduced = self.introduced, ""
        if step.settles:
            self.settle()
        elif isinstance(step, Utterance):
            self._utters(step, heard=introduced == step.who)
        elif isinstance(step, OneClient):
            self._becomes(step.who, step)
        else:
            raise CannotTell("a crowd has a script of its own")

    def _utters(self, step: Utterance, *, heard: bool) -> None:
        """Write what somebody says, unless it says that it is here and has been heard just now."""
        if step.burst:
            self._says(step.who, step.data, at_once=False)
            return
        if not heard or step.data != b"%s is here" % step.who.encode():
            self._says(step.who, step.data, at_once=not self.pending)
        self.settle()

    def _joins(self, who: str, window: int | None) -> None:
        variable = re.sub(r"\W", "_", who)
        self.here[who] = Guest(variable, early=bool(self.pending))
        self.lines.append(f'{variable} = Client("{who}"{f", {window}" if window else ""})')

    def _becomes(self, who: str, step: Step) -> None:
        """Write a step by which nothing is said to the others."""
        match step.effect:
            case "joins":
                self._joins(who, step.window)
            case "hears":
                self._heed(who, step.spoken_by)
            case "leaves":
                self.add(who, f"says({literal(step.said)})")
                self._leaves(who)
            case "half-closes":
                self.add(who, call(step))
                self._leaves(who)
            case "is gone":
                if who in self.pending:
                    raise CannotTell(f"whether what {who} said just before it went is heard is up to the server")
                self.add(who, call(step))
                self._lost(who)
                del self.here[who]
            case "stops reading":
                self.here[who].stalled = True
            case "reads again":
                self._wakes(who)
                self.settle(anyway=True)
            case _:
                self.add(who, call(step))

    def _says(self, who: str, data: bytes, *, at_once: bool) -> None:
        self.here[who].member = True
        itself = self.dialect.hears_itself
        hearers = [name for name, guest in self.here.items() if guest.member and (itself or name != who)]
        now = [name for name in hearers if at_once and not self.here[name].stalled]
        later = [name for name in hearers if name not in now]
        words = [_words(data, self.dialect.longest - ROOM_FOR_SERIAL), *([self.variables(now)] if now else [])]
        for name in hearers:
            guest = self.here[name]
            guest.owed += len(self.dialect.delivery(data, b"")) if guest.stalled else 0
        self._overheard()
        self.add(who, f"says({', '.join([*words, *([f'later=[{self.variables(later)}]'] if later else [])])})")
        if not at_once:
            self.pending.add(who)

    def _overheard(self) -> None:
        """Write who may hear what is said next, and need not."""
        for name, guest in self.here.items():
            if not (guest.member or guest.early):
                guest.early = True
                self.add(name, "passes = ANYTHING  # it may hear what is said now, and need not")

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
        self._overheard()
        self.lines.append(f"speak_until_heard({self.variables([who, speaker, *hearers])})")
        self.introduced = speaker

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
        """Write that nobody has to hear what one has said who has gone, when it reads again."""
        if any(guest.stalled for guest in self.here.values()):
            self.lines.append(f"may_be_lost({self.here[who].variable})")

    # The end

    def fence(self) -> None:
        """Have somebody speak once more to everybody, before whose words nothing may come that was not due."""
        heard = b"is that all?"
        if self.dialect.sayable(heard) == heard:
            for speaker in self.readers[: 1 if self.dialect.hears_itself else 2]:
                self.write(Say(speaker, heard))

    def dismiss(self) -> None:
        """Have those leave who have never spoken, and cannot have heard anything: whatever they read is wrong."""
        for who, guest in list(self.here.items()):
            if not (guest.member or guest.early) and "CHAT-10" not in effects.not_applicable(self.dialect):
                self.write(HalfClose(who))


def written(steps: Sequence[Step], numbers: Sequence[int], dialect: Dialect, *, fence: bool) -> Lines:
    """Return the lines of an exchange, each with the number of the step that it belongs to."""
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


def _words(data: bytes, longest: int) -> str:
    """Return, as Python, what is said; a number behind it that tells it from others is counted when it is said.

    With such a number the words of a flood matter to nobody: they are as many as there may be, and one is like another.
    """
    serial = SERIAL.search(data)
    if serial is None or not serial.start():
        return literal(data)
    words = data[: serial.start()]
    if len(words) <= SHORT:
        return f"{words.replace(b'%', b'%%') + b' ~%06d'!r} % next(COUNT)"
    if counts(words):
        size = len(words)
        words = b"x" * (longest if size > longest - len(b" 000000 ") else size)
    return f"{literal(words)} + b' ~%06d' % next(COUNT)"


# Patterns


def patterns(dialect: Dialect) -> dict[str, bytes]:
    """Return the regular expressions of what is heard, with gaps for the label of who spoke and for what was said, and
    of what means nothing.

    Lines are found by their ends, in all that has come: `PASSES` is as many as there may be. Other frames are taken one
    by one; there it is one of them, and `REST` is as many as there may be. Where nothing marks where a delivery ends a
    script looks for what was said, and cannot tell what else comes.
    """
    framing = dialect.framing_out
    if framing.kind == "none":
        return {"HEARD": BODY, "PASSES": ANYTHING}
    heard = pattern(dialect.template)
    if dialect.framing_in.kind == "chunk":  # of two that the server takes in one the second has nothing before it
        heard = b"(?:%s)?%%s" % heard.removesuffix(BODY) if heard.endswith(BODY) else heard
    passing = [pattern(notice) for notice in dialect.notices]
    own = pattern(dialect.to_sender, named=False) if isinstance(dialect.to_sender, Template) else b""
    prompts = b"|".join(_escaped(prompt) for prompt in dialect.all_prompts)
    found = {"HEARD": heard}
    if isinstance(dialect.to_sender, Template) and dialect.to_sender.has_body:
        found["MINE"] = own
    elif own:
        passing.append(own)
    if framing.kind in ("fixed", "length"):
        passing = [b"(?:%s)*%s" % (prompts, one) if prompts else one for one in passing]
        rest = b"|".join(_framed(framing, one) for one in passing)
        return found | {"PASSES": b"|".join(passing) or b"(?!)", "REST": b"(?:%s)*" % rest if rest else b""}
    ended = {name: one + _escaped(framing.newline) for name, one in found.items()}
    passing = [one + _escaped(framing.newline) for one in passing]
    passing += [prompts, b"(?:%s)+%s" % (prompts, _escaped(framing.newline))] if prompts else []
    return ended | {"PASSES": b"(?:%s)*" % b"|".join(passing) if passing else b""}


def _framed(framing: Framing, inner: bytes) -> bytes:
    """Return the regular expression of a frame that is no line."""
    if framing.kind == "length":
        return b"[ 0-9]{%d}%s" % (framing.digits, inner)
    return b"%s%s*" % (inner, _escaped(framing.pad))


ANYTHING = rb"(?s:.*?)"
ANY = rb"[^\r\n]*?"
BODY = b"%s"


def pattern(template: Template, *, named: bool = True) -> bytes:
    """Return a template as a regular expression that any Python understands, with gaps for what is not known yet."""
    made, end = b"", 0
    for found in FIELD.finditer(template.text):
        made += _literal(template, end, found.start())
        end = found.end()
        match found[1]:
            case "body":
                made += BODY
            case "sender" if named and template.has_body:
                made += rb"(?P=sender)" if b"(?P<sender>" in made else b"(?P<sender>%s)"
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
