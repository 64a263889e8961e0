"""The questions to an echo over connections, each asked by a new client."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Literal

from socketserver_reference.conformance.dialects.dialect import BODY_ALONE, OF_WHOLE_REQUESTS, TRANSFORMS
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, OutOfTime, SendsWithoutEnd
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted
from socketserver_reference.conformance.learn.echo.conversation import EchoAnswer, EchoConversation
from socketserver_reference.conformance.learn.echo.quit_words import ask_quit
from socketserver_reference.conformance.learn.echo.transform import AS_READ, REQUEST, learn_transform
from socketserver_reference.conformance.learn.meeting import too_early
from socketserver_reference.conformance.learn.questions.byte_handling import UNUSUAL, compare, conclude_bytes, surplus
from socketserver_reference.conformance.learn.questions.limits import (
    FRAME_SIZES,
    NUMBERED,
    PROBED_SIZES,
    WORD_BYTES,
    in_common,
)
from socketserver_reference.conformance.learn.room import MAX_NOTICE_BYTES
from socketserver_reference.conformance.scenario.text import counted, numbered
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.targets.notice import Notice

NEXT_REQUEST = b"Mink-2"

REQUEST_ENDS = (b"", b"\n", b"\r\n", b"\n\n", b"\r\n\r\n")
"""What may end a request: nothing, a line's end, or a blank line."""

REPLY_ENDS = (b"\r\n", b"\n")
"""What ends the lines of a server."""


class NothingAnswers(CannotLearn):
    """No answer has come in time; it may take longer."""


def learn_echo(conversation: Conversation, learned: LearnedDialect) -> None:
    """Learn all of an echo's dialect over connections; raise CannotLearn if it does not answer."""
    echo = EchoConversation(conversation)
    with _about("the first answers", conversation, learned):
        transform, greetings = _first_answers(echo, learned)
    waiting: list[tuple[str, Callable[[], None], str]] = []
    if transform and learned.knows("echo", "requests", "many"):
        waiting.append(("words to quit by", partial(ask_quit, echo, greetings, learned), "quit.word"))
    if transform:
        waiting.append(("unusual bytes", partial(_ask_bytes, echo, transform, learned), "bytes.handling"))
        waiting.append(("long requests", partial(_ask_longest, echo, transform, learned), "limits.utterance"))
    try:
        while waiting:
            subject, ask, _ = waiting[0]
            echo.fresh()
            with _about(subject, conversation, learned):
                ask()
            del waiting[0]
    except OutOfTime:
        learned.leave_out(key for *_, key in waiting)
    if echo.worn_out_by:
        what = f"Once {counted(echo.worn_out_by, 'client')} had come and left, no other was answered"
        learned.suspect(what, "ECHO-7", "ECHO-2", "ECHO-3", polite=True)


def _about(subject: str, conversation: Conversation, learned: LearnedDialect) -> Notice:
    """Say from now on that this is being learned; the caller ends the notice."""
    learned.subject = subject
    return conversation.about(subject)


def _first_answers(echo: EchoConversation, learned: LearnedDialect) -> tuple[str, list[bytes]]:
    """Find out how it answers; return the name of the transformation, "" if it has none, and two greetings."""
    conversation = echo.conversation
    greetings = _greetings(conversation, learned)
    learned.learn("", "protocol", "echo", "over connections")
    echo.greeting = patterns.template(patterns.align([*map(patterns.reader(), greetings)]))
    who, first = _first_answer(echo, learned)
    second = echo.answer(who, echo.framing.put(NEXT_REQUEST) if echo.framing.kind == "line" else NEXT_REQUEST)
    ended = _half_close(echo, who, learned)
    _ask_next(echo, learned)
    transform = _conclude_transform(echo, first, second, learned)
    _conclude_requests(second, ended, learned)
    heard = quoted(greetings[0]) if echo.greeting else "nothing before it spoke"
    learned.learn("echo", "greeting", echo.greeting, f"the first client heard {heard}")
    return transform, greetings


def _greetings(conversation: Conversation, learned: LearnedDialect) -> list[bytes]:
    """Return what two clients hear first, one after the other: a server may serve one at a time."""
    greetings: list[bytes] = []
    for who in ("annika", "bertil"):
        conversation.join(who)
        greetings.append(conversation.hear_greeting([who], expected=any(greetings))[who])
        if who in conversation.ended:
            raise CannotLearn(too_early(conversation.ended[who], greetings[-1]))
        conversation.leave(who)
        if report := conversation.site.exit_report():
            learned.suspect(f"A client left that had said nothing: {report}", "ECHO-7", polite=True)
            conversation.fresh()
    return [one[-MAX_NOTICE_BYTES:] for one in greetings if one or not greetings[0]]


