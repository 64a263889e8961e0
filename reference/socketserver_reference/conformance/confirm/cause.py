"""Asks what a violation depends on, by playing its exchange without one of its circumstances.

Harm that a client does by leaving may show much later, when a client says something unusual, say; and an echo may wait
for a silent client whatever another asks. What the oracle sees then fits many clauses. So an exchange in which a
client leaves or is silent, and in which something is missing later, is played without what triggers its clause, and
without the leaving or the silence: it counts against the clause without which it does not show. Where clients come
while others speak, what is put down to clients that go, or do not read, may be the work of the coming: it is if it
shows without those. A room that refuses a client has no seat left for it, if it does so when all only come, as members.
A server that ends when as many come and say a word each, and not when a few do, ends of their number.
"""

from collections.abc import Callable, Container, Iterator, Sequence

from socketserver_reference.conformance.confirm.cut import is_legal
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.conditions import present
from socketserver_reference.conformance.driver.masking import LASTING
from socketserver_reference.conformance.driver.triggers import TRIGGERS
from socketserver_reference.conformance.scenario.steps import Step, join
from socketserver_reference.conformance.scenario.violation import Shape, Violation

MIN_SEATS = 3
"""Seats that every room has: a server that refuses one of so few members does so for another reason."""

LATER_HARM: Sequence[Shape] = ("missing", "cut", "early end", "no end", "refused", "died")
"""What happens to a room, or to a client in it, when the harm was done before."""

LEAVING_CLAUSES = ("CHAT-7", "CHAT-10", "CHAT-11", "CHAT-12", "ECHO-6", "ECHO-7", "UDP-5")
"""The clauses about clients that leave: what is put down to one of them stays there, but for those that follow."""

DISTURBED_BY_COMING = ("CHAT-11", "CHAT-12", "CHAT-15")
"""The clauses that promise that who leaves, or does not read, disturbs no other: who comes meanwhile may do so, too
(CHAT-13).
"""

SUSPECT_CLAUSES = ("CHAT-12", "CHAT-11", "ECHO-8", "ECHO-6", "ECHO-7", "UDP-5")
"""The clauses that promise that a client that leaves loses nothing and harms no other, and that one that is silent
delays none; the narrowest first."""

FATAL_REQUEST_CLAUSES = ("UDP-3", "UDP-4")
"""The clauses about datagrams of which a server may die, even if it has answered them."""


def is_doubtful(violation: Violation) -> bool:
    """Whether something is missing in an exchange, or the server has ended, and a client that left before, or the
    number of clients, may be why.
    """
    of_leaving = violation.clause_id in LEAVING_CLAUSES and violation.clause_id not in DISTURBED_BY_COMING
    return (violation.shape in LATER_HARM or violation.server_ended) and not of_leaving


def cause_of(
    violation: Violation,
    steps: Sequence[Step],
    dialect: Dialect,
    shows: Callable[[list[Step]], bool],
    *,
    always: bool = True,
) -> str:
    """Return the clause that a violation of these steps counts against: its own, unless it shows without what triggers
    that, and not without a departure or a silent client.

    `shows` plays other steps, and says whether the same happens. A violation that does not `always` show may not show
    without one of its circumstances by chance: only what does show then tells of it.
    """
    own = violation.clause_id
    if own.startswith("CHAT") and own != "CHAT-17" and _is_of_number(violation, steps, shows):
        return "CHAT-17"
    if own in DISTURBED_BY_COMING:
        others = _only_coming(violation, steps)
        asked = others != list(steps) and is_legal(others) and _holds("CHAT-13", others, dialect)
        if asked and shows(others):
            return "CHAT-13"
    if own in LEAVING_CLAUSES or not always:
        return own
    fatal: Sequence[str] = FATAL_REQUEST_CLAUSES if violation.server_ended else ()
    suspects = [clause for clause in (*SUSPECT_CLAUSES, *fatal) if clause.split("-")[0] == own.split("-")[0]]
    innocent = {clause: list(_without(clause, steps, dialect)) for clause in suspects}
    if not any(innocent.values()):
        return own
    special = all(trigger.without for trigger in TRIGGERS[own])  # what anything triggers cannot be taken out
    if special and any(not shows(others) for others in _without(own, steps, dialect)):
        return own
    for clause, ways in innocent.items():
        if ways and not any(shows(others) for others in ways):
            return clause
    return own


def _is_of_number(violation: Violation, steps: Sequence[Step], shows: Callable[[list[Step]], bool]) -> bool:
    """Whether the server refuses one of as many clients that only come, or ends when as many as were there at one time
    come and say a word, and not when a few do.
    """
    if violation.server_ended:
        most = max(present(steps), key=len, default=set())
        everyone = [who for step in steps if step.comes for who in step.clients if who in most]
        joining, few = join(*dict.fromkeys(everyone)), join(*everyone[:MIN_SEATS])
        return joining != list(steps) and len(joining) > len(few) and shows(joining) and not shows(few)
    everyone = [who for step in steps if step.comes for who in step.clients]
    coming = [step for step in join(*everyone) if step.comes]
    return violation.shape == "refused" and coming != list(steps) and len(coming) > MIN_SEATS and shows(coming)


def _only_coming(violation: Violation, steps: Sequence[Step]) -> list[Step]:
    """Return the steps of an exchange without those by which clients leave, or, where that is what the violation is put
    down to, do not read.
    """
    staying = [step for step in steps if not step.leaves]
    if violation.clause_id in LEAVING_CLAUSES:
        return staying
    return [step for step in staying if step.effect not in ("stops reading", "reads again")]


def cause_before(violation: Violation, known: Container[str] = ()) -> str:
    """Return the clause that a violation counts against that shows only after other scenarios on the same server.

    All clients of those have left. So it is that of leaving: in an echo; in a chat if a clause about that is known to
    be broken, if it was put down to a client that is silent in this scenario, or if the server hangs up on a client for
    no reason in it.
    """
    own, hangs_up = violation.clause_id, violation.shape == "early end"
    if own.startswith("ECHO"):
        return "ECHO-7"
    if own not in LEAVING_CLAUSES and (lasting := [clause for clause in LASTING if clause in known]):
        return lasting[0]
    return "CHAT-11" if own == "CHAT-9" or (own == "CHAT-2" and hangs_up) else own


def _holds(clause: str, steps: Sequence[Step], dialect: Dialect) -> bool:
    """Whether the steps hold a trigger of a clause."""
    return any(trigger.present(steps, dialect) for trigger in TRIGGERS[clause])


def _without(clause: str, steps: Sequence[Step], dialect: Dialect) -> Iterator[list[Step]]:
    """Yield the steps without each trigger of a clause that they hold, as far as it can be taken out."""
    for trigger in TRIGGERS[clause]:
        if trigger.present(steps, dialect):
            ways = (rewriting(steps, dialect) for rewriting in trigger.without)
            legal = [others for others in ways if others != list(steps) and is_legal(others)]
            yield from legal[:1]
