"""Proposes a dialect for a given server: asks, writes down, and verifies what it wrote before it is used."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, combinations

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.learn.chat import learn_chat
from socketserver_reference.conformance.learn.conclusions import conclude_notices
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, OutOfTime
from socketserver_reference.conformance.learn.dialect_writer import TABLE_ORDER, LearnedDialect, quoted, text
from socketserver_reference.conformance.learn.echo.datagram import learn_datagrams
from socketserver_reference.conformance.learn.echo.stream import NothingAnswers, learn_echo
from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.learn.room import RoomConversation
from socketserver_reference.conformance.learn.verification import Mismatch, verify
from socketserver_reference.conformance.learn.waiting import LAG_FACTOR
from socketserver_reference.conformance.reports.learning import ToldKey
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.targets.base import CannotCheck, Site, Target
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.notice import Notice

VERIFICATION = "whether the proposal fits"
"""The subject of the conversations in the dialect."""

PROPOSED_NAME = "learned"
"""The name of a dialect that has no file yet."""

VERIFYING_TIMEOUT = 2.0
"""Least timeout in seconds for what the proposal says that it comes."""

LEAST_LAG_TOLD = 0.05
"""Seconds at rest from which on a server is said to be late."""

MAX_REPAIRS = 4
"""Times that frames which no client had heard before are added to the notices."""


@dataclass
class Proposal:
    """A dialect file, and what is to be said of it."""

    text: str
    trouble: str = ""
    """Why the file should not be used as it is, in one line; "" if it fits."""
    evidence: list[str] = field(default_factory=list)
    """The conversation that does not fit, and what to look at."""
    remarks: list[str] = field(default_factory=list)
    """What may be bugs of the server."""
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The reason why something was not asked -> the keys that it would have decided."""
    interrupted: bool = False
    """Whether the user ended it before it was complete."""
    keys: Sequence[ToldKey] = ()
    """The keys, for a report."""
    doubts: Sequence[str] = ()
    """What is a comment in the file, as it was not understood, and why."""


UNGUESSABLE = "framing.in"
"""The key without which a conversation that fits by chance tells little."""


def propose(
    protocol: str,
    target: Target,
    timeout: float,
    start_timeout: float = 1.0,
    accepted: Collection[str] = (),
    budget: Budget | None = None,
    journal: ConversationJournal | None = None,
) -> Proposal:
    """Talk to a server; return a dialect for it. Raises CannotLearn if nothing can be learned.

    An interrupt ends it: the proposal has what was found by then. Raises KeyboardInterrupt if that is nothing. All that
    is said and heard goes into the journal.
    """
    learned = LearnedDialect(accepted=frozenset(accepted))
    try:
        proposal = _propose(
            protocol, target, timeout, start_timeout, learned, budget or Budget(), journal or ConversationJournal()
        )
    except KeyboardInterrupt:
        if not learned.findings:
            raise
        proposal = _interrupted(target, learned)
    proposal.left_out = learned.left_out
    if not proposal.trouble and any(UNGUESSABLE in names for names in learned.left_out.values()):
        proposal.trouble = f"no time was left to ask for {UNGUESSABLE}, on which all else depends: see --budget"
    proposal.keys = learned.told()
    return proposal


@dataclass(frozen=True)
class Talk:
    """What is known of a server that has been asked all questions, besides its dialect."""

    room: RoomConversation | None = None
    """None for an echo."""
    silence: str = "a datagram that was sent later was answered"
    """The sign that nothing comes."""
    lag: float = 0.0
    restarts: bool = True
    """Whether a fresh server can be had quickly."""


@dataclass(frozen=True)
class Again:
    """The server of a site as a target: to start it is to restart it, which waits no longer than the site may."""

    site: Site
    target: Target

    def start(self, _: float) -> Site:
        """Return the site, restarted."""
        self.site.restart()
        return self.site

    def __str__(self) -> str:
        return str(self.target)


