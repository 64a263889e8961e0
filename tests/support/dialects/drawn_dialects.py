"""Dialects drawn from the format, to be served and learned; and whether what was learned is what was drawn.

Some differences cannot be seen from outside. Each is in `AMBIGUITIES`, with what makes the two the same.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from socketserver_reference.conformance.dialects.dialect import BODY_ALONE, Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.loader import BadDialect, read
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import first_contact, pace, propose, waiting
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.questions import history, limits
from tests.servers.dialects_served import Speaker, served
from tests.support.learning import differences
from tests.support.speaking import FRAMINGS, TEMPLATES

ALL_FRAMINGS = (
    *(one.replace("%05d", "%5d") for one in FRAMINGS),
    'in = "line"\nnewline_out = "\\r\\n"',
    'in = "line"\nnewline_out = "\\n\\n"',
    'in = "line"\nnewline = "\\r\\n"\nnewline_out = "\\n"',
    'in = "length"\nheader = "u32be"',
    'in = "length"\nheader = "u16le"',
    'in = "length"\nheader = "u32be"\nheader_counted = true',
    'in = "length"\nheader = "%-4d"',
    'in = "length"\nheader = "%10d"',
    'in = "length"\nheader = "%-16d"',
)
TO_SENDER = ("same", "nothing", "you: {body}", "ok", "sent at {any}")
NOTICES: Sequence[Sequence[str]] = (
    (),
    ("* {any} has come", "* {any} has gone"),
    ("{any} joined the chat",),
    ("-- member {any} is here --", "-- member {any} left --"),
    ("", "{any} is gone"),
)
PROMPTS: Sequence[Sequence[str]] = ((), (), ("> ",), ("$ ",))
HANDSHAKES = (
    (),
    (),
    ({"wait": "Welcome, number {any}\\n"},),
    ({"wait": "Your name? ", "send": "{name}\\n"},),
    ({"wait": "Your name? ", "send": "{name}\\n"},),
    ({"wait": "Your name? ", "send": "{name}\\n"}, {"wait": "Hello {name}!\\n"}),
    ({"wait": "Your name? ", "send": "{name}\\n"}, {"wait": "Hello {name}!\\n"}),
    ({"send": "{name}\\n"},),
    ({"send": "{name}\\n"},),
    ({"wait": "Your name? ", "send": "{name}"},),  # most programs read lines
    ({"wait": "name?\\n", "send": "{name}\\n"}, {"wait": "room? (red or blue)\\n", "send": "red\\n"}),
)
SAYS = ("{body}", "{body}", "{body}", "{body}", "MSG {body}", "/say {body}", "say {body}", "BROADCAST {body}")
PREFIXES: Sequence[Sequence[str]] = (("/",), ("/",), (), ("!",), ("/", "."))
QUITS = ("", "quit", "/quit", "exit", "bye", "/q", "/leave", "QUIT")
HANDLINGS = ("verbatim", "verbatim", "replaced", "refused", "escaped", "cut-at-nul")


@st.composite
def chats(draw: st.DrawFn) -> Dialect:
    """Draw a chat's dialect, by way of its file."""
    while True:
        try:
            return read(_file(draw), "drawn", "drawn")
        except BadDialect:  # values that are valid by themselves, and not together
            continue


