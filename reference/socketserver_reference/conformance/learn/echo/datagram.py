"""The questions to an echo over datagrams. The answer to a later datagram shows that an earlier one has none."""

from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import islice, product

from socketserver_reference.conformance.dialects.dialect import BODY_ALONE, TRANSFORMS
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.conversation import CannotLearn, OutOfTime
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted
from socketserver_reference.conformance.learn.echo.transform import AS_READ, REQUEST, learn_transform
from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.learn.questions.byte_handling import UNUSUAL, compare, conclude_bytes, surplus
from socketserver_reference.conformance.learn.questions.limits import NUMBERED, in_common
from socketserver_reference.conformance.scenario.text import numbered
from socketserver_reference.conformance.targets.base import Site
from socketserver_reference.conformance.targets.client import Client

MAX_DATAGRAM_BYTES = 65_507
"""Bytes of the largest datagram over IPv4."""

MAX_SENDS = 3
"""Most times that a datagram is sent, since it may be lost."""

REPLY_TIMEOUT = 2.0
"""Timeout in seconds for an expected answer."""

MAX_DRAINED = 100
"""Most extra answers that are read."""

FENCE = b"Mink-3"

BEHIND = b"Otter"
"""What stands behind unusual bytes: with the fence before them, in a few bytes, since there are small buffers."""

AGAIN = b"Weasel and Otter"
"""Another request, to see whether what stands around the answer is the same."""


class FellSilent(Exception):
    """The server no longer answers; the message says after which datagram."""


class DatagramConversation:
    """One client that sends datagrams; it knows the answer to the fence."""

    def __init__(self, site: Site, timeout: float, budget: Budget, journal: ConversationJournal) -> None:
        self._client = Client(site.address, REPLY_TIMEOUT)
        self._budget = budget
        self._journal = journal
        self.site = site
        self._timeout = timeout
        self._fence = b""
        self.form = BODY_ALONE
        """What stands around what was said, in every answer."""
        self.transform = ""
        """The name of what becomes of what was said; "" until that is known."""
        self.lost = 0
        """How often a datagram was sent again because its answer did not come."""
        self.extra: bytes | None = None
        """An answer beyond one for each datagram."""

    def fresh(self) -> None:
        """Go on with a fresh server; raise CannotLearn if it answers nothing."""
        self.close()
        self.site.restart()
        self._journal.fresh("a fresh server is started")
        self._client = Client(self.site.address, REPLY_TIMEOUT)
        self.raise_fence()

    def how_it_ended(self) -> str:
        """Return how the server ended, as the end of a sentence; "" if it runs."""
        return f": {report}" if (report := self.site.exit_report()) else ""

    def close(self) -> None:
        """Close the client's socket."""
        self._client.close()

    def raise_fence(self) -> None:
        """Find out the answer to the fence; raise CannotLearn if there is none."""
        for _ in range(MAX_SENDS):
            self._send(FENCE)
            answer = self._receive(REPLY_TIMEOUT)
            if answer:
                self._fence = answer
                return
        if self._client.refused:
            raise CannotLearn(self.site.absence("connection refused"))
        raise CannotLearn(f"there is no answer to the datagram {FENCE!r}")

    def ask(self, datagram: bytes, sends: int = MAX_SENDS) -> bytes | None:
        """Send a datagram, at most so many times; return its answer, or None if only the next is answered each time.

        Raises FellSilent if the next is not answered either, and OutOfTime if the rest of the budget is for the
        verification.
        """
        passed_over = lost = 0
        for _ in range(MAX_SENDS):
            if self._budget.is_late:
                raise OutOfTime
            self._drain()
            self._send(datagram)
            answer = self._receive(self._timeout)
            if answer is None:
                self._send(FENCE)
                answer = self._receive(REPLY_TIMEOUT)
            if answer is not None and self._is_fence(answer):
                passed_over += 1
                if passed_over == sends:
                    self.lost += lost
                    return None
            elif answer is not None:
                self.lost += lost + passed_over
                return answer
            elif self.site.exit_report():
                break
            else:
                lost += 1
        raise FellSilent(f"after {quoted(datagram)} the server answered nothing any more")

    def ask_for(self, datagram: bytes, sends: int = MAX_SENDS) -> bytes:
        """Send a datagram as `ask` does; return what of its answer is not around it, in the order in which it was
        said, b"" for nothing.
        """
        answer = self.form.bare(self.ask(datagram, sends) or b"")
        return answer[::-1] if self.transform == "reverse" else answer

    def form_of(self, heads: Iterable[bytes], tails: Iterable[bytes]) -> Template | None:
        """Return what stands around answers in which these bytes stand before and behind what was said."""
        own = self._client.socket.getsockname()
        return patterns.around(heads, tails, [own if isinstance(own, str) else str(own[1])])

    def _is_fence(self, answer: bytes) -> bool:
        """Whether the fence was answered so."""
        return self.form.bare(answer) == self.form.bare(self._fence)

    def _send(self, datagram: bytes) -> None:
        self._journal.did("client", "sends", datagram)
        self._client.send(datagram)

    def _receive(self, timeout: float) -> bytes | None:
        self._client.set_timeout(timeout)
        answer = self._client.receive()
        if not isinstance(answer, bytes):
            return None
        self._journal.read("client", answer)
        return answer

    def _drain(self) -> None:
        """Read extra answers, such as a second one to the same datagram."""
        self.site.wait_idle()
        for extra in islice(iter(lambda: self._receive(0), None), MAX_DRAINED):
            if not (self._is_fence(extra) or self.lost):
                self.extra = extra


