"""The questions to a chat that delivers: each adds its finding to the lesson.

Each question is an attempt of its own, so none suffers from what another did to the server. Where only silence would be
an answer, a fence replaces it: a client that has received the fence has received all that was sent before.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.learn.conclusions import (
    conclude_delivery,
    conclude_framing,
    conclude_handshake,
    conclude_notices,
    presume_framing,
    refusal,
)
from socketserver_reference.conformance.learn.conversation import (
    CannotLearn,
    Conversation,
    OutOfTime,
    SendsWithoutEnd,
    TooFewSeats,
)
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted
from socketserver_reference.conformance.learn.first_contact import Search
from socketserver_reference.conformance.learn.meeting import MEETING_NAMES, UnderstoodMeeting, without
from socketserver_reference.conformance.learn.pace import ask_rate, conclude_pauses
from socketserver_reference.conformance.learn.questions.byte_handling import (
    ask_bytes,
    ask_carriage_return,
    ask_commands,
    ask_white_space,
)
from socketserver_reference.conformance.learn.questions.history import ask_history
from socketserver_reference.conformance.learn.questions.limits import ask_longest, ask_members
from socketserver_reference.conformance.learn.questions.quit_word import ask_quit
from socketserver_reference.conformance.learn.room import LISTENER, OTHER, SPEAKER, LineEndsDiffer, RoomConversation
from socketserver_reference.conformance.targets.base import CannotCheck

START_UNKNOWN = "not asked: measure it, if the server needs long to start"


@dataclass(frozen=True)
class ChatQuestion:
    """A question to a chat, in words and as a function, and the keys that it decides."""

    subject: str
    ask: Callable[[RoomConversation, LearnedDialect], None]
    keys: tuple[str, ...]


def learn_chat(conversation: Conversation, learned: LearnedDialect) -> RoomConversation:
    """Learn all of a chat's dialect; return the room. Raises CannotLearn if no utterance is delivered."""
    learned.subject = "how clients speak"
    conversation.waits.heartbeat.passes = True
    with conversation.about(learned.subject):
        understood = Search(conversation, refusal).meet()
    try:
        return _learn(conversation, learned, understood)
    except LineEndsDiffer:
        learned.handshake.clear()
        return _learn(conversation, learned, understood.by_newline)


def _learn(conversation: Conversation, learned: LearnedDialect, understood: UnderstoodMeeting) -> RoomConversation:
    with conversation.about(learned.subject):
        room = RoomConversation(conversation, understood)
        learned.learn("", "protocol", "chat", "three clients heard each other")
        conclude_handshake(room, learned)
        conclude_delivery(room, learned)
        conclude_pauses(conversation, learned)
        _presume(room, learned)
    waiting = in_order(fresh=conversation.restarts)
    try:
        while waiting:
            learned.subject = waiting[0].subject
            with conversation.about(learned.subject):
                works = _ask(room, learned, waiting[0])
            del waiting[0]
            if not works and not conversation.fresh_after_this:
                learned.leave_out(keys(waiting), "the room did not work any more")
                break
    except OutOfTime:
        learned.leave_out(keys(waiting))
    except TooFewSeats as error:
        learned.learn("limits", "members", len(MEETING_NAMES), str(error))
        learned.leave_out(keys(waiting), "it takes more clients than the server lets in")
    learned.subject = ""
    conclude_notices(room, learned)
    learned.learn("limits", "start", 0, START_UNKNOWN, sure=False)
    return room


def in_order(*, fresh: bool) -> list[ChatQuestion]:
    """Return the questions; the crowd comes last if it may break the server for those after it, which get no `fresh`
    one.
    """
    return sorted(QUESTIONS, key=lambda one: one is CROWD and not fresh)


def keys(questions: Iterable[ChatQuestion]) -> list[str]:
    """Return the keys that these questions decide."""
    return [key for question in questions for key in question.keys]


def _presume(room: RoomConversation, learned: LearnedDialect) -> None:
    """Note what holds if its question cannot be asked: no key is left out."""
    why = "could not be asked for; this is a guess"
    presume_framing(room, learned, why)
    learned.learn("delivery", "history", 0, why, presumed=True)
    learned.learn("quit", "word", "", why, presumed=True)


def _ask(room: RoomConversation, learned: LearnedDialect, question: ChatQuestion) -> bool:
    """Ask a question on a fresh server; return whether the room works after it, and tell what happened if not."""
    conversation = room.conversation
    try:
        room.begin()
        question.ask(room, learned)
        if room.fragile or room.heard_by_all()[0]:
            return True
        reason = ""
    except TooFewSeats:
        raise
    except CannotLearn as error:
        reason = f": {error}"
    except CannotCheck as error:
        learned.remarks.append(f"{question.subject} could not be asked for: {error}")
        return False
    conversation.site.wait_idle()  # one that is about to die gets the time for it
    said = "; ".join(conversation.said[-4:-1])
    learned.suspect(
        f"After {question.subject} the room did not work any more{reason}. {conversation.site.exit_report()}".strip(
            " ."
        )
        + (f" (before: {said})" if said else ""),
        *BROKEN_ROOM,
    )
    return False


BROKEN_ROOM = ("CHAT-2", "CHAT-3", "CHAT-6", "CHAT-7", "CHAT-10", "CHAT-11", "CHAT-15", "CHAT-17")
"""The clauses of a room that no longer works after a client left, said something unusual, or was one of many."""


