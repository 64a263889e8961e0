"""What begins a command of a chat, and whether a carriage return in a line arrives."""

from functools import partial

from socketserver_reference.conformance.learn.conversation import HeardBytes
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted
from socketserver_reference.conformance.learn.room import LISTENER, RoomConversation

MARKS = ("/", "!", ":", "@", "#", ".")
"""Marks with which servers let commands begin."""


def ask_commands(room: RoomConversation, learned: LearnedDialect) -> None:
    """Let a newcomer say words with a mark before each, and note which marks are not delivered."""
    guest = room.newcomer()
    prefixes = []
    for mark in MARKS:
        text = mark.encode() + room.conversation.text()
        heard = room.ask(guest, room.said.put(text), partial(_is_heard, text), briefly=True)
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
    heard = room.ask(guest, text + b"\n", lambda heard: text[:-1] in heard[LISTENER])
    kept = room.delivered(heard, text)
    room.gone(guest)
    why = f"{quoted(text)} came as {quoted(heard[LISTENER])}"
    learned.learn("bytes", "carriage_return", "verbatim" if kept else "stripped", why)
