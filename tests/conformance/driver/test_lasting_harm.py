"""Servers that go on being broken once clients have left: fresh ones, and less waiting for those that never rest."""

from contextlib import closing

import pytest

from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.planted import Bug

TIMEOUT = 10.0


@pytest.mark.parametrize(
    ("absent", "known", "noted"),
    [(False, False, 1), (True, False, 0), (True, True, 1)],
    ids=["sent", "absent", "known"],
)
def test_a_server_is_said_to_flood_if_it_sends_too_much_or_fails_as_it_is_known_to(
    absent: bool, known: bool, noted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    floods: list[None] = []
    violation = VIOLATIONS["CHAT-10"]("this", "that", ())
    violation.absent = absent
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        monkeypatch.setattr(session.site, "note_flood", lambda: floods.append(None))
        session.masking.known.update(["CHAT-10"] if known else [])
        session.note_violation(violation)
    assert len(floods) == noted


@pytest.mark.parametrize(("known", "same"), [("CHAT-7", True), ("CHAT-12", False)])
def test_a_server_that_clients_harm_by_leaving_is_replaced_before_every_scenario(known: str, same: bool) -> None:
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.play(*join("ann"), about="CHAT-2")
        session.masking.known.add(known)
        before = session.address
        session.play(*join("ann"), about="CHAT-2")
        assert (session.address == before) == same
