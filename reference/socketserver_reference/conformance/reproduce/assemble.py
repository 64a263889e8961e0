"""Puts a script together: the exchange, and of the player in templates/ those parts that the exchange calls.

    frame.txt       what stands around it: the usage, where the server is, how often it is played
    client.txt      a client: it connects, receives, leaves
    stream.txt      what it does where deliveries are a stream              the exchange is from stream_steps.py
    frames.txt      ... where they are frames                               the exchange is from frame_steps.py
    questions.txt   ... where the clause is about a crowd, or about time    the exchange is a question
    datagrams.txt   ... over datagrams

In these pieces a line such as `#: resets` says what asks for the lines below it: an exchange in which somebody resets,
or a dialect (`_aspects`). What stands below `#: all` is always there. Nothing of the pieces is left that is not used.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from socketserver_reference.address import Address
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.dialect import Exchange as Turn
from socketserver_reference.conformance.driver.session import GOES_ON, Performer
from socketserver_reference.conformance.reproduce import frame_steps
from socketserver_reference.conformance.reproduce.exchange import Exchange, exchange, phrased
from socketserver_reference.conformance.reproduce.lines import WIDTH, CannotTell
from socketserver_reference.conformance.reproduce.stream_steps import has_bursts
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.violation import Violation

LINES = 100
"""A script has fewer lines than these: nobody reads a longer one."""

ROUNDS = 40
"""Times that an exchange is played whose violation did not come back at once."""

RACES = 400
"""Times that a burst is played, which is a race: the rarest fault of the catalogue shows in one of 14 or so."""

VOLUME = 8_000_000
"""Bytes to send in all rounds together, about, if one round is of many."""

FEWEST = 5
"""Rounds of a race at least, however much each sends."""

USAGE = "`python {} {}` plays this; it ends with 1 if the clause is broken, 0 if not, 2 without a server."

SCRIPTS = files("socketserver_reference.conformance.reproduce") / "templates"

# fmt: off
MODULES = (
    "concurrent.futures", "contextlib", "io", "itertools", "os", "re", "select", "socket", "struct", "sys", "time",
)
# fmt: on
"""What a script may import, if it uses it."""


@dataclass(frozen=True)
class Script:
    """A script: its text, the number of its first line by which the violation may show, and how often it is played."""

    text: str
    decisive: int
    rounds: int


def script(
    performing: Performer, protocol: str, violation: Violation, steps: Sequence[Step], *, rounds: int, fence: bool
) -> Script:
    """Return the script; raise CannotTell if there can be none.

    With a `fence` somebody speaks once more in the end. Bursts are races, and a fence of their own.
    """
    dialect, seen = performing.dialect, len(steps)
    if violation.expected == GOES_ON:
        steps = [*steps, *performing.greeting]
    if question := asks_its_own_question(violation.clause_id, steps):
        played = _question(steps, dialect)
    elif races(protocol, steps, dialect):
        sent = sum(len(step.said) for step in steps if step.burst)
        rounds = max(FEWEST, min(RACES, VOLUME // sent))
        played = exchange(protocol, steps, dialect, seen=seen)
    else:
        played = exchange(protocol, steps, dialect, fence=fence, seen=seen)
    player = _Player(protocol, dialect, performing.site.address, question)
    texts = ((_framed(violation, player, lines, rounds), lines) for lines in (played, played.compact()))
    text, played = next(((text, lines) for text, lines in texts if text.count("\n") < LINES), ("", played))
    if not text:
        raise CannotTell(f"the shortest exchange that was found makes a script of {LINES} lines or more")
    begin = text[: text.index("def exchange():")].count("\n") + 2
    return Script(text, begin + played.decisive, rounds)


def races(protocol: str, steps: Sequence[Step], dialect: Dialect) -> bool:
    """Whether the steps, as they are said in the dialect, are bursts."""
    return protocol == "chat" and has_bursts([step for _, step in phrased(protocol, steps, dialect)])


def asks_its_own_question(clause: str, steps: Sequence[Step]) -> bool:
    """Whether a script does not follow the steps: it asks about a crowd, or about time."""
    return clause == "CHAT-16" or any(step.own_question for step in steps)


def _question(steps: Sequence[Step], dialect: Dialect) -> Exchange:
    """Return the lines that ask about a crowd, or about time."""
    if not dialect.stream and dialect.sayable(frame_steps.KNOCK) != frame_steps.KNOCK:
        raise CannotTell(f"nobody can say {frame_steps.KNOCK!r} in this dialect, and go on until it is heard")
    crowd = next((step for _, step in phrased("chat", steps, dialect) if step.own_question), None)
    if crowd is not None:
        lines = ['ann = Client("ann")', f"speak_until_all_hear(ann, *come_at_once({len(crowd.clients)}))"]
        return Exchange(lines, 1)
    lines = [f'{name} = Client("{name}")' for name in ("ann", "ben", "cal")]
    lines += [f"speak_until_all_hear({name}, {others})" for name, others in (("ann", "ben, cal"), ("ben", "ann, cal"))]
    lines += ["lags = lags_of(ann, ben, cal)", "few_are_late(lags)"]
    return Exchange(lines, len(lines) - 1)


@dataclass(frozen=True)
class _Player:
    """What a script is for."""

    protocol: str
    dialect: Dialect
    address: Address
    question: bool

    @property
    def pieces(self) -> list[str]:
        """The pieces of the player."""
        if self.protocol == "datagram":
            return ["datagrams"]
        return ["client", "questions" if self.question else "frames" if self.framed else "stream"]

    @property
    def framed(self) -> bool:
        """Whether deliveries are read frame by frame."""
        return self.protocol == "chat" and not self.dialect.stream and not self.question

    @property
    def labelled(self) -> bool:
        """Whether it can be told by a label who said what is heard."""
        return self.framed and self.dialect.template.has_sender and self.dialect.framing_out.kind != "none"

    def aspects(self, body: str, rounds: int) -> set[str]:
        """Return what an exchange asks of the pieces: what it calls, and what is so in its dialect."""
        dialect, out = self.dialect, self.dialect.framing_out.kind
        calls, speaking = {*re.findall(r"(\w+)\(", body)}, {*re.findall(r"(\w+)\.says\(.*later=", body)}
        at_times = self.labelled and (dialect.framing_in.kind == "chunk" or "MINE" in self.patterns)
        slow = re.search(r'Client\("\w+", ', body)
        where = "unix" if self.address.path else "slow" if slow else "tcp"
        holding = {
            "often": rounds > 1,
            "once": rounds == 1,
            "question": self.question,
            "framed": self.framed,
            "stream": not self.framed and not self.question,
            "settled": not self.framed and not self.question and "all_read" not in calls,
            "greeted": bool(dialect.handshake),
            "gap": bool(dialect.limits.gap),
            "join_gap": bool(dialect.limits.join_gap),
            "line": self.framed and out in ("line", "chunk", "none"),
            "sliced": self.framed and out in ("fixed", "length"),
            "fixed": out == "fixed",
            "length": out == "length",
            "labelled": self.labelled and not at_times,
            "labelled_at_times": at_times,
            "unlabelled": self.framed and not self.labelled,
            "mine": "MINE" in self.patterns,
            "hasty": where != "unix" and (not self.framed or "later=" in body),
            "one_order": len(speaking) > 1 and effects.asks_one_order(dialect),
        }
        kind = "framed" if self.framed else "stream"
        shape = "line" if holding["line"] else "sliced"
        calls |= {f"{call}_{kind}" for call in calls} | {f"{call}_{shape}" for call in calls}
        calls.add(f"{'mine' if holding['mine'] else 'same'}_{shape}")
        return {"all", where, *calls, *(aspect for aspect, holds in holding.items() if holds)}

    @property
    def patterns(self) -> dict[str, bytes]:
        """The constants that say what is heard."""
        return frame_steps.patterns(self.dialect) if self.framed else {}

    def constants(self, text: str, rounds: int) -> Iterator[str]:
        """Yield the lines that say what the player goes by, as far as it does."""
        dialect, out, limits = self.dialect, self.dialect.framing_out, self.dialect.limits
        long = {
            "HANDSHAKE": f"[{', '.join(map(_turn, dialect.handshake))}]",
            **{name: frame_steps.raw(pattern) for name, pattern in self.patterns.items()},
        }
        short = {
            "PREFIX": repr(dialect.prefix),
            "CHUNK": str(dialect.chunk),
            "SIZE": str(out.size),
            "PAD": repr(out.pad),
            "DIGITS": str(out.digits),
            "GAP": f"{limits.gap:g}",
            "JOIN_GAP": f"{limits.join_gap:g}",
            "ANYTHING": frame_steps.raw(frame_steps.ANYTHING),
            "LABEL": frame_steps.raw(frame_steps.ANY),
            "CLIENTS": "[]",
            "COUNT": "itertools.count(1)",
            "ROUNDS": str(rounds),
        }
        yield from (f"{name} = {value}" for name, value in long.items() if re.search(rf"\b{name}\b", text))
        used = [name for name in short if re.search(rf"\b{name}\b", text)]
        yield f"{', '.join(used)} = {', '.join(short[name] for name in used)}"

    def put(self) -> str:
        """Return, as Python, what goes over the wire when `data` is said."""
        framing = self.dialect.framing_in
        match framing.kind:
            case _ if self.dialect.stream:
                return "data"
            case "fixed":
                return f"data.ljust({framing.size}, {framing.pad!r})"
            case "length":
                return f"{framing.header.encode()!r} % len(data) + data"
            case _:
                return f"data + {framing.newline!r}"


def _framed(violation: Violation, player: _Player, played: Exchange, rounds: int) -> str:
    """Return the script: the frame with its gaps filled, and of the player what is called."""
    body = "\n".join(f"    {line}" for line in played.lines)
    aspects = player.aspects(body, rounds)
    seen = [f"# Due:  {printable(violation.expected)}", f"# Seen: {printable(violation.observed)}"]
    seen = [line if len(line) <= WIDTH else f"{line[:WIDTH]}..." for line in seen]
    by_path = bool(player.address.path)
    gaps = {
        "clause": textwrap.fill(str(CLAUSES[violation.clause_id]), WIDTH),
        "seen": "\n".join(seen),
        "usage": USAGE.format(f"{violation.clause_id}.py", "PATH" if by_path else "HOST PORT"),
        "arguments": "2" if by_path else "3",
        "where": "sys.argv[1]" if by_path else "sys.argv[1], int(sys.argv[2])",
        "exchange": body,
        "put": player.put(),
        "heard": f"HEARD % {'(speaker.called, re.escape(due[0]))' if player.labelled else 're.escape(due[0])'}",
    }
    gaps["player"] = _filled("\n".join(_called(piece, aspects) for piece in player.pieces), gaps)
    frame = _called("frame", aspects)
    gaps["constants"] = "\n".join(player.constants(body + gaps["player"] + frame, rounds))
    text = frame + gaps["constants"] + gaps["player"]
    gaps["modules"] = ", ".join(name for name in MODULES if re.search(rf"\b{name}\.", text))
    return _filled(frame, gaps) + "\n"


def _filled(text: str, gaps: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda gap: gaps.get(gap[1], gap[0]), text)


def _called(name: str, aspects: set[str]) -> str:
    """Return those lines of a piece that something asks for."""
    kept, take = [], True
    for line in (SCRIPTS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("#: "):
            take = not aspects.isdisjoint(line.split()[1:])
        elif take:
            kept.append(line)
    return "\n".join(kept)


def _turn(turn: Turn) -> str:
    """Return a part of a handshake: what to wait for, and what to send then."""
    wait = frame_steps.pattern(turn.wait) if turn.wait else b""
    return f"({frame_steps.raw(wait)}, {turn.send.text.encode() if turn.send else b''!r})"
