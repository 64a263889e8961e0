"""The quit word of a chat: newcomers try usual words, a different one each."""

from socketserver_reference.conformance.learn.conversation import HeardBytes
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.room import RoomConversation

QUIT_WORDS = (
    "quit",
    "exit",
    "bye",
    "/quit",
    "/exit",
    "/bye",
    "/q",
    "/logout",
    "/leave",
    "/EXIT",
    "QUIT",
    "logout",
    ":q",
)
"""Usual quit words, the most likely first."""

BARE_QUIT_WORDS = QUIT_WORDS[:4]
"""Words that are also tried without a line's end, if that makes a difference."""


def ask_quit(room: RoomConversation, learned: LearnedDialect) -> None:
    """Find out which word makes its sender leave."""
    together = (
        1 if room.heard_in.kind == "none" else len(QUIT_WORDS)
    )  # without framing, concurrent deliveries cannot be told apart
    quits, delivered = _ask(room, {word: room.said.put(word.encode()) for word in QUIT_WORDS}, together)
    bare = ""
    if not quits and learned.knows("framing", "in", "chunk"):
        quits, _ = _ask(room, {word: word.encode() for word in BARE_QUIT_WORDS}, together=1)
        bare = " (without the end of a line; with it, it was delivered)"
    if not quits:
        why = f"no client left by any of {', '.join(QUIT_WORDS)}"
        silent = [word for word in QUIT_WORDS if word not in delivered]
        if silent:
            why += f"; these were not delivered: {', '.join(silent)}"
        learned.learn("quit", "word", "", why)
        return
    word, *others = quits
    why = f"a client that said it{bare} got {quits[word]}"
    if others:
        why += f"; so did those that said {', '.join(others)}"
    learned.learn("quit", "word", word, why)


def _ask(room: RoomConversation, words: dict[str, bytes], together: int) -> tuple[dict[str, str], list[str]]:
    """Send the bytes of each word, so many words at once; return the end of each client that left, by its word, and
    the words that were delivered.
    """
    quits: dict[str, str] = {}
    delivered: list[str] = []
    for turn in room.in_turn(words, together):
        asked = dict(turn)
        for word, guest in asked.items():
            room.conversation.say(guest, words[word])
        heard = _heard(room, asked)
        for word, guest in asked.items():
            came = room.delivered(heard, word.encode())
            if guest in room.conversation.ended:
                quits[word] = "a reset" if room.conversation.ended[guest] == "reset" else "end of stream"
                quits[word] += ", though it was delivered as well" if came else " and the word was not delivered"
            elif came:
                delivered.append(word)
        room.gone(*asked.values(), heard=heard, said=[word.encode() for word in asked])
    return quits, delivered


def _heard(room: RoomConversation, asked: dict[str, str]) -> HeardBytes:
    """Return what is heard until each word was delivered or made its speaker leave, or a fence is heard."""

    def all_told(heard: HeardBytes) -> bool:
        return all(
            guest in room.conversation.ended or room.delivered(heard, word.encode()) for word, guest in asked.items()
        )

    heard = room.conversation.hear(all_told, briefly=True)
    if all_told(heard):
        return heard
    _, later = room.heard_by_all()
    return {who: data + later[who] for who, data in heard.items()}
