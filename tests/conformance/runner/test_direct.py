"""Running the checks without pytest: each tells what came of it, and nothing broken is waited for twice as long."""

from dataclasses import dataclass
from typing import Any

import pytest

from socketserver_faults.catalogue.index import find
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.hosts import ServerSpec
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.runner.collected_family import Maker
from socketserver_reference.conformance.runner.direct import checks, outcomes_of_server, violation_of
from socketserver_reference.conformance.scenario.violation import VIOLATIONS

TIMEOUT = 5.0


def test_every_check_of_the_servers_clauses_runs_and_holds_for_the_reference() -> None:
    served = ServerSpec("the reference", "tcp", "threading", Maker("chat", "tcp", "threading"), chat=True)
    outcomes = list(outcomes_of_server(served, TIMEOUT))
    assert [(clause, name) for clause, name, _ in outcomes] == list(checks(ServerConformance))
    assert not any(violation_of(outcome) for outcome in outcomes)


@dataclass(frozen=True)
class Faulty:
    """Makes servers of a fault."""

    name: str

    def __call__(self, handler: type[Any] | None = None) -> Any:
        return find(self.name).make(handler=handler)


@pytest.mark.parametrize("broken", [False, True])
def test_what_is_broken_is_found_whether_or_not_something_else_was_before(
    broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "KNOWN_BROKEN_HANDLER_TIMEOUT", 1.0)
    served = ServerSpec("faulty", "tcp", "threading", Faulty("forgets-the-port"))
    found = {
        violation.clause_id
        for one in outcomes_of_server(served, TIMEOUT, "SRV-1", broken=broken)
        if (violation := violation_of(one))
    }
    assert found == {"SRV-1"}


def test_what_a_check_saw_of_another_clause_counts_as_seen() -> None:
    violation = VIOLATIONS["CHAT-2"]("something", "nothing", [])
    assert violation_of(("CHAT-3", "test_it", NotChecked("not now", violation))) is violation
    assert violation_of(("CHAT-3", "test_it", NotChecked("not now"))) is None
    assert violation_of(("CHAT-2", "test_it", violation)) is violation
