"""A conversation in the dialect that is about to be proposed, judged by the oracle of the suite.

First the form: clients come, and say printable words. Then some leave. What is wrong in the first part shows that the
dialect does not fit; what is missing in the second may be a bug of the server, since all that it said before was right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from socketserver_reference.conformance.checks.base import Conformance
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.checks.datagram import DatagramConformance
from socketserver_reference.conformance.checks.echo import EchoConformance
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.learn.conversation import OutOfTime
from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.learn.room import MAX_NOTICE_BYTES
from socketserver_reference.conformance.oracles.frame_reader import FrameReader, stripped
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.step import Utterance
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    Quit,
    Say,
    Send,
    Settle,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.transcript import Did, Heard, Transcript
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import Target

LONGER_WORDS = b"somewhat longer, with a comma and 3 numbers: 1 2 3"

CHAT_FORM: Sequence[Step] = (
    *join("ann", "ben"),
    Say("ann", b"hello"),
    Say("ben", b"hello too"),
    Say("ben", LONGER_WORDS),
    Connect("cal"),
    WaitUntilHeard("cal", "ann"),
    Say("cal", b"I am late"),
    Say("ann", b"twice"),
    Say("ann", b"twice"),
    Say("ben", b"x"),
    *(Send("cal", b"one of several"), Send("cal", b"and the next"), Settle()),
)

CHAT_LEAVING: Sequence[Step] = (
    *join("dan", "eve", "fay"),
    Quit("dan"),
    Say("eve", b"who is there?"),
    *join("gil"),
    Close("fay"),
    Say("gil", b"still here"),
    Say("eve", b"so am I"),
)

ECHO_FORM: Sequence[Step] = (
    *(Connect("ann"), Say("ann", b"Hello, World"), Quit("ann")),
    *(Connect("ben"), Say("ben", LONGER_WORDS)),
    *(Connect("cal"), Say("cal", b"x")),
)

DATAGRAM_FORM: Sequence[Step] = (
    Connect("ann"),
    Connect("ben"),
    Say("ann", b"Hello, World"),
    Say("ben", LONGER_WORDS),
    Say("ann", b"x"),
)

VERIFIED_FORMS: dict[str, tuple[type[Conformance], Sequence[Step], Sequence[Step]]] = {
    "chat": (ChatConformance, CHAT_FORM, CHAT_LEAVING),
    "echo": (EchoConformance, ECHO_FORM, ()),
    "datagram": (DatagramConformance, DATAGRAM_FORM, ()),
}
"""Protocol -> its conformance class, the conversation that shows the form, and the one in which clients leave."""

CHANGES = ("altered", "torn", "cut")
"""What a server that speaks the dialect may do to words."""

BUGS = (
    *("missing", "cut", "torn", "duplicated", "misattributed", "empty"),
    *("early end", "no end", "refused", "died", "late"),
)
"""What a server that speaks the dialect may do all the same when a client leaves."""


@dataclass(frozen=True)
class Mismatch:
    """What did not fit."""

    violation: Violation | None
    why: str
    leaving: bool
    unexpected: tuple[bytes, ...] = ()
    """The frames that a client read last that deliver nothing."""
    part: bytes = b""
    """A delivery that the client read last, of a part of what was said last."""

    @property
    def may_be_a_bug(self) -> bool:
        """Whether the dialect may fit, and the server delivers a part of some words, or lost a client, or sent without
        end, when another left.
        """
        if self.violation is None:
            return False
        lost = self.leaving and (self.violation.shape in BUGS or _floods(self.violation))
        return lost or (self.violation.shape in CHANGES and bool(self.part))

    def lines(self) -> list[str]:
        """Return the conversation, and what was expected and came instead."""
        if self.violation is None:
            return [self.why]
        told = [f"expected: {self.violation.expected}", f"observed: {self.violation.observed}"]
        return [*told, "exchange:", *self.violation.exchange]


def _floods(violation: Violation) -> bool:
    """Whether the client of the violation has read, since anybody did something, what is longer than any notice."""
    entries = reversed(violation.transcript.entries if violation.transcript is not None else ())
    heard = (one for one in takewhile(lambda one: not isinstance(one, Did), entries) if isinstance(one, Heard))
    return sum(len(one.data) for one in heard if one.who == violation.failing) > MAX_NOTICE_BYTES


def verify(
    target: Target, protocol: str, dialect: Dialect, timeout: float, budget: Budget, journal: ConversationJournal
) -> Mismatch | None:
    """Talk in the dialect, and note it in the journal; return what does not fit, if anything does not.

    Each conversation starts the target, and ends nothing: the caller does.

    Raises NotApplicable if the limits of the dialect allow no such conversation, and OutOfTime if the budget is spent.
    """
    suite, *parts = VERIFIED_FORMS[protocol]
    for leaving, steps in enumerate(parts):
        if not steps:
            continue
        session = Session(target, suite, min(timeout, budget.left), dialect)
        session.keep(Budget(budget.left))
        misfit = _play(session, suite.health_clause, dialect, steps, journal, leaving=bool(leaving))
        if budget.is_over:
            raise OutOfTime
        if misfit:
            return misfit
    return None


def _play(
    session: Session,
    clause: str,
    dialect: Dialect,
    steps: Sequence[Step],
    journal: ConversationJournal,
    *,
    leaving: bool,
) -> Mismatch | None:
    session.healthy = True  # a conversation before this one would already leave something behind
    try:
        journal.played(session.play_once(steps, clause, session.timeout))
    except Violation as violation:
        if violation.transcript is not None:
            journal.played(violation.transcript)
        return _misfit(violation, dialect, leaving=leaving or violation.in_final_steps)
    except NotChecked as error:
        if error.violation is None:
            return Mismatch(None, str(error), leaving)
        return _misfit(error.violation, dialect, leaving=False)
    return None


def _misfit(violation: Violation, dialect: Dialect, *, leaving: bool) -> Mismatch:
    if violation.transcript is None or dialect.stream or violation.shape not in ("extra", "other form", *CHANGES):
        return Mismatch(violation, violation.observed, leaving)
    said = [step.data for step in violation.transcript.scenario if isinstance(step, Utterance)]
    done = [one.step.said for one in violation.transcript.entries if isinstance(one, Did)]
    unexpected, part = [], b""
    for frame in _read_last(violation, violation.transcript, dialect):
        body = dialect.template.body(frame) if dialect.template.text != "{body}" else None
        if body is None and not any(text in frame for text in said):
            unexpected.append(frame)
        elif body and done and body != done[-1] and body in done[-1]:
            part = body
    return Mismatch(violation, violation.observed, leaving, tuple(unexpected), part)


def _read_last(violation: Violation, transcript: Transcript, dialect: Dialect) -> Iterator[bytes]:
    """Yield the frames that the client of the violation read last."""
    heard = [one for one in transcript.entries if isinstance(one, Heard) and one.who == violation.failing]
    reader = FrameReader(dialect)
    reader.add(heard[-1].data if heard else b"")
    while (frame := reader.next([])) is not None:
        yield stripped(frame, dialect)[-1]
