"""Earlier deliveries that newcomers hear first."""

from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.room import SPEAKER, RoomConversation

MAX_UTTERANCES = 120
"""Utterances after which a history is taken to have no end."""

MAX_HISTORY = 1000
"""Most earlier deliveries that a dialect can allow."""


def ask_history(room: RoomConversation, learned: LearnedDialect) -> None:
    """Let a newcomer come, and count the earlier deliveries that it hears."""
    heard = _newcomer_hears(room)
    if not heard:
        learned.learn("delivery", "history", 0, "a newcomer heard nothing that had been said before it came")
        return
    for _ in range(MAX_UTTERANCES - heard):
        room.heard_by_all(SPEAKER)
    now = _newcomer_hears(room)
    if now < MAX_UTTERANCES:
        learned.learn(
            "delivery", "history", now, f"a newcomer heard the last {now} deliveries of more than {MAX_UTTERANCES}"
        )
    else:
        why = f"a newcomer heard {now} earlier deliveries, all that there were: no limit was met"
        learned.learn("delivery", "history", MAX_HISTORY, why)


def _newcomer_hears(room: RoomConversation) -> int:
    """Return how many earlier deliveries a newcomer hears."""
    conversation = room.conversation
    who = room.guest()  # where all stay, the one before has not left
    conversation.join(who)
    told = [conversation.hear_greeting([who], expected=room.greets)[who]]
    for answer in room.answers:
        conversation.say(who, room.meeting.answered(answer, who))
        told.append(conversation.hear()[who])
    room.gone(who)
    return sum(map(room.repeated, told))