def _first_answer(echo: EchoConversation, learned: LearnedDialect) -> tuple[str, EchoAnswer]:
    """Send a request without a line's end, and with each, until an answer comes; return the client that got it.

    Each is an attempt of its own: while a client waits in vain, a server may serve no other.
    """
    for end in REQUEST_ENDS:
        echo.fresh()
        who = echo.client()
        first = echo.answer(who, REQUEST + end)
        if first.reply or first.ended:
            break
    error = echo.conversation.site.last_error()
    printed = f"; the server printed {error!r}" if error else ""
    if not (first.reply or first.ended):
        raise NothingAnswers(
            f"nothing answers {REQUEST!r} within {echo.conversation.waits.for_an_answer:g} s, neither without the end "
            f"of a line nor with it, nor with a blank line{printed}"
        )
    if not first.reply:
        raise CannotLearn(f"{REQUEST + end!r} is answered by {ENDINGS[first.ended or 'eof']} alone{printed}")
    saw = f"the answer is {quoted(first.reply)}"
    if not end:
        learned.learn("framing", "in", "chunk", f"{quoted(REQUEST)} was answered without the end of a line")
        learned.learn("framing", "out", "chunk", saw)
        return who, first
    echo.framing = Framing("line", end)
    learned.learn("framing", "in", "line", f"{quoted(REQUEST)} was not answered until {end!r} was said behind it")
    echo.newline_out = next((one for one in REPLY_ENDS if first.reply.endswith(one)), b"")
    learned.learn("framing", "out", "line" if echo.newline_out else "none", saw)
    learned.learn("framing", "newline", end.decode(), "was the line's end that was answered")
    if echo.newline_out not in (end, b""):
        learned.learn("framing", "newline_out", echo.newline_out.decode(), saw)
    return who, first


def _conclude_transform(echo: EchoConversation, first: EchoAnswer, second: EchoAnswer, learned: LearnedDialect) -> str:
    """Note how the answer follows from the request; return the transformation's name, or "" if it has none."""
    reply = echo.bare(first.reply)
    why = f"{quoted(REQUEST)} came back as {quoted(reply)}"
    if named := learn_transform(reply, why, learned):
        _suspect_leftovers(first, second, TRANSFORMS[named](NEXT_REQUEST), learned)
        return named
    for said, (name, transform) in product(AS_READ, TRANSFORMS.items()):
        before, found, after = reply.partition(transform(said))
        if found and (form := _form(echo, before, transform, after, second)) is not None:
            echo.form = form
            learned.learn("echo", "transform", name, why)
            if said != REQUEST:
                learned.learn("bytes", "white_space", "stripped", why)
            but = "" if form.constant else ", but for {any}"
            learned.learn("echo", "reply", form.text, f"the same stands around the replies to other requests{but}")
            return name
    why = f"cannot tell: {why}, which is none of {', '.join(TRANSFORMS)}{surplus(REQUEST, reply)}"
    learned.learn("echo", "transform", "identity", why, sure=False)
    return ""


def _suspect_leftovers(first: EchoAnswer, second: EchoAnswer, due: bytes, learned: LearnedDialect) -> None:
    """Tell it if the second reply goes on with the end of the first: the buffer still holds that."""
    rest = second.reply.removeprefix(due)
    if rest and rest != second.reply and rest == first.reply[len(due) :]:
        what = f"A reply goes on with the end of the one before: {quoted(NEXT_REQUEST)} came back as"
        learned.suspect(f"{what} {quoted(second.reply)}", "ECHO-3", "ECHO-2", polite=True)


def _form(
    echo: EchoConversation, before: bytes, transform: Callable[[bytes], bytes], after: bytes, second: EchoAnswer
) -> Template | None:
    """Return what stands around the replies to requests of several lengths, and clients; None if it has no form."""
    heads, tails, text = [before], [after], echo.conversation.text().ljust(len(REQUEST) + 1, b".")
    third = echo.ask(text, transform(text), len(after))
    for answer, said in ((second, transform(NEXT_REQUEST)), (third, transform(text))):
        reply = echo.bare(answer.reply)
        head, found, tail = reply.partition(said)
        if answer is second and (before + said + after).startswith(reply):  # perhaps its beginning alone has been read
            continue
        if not found:
            return None
        heads.append(head)
        tails.append(tail)
    return patterns.around(heads, tails)


def _ask_next(echo: EchoConversation, learned: LearnedDialect) -> None:
    """Find out whether another client is answered when one has left."""
    if not echo.ask_once(b"Mink-3", b"Mink-3").reply:
        echo.fragile = True
        report = echo.conversation.site.exit_report()
        what = f"When a client had left, the next was not answered. {report}"
        learned.suspect(what.strip(" ."), "ECHO-7", "ECHO-2", "ECHO-3", polite=True)


