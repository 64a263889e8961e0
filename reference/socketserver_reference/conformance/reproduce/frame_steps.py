"""Writes a scenario of a chat in frames as Python, as `stream_steps.py` does for streams.

    ann.says(b'hello', ben, cal)

A line names the members that must hear an utterance, at once or when `all_hear` is called. Frames separate deliveries,
so a script says no more: `hears` in templates/frames.txt checks their order, the frames between them and the label of
each speaker. It uses patterns, which are made here from the dialect's templates, including the framing. A client that
was connected while others spoke, and may not have been a member yet, is `early`: it may receive anything before the
first utterance that it must hear.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.rewrite import SERIAL, SERIAL_BYTES
from socketserver_reference.conformance.dialects.template import FIELD, Template
from socketserver_reference.conformance.oracles.chat_room import MIN_BACKLOG_BYTES
from socketserver_reference.conformance.reproduce.lines import AFTER_ALL_STEPS, CannotTell, Lines, call
from socketserver_reference.conformance.reproduce.literals import MAX_LITERAL_BYTES, counts, literal
from socketserver_reference.conformance.scenario.step import OneClient, Utterance
from socketserver_reference.conformance.scenario.steps import HalfClose, Say, Step

PROBE = b"probe 9"
"""The longest text that a script says by itself."""


@dataclass
class FrameClient:
    """The state of one client while the script is written."""

    variable: str
    member: bool = False  # it has spoken, or is known to have joined
    early: bool = False  # it may not have been a member when others spoke: it may have heard them
    stalled: bool = False
    owed: int = 0  # bytes sent to it since it stopped reading


@dataclass
class FrameScript:
    """The lines of an exchange, while they are written."""

    dialect: Dialect
    lines: list[str] = field(default_factory=list)
    here: dict[str, FrameClient] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    """The clients with utterances that no client has read yet."""
    introduced: str = ""
    """The client that a newcomer has just been waiting to hear, and that has said nothing since."""

    def add(self, who: str, call: str) -> None:
        """Write a line that calls a method of a client."""
        self.lines.append(f"{self.here[who].variable}.{call}")

    def variables(self, names: Sequence[str]) -> str:
        """Return clients as arguments."""
        return ", ".join(self.here[name].variable for name in names)

    @property
    def readers(self) -> list[str]:
        """The members that read their deliveries."""
        return [who for who, guest in self.here.items() if guest.member and not guest.stalled]

    # Steps of clients

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
            raise CannotTell("a crowd has a different kind of script")

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
        self.here[who] = FrameClient(variable, early=bool(self.pending))
        self.lines.append(f'{variable} = Client("{who}"{f", {window}" if window else ""})')

    def _becomes(self, who: str, step: Step) -> None:
        """Write a step by which nothing is said to the others."""
        match step.effect:
            case "joins":
                self._joins(who, step.window)
            case "approaches" | "falls silent":
                raise CannotTell("no script can stop within a handshake or an utterance")
            case "hears":
                self._wait_until_heard(who, step.spoken_by)
            case "leaves":
                self.add(who, f"says({literal(step.said)})")
                self._leaves(who)
            case "half-closes":
                self.add(who, call(step))
                self._leaves(who)
            case "is gone":
                if who in self.pending:
                    raise CannotTell(f"the delivery of what {who} sent just before it left is up to the server")
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
        words = [_words(data, self.dialect.piece - SERIAL_BYTES), *([self.variables(now)] if now else [])]
        for name in hearers:
            guest = self.here[name]
            guest.owed += len(self.dialect.delivery(data, b"")) if guest.stalled else 0
        self._overheard()
        self.add(who, f"says({', '.join([*words, *([f'later=[{self.variables(later)}]'] if later else [])])})")
        if not at_once:
            self.pending.add(who)

    def _overheard(self) -> None:
        """Write which clients may hear the next utterance but need not."""
        for name, guest in self.here.items():
            if not (guest.member or guest.early):
                guest.early = True
                self.add(name, "passes = ANYTHING  # it may hear the next utterance, but need not")

    def settle(self, *, anyway: bool = False) -> None:
        """Write that all readers read their deliveries."""
        if (self.pending or anyway) and self.readers:
            self.lines.append(f"all_hear({self.variables(self.readers)})")
        self.pending.clear()

    def _wait_until_heard(self, who: str, speaker: str) -> None:
        if any(guest.stalled for guest in self.here.values()):
            raise CannotTell(
                "a script cannot say what a stalled client has to read after another client was waited for"
            )
        if self.dialect.sayable(PROBE) != PROBE:
            raise CannotTell(f"no client can say {PROBE!r} in this dialect, and repeat it until it is heard")
        self.settle()
        self.here[speaker].member = True
        itself = self.dialect.hears_itself
        hearers = [name for name in self.readers if name != who and (itself or name != speaker)]
        self.here[who].member = True
        self._overheard()
        self.lines.append(f"speak_until_heard({self.variables([who, speaker, *hearers])})")
        self.introduced = speaker

    def _leaves(self, who: str) -> None:
        """Write that a leaving client reads its deliveries and the end; deliveries under way may come too late."""
        self._wakes(who)
        if self.pending - {who}:
            raise CannotTell(f"the delivery to {who} of utterances under way when it left is up to the server")
        self.settle()
        self.add(who, "ends()")
        del self.here[who]

    def _wakes(self, who: str) -> None:
        guest = self.here[who]
        if guest.owed >= MIN_BACKLOG_BYTES:
            raise CannotTell(f"{guest.variable} is so far behind that cutting it off is up to the server")
        guest.stalled, guest.owed = False, 0

    def _lost(self, who: str) -> None:
        """Write that stalled clients, when they read again, need not hear the utterances of a client that has gone."""
        if any(guest.stalled for guest in self.here.values()):
            self.lines.append(f"may_be_lost({self.here[who].variable})")

    # The end

    def fence(self) -> None:
        """Have a member speak once more to all; any unexpected data before that is a violation."""
        heard = b"is that all?"
        if self.dialect.sayable(heard) == heard:
            for speaker in self.readers[: 1 if self.dialect.hears_itself else 2]:
                self.write(Say(speaker, heard))

    def dismiss(self) -> None:
        """Have the clients leave that never spoke and cannot have heard anything: any data they read is wrong."""
        for who, guest in list(self.here.items()):
            if not (guest.member or guest.early) and "CHAT-10" not in effects.not_applicable(self.dialect):
                self.write(HalfClose(who))


def script_lines(steps: Sequence[Step], numbers: Sequence[int], dialect: Dialect, *, fence: bool) -> Lines:
    """Return the lines of an exchange, each with the number of the step that it belongs to."""
    script, lines = FrameScript(dialect), Lines()
    for step, number in zip(steps, numbers, strict=True):
        script.write(step)
        lines.note(script.lines, number)
    script.settle()
    if fence:
        script.fence()
    script.dismiss()
    lines.note(script.lines, AFTER_ALL_STEPS)
    return lines


def _words(data: bytes, longest: int) -> str:
    """Return a Python expression for an utterance; the script counts the serial number at its end.

    With such a number the words of a flood do not matter: they are as long as allowed, and all the same.
    """
    serial = SERIAL.search(data)
    if serial is None or not serial.start():
        return literal(data)
    words = data[: serial.start()]
    if len(words) <= MAX_LITERAL_BYTES:
        return f"{words.replace(b'%', b'%%') + b' ~%06d'!r} % next(COUNT)"
    if counts(words):
        size = len(words)
        words = b"x" * (longest if size > longest - len(b" 000000 ") else size)
    return f"{literal(words)} + b' ~%06d' % next(COUNT)"


# Patterns


def patterns(dialect: Dialect) -> dict[str, bytes]:
    """Return the regular expressions of a delivery, with gaps for label and text, and of frames without meaning.

    Lines are found by their ends in all received data: `PASSES` matches any number of them. Other frames are read one
    by one; there `PASSES` matches one, and `REST` any number. Without framing, a script searches for the text, and does
    not check other data.
    """
    framing = dialect.framing_out
    if framing.kind == "none":
        return {"HEARD": BODY_PATTERN, "PASSES": ANYTHING}
    heard = pattern(dialect.template)
    if dialect.framing_in.kind == "chunk":  # the second of two that the server reads at once has nothing before it
        heard = b"(?:%s)?%%s" % heard.removesuffix(BODY_PATTERN) if heard.endswith(BODY_PATTERN) else heard
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
    """Return the regular expression of a frame that is not a line."""
    if framing.kind == "length":
        return b"[ 0-9]{%d}%s" % (framing.digits, inner)
    return b"%s%s*" % (inner, _escaped(framing.pad))


ANYTHING = rb"(?s:.*?)"
ANY_PATTERN = rb"[^\r\n]*?"
BODY_PATTERN = b"%s"


def pattern(template: Template, *, named: bool = True) -> bytes:
    """Return a template as a regular expression for any Python version, with gaps for unknown parts."""
    made, end = b"", 0
    for found in FIELD.finditer(template.text):
        made += _literal(template, end, found.start())
        end = found.end()
        match found[1]:
            case "body":
                made += BODY_PATTERN
            case "sender" if named and template.has_body:
                made += rb"(?P=sender)" if b"(?P<sender>" in made else b"(?P<sender>%s)"
            case _:
                made += ANY_PATTERN
    return made + _literal(template, end, len(template.text))


def _literal(template: Template, begin: int, end: int) -> bytes:
    """Return a part of a template without fields as a regular expression."""
    escaped = _escaped(template.text[begin:end].encode())
    return escaped.replace(b"%", b"%%") if template.has_body else escaped


def _escaped(text: bytes) -> bytes:
    """Return bytes as a regular expression: re.escape() escapes every blank, which is hard to read."""
    escaped = re.sub(rb"[\\^$.|?*+()\[\]{}]", lambda found: b"\\" + found[0], text)
    return escaped.replace(b"\n", rb"\n").replace(b"\r", rb"\r")


def raw(pattern: bytes) -> str:
    """Return a regular expression as a readable Python literal, if possible."""
    legible = pattern.isascii() and pattern.decode().isprintable() and b'"' not in pattern
    return f'rb"{pattern.decode()}"' if legible and not pattern.endswith(b"\\") else repr(pattern)
