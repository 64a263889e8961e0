"""The quit word of a chat: newcomers try words, a different one each.

The words that the server names itself come first: in its greeting, its replies, and what it answers to a cry for help.
A word after which the server dies is no quit word: it is tried again, alone, on a fresh server.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from socketserver_reference.conformance.learn.answers import HELP_WORDS, plain
from socketserver_reference.conformance.learn.conversation import CannotLearn, HeardBytes
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

MAX_NAMED_WORDS = 12
"""Most words of the server's own that are tried."""

NAMED_WORD = re.compile(
    r"(?P<braced>\{\w{1,20}\})"
    r"|(?P<quote>[\"'`<\[(])(?P<quoted>[/\\:!.]?\w{1,20})(?:[>\])]|(?P=quote))"
    r"|(?<![\w/.:])(?P<marked>[/\\:!.][A-Za-z]\w{0,19})"
    r"|\b(?:type|enter|say|send|write|use|with|via)\s+(?P<told>[/\\:!.]?\w{1,20})"
    r"|(?P<before>[/\\:!.]?\b\w{1,20})\s+to\s+(?:quit|exit|leave|disconnect|end|log\s?out|stop)\b",
    re.IGNORECASE,
)
"""How servers name commands: in braces, which belong to them, in quotes or brackets, after a mark, after `type`, before
`to quit`.
"""

LEAVING_WORDS = re.compile(r"quit|exit|leave|leaving|disconnect|log\s?out|bye|close|\bend\b|stop", re.IGNORECASE)


BROKEN_BY_WORD = ("CHAT-7", "CHAT-8", "CHAT-11", "CHAT-2", "CHAT-10")
"""The clauses of a room that does not go on after a word."""


@dataclass
class QuitTrial:
    """What became of the clients that said words."""

    quits: dict[str, str] = field(default_factory=dict)
    """Word -> how its speaker's stream ended."""
    silent: list[str] = field(default_factory=list)
    """Words that were neither delivered nor ended anything: commands, perhaps."""
    killed: dict[str, str] = field(default_factory=dict)
    """Word -> how the server died of it."""
    broke: list[str] = field(default_factory=list)
    """Words after which the room no longer worked, though the server was alive."""


def named_words(told: Iterable[bytes]) -> list[str]:
    """Return the words by which clients may leave, as the server's own texts name them; those in lines about leaving
    come first.
    """
    lines = [line for data in told for line in plain(data).splitlines()]
    lines.sort(key=lambda line: not LEAVING_WORDS.search(line))
    words = [word for line in lines for found in NAMED_WORD.finditer(line) if (word := _word(found))]
    return list(dict.fromkeys(words))[:MAX_NAMED_WORDS]


def _word(found: re.Match[str]) -> str:
    return next(filter(None, (found["braced"], found["quoted"], found["marked"], found["told"], found["before"])), "")


def ask_quit(room: RoomConversation, learned: LearnedDialect) -> None:
    """Find out which word makes its sender leave."""
    told = named_words([*_told_at_first(room), *_help(room)])
    own = [word for word in told if word not in room.conversation.names]
    words = list(dict.fromkeys([*own, *QUIT_WORDS]))
    trial = QuitTrial()
    bare = ""
    try:
        _try_all(room, {word: room.said.put(word.encode()) for word in words}, trial)
        if not trial.quits and learned.knows("framing", "in", "chunk"):
            bare = " (without the end of a line; with it, it was delivered)"
            _try_all(room, {word: word.encode() for word in words}, trial, together=1)
    finally:  # what was found counts, also if the server lets nobody in after it
        for word, how in trial.killed.items():
            learned.suspect(f"The server died when a client said {word!r}: {how}", *_broken_by(word, trial))
            if not trial.quits:
                remark_on_words([word], learned)
        for word in trial.broke:
            what = f"After a client had said {word!r} the room did not work any more"
            learned.suspect(what, *_broken_by(word, trial))
        if trial.quits:
            _conclude(room, learned, trial, own, bare)
    if not trial.quits:
        why = f"no client left by any of {', '.join(words)}"
        if trial.silent:
            why += f"; these were not delivered: {', '.join(dict.fromkeys(trial.silent))}"
        learned.learn("quit", "word", "", why)
        learned.remarks.append(f"No quit word was found: clients leave by closing. Tried: {', '.join(words)}.")


def remark_on_words(words: Sequence[str], learned: LearnedDialect) -> None:
    """Note of words by which the server broke what is to do if one is its quit word."""
    if likely := [word for word in words if LEAVING_WORDS.search(word)]:
        named = " or ".join(map(repr, likely))
        learned.remarks.append(f"If {named} is the quit word, write it as quit.word: `check` says it then.")