def _propose(
    protocol: str,
    target: Target,
    timeout: float,
    start_timeout: float,
    learned: LearnedDialect,
    budget: Budget,
    journal: ConversationJournal,
) -> Proposal:
    with closing(target.start(start_timeout)) as site:
        site.deadline = budget.last_begin
        try:
            talk = _ask(protocol, site, timeout, learned, budget, journal)
        except CannotLearn as error:
            site.wait_idle()  # one that is about to die gets the time for it
            died = site.exit_report()
            kind = NothingAnswers if isinstance(error, NothingAnswers) and not died else CannotLearn
            raise kind(f"{error}" + (f"; {died}" if died else "")) from None
        except OutOfTime:
            raise CannotLearn("no time was left for the first answers: see --budget") from None
        learned.learn("", "about", _about(target), "by talking to it; say more, if you know more")
        words = "Read the reasons before you rely on it. Where nothing came"
        header = [f"What {target} seems to speak. {words}: {talk.silence}."]
        if talk.lag >= LEAST_LAG_TOLD:
            header.append(f"It was seen at rest for {talk.lag:.1f} s before it greeted or answered.")
        conformance = "datagram" if site.address.datagram else protocol
        longest = max(VERIFYING_TIMEOUT, timeout, LAG_FACTOR * talk.lag)
        site.deadline = budget.until

        def verified(dialect: Dialect) -> Mismatch | None:
            if not talk.restarts and site.exit_report():  # it died, and the next could listen only after a minute
                raise OutOfTime
            server = Again(site, target) if talk.restarts else Running(site.address)
            try:
                return verify(server, conformance, dialect, longest, budget, journal)
            except CannotCheck:
                if budget.is_over:  # its port was not free in time
                    raise OutOfTime from None
                raise

        learned.subject = ""
        journal.begin(VERIFICATION)
        with Notice(f"learning: {VERIFICATION}"):
            return _verified(verified, learned, header, talk.room)


def _about(target: Target) -> str:
    return f"learned from {printable(str(target))}"


def _interrupted(target: Target, learned: LearnedDialect) -> Proposal:
    """Return a proposal of what was found until then: what was only presumed is a comment."""
    learned.learn("", "about", _about(target), "by talking to it, until that was interrupted")
    learned.doubt(lambda one: one.presumed)
    header = [f"What {target} seems to speak, as far as it was asked. THIS IS NOT COMPLETE: learning was interrupted."]
    trouble = "interrupted: the proposal has what was found until then, and was not verified in a conversation"
    written = _readable(learned, header)
    return Proposal(written, trouble, [], [str(one) for one in learned.suspicions], interrupted=True)


def _ask(
    protocol: str, site: Site, timeout: float, learned: LearnedDialect, budget: Budget, journal: ConversationJournal
) -> Talk:
    """Ask all questions; return what else is known then."""
    if site.address.datagram:
        learn_datagrams(site, timeout, learned, budget, journal)
        return Talk()
    with Conversation(site, timeout, budget, journal) as conversation:
        if protocol == "chat":
            room = learn_chat(conversation, learned)
        else:
            room = None
            learn_echo(conversation, learned)
        return Talk(room, conversation.by_silence, conversation.waits.longest_lag, conversation.restarts)


def _verified(
    talk: Callable[[Dialect], Mismatch | None],
    learned: LearnedDialect,
    header: list[str],
    room: RoomConversation | None,
) -> Proposal:
    """Return the proposal, verified; repair what a conversation in it shows to be missing."""
    for _ in range(1 + MAX_REPAIRS):
        written = text(learned, header)
        try:
            dialect = loader.read(written, PROPOSED_NAME, PROPOSED_NAME)
        except loader.BadDialect as error:
            return _refused(learned, header, str(error))
        try:
            misfit = talk(dialect)
        except NotApplicable as why:
            learned.remarks.append(f"Not verified in a conversation: {why}.")
            return Proposal(text(learned, header), "", [], [str(one) for one in learned.suspicions])
        except OutOfTime:
            trouble = "no time was left for a conversation in the dialect that was learned: see --budget"
            head = [*header, f"THIS IS NOT VERIFIED: {trouble}."]
            return Proposal(_readable(learned, head), trouble, [], [str(one) for one in learned.suspicions])
        if misfit is None or _is_suspected(misfit, learned):
            doubts = _doubts(learned, "echo.transform")
            return Proposal(text(learned, header), "", [], [str(one) for one in learned.suspicions], doubts=doubts)
        if room is None or not _repaired(room, learned, misfit):
            break
    assert misfit is not None
    return _unfit(learned, header, dialect, misfit)