def ask_leaving(room: RoomConversation, learned: LearnedDialect) -> None:
    """Find out whether the room goes on when a client leaves, and what the others are told."""
    for _ in range(2):
        guest = room.newcomer()
        room.heard_by_all(guest)
        try:
            room.gone(guest)
            broken = next((who for who in (SPEAKER, OTHER) if not _is_heard(room, who)), "")
            what = f"and {broken} spoke, not all others heard it, or {broken} was hung up on" if broken else ""
        except SendsWithoutEnd as error:
            what = f", {error}"
        if what:
            room.conversation.site.wait_idle()
            room.fragile = True
            report = room.conversation.site.exit_report()
            what = f"When {guest} had closed its connection {what}".replace(" ,", ",")
            learned.suspect(f"{what}. {report}".strip(" ."), *LEAVING)
            return


def _is_heard(room: RoomConversation, who: str) -> bool:
    """Have a client speak when another has left; return whether all heard it.

    A server may notice only then that a client has left, and say so.
    """
    works, heard = room.heard_by_all(who)
    room.gone(heard=without(heard, who))
    return works


def ask_resetting(room: RoomConversation, _: LearnedDialect) -> None:
    """Find out what the others are told when a client resets; what else it does to them is no part of a dialect."""
    if not room.conversation.restarts:  # others may be there
        return
    guest = room.newcomer()
    room.heard_by_all(guest)
    with contextlib.suppress(CannotLearn):
        room.gone(guest, rudely=True)
    room.begin()


LEAVING = ("CHAT-10", "CHAT-11", "CHAT-12")
"""The clauses of a room that does not go on when clients leave."""


def ask_newline(room: RoomConversation, learned: LearnedDialect) -> None:
    """Find out whether an utterance without a line's end is delivered at once, or only after the end."""
    said, heard_in = room.said, room.heard_in
    if said.kind in ("fixed", "length"):
        shape = f"{said.size} bytes" if said.size else f"a length of the form {said.header}"
        learned.learn("framing", "in", said.kind, f"lines were not delivered, frames with {shape} were")
        learned.learn("framing", "out", heard_in.kind, room.framed.why)
    else:
        _ask_newline(room, learned)
    conclude_framing(room, learned)
    if not room.conversation.limits.gap:
        _ask_one_segment(room, learned)


def _ask_one_segment(room: RoomConversation, learned: LearnedDialect) -> None:
    """Find out whether two utterances are delivered that come in one segment."""
    texts = [room.conversation.text(), room.conversation.text()]
    sent = b"".join(map(room.meeting.spoken, texts))
    heard = room.ask(SPEAKER, sent, lambda heard: all(text in heard[LISTENER] for text in texts))[LISTENER]
    if missing := [text for text in texts if text not in heard]:
        what = f"Of two utterances in one segment, {quoted(sent)}, {quoted(missing[0])} was not delivered"
        learned.suspect(f"{what}: each recv() may be taken for one utterance", "CHAT-6", polite=True)


def _ask_newline(room: RoomConversation, learned: LearnedDialect) -> None:
    text = room.conversation.text()
    begun = room.meeting.say.template.fill(body=text)
    heard = room.ask(SPEAKER, begun, lambda heard: text in heard[LISTENER], briefly=True)
    fence = b""
    if text not in heard[LISTENER]:  # then another one speaks: a client that hears that would have heard the first
        _, heard = room.heard_by_all(OTHER)
        fence = heard[LISTENER]
    if text in heard[LISTENER]:
        learned.learn("framing", "in", "chunk", f"{quoted(text)} was delivered at once, without the end of a line")
        learned.add_to_answers("the server may take it without the line's end as well, which comes to the same")
        as_it_was = not heard[LISTENER].endswith(room.heard_in.newline) and room.heard_in.kind == "line"
        if as_it_was:
            why = "a line's end comes back where one was said, and none where none was"
            learned.learn("framing", "out", "chunk", why)
        else:
            learned.learn("framing", "out", room.heard_in.kind, f"{room.framed.why}, whether one was said or not")
        return
    heard = room.ask(SPEAKER, room.said.newline, lambda heard: text in heard[LISTENER])
    why = f"{quoted(text)} was not delivered while another was heard, {quoted(fence)}, but when the line's end followed"
    if text not in heard[LISTENER]:
        why = f"{quoted(text)} was never delivered, for its line's end came later than the rest; a guess"
    learned.learn("framing", "in", "line", why)
    learned.learn("framing", "out", room.heard_in.kind, room.framed.why)


CROWD = ChatQuestion("many members", ask_members, ("limits.members",))

QUESTIONS: Sequence[ChatQuestion] = (
    ChatQuestion("utterances without a line's end", ask_newline, ("framing.in", "framing.out")),
    ChatQuestion("how fast one may speak", ask_rate, ("limits.rate",)),
    ChatQuestion("who leaves", ask_leaving, ()),
    ChatQuestion("what newcomers hear", ask_history, ("delivery.history",)),
    CROWD,
    ChatQuestion("words to quit by", ask_quit, ("quit.word",)),
    ChatQuestion("commands", ask_commands, ("commands.prefixes",)),
    ChatQuestion("carriage returns", ask_carriage_return, ("bytes.carriage_return",)),
    ChatQuestion("unusual bytes", ask_bytes, ("bytes.handling",)),
    ChatQuestion("white space", ask_white_space, ("bytes.white_space",)),
    ChatQuestion("long utterances", ask_longest, ("limits.utterance",)),
    ChatQuestion("who resets", ask_resetting, ()),
)
"""The questions in order: what a conversation in the dialect needs comes first, in case that the time does not suffice
for all. Nobody resets before the last one.
"""
