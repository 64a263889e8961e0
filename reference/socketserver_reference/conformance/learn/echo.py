"""What there is to ask of an echo over connections: each question is a new client's."""

from dataclasses import dataclass

from socketserver_reference.conformance.dialects.dialect import TRANSFORMS
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.byte_handling import UNUSUAL, compare, tell_bytes
from socketserver_reference.conformance.learn.conversation import Asking, CannotLearn
from socketserver_reference.conformance.learn.dialect_writer import Lesson, quoted
from socketserver_reference.conformance.learn.first_contact import too_early
from socketserver_reference.conformance.learn.limits import NUMBERED, SIZES, in_common
from socketserver_reference.conformance.learn.room import LONGEST_NOTICE
from socketserver_reference.conformance.scenario.text import numbered
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending

REQUEST = b"  Otter Weasel-1  "
"""Letters in both cases between blanks: no two transformations make the same of it."""


@dataclass(frozen=True)
class Answer:
    """What came for a request, and how the connection ended after it, if it did."""

    reply: bytes
    ended: Ending | None


class Echo:
    """An echo whose way of answering is being understood."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self.greeting = ""
        self.framing = Framing()
        self._clients = 0

    def client(self) -> str:
        """Connect a client, and hear what it is greeted by, if anything; return its name."""
        self._clients += 1
        who = f"client{self._clients}"
        self.asking.join(who)
        if self.greeting:
            self.asking.hear(lambda heard: bool(heard[who]) or who in self.asking.ended)
        return who

    def answer(self, who: str, data: bytes) -> Answer:
        """Send these bytes; return what comes of it."""
        self.asking.say(who, data)
        reply = self.asking.hear(lambda heard: bool(heard[who]) or who in self.asking.ended)[who]
        return Answer(reply, self.asking.ended.get(who))

    def ask(self, request: bytes, whole: bytes) -> Answer:
        """Let a new client say a request; return what came until it was all of this, or nothing more."""
        who = self.client()
        self.asking.say(who, self.framing.put(request) if self.framing.kind == "line" else request)
        reply = self.asking.hear(lambda heard: who in self.asking.ended or whole in heard[who])[who]
        ended = self.asking.ended.get(who)
        self.asking.leave(who)
        return Answer(reply, ended)


def learn_echo(asking: Asking, lesson: Lesson) -> None:
    """Learn all of an echo's dialect over connections; raise CannotLearn if it does not answer."""
    echo = Echo(asking)
    greetings = _greetings(asking)
    lesson.learn("", "protocol", "echo", "over connections")
    echo.greeting = patterns.template(patterns.align([*map(patterns.reader(), greetings)]))
    who, first = _first_answer(echo, lesson)
    transform = _tell_transform(echo, first, lesson)
    _tell_requests(echo, who, lesson)
    why = (
        f"two clients heard {quoted(greetings[0])}" if echo.greeting else "two clients heard nothing before they spoke"
    )
    lesson.learn("echo", "greeting", echo.greeting, why)
    if transform:
        _ask_bytes(echo, transform, lesson)
        _ask_longest(echo, lesson)


def _greetings(asking: Asking) -> list[bytes]:
    greetings = []
    for who in ("annika", "bertil"):
        asking.join(who)
        greetings.append(asking.hear()[who])
        if who in asking.ended:
            raise CannotLearn(too_early(asking.ended[who], greetings[-1]))
    asking.leave("annika", "bertil")
    return [one[-LONGEST_NOTICE:] for one in greetings]


def _first_answer(echo: Echo, lesson: Lesson) -> tuple[str, Answer]:
    """Say something without the end of a line, and with one, until an answer comes; return who got it."""
    for end in (b"", b"\n", b"\r\n"):
        who = echo.client()
        first = echo.answer(who, REQUEST + end)
        if first.reply or first.ended:
            break
    else:
        raise CannotLearn(f"nothing answers {REQUEST!r}, neither without the end of a line nor with it")
    if not first.reply:
        raise CannotLearn(f"{REQUEST + end!r} is answered by {ENDINGS[first.ended or 'eof']} alone")
    saw = f"the answer is {quoted(first.reply)}"
    if not end:
        lesson.learn("framing", "in", "chunk", f"{quoted(REQUEST)} was answered without the end of a line")
        lesson.learn("framing", "out", "chunk", saw)
        return who, first
    echo.framing = Framing("line", end)
    lesson.learn("framing", "in", "line", f"{quoted(REQUEST)} was not answered until {end!r} was said behind it")
    lesson.learn("framing", "out", "line" if first.reply.endswith(end) else "none", saw)
    lesson.learn("framing", "newline", end.decode(), "was the line's end that was answered")
    return who, first