def _is_suspected(misfit: Mismatch, learned: LearnedDialect) -> bool:
    """Whether what does not fit is, or becomes, a suspicion against the server."""
    violation = misfit.violation
    if violation is None or _doubts(learned, "echo.transform"):
        return False
    fitting = (violation.clause_id,) if violation.shape == "altered" else violation.candidates
    if any(clause in one.clauses for one in learned.suspicions if one.polite for clause in fitting):
        return True
    if misfit.may_be_a_bug:
        where = "When a client had left, in" if misfit.leaving else "In"
        what = f"expected {violation.expected}; observed {violation.observed}"
        learned.suspect(f"{where} a conversation in this dialect: {what}", *violation.candidates)
    return misfit.may_be_a_bug


def _repaired(room: RoomConversation, learned: LearnedDialect, misfit: Mismatch) -> bool:
    """Add what came unexpectedly to the notices; return whether that says anything new."""
    before = {*chain(*room.lines.values())}
    for line in misfit.unexpected:
        room.keep(room.occasion_of(line), [line])
    if before.issuperset(chain(*room.lines.values())):
        return False
    learned.remarks.append(f"In a conversation in this dialect, {quoted(misfit.unexpected[0])} came; it is a notice.")
    conclude_notices(room, learned)
    return True


def _refused(learned: LearnedDialect, header: list[str], error: str) -> Proposal:
    """Return a proposal of what would be no valid dialect: the keys that make it so are comments, as all doubtful ones
    are.
    """
    evidence = ["The proposal has what was learned; it cannot be used before that is corrected."]
    written = _readable(learned, [*header, f"This is not a valid dialect yet: {error}"])
    doubts = _doubts(learned)
    evidence += [f"Look at {doubt}" for doubt in doubts]
    return Proposal(written, error, evidence, [str(one) for one in learned.suspicions], doubts=doubts)


def _doubts(learned: LearnedDialect, *names: str) -> list[str]:
    """Return why keys are doubtful, of these names or of all."""
    return [f"{one.table}.{one.key}: {one.why}" for one in learned.doubtful if one.name in names or not names]


def _readable(learned: LearnedDialect, header: Sequence[str]) -> str:
    """Return a file that the reader of dialects takes: the fewest keys that prevent it are comments."""
    names = dict.fromkeys(one.name for one in [*learned.findings, *chain(*learned.handshake)] if one.sure)
    names.pop(".protocol", None)
    tables = [[name for name in names if name.startswith(f"{table}.")] for table in TABLE_ORDER]
    every_way = chain([()], combinations(names, 1), combinations(names, 2), tables, [names])
    for few in every_way:  # pragma: no branch - the last way leaves nothing that could prevent it
        rest = _without(learned, few)
        written = text(rest, header)
        with contextlib.suppress(loader.BadDialect):
            loader.read(written, PROPOSED_NAME, PROPOSED_NAME)
            break
    learned.findings, learned.handshake = rest.findings, rest.handshake
    return written


def _without(learned: LearnedDialect, names: Collection[str]) -> LearnedDialect:
    """Return the findings with these keys as comments."""
    rest = replace(learned)
    rest.doubt(lambda one: one.name in names)
    return rest


def _unfit(learned: LearnedDialect, header: list[str], dialect: Dialect, misfit: Mismatch) -> Proposal:
    """Return a proposal that does not fit: the keys that may be wrong are comments."""
    keys = _at_fault(misfit)
    why = [f"Look at {one.name}: {one.why}." for one in learned.doubtful if one.name in keys]
    learned.doubt(lambda one: one.name in keys)
    evidence = [*misfit.lines(), *(why or [f"Look at these comments in the proposal: {', '.join(keys)}."])]
    head = [*header, f"THIS DOES NOT FIT YET. In a conversation in it: {misfit.why}."]
    trouble = f"a conversation in the dialect that was learned does not fit {dialect.about}: {misfit.why}"
    return Proposal(_readable(learned, head), trouble, evidence, [str(one) for one in learned.suspicions])


def _at_fault(misfit: Mismatch) -> tuple[str, ...]:
    """Return the keys of which one is likely to be wrong."""
    violation = misfit.violation
    if violation is None:
        return ("delivery.template",)
    match violation.clause_id.partition("-")[0], violation.shape:
        case "ECHO", _:
            return ("echo.transform", "echo.requests")
        case "UDP", _:
            return ("echo.transform", "echo.reply")
        case _, "extra":
            return ("delivery.notices", "delivery.prompts")
        case _, "quit delivered" | "no end":
            return ("quit.word",)
        case _, "missing":
            return ("delivery.to_sender", "framing.in")
        case _:
            return ("delivery.template", "framing.out")
