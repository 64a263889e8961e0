"""Clients come and leave in all ways that the dialect has."""

from dataclasses import replace

import pytest

from socketserver_reference.conformance.checks.visits import chat_visits, echo_visits
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.oracles.measured.growth import Visits

QUITTING = read(
    'protocol = "echo"\n[framing]\nin = "line"\n[quit]\nword = "bye"\n[echo]\nrequests = "many"', "quitting", ""
)
ASKING = read('protocol = "chat"\n[framing]\nin = "line"\n[[handshake]]\nsend = "{name}\\n"', "asking", "")


def ways(visits: Visits) -> set[str]:
    """Return how clients leave, from their names."""
    return {who.rstrip("0") for step in visits.ways(0) for who in step.clients}


@pytest.mark.parametrize(("dialect", "quits"), [(NOTE, False), (QUITTING, True)])
def test_a_client_of_an_echo_quits_where_there_is_a_word_for_it(dialect: Dialect, quits: bool) -> None:
    assert ("quits" in ways(echo_visits(dialect))) == quits


@pytest.mark.parametrize(
    ("dialect", "some"),
    [
        (NOTE, {"quits", "looksin", "looksround"}),
        (replace(NOTE, quit=b""), {"looksin", "looksround"}),
        (ASKING, {"quits", "turnsback", "turnsround"}),
    ],
)
def test_a_client_of_a_chat_turns_back_in_the_handshake_or_only_looks_in(dialect: Dialect, some: set[str]) -> None:
    assert ways(chat_visits(dialect)) == {"closes", "halfcloses", "resets", *some}


def test_each_visit_is_of_another_client() -> None:
    visits = chat_visits(NOTE)
    names = [who for step in visits.steps(3) if step.comes for who in step.clients]
    assert len({*names}) == len(names) == 3 * len(ways(visits)) + len([step for step in visits.staying if step.comes])
