"""The order of the checks: of a server for which the time does not suffice, the clauses that it must keep are known;
and of what clients do in one: what shows each time comes first.
"""

from dataclasses import replace
from itertools import groupby
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.checks.echo import EchoConformance
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.runner.direct import checks
from socketserver_reference.conformance.scenario.steps import Abandon, Reset, Step


def test_two_hundred_members_come_after_all_that_a_chat_must_do() -> None:
    *_, (last, _) = groupby(clause for clause, _ in checks(ChatConformance))
    assert (last, CLAUSES[last].level) == ("CHAT-20", "SHOULD")


def test_polite_runs_come_after_each_scenario_that_decides_a_basic_clause_and_before_any_abrupt_client() -> None:
    names = [name for base in reversed(ChatConformance.__mro__) for name in vars(base) if name.startswith("test_")]
    *clauses, last = (getattr(getattr(ChatConformance, name), "decides", "") for name in names)
    assert clauses.count(last) == 1  # an exploration each
    profiles = [CLAUSES[clause].profile if clause else "explored" for clause in clauses]
    at = profiles.index("explored")
    assert set(profiles[:at]) == {"basic"}
    assert set(profiles[at + 1 :]) == {"hardened"}


def test_clients_of_an_echo_that_reset_come_before_those_whose_leaving_it_may_not_notice() -> None:
    played: list[Step] = []

    def play(*steps: Step) -> None:
        played.extend(steps)

    asked: Any = play  # the check plays steps, and asks for nothing else but the dialect
    asked.dialect = replace(NOTE, persistent=True)
    EchoConformance().test_a_client_that_leaves_disturbs_no_other(asked)
    rude = [type(step) for step in played if isinstance(step, Reset | Abandon)]
    assert [one for one, _ in groupby(rude)] == [Reset, Abandon]
