"""What clients answer before they are members: names, rooms, whatever the server asks for.

Nothing but the server's own words says what it asks for. So the answers that are tried come from its question: a
command that it shows (`/nick NAME_FIELD`), the choices that it lists (`red or blue`), a name otherwise; from the second
question on, a word that is the same for all, so that all come into one room.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from socketserver_reference.conformance.learn import patterns

MAX_CHOICES = 3
"""Most choices of one question that are tried."""

HELP_WORDS = ("/help", "help", "?")
"""What clients say to ask for help."""

COMMON_WORD = "lobby"
"""The answer of all clients where the server lists no choices."""

JOIN_WORDS = ("/join", "JOIN")
"""Usual commands to come into a room."""

JOINING = re.compile(rb"\b(?:join|enter)\b[^\n]*\b(?:room|channel)|\b(?:room|channel)\b[^\n]*\bjoin", re.IGNORECASE)
"""What a server says to a client that is in no room."""

REFUSING = re.compile(rb"\b(?:err(?:or)?|unknown|invalid|unrecogni[sz]ed|comm?an[dm]s?|usage|help)\b", re.IGNORECASE)
"""What a server says that takes no word but commands, in an answer that may repeat the word."""

NAME_WORDS = re.compile(r"name|nick|handle|alias|user|login|who are you|call you", re.IGNORECASE)
ROOM_WORDS = re.compile(r"room|channel|group|topic|lobby", re.IGNORECASE)
YES_OR_NO = re.compile(r"\b(y|yes)\s*/\s*(n|no)\b", re.IGNORECASE)
LISTED = (re.compile(r"[(\[{]([^)\]}]{1,200})[)\]}]"), re.compile(r"[:?]\s*(\S.{0,200})"))
BETWEEN = re.compile(r"\s*(?:,|/|\||;|\bor\b|\band\b)\s*")
COMMAND = re.compile(
    r"(?P<word>[/\\!:.]?\b(?:nick|name|login|user|username|join|register|connect|hello|iam)\b)"
    r"(?P<between>:?[ =]|:(?=[<\[{(]))(?P<bracket>[<\[{(\"']*)(?:your |desired |new )?"
    r"(?P<what>\w*name\w*|\w*nick\w*|user\w*|login|\w*room\w*|\w*channel\w*)\b",
    re.IGNORECASE,
)
"""A command that the server shows, with what stands behind it."""


@dataclass(frozen=True)
class AnswerText:
    """What a client answers: a text, in which `{name}` is its name, and how that ends."""

    text: str
    end: bytes

    def data(self, name: str) -> bytes:
        """Return the bytes that a client of this name says."""
        return self.text.replace("{name}", name).encode() + self.end

    @property
    def template(self) -> str:
        """The answer as the text of a template."""
        return self.text + self.end.decode()


NAME_FIELD = "{name}"


def plain(told: bytes) -> str:
    """Return what a server says as text, without colours."""
    return patterns.COLOUR.sub("", told.decode("utf-8", "replace"))


def answers_to(question: bytes, *, first: bool) -> list[str]:
    """Return the answers to try, the likeliest first; `first` is whether nothing was asked before."""
    asked = plain(question)
    shown = commands_shown(question)
    last = asked.strip().splitlines()[-1] if asked.strip() else ""
    others = [*_choices(last), COMMON_WORD]
    rooms = bool(ROOM_WORDS.search(last)) and not NAME_WORDS.search(last)
    asks_name = first or bool(NAME_WORDS.search(last))
    usual = [NAME_FIELD, *others] if asks_name and not rooms else [*others, NAME_FIELD]
    return list(dict.fromkeys([*shown, *usual[: 1 + MAX_CHOICES]]))


def commands_shown(told: bytes) -> list[str]:
    """Return the commands to come in that a server's text shows: with a name or a room behind them."""
    text = plain(told)
    return [_command(found) for found in COMMAND.finditer(text) if _is_command(found)]


def joins(told: bytes) -> list[str]:
    """Return the usual commands to come into a room, where a server says that one has to and shows no command."""
    return [] if commands_shown(told) or not JOINING.search(told) else [f"{word} {COMMON_WORD}" for word in JOIN_WORDS]


def _is_command(found: re.Match[str]) -> bool:
    """Whether it looks like a command, and not like words in a sentence."""
    return bool(found["bracket"]) or found["word"].isupper() or not found["word"][0].isalpha()


def _command(found: re.Match[str]) -> str:
    what = COMMON_WORD if ROOM_WORDS.search(found["what"]) else NAME_FIELD
    return f"{found['word']}{':' if found['between'] == ':' else ' '}{what}"


def _choices(question: str) -> Iterator[str]:
    """Yield the choices that a question lists."""
    if yes := YES_OR_NO.search(question):
        yield yes[1]
        return
    for listed in (found for pattern in LISTED for found in pattern.finditer(question)):
        words = BETWEEN.split(listed[1].strip(" .?:>"))
        yield from (word for word in words[1:] and words[:MAX_CHOICES] if re.fullmatch(r"[\w#&-]{1,20}", word))
