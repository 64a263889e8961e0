"""A violation is told by an exchange that showed it on fresh servers, and with how often it did."""

import itertools
import socket
from contextlib import closing

import pytest

from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.confirm import confirmer, crowded
from socketserver_reference.conformance.confirm.confirmer import QUICK, Confirmer, Effort
from socketserver_reference.conformance.confirm.replay import Exchange
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Close, Connect, Quit, Say, Send, Settle, Step, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets.external import Running
from tests.support.confirming import TIMEOUT, checked, violation
from tests.support.planted import Bug, Planted
from tests.support.troubled_targets import Meddling, fragile


def told(violation: Violation) -> list[str]:
    return [line.strip() for line in violation.exchange]


def test_the_exchange_is_cut_and_the_one_that_is_told_showed_each_time() -> None:
    with checked(Planted("delivers-quit")) as session:
        found = violation(session, "CHAT-7", *join("ann", "ben", "cal"), Quit("ann"), Say("ben", b"gone"))
    assert found.confirmation == "shown 3 of 3 times on fresh servers"
    assert told(found)[:3] == ["1  ann connects", "2  ann quits with b'quit\\n'", "ann reads b'ackquit\\n'"]
    assert "replayed: shown 3 of 3 times on fresh servers" in found.lines()


class Ghosts(ChatHandler):
    """Ends the connection of a client that says hello, once a certain word was said."""

    def deliver(self, chunk: bytes) -> None:
        memory = self.server.__dict__
        memory["haunted"] = chunk == b"boo" or memory.get("haunted", False)
        super().deliver(chunk)
        if memory["haunted"] and chunk == b"hello":
            self.request.shutdown(socket.SHUT_RDWR)


def test_what_the_server_saw_before_is_told_if_the_violation_depends_on_it() -> None:
    with checked(Bug("chat", Ghosts)) as session:
        play = ScenarioRunner(session, "CHAT-2")
        play(*join("ann", "ben"), Say("ann", b"hello"), Say("ben", b"x"))
        session.play(*join("cal"), Say("cal", b"boo"), about="CHAT-2")
        found = violation(session, "CHAT-2", *join("dan", "eve"), Say("dan", b"hello"), Say("eve", b"x"))
    assert found.confirmation == "shown 3 of 3 times on fresh servers"
    assert told(found)[:3] == ["before this, on the same server:", "1  cal connects", "2  cal says b'boo'"]
    assert "then:" in told(found)
    assert found.transcript is not None
    assert len(found.transcript.before) == 1


class QuitsOnce(ChatHandler):
    """Takes another word for quit, once."""

    mistakes = itertools.count()

    def leaves(self, chunk: bytes) -> bool:
        return super().leaves(chunk) or (chunk == b"QUIT" and not next(self.mistakes))


def test_what_no_replay_shows_is_unconfirmed_and_its_scenario_is_played_once_more() -> None:
    class Once(QuitsOnce):
        mistakes = itertools.count()

    with checked(Bug("chat", Once)) as session:
        found = violation(session, "CHAT-8", *join("ann"), Say("ann", b"QUIT"), Say("ann", b"x"))
        assert "CHAT-8" not in session.masking.known
    assert found.unconfirmed
    assert found.confirmation == (
        "not shown again in 29 replays on fresh servers: it may depend on the time or on chance"
    )
    assert next(Once.mistakes) > 6, "the scenario was not played once more"


def test_what_shows_something_else_each_time_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Always(ChatHandler):
        def leaves(self, chunk: bytes) -> bool:
            return super().leaves(chunk) or chunk == b"QUIT"

    with checked(Bug("chat", Always)) as session:
        monkeypatch.setattr(session, "confirm", lambda _: None)
        with pytest.raises(NotChecked, match="something else each time"):
            ScenarioRunner(session, "CHAT-8")(*join("ann"), Say("ann", b"QUIT"))


class EveryFifth(ChatHandler):
    """Delivers a burst twice, on every fifth server."""

    bursts = itertools.count()

    def deliver(self, chunk: bytes) -> None:
        super().deliver(chunk)
        if chunk == b"burst" and next(self.bursts) % 5 == 0:
            super().deliver(chunk)


