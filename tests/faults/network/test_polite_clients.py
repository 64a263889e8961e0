"""In the basic profile no client resets a connection, nor does one of `learn`: counted in the proxy."""

from contextlib import closing, suppress
from dataclasses import replace
from functools import partial

import pytest

from socketserver_faults.network import Through
from socketserver_faults.network.connection import Side
from socketserver_faults.network.stream_relay import StreamRelay
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import bundled, read
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.learn.chat import QUESTIONS, ask_resetting
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner.direct import open_session, play_all
from socketserver_reference.conformance.scenario.steps import Abandon, Close, Connect, Reset, Say, Stall, Step, join
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import make_server
from tests.servers import dialect_echoes
from tests.servers.dialects_served import DIALECTS, served
from tests.support.learning import proposed
from tests.support.serving import LOOPBACK, TIMEOUT

CHATS = {
    **{name: dialect for name, dialect in bundled().items() if "chat" in dialect.protocols},
    **{name: dialect for name, dialect in DIALECTS.items() if dialect.notices or dialect.prompts},
}
ECHOES = {name: dialect for name, dialect in bundled().items() if "echo" in dialect.protocols}

RESETS = ("CHAT-12", "ECHO-7")


@pytest.fixture
def resets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the connections that clients have reset so far."""
    found: list[str] = []
    reset = StreamRelay._reset

    def noted(relay: StreamRelay, side: Side, now: float) -> None:
        if side is side.connection.client:
            found.append(str(side.connection))
        reset(relay, side, now)

    monkeypatch.setattr(StreamRelay, "_reset", noted)
    return found


def of(protocol: str, dialect: Dialect) -> Session:
    if dialect is NOTE:
        server = InProcess(partial(make_server, protocol, LOOPBACK))
    elif protocol == "chat":
        server = served(dialect)
    else:
        server = dialect_echoes.served(replace(dialect, protocols=("echo",)), dialect_echoes.Echo)
    return open_session(protocol, Through(server), TIMEOUT, dialect)


def basic_checks(session: Session, protocol: str) -> None:
    """Play the checks of the basic clauses, and a short exploration."""
    for clause in (id for id, clause in CLAUSES.items() if clause.profile == "basic"):
        for _, name, raised in play_all(session, protocol, clause):
            assert raised is None or isinstance(raised, NotApplicable), (name, str(raised))
    with suppress(NotApplicable):
        explore(session, Record(()), protocol, "basic", examples=2, with_seed=3)


@pytest.mark.sweep
@pytest.mark.parametrize("name", CHATS)
def test_no_client_of_a_chat_resets_its_connection_in_the_basic_profile(name: str, resets: list[str]) -> None:
    with closing(of("chat", CHATS[name])) as session:
        basic_checks(session, "chat")
        session.site.drain()
    assert resets == []


@pytest.mark.sweep
@pytest.mark.parametrize("name", ECHOES)
def test_no_client_of_an_echo_resets_its_connection_in_the_basic_profile(name: str, resets: list[str]) -> None:
    with closing(of("echo", ECHOES[name])) as session:
        basic_checks(session, "echo")
        session.site.drain()
    assert resets == []


@pytest.mark.parametrize("way", [Abandon, Reset])
def test_a_reset_and_a_close_with_unread_input_are_resets(way: type[Abandon] | type[Reset], resets: list[str]) -> None:
    steps: list[Step] = [*join("ann", "ben"), Stall("ben"), Say("ann", b"unread"), way("ben")]
    with closing(of("chat", NOTE)) as session, session.stage(about="CHAT-12", abrupt=True) as stage:
        stage.play(steps)
        while not resets:
            stage.play([Say("ann", b"and on")])
    assert len(resets) == 1


@pytest.mark.parametrize("name", [name for name in CHATS if CHATS[name].notices])
def test_a_client_reads_a_notice_before_it_closes(name: str, resets: list[str]) -> None:
    steps: list[Step] = [*join("ann", "ben"), Connect("cal"), Close("ann"), Say("ben", b"gone?")]
    with closing(of("chat", CHATS[name])) as session:
        session.play(*steps, about="CHAT-11")
        session.site.drain()
    assert resets == []


@pytest.mark.slow
@pytest.mark.usefixtures("quick_learning")
def test_no_client_of_learn_resets_its_connection_but_one_in_the_last_question(resets: list[str]) -> None:
    text = proposed(Through(served(DIALECTS["named"])))
    assert read(text, "learned", "learned").template == DIALECTS["named"].template
    assert len(resets) == 1
    assert QUESTIONS[-1].ask is ask_resetting
