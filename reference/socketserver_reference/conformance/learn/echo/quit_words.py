"""The word by which a client ends its stream with an echo that answers many requests."""

from collections.abc import Iterable, Sequence

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted
from socketserver_reference.conformance.learn.echo.conversation import EchoConversation
from socketserver_reference.conformance.learn.questions.quit_word import QUIT_WORDS, named_words, remark_on_words
from socketserver_reference.conformance.scenario.transcript import ENDINGS

LINE_ENDS = (b"\n", b"\r\n")
"""What may have to stand behind the word, also where no request needs it: people type it in a line."""


Attempt = tuple[Sequence[str], bytes]
"""Words that one client says, and what stands behind each."""


def ask_quit(echo: EchoConversation, told: Iterable[bytes], learned: LearnedDialect) -> None:
    """Try words, each by a new client and, where chunks are requests, all of them by one, with the end of a line."""
    words = list(dict.fromkeys([*named_words(told), *QUIT_WORDS]))
    chunks = echo.framing.kind != "line"
    attempts: list[Attempt] = [([word], b"" if chunks else echo.framing.newline) for word in words]
    attempts += [(words, end) for end in LINE_ENDS if chunks]
    before: Attempt = ((), b"")
    for attempt in attempts:
        word = _say_until_it_ends(echo, _next_client(echo, before, learned), attempt, learned)
        if word is None and echo.may_be_worn_out:
            others = echo.served - 1
            echo.fresh()
            word = _say_until_it_ends(echo, echo.client(), attempt, learned)
            if word is not None:
                echo.wear_out(others)
        before = attempt
        if not word:
            continue
        if attempt[1] and chunks:
            learned.learn("quit", "line_end", True, f"without the end of a line {word!r} was answered")
            if attempt[1] != Framing().newline:
                why = f"stood behind {word!r} when that ended the stream"
                learned.learn("framing", "newline", attempt[1].decode(), why)
        return
    learned.learn("quit", "word", "", "no usual word ended a connection")


def _next_client(echo: EchoConversation, before: Attempt, learned: LearnedDialect) -> str:
    """Connect a client; tell it if the server is gone since another has said these words, and start it again."""
    conversation, words, others = echo.conversation, before[0], echo.served
    report = conversation.site.exit_report()
    if echo.fragile or (report and not words):
        return echo.client()
    if not report:
        try:
            return echo.connect()
        except CannotLearn as error:
            if not (words and conversation.fresh_after_this):
                raise
            report = conversation.site.exit_report()
            if not report and not _keeps_others_out(echo, before, learned):
                echo.wear_out(others)
                return echo.client()
            report = report or f"{error}"
    learned.suspect(f"After a client had said {' or '.join(map(repr, words))} the server was gone: {report}")
    remark_on_words(words, learned)
    echo.fresh()
    return echo.client()


def _keeps_others_out(echo: EchoConversation, attempt: Attempt, learned: LearnedDialect) -> bool:
    """Whether no other client can connect to a fresh server once the first has said these words."""
    echo.fresh()
    _say_until_it_ends(echo, echo.client(), attempt, learned)
    try:
        echo.connect()
    except CannotLearn:
        return True
    return False


def _say_until_it_ends(echo: EchoConversation, who: str, attempt: Attempt, learned: LearnedDialect) -> str | None:
    """Have a client say words, and leave; return the word after which its stream ended, if one did and the server did
    not, otherwise "", or None if nothing was heard.
    """
    words, end = attempt
    found = None
    for word in words:
        answer = echo.answer(who, word.encode() + end)
        found = "" if answer.reply or answer.ended else found
        if answer.ended is None:
            continue
        if not echo.conversation.site.exit_report():
            found = word
            why = f"a client that said {word.encode() + end!r} got {ENDINGS[answer.ended]}"
            learned.learn("quit", "word", word, why)
            if answer.reply:
                farewell = answer.reply.decode("utf-8", "replace")
                learned.learn("quit", "farewell", farewell, f"before that came {quoted(answer.reply)}")
        break
    echo.gone(who)
    return found