BURST: list[Step] = [*join("ann", "ben", "cal", "dan"), Send("ann", b"burst"), Settle(), Say("ben", b"x")]


def test_a_race_is_played_until_it_shows() -> None:
    class Racy(EveryFifth):
        bursts = itertools.count()

    with checked(Bug("chat", Racy), Effort(cutting=0.0)) as session:
        found = violation(session, "CHAT-4", *BURST)
    assert found.replays is not None
    assert (found.replays.shown, found.replays.of) == (1, 5)


def test_a_race_that_shows_no_more_is_unconfirmed() -> None:
    class Racy(EveryFifth):
        bursts = iter([0, *range(1, 1000, 5)])  # type: ignore[assignment]  # the first alone

    with checked(Bug("chat", Racy), Effort(replays=2, race_replays=3)) as session:
        found = violation(session, "CHAT-4", *BURST)
    assert found.replays is not None
    assert (found.replays.shown, found.replays.cause) == (0, "it may be a race that is rarer than that")
    assert found.replays.of == 3 + 3 + 2 * 3 + 3


@pytest.mark.slow
def test_missing_data_that_comes_in_replays_was_late() -> None:
    class Late(EveryFifth):
        bursts = iter([0, *range(1, 1000)])  # type: ignore[assignment]  # the first alone

        def deliver(self, chunk: bytes) -> None:
            if chunk != b"once" or next(self.bursts):
                ChatHandler.deliver(self, chunk)

    with closing(open_session("chat", Bug("chat", Late).target(), 0.2)) as session:
        found = violation(session, "CHAT-2", *join("ann"), Say("ann", b"once"))
    assert "slow for more than 0.2 s; a longer --timeout tells" in found.confirmation


def test_a_server_that_cannot_be_restarted_is_no_reason_to_doubt_a_violation() -> None:
    crime = [*join("ann"), Quit("ann")]
    target = Planted("delivers-quit").target()
    with closing(target.start(TIMEOUT)) as site, checked(Running(site.address)) as session:
        found = violation(session, "CHAT-7", *crime)
    assert (found.unconfirmed, found.confirmation) == (False, "not confirmed: the server cannot be restarted")
    with checked(fragile(Planted("delivers-quit"))) as session:
        found = violation(session, "CHAT-7", *crime)
    assert found.confirmation.startswith("not confirmed: the server could not be restarted after the violation")


@pytest.mark.slow
def test_a_replay_in_which_the_network_may_be_to_blame_does_not_count() -> None:
    with checked(Planted("delivers-quit")) as session:
        session.prepare()
        with pytest.raises(Violation) as caught:
            session.play(*join("ann"), Quit("ann"), about="CHAT-7")
    meddling = Meddling(Planted("delivers-quit").target().make)
    with closing(open_session("chat", meddling, TIMEOUT)) as session:
        told = Confirmer(session, QUICK)(caught.value)
    assert told is caught.value
    assert told.unconfirmed


# Limits


class ServesTwenty(ChatHandler):
    """Hangs up on all clients but the first twenty."""

    def handle(self) -> None:
        visits = self.server.__dict__.setdefault("visits", itertools.count(1))
        if next(visits) <= 20:
            super().handle()


def visits(count: int) -> list[Step]:
    return [step for at in range(count) for step in (Connect(f"x{at}"), Close(f"x{at}"))]


def test_a_server_that_refuses_clients_by_their_number_breaks_nothing() -> None:
    with checked(Bug("chat", ServesTwenty)) as session:
        play = ScenarioRunner(session, "CHAT-11")
        play(*visits(15), *join("ann"))
        play(*visits(15), *join("ben"))
        (remark,) = session.remarks
        assert remark.startswith("the server serves 20 clients within ")
        assert "limits.join_gap" in remark
        play(*visits(15), *join("cal"))
        assert len(session.seen) == 1, "the scenario did not get a fresh server"


class ServesTwo(ServesTwenty):
    """Hangs up on all clients but the first two."""

    def handle(self) -> None:
        self.server.__dict__.setdefault("visits", itertools.count(19))
        super().handle()


def test_a_server_that_refuses_clients_after_a_few_is_broken() -> None:
    with checked(Bug("chat", ServesTwo)) as session:
        assert crowded.limit_of(session, 20, TIMEOUT) == ""


