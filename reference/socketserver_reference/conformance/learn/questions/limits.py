"""The longest utterance and the most members of a chat."""

from dataclasses import dataclass, replace
from typing import Literal

from socketserver_reference.conformance.dialects.dialect import LONG_FRAME_BYTES
from socketserver_reference.conformance.dialects.effects import CROWD_MEMBERS
from socketserver_reference.conformance.dialects.limits import Rate
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.meeting import MEETING_NAMES
from socketserver_reference.conformance.learn.room import LISTENER, SPEAKER, RoomConversation
from socketserver_reference.conformance.scenario.text import numbered
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending

PROBED_SIZES = (1000, 3000, 12_000, 48_000)
"""Sizes of the utterances that are tried, in bytes; each is one segment on a loopback network."""

FRAME_SIZES = (*PROBED_SIZES, LONG_FRAME_BYTES)
"""The same where a server reads frames: up to what `check` says in one without a limit."""

NUMBERED = b"%07d."
WORD_BYTES = len(NUMBERED % 0)
"""The numbered words of a long utterance, which no transformation of an echo changes; and their size in bytes."""

SAME_COUNTS = 2
"""So often the members are counted again before their number is believed: on a busy machine some come late."""

MAX_CROWDS = 3
"""Crowds that come after the first, until a server lets in as many of one as of the one before."""

JOIN_SECONDS = 1
"""Seconds after which clients come again, where a server lets no more in: most count by the second."""

MIN_CHUNK_BYTES = 16
"""Smallest chunk limit that a dialect can have, in bytes."""


@dataclass(frozen=True)
class Transmission:
    """The delivery of a long utterance: how much of it came in one piece, and whether the rest came."""

    how: Literal["whole", "pieces", "cut", "nothing"]
    piece: int
    ended: Ending | None


def in_common(heard: bytes, said: bytes) -> int:
    """Return the length of the common beginning, in bytes."""
    return next(
        (at for at, (one, other) in enumerate(zip(heard, said, strict=False)) if one != other),
        min(len(heard), len(said)),
    )


def ask_longest(room: RoomConversation, learned: LearnedDialect) -> None:
    """Send longer and longer utterances until one does not arrive whole."""
    whole = 0
    around = max(map(len, room.framed.heads)) + max(map(len, room.framed.tails))
    fitting = (
        min(room.said.longest - len(room.meeting.say.template.fill()), room.heard_in.longest - around)
        // WORD_BYTES
        * WORD_BYTES
    )
    sizes = PROBED_SIZES if learned.knows("framing", "in", "chunk") else FRAME_SIZES
    for size in sorted({min(size, fitting) for size in sizes}):
        found = _ask(room, size)
        if found.how != "whole":
            found = _ask(room, size)  # on a busy machine a part may come late
        if found.how != "whole":
            _conclude(room, learned, whole, size, found)
            return
        whole = size
    learned.learn("limits", "utterance", 0, f"{whole} bytes arrived whole" if whole else "a frame is no longer")


def _conclude(room: RoomConversation, learned: LearnedDialect, whole: int, size: int, found: Transmission) -> None:
    if found.how == "nothing":
        most = _longest_heard(room, whole, size)
        how = f", and their speaker got {ENDINGS[found.ended]}" if found.ended else ""
        why = f"{size} bytes were not delivered{how}; {most} were"
        if found.ended:
            learned.learn("limits", "utterance", most, why)
        else:
            learned.learn_or_suspect("limits", "utterance", most, why, "CHAT-6")
    elif found.how == "cut":
        why = f"of {size} bytes {found.piece} came and the rest was lost"
        learned.learn_or_suspect("limits", "utterance", found.piece, why, "CHAT-6")
    elif learned.knows("framing", "in", "chunk") and found.piece >= MIN_CHUNK_BYTES:
        learned.learn("limits", "chunk", found.piece, f"{size} bytes came in pieces, the first of {found.piece}")
    else:
        why = f"{size} bytes came in pieces, the first of {found.piece}: each recv() may be taken for an utterance"
        learned.learn_or_suspect("limits", "utterance", found.piece, why, "CHAT-6")


