"""The command that stands before what clients say, in a chat that delivers nothing else.

The server gives it away: in its greeting, in what it replies to a word that is no command, or in its help. Otherwise
the usual ones are tried. A command is the right one if the others hear the text behind it, and do not hear the command.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.dialects.dialect import BODY_ALONE
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn.answers import COMMON_WORD, ROOM_WORDS

USUAL = (
    *("MSG ", "SAY ", "/msg ", "/say ", "SEND ", "/send ", "BROADCAST ", "/broadcast ", "/all ", "CHAT ", "MESSAGE "),
    *("msg ", "say ", "send ", "broadcast ", "chat ", "message ", "MSG:", "msg:", "!say "),
)
"""Usual commands to say something, the most likely first."""

MAX_NAMED_COMMANDS = 12
"""Most commands of the server's own that are tried."""

SAYING = r"say|msg|messages?|send|speak|talk|tell|broadcast|bcast|all|chat|public|pub|post|shout|yell|write|privmsg"

SHOWN = re.compile(
    r"(?<![\w/])(?P<word>[/\\:!.@]?\w{1,20})(?=(?P<between> ?[ :=|] ?)"
    r"(?P<room>(?:[<\[{(#]\w*(?:room|channel|group|topic)\w*[>\]})]?|#\w+) +:?)?"
    r"(?:[<\[{(\"'](?P<bracketed>[\w .-]{1,40})[>\]})\"'](?:\.{3})?|(?P<bare>\w+))(?P<more> *[<\[{(]\w)?)"
)
"""A command as usage texts show it: `MSG <text>`, `/say your words`, `PRIVMSG #room :{text}`."""

SAID = re.compile(
    r"text|messages?|msg|words?|anything|something|body|content|your message|\w+ (?:text|message|words)", re.IGNORECASE
)
"""What usage texts call that which a client says."""

NAMED_COMMAND = re.compile(rf"(?<![\w/])(?P<word>[/\\:!.@]?(?:{SAYING}))\b", re.IGNORECASE)
"""A word by which clients may say something, as a server lists it."""


@dataclass(frozen=True)
class SayCommand:
    """What stands around an utterance, and how that was found."""

    template: Template = BODY_ALONE
    why: str = "the three clients heard each other's words without a command"


NO_COMMAND = SayCommand()


def commands_in(told: Iterable[bytes]) -> list[str]:
    """Return the commands to say something that a server's texts name, as templates, the likeliest first."""
    texts = [data.decode("utf-8", "replace") for data in told]
    shown = [command for text in texts for command in _shown(text)]
    named = [f"{found['word']} {{body}}" for text in texts for found in NAMED_COMMAND.finditer(text)]
    return list(dict.fromkeys([*shown, *named]))[:MAX_NAMED_COMMANDS]


def _shown(text: str) -> Iterator[str]:
    """Yield the commands that a text shows with what stands behind them."""
    for found in SHOWN.finditer(text):
        said = found["bracketed"] or found["bare"]
        if SAID.fullmatch(said) and not (found["bare"] and not _is_command(found["word"])) and not found["more"]:
            yield f"{found['word']}{found['between']}{_room(found['room'] or '')}{{body}}"


def _is_command(word: str) -> bool:
    """Whether it looks like a command, and not like words in a sentence."""
    return word.isupper() or not word[0].isalpha() or bool(NAMED_COMMAND.fullmatch(word))


def _room(shown: str) -> str:
    """Return the room of a command as clients say it: one that the server names, or the same for all."""
    return re.sub(r"[<\[{(]\w+[>\]})]", COMMON_WORD, shown) if ROOM_WORDS.search(shown) else shown


def usual(but: Sequence[str]) -> list[str]:
    """Return the usual commands as templates, except for these."""
    return [command for one in USUAL if (command := f"{one}{{body}}") not in but]