def _tell_transform(echo: Echo, first: Answer, lesson: Lesson) -> str:
    """Say what the answer is made of the request; return the transformation's name, "" if it has none."""
    line = echo.framing.kind == "line"
    reply = first.reply.removesuffix(echo.framing.newline) if line else first.reply
    why = f"{quoted(REQUEST)} came back as {quoted(reply)}"
    for name, transform in TRANSFORMS.items():
        if transform(REQUEST) == reply:
            lesson.learn("echo", "transform", name, why)
            return name
    for name, transform in TRANSFORMS.items():
        if transform(REQUEST.strip()) == reply.strip():
            lesson.learn("echo", "transform", name, why)
            lesson.learn("bytes", "white_space", "stripped", why)
            return name
    lesson.learn(
        "echo", "transform", "identity", f"cannot tell: {why}, which is none of {', '.join(TRANSFORMS)}", sure=False
    )
    return ""


def _tell_requests(echo: Echo, who: str, lesson: Lesson) -> None:
    """Say another request on the same connection, and then end of stream."""
    request = echo.framing.put(b"Mink-2") if echo.framing.kind == "line" else b"Mink-2"
    second = echo.answer(who, request)
    echo.asking.half_close(who)
    echo.asking.hear(lambda _: who in echo.asking.ended)
    ended = echo.asking.ended.get(who)
    echo.asking.leave(who)
    if second.reply:
        then = "then it ended too" if ended else "but the server did not end it then"
        why = f"a second request on a connection was answered by {quoted(second.reply)}; the client half-closed, {then}"
        lesson.learn("echo", "requests", "many", why)
        if lesson.knows("framing", "in", "chunk") and lesson.knows("echo", "transform", "strip-upper"):
            why = "it needs no line's end; but what is stripped where is known of lines alone, so lines are said"
            lesson.learn("framing", "in", "line", why)
            lesson.learn("framing", "out", "none", f"the answer is {quoted(second.reply)}")
        return
    how = ENDINGS[ended] if ended else "nothing, and the connection stayed open"
    lesson.learn("echo", "requests", "one", f"after one answer the client got {how}")


def _ask_bytes(echo: Echo, transform: str, lesson: Lesson) -> None:
    change = TRANSFORMS[transform]
    became = {}
    for name, middle in UNUSUAL.items():
        left, right = echo.asking.text(), echo.asking.text()
        whole = change(left + middle + right)
        answer = echo.ask(left + middle + right, whole)
        became[name] = compare(answer.reply, change(left), change(middle), change(right), answer.ended)
    tell_bytes(became, lesson)


def _ask_longest(echo: Echo, lesson: Lesson) -> None:
    """Ask longer and longer things until one is not answered whole."""
    key = "utterance" if echo.framing.kind == "line" else "chunk"
    longest = 0
    for size in SIZES:
        said = numbered(size, NUMBERED)
        reply = echo.ask(said, said).reply
        if said not in reply:
            _tell_longest(lesson, key, longest, size, in_common(reply, said))
            return
        longest = size
    sure = key == "utterance"
    why = f"{longest} bytes were answered whole; no limit was met"
    lesson.learn("limits", key, 0 if sure else longest, why, sure=sure)


def _tell_longest(lesson: Lesson, key: str, longest: int, size: int, piece: int) -> None:
    if piece:
        lesson.learn("limits", key, piece, f"of a request of {size} bytes the first {piece} were answered")
    else:
        lesson.learn("limits", "utterance", longest, f"{size} bytes were not answered, {longest} were")