def learn_datagrams(
    site: Site, timeout: float, learned: LearnedDialect, budget: Budget, journal: ConversationJournal
) -> None:
    """Learn all of an echo's dialect over datagrams; raise CannotLearn if it does not answer."""
    learned.subject = "datagrams"
    journal.begin(learned.subject)
    with closing(DatagramConversation(site, timeout, budget, journal)) as datagrams:
        datagrams.raise_fence()
        learned.learn("", "protocol", "datagram", "over datagrams")
        try:
            for ask, clause in QUESTIONS:
                if not _learns(datagrams, ask, clause, learned):
                    break
        except OutOfTime:
            learned.leave_out(("echo.transform", "bytes.handling", "datagrams.empty", "datagrams.largest"))
        if datagrams.lost:
            learned.suspect(f"The answer to a datagram did not come, {datagrams.lost} times", "UDP-1", polite=True)
        if datagrams.extra is not None:
            learned.suspect(
                f"One datagram more than was sent came back: {quoted(datagrams.extra)}", "UDP-1", polite=True
            )


def _learns(datagrams: DatagramConversation, ask: "Question", clause: str, learned: LearnedDialect) -> bool:
    """Ask a question; return whether another can be asked. A server that falls silent is told, and started again."""
    first = ask is _conclude_transform
    try:
        ask(datagrams, learned)
    except (FellSilent, CannotLearn) as error:
        what = f"Not all could be learned: {error}{datagrams.how_it_ended()}"
        learned.suspect(what, clause, polite=first)
        if first or not datagrams.site.restartable:
            return False
        try:
            datagrams.fresh()
        except CannotLearn:
            return False
    return True


def _conclude_empty(datagrams: DatagramConversation, learned: LearnedDialect) -> None:
    empty = datagrams.ask(b"")
    if empty is None:
        learned.learn("datagrams", "empty", "ignored", "the next was answered, an empty one not")
    else:
        learned.learn("datagrams", "empty", "answered", f"an empty one was answered by {quoted(empty)}")


def _conclude_transform(datagrams: DatagramConversation, learned: LearnedDialect) -> None:
    answer = datagrams.ask(REQUEST)
    why = f"{quoted(REQUEST)} came back as {'nothing' if answer is None else quoted(answer)}"
    if answer is not None and (named := learn_transform(answer, why, learned)):
        datagrams.transform = named
        return
    for read, (name, transform) in product(AS_READ, TRANSFORMS.items()):
        before, said, after = (answer or b"").partition(transform(read))
        again = (datagrams.ask(AGAIN) or b"") if said else b""
        first, found, last = again.partition(transform(AGAIN))
        if found and (form := datagrams.form_of([before, first], [after, last])):
            datagrams.form = form
            datagrams.transform = name
            learned.learn("echo", "transform", name, why)
            if read != REQUEST:
                learned.learn("bytes", "white_space", "stripped", why)
            learned.learn("echo", "reply", form.text, f"{why}, and {quoted(AGAIN)} as {quoted(again)}")
            return
    why = f"cannot tell: {why}, which is none of {', '.join(TRANSFORMS)}{surplus(REQUEST, answer or b'')}"
    learned.learn("echo", "transform", "identity", why, sure=False)


def _conclude_bytes(datagrams: DatagramConversation, learned: LearnedDialect) -> None:
    """Send unusual bytes between two words, where it is known what becomes of usual ones."""
    if not datagrams.transform:
        return
    change = bytes if datagrams.transform == "reverse" else TRANSFORMS[datagrams.transform]
    became = {}
    for name, middle in UNUSUAL.items():
        heard = datagrams.ask_for(FENCE + middle + BEHIND)
        became[name] = compare(heard, change(FENCE), change(middle), change(BEHIND), None)
    conclude_bytes(became, learned, "UDP-1")


def _conclude_largest(datagrams: DatagramConversation, learned: LearnedDialect) -> None:
    """Send the largest datagram; note how much of it is answered, or the largest size that is."""
    said = numbered(MAX_DATAGRAM_BYTES, NUMBERED)
    try:
        answer = datagrams.ask_for(said)
    except FellSilent:
        if not datagrams.site.restartable:
            raise
        how = datagrams.how_it_ended()
        learned.suspect(f"After a datagram of {MAX_DATAGRAM_BYTES} bytes the server answered nothing any more{how}")
        datagrams.fresh()
        answer = b""
    piece = in_common(answer, said)
    if answer and piece == len(answer):
        why = (
            f"of a datagram of {MAX_DATAGRAM_BYTES} bytes the first {piece} were answered"
            if piece < MAX_DATAGRAM_BYTES
            else "the largest possible datagram was answered"
        )
        learned.learn("datagrams", "largest", piece, why)
        return
    most, too_many = 0, MAX_DATAGRAM_BYTES
    while too_many - most > 1:
        middle = (most + too_many) // 2
        if _comes_whole(datagrams, said[:middle]):
            most = middle
        else:
            too_many = middle
    why = f"datagrams of {most} bytes were answered whole, those of {too_many} not"
    learned.learn("datagrams", "largest", max(most, 1), why, sure=most > 0)


def _comes_whole(datagrams: DatagramConversation, said: bytes) -> bool:
    """Whether all of a datagram is answered; a server that falls silent is started again, where that can be done."""
    try:
        return datagrams.ask_for(said, 1) == said
    except FellSilent:
        if not datagrams.site.restartable:
            raise
        datagrams.fresh()
        return False


Question = Callable[[DatagramConversation, LearnedDialect], None]

QUESTIONS: tuple[tuple[Question, str], ...] = (
    (_conclude_transform, "UDP-1"),
    (_conclude_bytes, "UDP-1"),
    (_conclude_empty, "UDP-3"),
    (_conclude_largest, "UDP-4"),
)
"""The questions in order, each with the clause that a server breaks which falls silent."""
