"""The order of the checks: of a server for which the time does not suffice, the clauses that it must keep are known."""

from itertools import groupby

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.runner.direct import checks


def test_two_hundred_members_come_after_all_that_a_chat_must_do() -> None:
    *_, (last, _) = groupby(clause for clause, _ in checks(ChatConformance))
    assert (last, CLAUSES[last].level) == ("CHAT-17", "SHOULD")