def _ask(room: RoomConversation, size: int) -> Transmission:
    guest = room.newcomer()
    said = numbered(size // WORD_BYTES * WORD_BYTES, NUMBERED)
    heard = room.ask(guest, room.meeting.spoken(said), lambda heard: said[-WORD_BYTES:] in heard[LISTENER])[LISTENER]
    ended = room.conversation.ended.get(guest)
    room.gone(guest)
    begin = heard.find(said[:WORD_BYTES])
    if said in heard:
        return Transmission("whole", len(said), ended)
    if begin < 0:
        return Transmission("nothing", 0, ended)
    piece = in_common(heard[begin:], said)
    rest = said[piece : piece + 2 * WORD_BYTES]
    return Transmission("pieces" if rest in heard[begin + piece :] else "cut", piece, ended)


def _longest_heard(room: RoomConversation, whole: int, size: int) -> int:
    """Return the most bytes that arrive whole, in words, by binary search; a newcomer makes each attempt."""
    arrive, fail = whole // WORD_BYTES, -(-size // WORD_BYTES)
    while fail - arrive > 1:
        middle = (arrive + fail) // 2
        if _ask(room, middle * WORD_BYTES).how == "whole":
            arrive = middle
        else:
            fail = middle
    return arrive * WORD_BYTES


def ask_members(room: RoomConversation, learned: LearnedDialect) -> None:
    """Connect as many clients as a chat should hold, and count those that hear an utterance.

    Where there is no seat for some, these came last: that others miss what the last one hears is no limit of a dialect.
    """
    came, members, passed_over = _crowd(room)
    of = f"of {CROWD_MEMBERS} clients that connected at once"
    if members == came == CROWD_MEMBERS:
        learned.learn(
            "limits", "members", 0, f"{CROWD_MEMBERS} clients were connected at once, and all heard what one said"
        )
    elif members < len(MEETING_NAMES):
        why = f"cannot tell: when {CROWD_MEMBERS} clients connected at once, those who were members heard nothing more"
        learned.learn("limits", "members", 0, why, sure=False)
    elif members == len(MEETING_NAMES) < came:
        why = f"cannot tell: {came - len(MEETING_NAMES)} clients that said nothing were connected, and heard nothing"
        learned.learn("limits", "members", 0, why, sure=False)
        silent = f"{came - len(MEETING_NAMES)} clients that had said nothing heard nothing"
        learned.suspect(silent, "CHAT-9", "CHAT-17", polite=True)
    elif passed_over:
        why = f"cannot tell: {passed_over} {of} heard nothing, and some that came after them did"
        learned.learn("limits", "members", 0, why, sure=False)
        learned.suspect(f"{passed_over} {of} heard nothing, and the last one did", "CHAT-9", "CHAT-17", polite=True)
    elif room.conversation.restarts:
        _conclude_refusal(room, learned, members)
    else:
        learned.learn("limits", "members", members, f"{of} {members} were members")


def _crowd(room: RoomConversation) -> tuple[int, int, int]:
    """Connect a crowd; return how many clients were let in, how many were members, and how many were not though the
    last one was.
    """
    guests = room.newcomers(CROWD_MEMBERS - len(MEETING_NAMES))
    everybody = [*MEETING_NAMES, *guests]
    members, alike = 1, 0
    while alike < SAME_COUNTS and members < len(everybody):  # a client may become a member after it has connected
        before = members
        _, heard = room.heard_by_all(SPEAKER, everybody)
        heard_it = [room.conversation.texts[-1] in heard[one] for one in everybody if one != SPEAKER]
        members = 1 + sum(heard_it)
        alike = alike + 1 if members == before else 0
    room.gone(*guests)
    return len(everybody), members, len(everybody) - members if heard_it[-1] else 0


def _conclude_refusal(room: RoomConversation, learned: LearnedDialect, most: int) -> None:
    """Find out why no more than so many clients were members: the seats, or how fast they came, or chance."""
    again = 0
    for attempt in range(MAX_CROWDS):  # some may have left the first time, to come one by one
        most = again if attempt else most
        room.begin()
        _, again, _ = _crowd(room)
        if again == most:
            break
    of = f"of {CROWD_MEMBERS} clients that connected at once"
    if again != most:
        why = f"cannot tell: {of} {most} were members, and {again} the next time; there may be a limit of connections"
        learned.learn("limits", "members", 0, why, sure=False)
        learned.remarks.append(f"Look at limits.join_rate: {of} {most} were members, and {again} the next time.")
    elif _more_come_later(room, most):
        why = f"{of} {most} were members, and more {JOIN_SECONDS} s later"
        learned.learn("limits", "join_rate", f"{most}/{JOIN_SECONDS}", why)
        learned.learn("limits", "members", 0, why)
    else:
        learned.learn("limits", "members", most, f"{of} {most} were members, also the next time")


def _more_come_later(room: RoomConversation, most: int) -> bool:
    """Whether more clients are let in, on a fresh server, if no more than this come in a second; then none do so from
    now on.
    """
    before = room.conversation.limits
    room.conversation.keep_to(replace(before, join_rate=Rate(most, JOIN_SECONDS)))
    try:
        room.begin()
        guests = room.newcomers(most - len(MEETING_NAMES) + 1)
        more = len(guests) + len(MEETING_NAMES) > most and room.heard_by_all(SPEAKER, [*MEETING_NAMES, *guests])[0]
    except CannotLearn:
        more = False
    if not more:
        room.conversation.keep_to(before)
    return more
