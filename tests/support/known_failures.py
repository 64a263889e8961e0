"""What the tests of known failures share: a list of them, what `check` says of it, and clauses known to be broken."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from socketserver_faults.catalogue.index import find
from socketserver_reference.address import server_address
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver.masking import Masking
from socketserver_reference.conformance.driver.rewritings import Rewriting
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Did, Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from tests.support.checking import Outcome
from tests.support.serving import TIMEOUT, running


@contextmanager
def serving_fault(name: str) -> Iterator[str]:
    """Serve a fault in a thread for the length of the block; yield its address."""
    with running(find(name).make()) as server:
        yield str(server_address(server))


def entry(clause: str, reason: str = "on purpose", **more: object) -> str:
    return "\n[[known]]\n" + "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in {"clause": clause, "reason": reason, **more}.items()
    )


def last_lines(outcome: Outcome, count: int = 1) -> list[str]:
    return outcome.out.splitlines()[-count:]


CLAUSES_OF_CHATS = sum(clause.group == "CHAT" for clause in CLAUSES.values())

CONFORMS_BUT = f"conforms in 2 of {CLAUSES_OF_CHATS} clauses but for known failures: CHAT-8"
"""What is said of a chat that breaks CHAT-8 alone, as is known, if it is asked for that and another."""

QUICK = ("--timeout", TIMEOUT, "--only", "CHAT-8", "--only", "CHAT-2", "--examples", 0)


def seen(clause: str, *candidates: str, after: Sequence[Step] = ()) -> Violation:
    """Return a violation that fits these clauses, seen after these steps."""
    violation = VIOLATIONS[clause]("this", "that", [])
    violation.candidates = (clause, *candidates)
    violation.transcript = Transcript([Did(step) for step in after])
    return violation


def knowing(
    *clauses: str, dialect: Dialect = NOTE, fails: Callable[[Sequence[Step]], bool] = lambda _: True
) -> Masking:
    masking = Masking(dialect)
    masking.shows = fails
    masking.known = set(clauses)
    return masking


def playing(
    *outcomes: Violation | NotChecked | None,
) -> tuple[Callable[[Sequence[Rewriting]], Transcript], list[list[Rewriting]]]:
    """Return a player that ends like this, one after the other, and what it is asked to play."""
    asked: list[list[Rewriting]] = []
    ends = iter(outcomes)

    def play(rewritings: Sequence[Rewriting]) -> Transcript:
        asked.append(list(rewritings))
        end = next(ends)
        if end is not None:
            raise end
        return Transcript()

    return play, asked