class Greets(ChatHandler):
    """Greets each client."""

    def setup(self) -> None:
        self.request.sendall(b"welcome")
        super().setup()


def test_a_server_that_greets_its_clients_does_not_refuse_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowded, "MIN_LIMIT_CLIENTS", 0)
    with checked(Bug("chat", Greets)) as session:
        monkeypatch.setattr(session, "renew", lambda _: None)  # the dialect has no greeting
        assert crowded.limit_of(session, 2, TIMEOUT) == ""


def test_a_server_that_stops_listening_is_seen_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowded, "MIN_LIMIT_CLIENTS", 0)
    with checked(Bug("chat")) as session:
        assert crowded.limit_of(session, 3, TIMEOUT) == ""
        monkeypatch.setattr(session, "prepare", session.site.close)
        monkeypatch.setattr(session.site, "exit_report", lambda: "")
        assert crowded.limit_of(session, 3, TIMEOUT).startswith("0 clients within ")


def test_a_server_that_is_about_to_end_does_not_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowded, "MIN_LIMIT_CLIENTS", 0)
    with checked(Bug("chat")) as session:
        report: list[str] = []
        monkeypatch.setattr(session, "prepare", session.site.close)
        monkeypatch.setattr(session.site, "wait_idle", lambda: report.append("it ended"))
        monkeypatch.setattr(session.site, "exit_report", lambda: "".join(report))
        assert crowded.limit_of(session, 3, TIMEOUT) == ""


# Limits of the effort


def test_a_violation_without_an_exchange_is_told_as_it_is() -> None:
    with checked(Bug("chat")) as session:
        found = VIOLATIONS["CHAT-2"]("this", "that", [])
        assert Confirmer(session, QUICK)(found) is found
    assert found.confirmation == ""


def test_when_the_time_is_up_each_exchange_is_played_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Racy(EveryFifth):
        bursts = iter([0, *range(1, 1000, 5)])  # type: ignore[assignment]  # the first alone

    monkeypatch.setattr(confirmer, "MIN_VIOLATION_SECONDS", -1.0)
    with checked(Bug("chat", Racy), Effort(seconds=-1.0)) as session:
        found = violation(session, "CHAT-4", *BURST)
    assert found.replays is not None
    assert (found.replays.shown, found.replays.of) == (0, 5)


class OftenAlone(ChatHandler):
    """Delivers two utterances twice: always if another member is there, otherwise on every second server."""

    alone = itertools.count()

    def deliver(self, chunk: bytes) -> None:
        again = chunk == b"twice" and (len(self.server.members) > 1 or next(self.alone) % 2 == 0)
        super().deliver(chunk + b"acktwice" if again else chunk)  # in one piece: a replay may end after the first


def test_a_shorter_exchange_that_shows_it_less_often_is_not_told() -> None:
    class Twice(OftenAlone):
        alone = itertools.count()

    with checked(Bug("chat", Twice)) as session:
        found = violation(session, "CHAT-4", *join("ann", "ben"), Say("ann", b"twice"), Say("ben", b"x"))
    assert found.confirmation == "shown 3 of 3 times on fresh servers"
    assert sum(line.endswith(" connects") for line in found.exchange) == 2
    assert found.uncut is None


def test_where_every_exchange_shows_it_at_times_the_most_frequent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Twice(OftenAlone):
        alone = itertools.count()

    monkeypatch.setattr(confirmer, "FALLBACKS", 1)
    with checked(Bug("chat", Twice)) as session:
        found = violation(session, "CHAT-4", *join("ann", "ben"), Say("ann", b"twice"), Say("ben", b"x"))
    assert found.replays is not None
    assert 0 < found.replays.shown < found.replays.of
    assert found.uncut is not None
    assert sum(line.endswith(" connects") for line in found.uncut.exchange) == 2


def test_a_replay_that_cannot_be_judged_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def ambiguous(*_: object) -> None:
        raise Ambiguous

    with checked(Planted("delivers-quit")) as session:
        monkeypatch.setattr(session, "stage_of", ambiguous)
        session.prepare()
        with pytest.raises(Violation) as caught:
            session.play(*join("ann"), Quit("ann"), about="CHAT-7")
        assert Exchange([*caught.value.scenes], caught.value).replay(session, TIMEOUT) is False
