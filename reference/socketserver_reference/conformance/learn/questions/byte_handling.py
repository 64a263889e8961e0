"""How a chat delivers unusual utterances: commands, control characters, invalid UTF-8, blanks, carriage returns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from socketserver_reference.conformance.dialects.dialect import PUNCTUATION, TRANSFORMS
from socketserver_reference.conformance.learn.conversation import CannotLearn, HeardBytes
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted
from socketserver_reference.conformance.learn.room import LISTENER, RoomConversation
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending

UNUSUAL = {
    "NUL": b"\0",
    "control characters": b"\x01\x1b\x7f",
    "UTF-8": "\xe9\u20ac\U0001f600".encode(),
    "invalid UTF-8": b"\xff\xc3(",
    "punctuation": PUNCTUATION,
}
"""The bytes that are sent between two words."""

MARKS = ("/", "!", ":", "@", "#", ".")
"""Marks with which servers let commands begin."""


@dataclass(frozen=True)
class ByteHandling:
    """How such bytes were delivered, in a word and as observed."""

    what: str
    """intact, escaped, changed, cut, nothing."""
    seen: str


def ask_bytes(room: RoomConversation, learned: LearnedDialect) -> None:
    """Have newcomers send unusual bytes between two words, and compare the bytes between these in the delivery.

    What did not come unchanged is asked again, each in a room of its own: on a busy machine it may just have come late,
    and what was asked before it may have broken the room. Raises CannotLearn if one does.
    """
    became, breaking = _ask_all(room, list(UNUSUAL)), ""
    for name in [name for name, one in became.items() if one.what != "intact"]:
        room.begin()
        became |= _ask_all(room, [name])
        breaking = breaking if room.fragile or room.heard_by_all()[0] else name
    conclude_bytes(became, learned, "CHAT-3")
    if breaking:
        raise CannotLearn(f"{breaking} was the last that it heard")


def _ask_all(room: RoomConversation, names: Sequence[str]) -> dict[str, ByteHandling]:
    became: dict[str, ByteHandling] = {}
    for asked in room.in_turn(names, len(names)):
        became |= {name: _ask(room, guest, UNUSUAL[name]) for name, guest in asked}
        room.gone(*(guest for _, guest in asked))
    return became


def conclude_bytes(became: Mapping[str, ByteHandling], learned: LearnedDialect, clause: str) -> None:
    """Note the smallest restriction under which all utterances arrive unchanged."""
    broken = {name: one for name, one in became.items() if one.what != "intact"}
    changed = "; ".join(f"{name}: {one.seen}" for name, one in broken.items())
    if any(one.what == "escaped" for one in broken.values()):  # so is all that JSON has another way to write
        learned.learn("bytes", "handling", "escaped", changed)
    elif broken:
        learned.learn_or_suspect("bytes", "handling", _handling(broken), changed, clause)
    else:
        learned.learn("bytes", "handling", "verbatim", f"{', '.join(became)}: all came unchanged")


def _ask(room: RoomConversation, guest: str, middle: bytes) -> ByteHandling:
    left, right = room.conversation.text(), room.conversation.text()
    heard = room.ask(
        guest, room.meeting.spoken(left + middle + right), lambda heard: right in heard[LISTENER], briefly=True
    )
    if right not in heard[LISTENER]:  # a fence after it shows that its delivery is complete
        _, later = room.heard_by_all()
        heard = {who: data + later[who] for who, data in heard.items()}
    return compare(heard[LISTENER], left, middle, right, room.conversation.ended.get(guest))


def compare(heard: bytes, left: bytes, middle: bytes, right: bytes, ended: Ending | None) -> ByteHandling:
    """Return how the bytes between the two words were delivered."""
    _, begins, rest = heard.partition(left)
    between, ends, _ = rest.partition(right)
    if begins and ends:
        if between == middle:
            return ByteHandling("intact", "as said")
        what = "escaped" if _is_in_json(between, middle) else "changed"
        return ByteHandling(what, f"{quoted(middle)} came as {quoted(between)}")
    seen = f"{quoted(left + middle + right)} came as {quoted(begins + rest)}"
    if ended:
        seen += f", and its speaker got {ENDINGS[ended]}"
    return ByteHandling("cut" if begins else "nothing", seen)


def _is_in_json(data: bytes, said: bytes) -> bool:
    """Whether these bytes are what was said as it is written in a JSON text."""
    try:
        return bool(json.loads(b'"%s"' % data, strict=False) == said.decode())
    except ValueError:
        return False


def _handling(broken: Mapping[str, ByteHandling]) -> str:
    """Return the smallest restriction that excludes all bytes that did not come unchanged.

    Letters above 255 that are lost are not escaped; but no other value excludes them.
    """
    if "punctuation" in broken or "UTF-8" in broken:
        return "escaped"
    if "invalid UTF-8" in broken:
        return "replaced" if broken["invalid UTF-8"].what == "changed" else "refused"
    if "control characters" in broken:
        return "replaced"
    return "cut-at-nul" if broken else "verbatim"


def ask_white_space(room: RoomConversation, learned: LearnedDialect) -> None:
    """Send a text between blanks."""
    if room.said.kind == "fixed":
        learned.learn("bytes", "white_space", "kept", "frames of a fixed size end in blanks: cannot tell", sure=False)
        return
    text = room.conversation.text()
    padded = b"  " + text + b"  "
    guest = room.newcomer()
    heard = room.ask(guest, room.meeting.spoken(padded), lambda heard: text in heard[LISTENER])
    room.gone(guest)
    kept = room.delivered(heard, padded)
    why = f"{quoted(padded)} came as {quoted(heard[LISTENER])}"
    learned.learn("bytes", "white_space", "kept" if kept else "stripped", why)


def ask_commands(room: RoomConversation, learned: LearnedDialect) -> None:
    """Let a newcomer say words with a mark before each, and note which marks are not delivered."""
    guest = room.newcomer()
    prefixes = []
    for mark in MARKS:
        text = mark.encode() + room.conversation.text()
        heard = room.ask(guest, room.meeting.spoken(text), partial(_is_heard, text), briefly=True)
        if guest in room.conversation.ended:
            prefixes.append(mark)
            guest = room.newcomer()
        elif not room.delivered(heard, text):
            room.heard_by_all()  # a fence: it will not come later
            prefixes.append(mark)
    room.gone(guest)
    why = (
        "words with these before them were not delivered"
        if prefixes
        else f"words with {' '.join(MARKS)} were delivered"
    )
    learned.learn("commands", "prefixes", prefixes, why)


def _is_heard(text: bytes, heard: HeardBytes) -> bool:
    return text in heard[LISTENER]


def ask_carriage_return(room: RoomConversation, learned: LearnedDialect) -> None:
    """Send a line that ends in CR LF where LF ends it."""
    if room.said.newline != b"\n" or not learned.knows("framing", "in", "line"):
        return
    text = room.conversation.text() + b"\r"
    guest = room.newcomer()
    heard = room.ask(guest, room.meeting.spoken(text), lambda heard: text[:-1] in heard[LISTENER])
    kept = room.delivered(heard, text)
    room.gone(guest)
    why = f"{quoted(text)} came as {quoted(heard[LISTENER])}"
    learned.learn("bytes", "carriage_return", "verbatim" if kept else "stripped", why)


def surplus(request: bytes, reply: bytes) -> str:
    """Return what is to be said of a reply that goes on with NUL behind what the request became; "" of any other."""
    for name, transform in TRANSFORMS.items():
        became = transform(request)
        if reply.startswith(became) and b"\0" in reply[len(became) :]:
            more = len(reply) - len(became)
            return f"; it is {name}, and {more} more bytes: does it send its whole buffer, not only what it received?"
    return ""
