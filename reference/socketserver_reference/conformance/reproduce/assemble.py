"""Assembles a script: the exchange, and those parts of the player in templates/ that the exchange calls.

    frame.txt       the frame: the usage, the server's address, the number of rounds
    client.txt      a client: it connects, receives, leaves
    stream.txt      its methods where deliveries are a stream               the exchange is from stream_steps.py
    frames.txt      ... where they are frames                               the exchange is from frame_steps.py
    questions.txt   ... where the clause is about a crowd, or about time    the exchange is a question
    datagrams.txt   ... over datagrams

In these pieces a line such as `#: resets` names the aspect that the lines below it are for: an exchange in which a
client resets, or a dialect (`_aspects`). Lines below `#: all` are always included. A script has no unused line.
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
from socketserver_reference.conformance.dialects.dialect import HandshakeTurn as Turn
from socketserver_reference.conformance.driver.session import EXPECTED_SURVIVAL, Session
from socketserver_reference.conformance.reproduce import frame_steps
from socketserver_reference.conformance.reproduce.exchange import ScriptExchange, exchange, rewritten
from socketserver_reference.conformance.reproduce.lines import MAX_LINE_COLUMNS, CannotTell
from socketserver_reference.conformance.reproduce.stream_steps import has_bursts
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.violation import Violation

MAX_SCRIPT_LINES = 100
"""A script has fewer lines than this; a longer one is hard to read."""

ROUNDS = 40
"""Rounds of an exchange whose violation did not recur at once."""

MAX_RACE_ROUNDS = 400
"""Most rounds of a burst, which is a race: the rarest fault of the catalogue shows in about one of 14."""

MAX_SENT_BYTES = 8_000_000
"""Approximate bytes to send in all rounds together, if one round sends many."""

MIN_RACE_ROUNDS = 5
"""Fewest rounds of a race, however much each sends."""

USAGE = "`python {} {}` plays this; it exits with 1 if the clause is broken, 0 if not, 2 without a server."

TEMPLATES = files("socketserver_reference.conformance.reproduce") / "templates"

# fmt: off
IMPORTABLE = (
    "concurrent.futures", "contextlib", "io", "itertools", "os", "re", "select", "socket", "struct", "sys", "time",
)
# fmt: on
"""The modules that a script imports if it uses them."""


@dataclass(frozen=True)
class ReproductionScript:
    """A script: its text, the number of the first line where the violation may show, and its number of rounds."""

    text: str
    decisive: int
    rounds: int


def script(
    session: Session, protocol: str, violation: Violation, steps: Sequence[Step], *, rounds: int, fence: bool
) -> ReproductionScript:
    """Return the script; raise CannotTell if there can be none.

    With a `fence` a client speaks once more at the end. Bursts are races and need no fence.
    """
    dialect, seen = session.dialect, len(steps)
    if violation.expected == EXPECTED_SURVIVAL:
        steps = [*steps, *session.health_check]
    if question := asks_its_own_question(violation.clause_id, steps):
        played = _question(steps, dialect)
    elif races(protocol, steps, dialect):
        sent = sum(len(step.said) for step in steps if step.burst)
        rounds = max(MIN_RACE_ROUNDS, min(MAX_RACE_ROUNDS, MAX_SENT_BYTES // sent))
        played = exchange(protocol, steps, dialect, seen=seen)
    else:
        played = exchange(protocol, steps, dialect, fence=fence, seen=seen)
    player = _ScriptPlayer(protocol, dialect, session.site.address, question)
    texts = ((_framed(violation, player, lines, rounds), lines) for lines in (played, played.compact()))
    text, played = next(((text, lines) for text, lines in texts if text.count("\n") < MAX_SCRIPT_LINES), ("", played))
    if not text:
        raise CannotTell(f"the shortest exchange that was found makes a script of {MAX_SCRIPT_LINES} lines or more")
    begin = text[: text.index("def exchange():")].count("\n") + 2
    return ReproductionScript(text, begin + played.decisive, rounds)


def races(protocol: str, steps: Sequence[Step], dialect: Dialect) -> bool:
    """Whether the steps in the dialect have bursts."""
    return protocol == "chat" and has_bursts([step for _, step in rewritten(protocol, steps, dialect)])


def asks_its_own_question(clause: str, steps: Sequence[Step]) -> bool:
    """Whether the script is a question about a crowd or about time, instead of the steps."""
    return clause == "CHAT-16" or any(step.own_question for step in steps)


def _question(steps: Sequence[Step], dialect: Dialect) -> ScriptExchange:
    """Return the lines of a question about a crowd or about time."""
    if not dialect.stream and dialect.sayable(frame_steps.PROBE) != frame_steps.PROBE:
        raise CannotTell(f"no client can say {frame_steps.PROBE!r} in this dialect, and repeat it until it is heard")
    crowd = next((step for _, step in rewritten("chat", steps, dialect) if step.own_question), None)
    if crowd is not None:
        lines = ['ann = Client("ann")', f"speak_until_all_hear(ann, *come_at_once({len(crowd.clients)}))"]
        return ScriptExchange(lines, 1)
    lines = [f'{name} = Client("{name}")' for name in ("ann", "ben", "cal")]
    lines += [f"speak_until_all_hear({name}, {others})" for name, others in (("ann", "ben, cal"), ("ben", "ann, cal"))]
    lines += ["lags = lags_of(ann, ben, cal)", "few_are_late(lags)"]
    return ScriptExchange(lines, len(lines) - 1)


@dataclass(frozen=True)
class _ScriptPlayer:
    """The server and the protocol that a script is for."""

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
        """Whether a label in a delivery names its speaker."""
        return self.framed and self.dialect.template.has_sender and self.dialect.framing_out.kind != "none"

    def aspects(self, body: str, rounds: int) -> set[str]:
        """Return the aspects of an exchange: the methods it calls, and the properties of its dialect."""
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
        """The constants with the patterns of deliveries."""
        return frame_steps.patterns(self.dialect) if self.framed else {}

    def constants(self, text: str, rounds: int) -> Iterator[str]:
        """Yield the definitions of the constants that the player uses."""
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
            "LABEL": frame_steps.raw(frame_steps.ANY_PATTERN),
            "CLIENTS": "[]",
            "COUNT": "itertools.count(1)",
            "ROUNDS": str(rounds),
        }
        yield from (f"{name} = {value}" for name, value in long.items() if re.search(rf"\b{name}\b", text))
        used = [name for name in short if re.search(rf"\b{name}\b", text)]
        yield f"{', '.join(used)} = {', '.join(short[name] for name in used)}"

    def put(self) -> str:
        """Return a Python expression for the bytes on the wire of an utterance of `data`."""
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


def _framed(violation: Violation, player: _ScriptPlayer, played: ScriptExchange, rounds: int) -> str:
    """Return the script: the frame with its gaps filled, and those parts of the player that are called."""
    body = "\n".join(f"    {line}" for line in played.lines)
    aspects = player.aspects(body, rounds)
    seen = [f"# expected: {printable(violation.expected)}", f"# observed: {printable(violation.observed)}"]
    seen = [line if len(line) <= MAX_LINE_COLUMNS else f"{line[:MAX_LINE_COLUMNS]}..." for line in seen]
    by_path = bool(player.address.path)
    gaps = {
        "clause": textwrap.fill(str(CLAUSES[violation.clause_id]), MAX_LINE_COLUMNS),
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
    gaps["modules"] = ", ".join(name for name in IMPORTABLE if re.search(rf"\b{name}\.", text))
    return _filled(frame, gaps) + "\n"


def _filled(text: str, gaps: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda gap: gaps.get(gap[1], gap[0]), text)


def _called(name: str, aspects: set[str]) -> str:
    """Return the lines of a piece for these aspects."""
    kept, take = [], True
    for line in (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("#: "):
            take = not aspects.isdisjoint(line.split()[1:])
        elif take:
            kept.append(line)
    return "\n".join(kept)


def _turn(turn: Turn) -> str:
    """Return a part of a handshake: the pattern to wait for, and the bytes to send then."""
    wait = frame_steps.pattern(turn.wait) if turn.wait else b""
    return f"({frame_steps.raw(wait)}, {turn.send.text.encode() if turn.send else b''!r})"