def _broken_by(word: str, trial: QuitTrial) -> tuple[str, ...]:
    """Return the clauses for which `check` will say a word: the quit word, or that in capitals; it says no commands."""
    return BROKEN_BY_WORD if word.lower() in [one.lower() for one in trial.quits] else ()


def _conclude(room: RoomConversation, learned: LearnedDialect, trial: QuitTrial, own: Sequence[str], bare: str) -> None:
    """Note the likeliest of the words that made their speakers leave; `bare` says that it had no line end."""
    word, *others = trial.quits
    how = trial.quits[word]
    why = f"a client that said it{bare} got {how}"
    if word in own:
        why += "; the server names it itself"
    if others:
        why += f"; so did those that said {', '.join(others)}"
    learned.learn("quit", "word", word, why)
    if "reset" in how:
        learned.suspect(f"A client that said {word!r} got a reset, not end of stream", "CHAT-7", polite=True)
    if "delivered as well" in how:
        learned.suspect(f"The quit word {word!r} was delivered as well", "CHAT-7", polite=True)
    if bare and _is_stream(room, learned):  # there a quit with white space around it is one as well
        what = f"The quit word {word!r} with the end of a line was delivered, and nobody left"
        learned.suspect(what, "CHAT-7", polite=True)
    elif bare:
        learned.learn("quit", "line_end", False, f"{word!r} with the end of a line was delivered, and nobody left")
        learned.remarks.append(f"People who type lines cannot leave by {word!r}: it quits only without a line's end.")


def _is_stream(room: RoomConversation, learned: LearnedDialect) -> bool:
    """Whether deliveries are chunks after a constant, as the reference's are."""
    constant = not room.template.has_sender and bool(room.template.head)
    return constant and learned.knows("framing", "out", "chunk") and learned.knows("delivery", "to_sender", "same")


def _told_at_first(room: RoomConversation) -> list[bytes]:
    return [data for arrival in room.meeting.arrivals.values() for data in (arrival.greeting, *arrival.replies)]


def _help(room: RoomConversation) -> list[bytes]:
    """Return what newcomers hear who ask for help and are answered alone."""
    answers: list[bytes] = []
    for word in HELP_WORDS:
        who = room.newcomer()
        room.conversation.say(who, room.said.put(word.encode()))
        heard = _heard(room, {word: who})
        if not room.delivered(heard, word.encode()):
            answers.append(heard[who])
        room.gone(who, heard=heard, said=[word.encode()])
    return answers


def _try_all(room: RoomConversation, words: dict[str, bytes], trial: QuitTrial, together: int = 0) -> None:
    """Have newcomers say these words, so many at once; each word after which the server died again, and alone."""
    if not together:  # without framing, concurrent deliveries cannot be told apart
        together = 1 if room.heard_in.kind == "none" else len(words)
    waiting = list(words)
    while waiting:
        asked = waiting[:together]
        batch = QuitTrial()
        try:
            _try(room, {word: words[word] for word in asked}, batch)
            died = bool(room.conversation.site.exit_report()) or not room.heard_by_all()[0]
        except CannotLearn:
            if not room.conversation.site.restartable:
                raise
            died = True
        how = room.conversation.site.exit_report()
        died = died or bool(how) or _hangs_up(asked, batch)
        if died and len(asked) > 1 and room.conversation.site.restartable:
            together = 1
            room.begin()
            continue
        if how:
            trial.killed[asked[0]] = how
        else:
            trial.quits |= batch.quits
            trial.silent += batch.silent
            trial.broke += asked[:1] if died and not room.fragile else []
        if died and not room.conversation.site.restartable:
            return
        if died:
            room.begin()
        del waiting[: 1 if died else len(asked)]


def _hangs_up(asked: Sequence[str], batch: QuitTrial) -> bool:
    """Whether so many words ended a stream that the server hangs up on clients, whatever they say."""
    return len(asked) > 1 and len(batch.quits) > len(asked) / 2


def _try(room: RoomConversation, words: dict[str, bytes], trial: QuitTrial) -> None:
    """Send the bytes of each word, all of them at once."""
    for turn in room.in_turn(words, len(words)):
        asked = dict(turn)
        for word, guest in asked.items():
            room.conversation.say(guest, words[word])
        heard = _heard(room, asked)
        for word, guest in asked.items():
            came = room.delivered(heard, word.encode())
            if guest in room.conversation.ended:
                ending = "a reset" if room.conversation.ended[guest] == "reset" else "end of stream"
                ending += ", though it was delivered as well" if came else " and the word was not delivered"
                trial.quits[word] = ending
            elif not came:
                trial.silent.append(word)
        left = any(guest in room.conversation.ended for guest in asked.values())
        # where nobody left, what the others heard is no notice of leaving, but what a command leads to
        room.gone(*asked.values(), heard=heard if left else None, said=[word.encode() for word in asked])


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