def _file(draw: st.DrawFn) -> str:
    framing = draw(st.sampled_from(ALL_FRAMINGS))
    lines = not any(kind in framing for kind in ("fixed", "length", "none"))
    spoken = framing.startswith(('in = "line"', 'in = "chunk"'))
    handshake = draw(st.sampled_from(HANDSHAKES)) if lines else ()
    marked = '"none"' not in framing  # otherwise nothing but what was said before tells a delivery from the next
    plain = framing in ('in = "line"', 'in = "chunk"')
    template, notices = draw(st.sampled_from(TEMPLATES)), draw(st.sampled_from(NOTICES)) if lines else ()
    if template == "{body}" and "" in notices:  # which might be deliveries
        notices = ()
    returns = draw(st.sampled_from(("", "", "", "deliveries", "notices"))) if plain else ""
    template += "\\r" if returns == "deliveries" else ""
    notices = [f"{notice}\r" for notice in notices] if returns == "notices" else notices
    newline = "\\r\\n" if 'newline = "\\r' in framing else "\\n"
    exchanges = "".join(
        "[[handshake]]\n" + "".join(f'{key} = "{text}"\n' for key, text in one.items()) for one in handshake
    ).replace("\\n", newline)
    return f"""
protocol = "chat"
[framing]
{framing}
[delivery]
template = "{template}"
to_sender = "{draw(st.sampled_from(TO_SENDER if marked else TO_SENDER[:4]))}"
notices = {json.dumps(list(notices))}
prompts = {list(draw(st.sampled_from(PROMPTS))) if lines else []}
history = {draw(st.sampled_from((0, 0, 0, 5) if marked else (0,)))}
[commands]
say = "{draw(st.sampled_from(SAYS)) if spoken else BODY_ALONE.text}"
prefixes = {list(draw(st.sampled_from(PREFIXES)))}
[quit]
word = "{draw(st.sampled_from(QUITS))}"
[bytes]
handling = "{draw(st.sampled_from(HANDLINGS))}"
white_space = "{draw(st.sampled_from(("kept", "kept", "stripped") if "fixed" not in framing else ("kept",)))}"
[limits]
utterance = {draw(st.sampled_from((0, 0, 64, 120)))}
{exchanges}"""


# Whether two dialects are the same to whoever talks to the server


def _labels(dialect: Dialect) -> Dialect:
    """What stands next to a label may belong to it."""
    head, body, tail = dialect.template.text.partition("{body}")
    if "{sender}" not in head:
        return dialect
    begin, end = head.index("{sender}"), head.rindex("{sender}") + len("{sender}")
    while begin and not head[begin - 1].isspace():
        begin -= 1
    while end < len(head) and not head[end].isspace():
        end += 1
    return replace(dialect, template=Template(f"{head[:begin]}{{sender}}{head[end:]}{body}{tail}"))


def _line_ends(dialect: Dialect) -> Dialect:
    """Clients say lines to a server of chunks, and it ends each delivery as they do."""
    if dialect.framing_out.kind != "chunk" or dialect.stream:
        return dialect
    return replace(dialect, framing_out=replace(dialect.framing_out, kind="line"))


def _unused(dialect: Dialect) -> Dialect:
    """No line ends where neither side uses lines."""
    used = {dialect.framing_in.kind, dialect.framing_out.kind} & {"line", "chunk"}
    return (
        dialect
        if used
        else replace(dialect, framing_in=_bare(dialect.framing_in), framing_out=_bare(dialect.framing_out))
    )


def _bare(framing: Framing) -> Framing:
    return replace(framing, newline=b"\n")


def _padding(dialect: Dialect) -> Dialect:
    """Padding hides what white space becomes."""
    return replace(dialect, strips=False) if dialect.framing_in.kind == "fixed" else dialect


def _headers(dialect: Dialect) -> Dialect:
    """A server that reads lengths and sends none reads them with zeros and with blanks."""
    if dialect.framing_in.kind != "length" or dialect.framing_out.kind == "length":
        return dialect
    inward, outward = (
        replace(one, header=one.header.replace("%0", "%")) for one in (dialect.framing_in, dialect.framing_out)
    )
    return replace(dialect, framing_in=inward, framing_out=outward)


def _returns(dialect: Dialect) -> Dialect:
    """Lines that all end in a carriage return and a newline end in both."""
    own = [dialect.to_sender] if isinstance(dialect.to_sender, Template) else []
    told = [dialect.template, *own, *dialect.notices]
    if dialect.framing_out.newline != b"\n" or not all(form.text.endswith("\r") for form in told):
        return dialect
    bare = [Template(form.text.removesuffix("\r")) for form in told]
    return replace(
        dialect,
        framing_out=replace(dialect.framing_out, newline=b"\r\n"),
        template=bare[0],
        to_sender=bare[1] if own else dialect.to_sender,
        notices=tuple(bare[len(own) + 1 :]),
    )


def _answer_ends(dialect: Dialect) -> Dialect:
    """A server that takes what one recv() returns for an answer, and strips it, takes one with a line's end as well."""

    def bare(turn: HandshakeTurn) -> HandshakeTurn:
        if turn.send is None or turn.framed:
            return turn
        return replace(turn, send=Template(turn.send.text.rstrip("\r\n")))

    return replace(dialect, handshake=tuple(map(bare, dialect.handshake)))


