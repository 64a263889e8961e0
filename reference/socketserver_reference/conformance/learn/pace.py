"""How fast clients may come and speak.

Where a meeting fails, the same clients meet again slowly. If they hear each other then, shorter and shorter pauses show
which one the server demands. How many utterances it takes at once is asked later: one of the three goes on speaking,
and no client leaves, for that may break the room.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from socketserver_reference.conformance.dialects.limits import Limits, Rate
from socketserver_reference.conformance.learn.conversation import Conversation, OutOfTime
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.meeting import MEETING_NAMES
from socketserver_reference.conformance.learn.room import OTHER, SPEAKER, RoomConversation

MAX_PAUSE_SECONDS = 1.1
"""Seconds of the longest pause that is tried: servers that count by the second are the most usual."""

PAUSES = (0.2, 0.5)
"""Shorter pauses that are tried, in seconds."""

RATE_UTTERANCES = 60
"""Utterances of one client, one after the other, after which a server is taken to have no limit."""

FEW_UTTERANCES = 20
"""The same where each takes long, since only silence shows that nothing more comes."""

RATE_SECONDS = (1, 2, 5, 10)
"""Times that are tried, in seconds, for how long a client must rest when it has said as much as it may."""

LATER = Limits(gap=MAX_PAUSE_SECONDS, join_delay=MAX_PAUSE_SECONDS)
"""A meeting in which clients wait before they speak."""

APART = Limits(gap=MAX_PAUSE_SECONDS, join_delay=MAX_PAUSE_SECONDS, join_gap=MAX_PAUSE_SECONDS)
"""A meeting in which they also come one after the other."""

PAUSE_REASONS = {
    "join_delay": "clients that spoke {pause:g} s after they had joined were heard, and not those that spoke sooner",
    "gap": "clients that spoke again after {pause:g} s were heard, and not those that spoke sooner",
    "join_gap": "clients that came {pause:g} s after one another were let in, and not those that came sooner",
}

TOO_FAST = ("CHAT-2", "CHAT-5")
"""The clauses of a server that stops delivering what one client says."""


def shortest(slow: Limits, works: Callable[[Limits], bool]) -> Limits:
    """Return the least pauses with which a meeting works, which works with these; those that were not tried stay."""
    try:
        for name in ("join_gap", "gap", "join_delay"):  # a gap would also be a delay after an answer
            for pause in (0.0, *PAUSES) if getattr(slow, name) else ():
                if works(shorter := _with(slow, name, pause)):
                    slow = shorter
                    break
    except OutOfTime:
        pass
    return slow


def _with(limits: Limits, name: str, pause: float) -> Limits:
    pauses = {one: getattr(limits, one) for one in PAUSE_REASONS} | {name: pause}
    return Limits(gap=pauses["gap"], join_gap=pauses["join_gap"], join_delay=pauses["join_delay"])


def conclude_pauses(conversation: Conversation, learned: LearnedDialect) -> None:
    """Note the pauses that the meeting needed."""
    for name, words in PAUSE_REASONS.items():
        pause = getattr(conversation.limits, name)
        why = words.format(pause=pause) if pause else "the three clients that met needed none"
        learned.learn("limits", name, pause, why)


def ask_rate(room: RoomConversation, learned: LearnedDialect) -> None:
    """Let a client speak on and on, and note how many of its utterances are delivered at once."""
    if room.conversation.limits.gap:
        return
    wanted = RATE_UTTERANCES if room.conversation.restarts else FEW_UTTERANCES
    counts = [_utterances(room, wanted)]
    if counts[0] == wanted:
        learned.learn("limits", "rate", "", f"{wanted} utterances of one client, one after the other, were delivered")
        return
    there = [who for who in MEETING_NAMES if who not in room.conversation.ended]
    if not room.heard_by_all(SPEAKER, there)[0]:
        return  # nobody is heard any more: that is no limit of one client
    room.begin()
    counts.append(_utterances(room, wanted))
    room.begin()
    if len(set(counts)) > 1:
        told = " and ".join(map(str, counts))
        learned.suspect(f"Of {wanted} utterances of one client only {told} were delivered", *TOO_FAST)
        return
    _conclude_rate(room, learned, counts[0], wanted)


def _conclude_rate(room: RoomConversation, learned: LearnedDialect, most: int, wanted: int) -> None:
    why = f"of {wanted} utterances of one client, one after the other, only {most} were delivered"
    guess = f"{most}/60"
    learned.learn("limits", "rate", guess, f"{why}; measure in which time it may say so many", sure=False)
    for seconds in RATE_SECONDS:
        if _goes_on_after(room, most, seconds):
            learned.learn("limits", "rate", f"{most}/{seconds}", f"{why}, and more when it had rested for {seconds} s")
            room.conversation.keep_to(replace(room.conversation.limits, rate=Rate(most, seconds)))
            return
    room.begin()
    learned.remarks.append(f"Look at limits.rate: {why}, and no more after {RATE_SECONDS[-1]} s.")


def _utterances(room: RoomConversation, wanted: int) -> int:
    """Return how many utterances of one client are delivered, of so many; the room has begun with the first."""
    return next(number for number in count(1) if number == wanted or not room.heard_by_all(OTHER)[0])


def _goes_on_after(room: RoomConversation, most: int, seconds: int) -> bool:
    """Whether a client that has said so many utterances, and rests, is heard again."""
    before = room.conversation.limits
    room.conversation.keep_to(replace(before, rate=Rate(most, seconds)))
    try:
        room.begin()
        return all(room.heard_by_all(OTHER)[0] for _ in range(most))
    finally:
        room.conversation.keep_to(before)
