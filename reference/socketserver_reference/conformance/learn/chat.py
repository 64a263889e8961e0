"""The questions to a chat that delivers: each adds its finding to the lesson.

Where only silence would be an answer, a fence replaces it: a client that has received the fence has received all that
was sent before. A question that the room does not survive is the last; earlier findings stay.
"""

from collections.abc import Callable

from socketserver_reference.conformance.learn.byte_handling import ask_bytes, ask_white_space
from socketserver_reference.conformance.learn.conclusions import conclude_delivery, conclude_handshake, conclude_notices
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted
from socketserver_reference.conformance.learn.first_contact import meet
from socketserver_reference.conformance.learn.limits import ask_longest, ask_members
from socketserver_reference.conformance.learn.quit_word import ask_quit
from socketserver_reference.conformance.learn.room import LISTENER, OTHER, SPEAKER, RoomConversation

UNKNOWN = "not asked: it would take too long, or too many; measure it, if you know of such a limit"


def learn_chat(conversation: Conversation, learned: LearnedDialect) -> None:
    """Learn all of a chat's dialect; raise CannotLearn if no utterance is delivered."""
    room = RoomConversation(conversation, meet(conversation))
    learned.learn("", "protocol", "chat", "three clients heard each other")
    questions: list[tuple[str, Callable[[RoomConversation, LearnedDialect], None]]] = [
        ("utterances without a line's end", ask_newline),
        ("what was said first", conclude_handshake),
        ("deliveries", conclude_delivery),
        ("words to quit by", ask_quit),
        ("unusual bytes", ask_bytes),
        ("white space", ask_white_space),
        ("long utterances", ask_longest),
        ("many members", ask_members),
    ]
    for subject, ask in questions:
        try:
            ask(room, learned)
            alive = room.heard_by_all()[0]
        except CannotLearn as error:
            alive, reason = False, f": {error}"
        else:
            reason = ""
        if not alive:
            learned.remarks.append(
                f"After {subject} the room did not work any more{reason}; nothing after that could be learned. "
                f"{conversation.site.exit_report()}".strip()
            )
            break
    conclude_notices(room, learned)
    for limit in ("gap", "join_gap", "start"):
        learned.learn("limits", limit, 0, UNKNOWN, sure=False)


def ask_newline(room: RoomConversation, learned: LearnedDialect) -> None:
    """Find out whether an utterance without a line's end is delivered at once, or only after the end."""
    said, heard_in = room.said, room.heard_in
    if said.kind in ("fixed", "length"):
        shape = f"{said.size} bytes" if said.size else f"a length of the form {said.header}"
        learned.learn("framing", "in", said.kind, f"lines were not delivered, frames with {shape} were")
        learned.learn("framing", "out", heard_in.kind, room.framed.why)
    else:
        _ask_newline(room, learned)
    learned.learn(
        "framing", "newline", said.newline.decode(), f"utterances that ended in {said.newline!r} were delivered"
    )
    for framing in (heard_in, said):  # if both framings have one, it is the same
        if framing.kind == "fixed":
            learned.learn("framing", "size", framing.size, "frames of this size were delivered")
            learned.learn(
                "framing", "pad", heard_in.pad.decode("ascii", "replace"), "the deliveries were padded with this"
            )
            break
    for framing in (heard_in, said):
        if framing.kind == "length":
            learned.learn("framing", "header", framing.header, "the lengths were written like this")
            break


def _ask_newline(room: RoomConversation, learned: LearnedDialect) -> None:
    text = room.conversation.text()
    heard = room.ask(SPEAKER, text, lambda heard: text in heard[LISTENER], briefly=True)
    fence = b""
    if text not in heard[LISTENER]:  # then another one speaks: a client that hears that would have heard the first
        _, heard = room.heard_by_all(OTHER)
        fence = heard[LISTENER]
    if text in heard[LISTENER]:
        learned.learn("framing", "in", "chunk", f"{quoted(text)} was delivered at once, without the end of a line")
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