def _either_end(dialect: Dialect) -> Dialect:
    """A server that sends CR LF, and strips the carriage returns of what it reads, reads both ends of lines."""
    ends = dialect.framing_out.newline == b"\r\n" or dialect.template.text.endswith("\r")
    strips = not dialect.keeps_returns if dialect.framing_in.kind == "line" else dialect.strips
    unmarked = dialect.framing_in.kind in ("line", "chunk")
    return replace(dialect, framing_in=_bare(dialect.framing_in)) if ends and strips and unmarked else dialect


AMBIGUITIES: Sequence[Callable[[Dialect], Dialect]] = (
    _labels,
    _line_ends,
    _unused,
    _padding,
    _headers,
    _answer_ends,
    _returns,
    _either_end,
)
"""Each makes two dialects equal that cannot be told apart."""


def difference(drawn: Dialect, learned: Dialect) -> tuple[dict[str, tuple[Any, Any]], bool]:
    """Return what differs, as drawn and as learned, and whether the two differ in an ambiguity alone."""
    plain = _differing(drawn, learned)
    if not plain:
        return {}, False
    for same in AMBIGUITIES:
        drawn, learned = same(drawn), same(learned)
    found = _differing(drawn, learned)
    return (plain, True) if not found else (found, False)


def _differing(one: Dialect, other: Dialect) -> dict[str, tuple[Any, Any]]:
    said = ((name, getattr(one, name), getattr(other, name)) for name in (field.name for field in fields(Dialect)))
    return {name: (a, b) for name, a, b in said if a != b and name not in ("name", "about", "verified")}


# To learn it


class DrawnSpeaker(Speaker):
    """Calls a member by the name that it gave, and refuses what the dialect says that it refuses."""

    def shake_hands(self) -> None:
        super().shake_hands()
        self.number = self.given or self.number

    def leaves(self, chunk: bytes) -> bool:
        most = self.dialect.limits.utterance
        chunk = chunk.strip() if self.dialect.strips else chunk
        too_long = 0 < most < len(chunk) - len(self.dialect.say.fill())
        return super().leaves(chunk) or too_long or (self.dialect.handling == "refused" and not is_text(chunk))


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def quickly() -> None:
    """Let `learn` ask for small crowds, and not wait long: the tests' servers have said all when they are at rest."""
    setattr(limits, "CROWD_MEMBERS", 8)  # noqa: B010  # it is another module's
    waiting.MIN_AWAIT_TIMEOUT = 0.3
    waiting.PROMPT_AWAIT_TIMEOUT = 0.2
    history.MAX_UTTERANCES = 8
    pace.RATE_UTTERANCES = 8
    vars(first_contact)["LATER"] = Limits(gap=0.05, join_delay=0.05)
    vars(first_contact)["APART"] = Limits(gap=0.05, join_delay=0.05, join_gap=0.05)
    propose.VERIFYING_TIMEOUT = 1.0


def drawn_by_seed(seed: int) -> Dialect:
    """Return the third dialect that Hypothesis draws with this seed: the first is the simplest, whatever the seed."""
    found: list[Dialect] = []

    @settings(max_examples=3, database=None, phases=[Phase.generate], deadline=None)
    @hypothesis_seed(seed)
    @given(chats())
    def draw(dialect: Dialect) -> None:
        found.append(dialect)

    draw()
    return found[-1]


def learned_as(dialect: Dialect) -> tuple[str, str]:
    """Serve a dialect and learn it; return equal, ambiguous, refused or wrong, and the details."""
    try:
        proposal = propose.propose(
            "chat", served(dialect, DrawnSpeaker), 0.1, 10, ("bytes.handling", "limits.utterance")
        )
    except CannotLearn as error:
        return "refused", f"{error}; {told(dialect)}"
    if proposal.trouble:
        return "refused", f"{proposal.trouble}; {told(dialect)}"
    found, ambiguous = difference(dialect, read(proposal.text, "learned", "learned"))
    if not found:
        return "equal", ""
    return ("ambiguous" if ambiguous else "wrong"), f"{found}; {told(dialect)}"


def told(dialect: Dialect) -> str:
    """Return a dialect's differences from the reference's."""
    return str(differences(dialect))