def _conclude_requests(second: EchoAnswer, ended: Ending | Literal["endless"] | None, learned: LearnedDialect) -> None:
    """Note how many requests a connection answers, from the answer to the second and what came of half-closing."""
    if second.reply:
        then = "then it ended too" if ended else "but the server did not end it then"
        then = "then the server sent without end" if ended == "endless" else then
        why = f"a second request on a connection was answered by {quoted(second.reply)}; the client half-closed, {then}"
        learned.learn("echo", "requests", "many", why)
        if not ended:
            learned.suspect(
                "An echo did not end a connection after its client had half-closed", "ECHO-3", "ECHO-6", polite=True
            )
        return
    how = ENDINGS[ended] if ended and ended != "endless" else "nothing, and the connection stayed open"
    learned.learn("echo", "requests", "one", f"after one answer the client got {how}")
    if second.ended is None:
        learned.suspect(
            "After one answer the connection stayed open, and nothing else was answered", "ECHO-3", polite=True
        )
    elif ended == "reset":
        learned.suspect(f"After one answer the client got {how}", "ECHO-3", "ECHO-2", polite=True)


def _half_close(echo: EchoConversation, who: str, learned: LearnedDialect) -> Ending | Literal["endless"] | None:
    """Half-close a connection; return how the server ended it, if it did, or that it sent without end."""
    conversation = echo.conversation
    conversation.half_close(who)
    try:
        heard = conversation.hear(lambda _: who in conversation.ended)[who]
    except SendsWithoutEnd as error:
        learned.suspect(f"When a client had half-closed, {error}", "ECHO-3", "ECHO-6", polite=True)
        conversation.fresh()
        return "endless"
    if heard:
        what = f"When a client had half-closed that had asked nothing more, it heard {quoted(heard)}"
        learned.suspect(what, "ECHO-3", "ECHO-6", polite=True)
    ended = conversation.ended.get(who)
    conversation.leave(who)
    return ended


def _ask_bytes(echo: EchoConversation, transform: str, learned: LearnedDialect) -> None:
    change = bytes if transform == "reverse" else TRANSFORMS[transform]
    became = {}
    for name, middle in UNUSUAL.items():
        left, right = echo.conversation.text(), echo.conversation.text()
        answer = _forwards(echo, left + middle + right, transform)
        became[name] = compare(answer.reply, change(left), change(middle), change(right), answer.ended)
    conclude_bytes(became, learned, "ECHO-2")


def _forwards(echo: EchoConversation, request: bytes, transform: str) -> EchoAnswer:
    """Ask; return the reply, in the order in which the bytes were said."""
    answer = echo.ask(request, TRANSFORMS[transform](request))
    return replace(answer, reply=echo.bare(answer.reply)[::-1]) if transform == "reverse" else answer


def _ask_longest(echo: EchoConversation, transform: str, learned: LearnedDialect) -> None:
    """Send longer and longer requests until one is not answered whole."""
    key = "utterance" if echo.framing.kind == "line" else "chunk"
    longest = 0
    for size in FRAME_SIZES if key == "utterance" else PROBED_SIZES:
        said = numbered(size, NUMBERED)
        reply = _forwards(echo, said, transform).reply
        if said not in reply:
            first = max(0, reply.rfind(said[:WORD_BYTES]))  # what was said in parts that come back in reverse ends so
            piece = in_common(reply[first:], said)
            if piece and _answers_all(echo, transform, learned):
                what = f"Of a request of {size} bytes the first {piece} were answered, and nothing more"
                learned.suspect(what, "ECHO-2", "ECHO-3")
            else:
                _conclude_longest(learned, key, longest, size, piece)
            return
        longest = size
    sure = key == "utterance" or learned.knows("echo", "requests", "one")
    why = f"{longest} bytes were answered whole; no limit was met"
    learned.learn("limits", key, 0 if key == "utterance" else longest, why, sure=sure)


def _answers_all(echo: EchoConversation, transform: str, learned: LearnedDialect) -> bool:
    """Whether the replies must be all that was said, however the server divides it into requests."""
    stream = echo.framing.kind == "chunk" and learned.knows("echo", "requests", "many")
    return stream and echo.form == BODY_ALONE and transform not in OF_WHOLE_REQUESTS


def _conclude_longest(learned: LearnedDialect, key: str, longest: int, size: int, piece: int) -> None:
    if piece:
        learned.learn("limits", key, piece, f"of a request of {size} bytes the first {piece} were answered")
    else:
        learned.learn("limits", "utterance", longest, f"{size} bytes were not answered, {longest} were")
