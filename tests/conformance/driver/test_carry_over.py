"""Servers that keep something of an earlier scenario: nothing of it is held against them in a later one."""

import itertools
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from socketserver_reference.chat import ChatHandler
from socketserver_reference.clauses import PROFILES
from socketserver_reference.conformance.checks.chat import oracle_for
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.driver import carry_over
from socketserver_reference.conformance.driver.carry_over import CarryOver
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.oracles.chat_room import ChatOracle
from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner.direct import open_session, play_all
from socketserver_reference.conformance.scenario.steps import Connect, Quit, Reset, Say, Send, Step, join
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.echo import DISCONNECT_ERRORS
from tests.support.checking import BARE_PYTHON, Checker
from tests.support.planted import Bug

TIMEOUT = 60.0
"""So long may late words take; on a busy machine a scenario takes more than five."""

IN_FRAMES = replace(NOTE, name="framed", notices=(Template("* {any}"),))
BOTH = pytest.mark.parametrize("dialect", [NOTE, IN_FRAMES], ids=["stream", "frames"])


# Late words


class Slow(ChatHandler):
    """Delivers what a client said that has reset when somebody else has come and spoken."""

    def handle(self) -> None:
        self.server.__dict__.setdefault("held", [])
        super().handle()

    def receive(self) -> bytes:
        """Return what the client said, even if the room has found out that it is gone."""
        try:
            return bytes(self.request.recv(self.chunk_size))
        except DISCONNECT_ERRORS:
            return b""

    def deliver(self, chunk: bytes) -> None:
        held: list[bytes] = vars(self.server)["held"]
        if chunk.startswith(b"late words"):
            held.append(chunk)
            return
        super().deliver(chunk)
        while held and chunk.startswith(b"eve is here"):
            super().deliver(held.pop())


@contextmanager
def running(handler: type[ChatHandler], dialect: Dialect, timeout: float = TIMEOUT) -> Iterator[Session]:
    """A session with a server of which nothing but the address is known."""
    site = Bug("chat", handler).target().start(timeout)
    with closing(site), closing(open_session("chat", Running(site.address), timeout, dialect)) as session:
        yield session


LEAVING: list[Step] = [*join("ann", "ben", "cal"), Send("cal", b"late words"), Reset("cal"), Say("ann", b"hm")]
COMING: list[Step] = [*join("dan", "eve"), Say("dan", b"hello"), Say("eve", b"hi"), *join("fay"), Say("fay", b"so?")]


@BOTH
def test_late_words_of_an_earlier_scenario_are_nobodys_fault(dialect: Dialect) -> None:
    with running(Slow, dialect) as session:
        for _ in range(3):
            session.play(*LEAVING, about="CHAT-12")
            session.play(*COMING, about="CHAT-2")


@BOTH
def test_late_words_that_nobody_remembers_would_be_a_false_alarm(
    dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChatOracle, "expect_late", lambda *_: None)
    with running(Slow, dialect) as session:
        session.play(*LEAVING, about="CHAT-12")
        with pytest.raises(Violation, match="late words"):
            session.play(*COMING, about="CHAT-2")


@BOTH
def test_what_nobody_has_ever_said_is_no_late_word(dialect: Dialect) -> None:
    class Liar(Slow):
        def deliver(self, chunk: bytes) -> None:
            super().deliver(chunk.replace(b"so?", b"words of nobody"))

    with running(Liar, dialect) as session:
        session.play(*LEAVING, about="CHAT-12")
        with pytest.raises(Violation, match="words of nobody"):
            session.play(*COMING, about="CHAT-2")


@BOTH
def test_words_come_late_for_as_long_as_anything_may_take(dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 4.9, 5.1])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    told: list[list[bytes]] = []
    monkeypatch.setattr(ChatOracle, "expect_late", lambda _self, words: told.append(words))
    leaving = oracle_for(dialect)
    for step in (Connect("ann"), Connect("ben"), Send("ben", b"late words"), Reset("ben")):
        leaving.begin(step, idle_before=False)
    played = CarryOver(within=5.0)
    played.begin(leaving)
    for _ in range(3):
        monkeypatch.setattr(ChatOracle, "unheard", lambda _: [b"late words"])
        played.begin(leaving)
    assert told == [[b"late words"], [b"late words"], []]
    played.forget()
    played.begin(leaving)
    played.begin(EchoOracle(NOTE))
    assert len(told) == 3


@BOTH
def test_what_an_oracle_calls_unheard_is_what_may_still_come(dialect: Dialect) -> None:
    oracle = oracle_for(dialect)
    for step in (Connect("ann"), Connect("ben"), Send("ben", b"one"), Send("ben", b"two"), Reset("ben")):
        oracle.begin(step, idle_before=False)
    assert b"".join(oracle.unheard()) == b"onetwo"
    later = oracle_for(dialect)
    later.expect_late(oracle.unheard())
    assert later.readers() == later.optional_readers() == []
    later.begin(Connect("dan"), idle_before=False)
    assert later.feed("dan", dialect.delivery(b"one"))
    assert not later.feed("dan", dialect.delivery(b"three"))


# Names


class Jealous(ChatHandler):
    """Asks for a name, and hangs up on who gives one that somebody has had."""

    had: set[bytes] = set()  # noqa: RUF012  # each test has a class of its own

    def setup(self) -> None:
        self.request.sendall(b"Name? ")
        name = b""
        while not name.endswith(b"\n") and (got := self.request.recv(1)):
            name += got
        self.welcome = name not in self.had
        self.had.add(name)
        if self.welcome:
            super().setup()

    def handle(self) -> None:
        if self.welcome:
            super().handle()


NAMING = replace(IN_FRAMES, handshake=(HandshakeTurn(Template("Name? "), Template("{name}\n")),))


def test_a_name_is_given_once_in_a_check() -> None:
    with running(type("Naming", (Jealous,), {"had": set()}), NAMING) as session:
        session.play(*join("ann", "ben"), about="CHAT-2")
        session.play(*join("ann", "ben"), Quit("ann"), about="CHAT-2")


def test_a_name_that_is_given_twice_would_be_a_false_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carry_over, "marks", lambda: itertools.repeat(""))
    with (
        running(type("Naming", (Jealous,), {"had": set()}), NAMING, 0.3) as session,
        pytest.raises(Violation, match="Name"),
    ):
        session.play(*join("ann", "ben"), about="CHAT-2")


def test_marks_are_letters_and_numbers_of_one_length_and_no_two_are_the_same() -> None:
    some = list(itertools.islice(carry_over.marks(), 2000))
    assert len(set(some)) == 2000
    assert all(len(mark) == carry_over.MARK_LENGTH and mark.isalnum() and mark == mark.lower() for mark in some)


# History


class Repeating(ChatHandler):
    """Tells whoever comes the last ten deliveries."""

    def setup(self) -> None:
        last: list[bytes] = vars(self.server).setdefault("last", [])
        with self.server.lock:
            with suppress(OSError):
                self.request.sendall(b"".join(last[-10:]))
            self.server.members.add(self.request)

    def deliver(self, chunk: bytes) -> None:
        with self.server.lock:
            vars(self.server)["last"].append(self.delivery(chunk))
            for member in list(self.server.members):  # a member that is cut off leaves the room
                if not self.server.offer(member, self.delivery(chunk)):
                    self.server.cut_off(member)


def history(handler: type[ChatHandler], told: int) -> list[object]:
    """Check such a server in a dialect with so much history; return what each check and exploration raised, or None."""
    with running(handler, replace(NOTE, name="history", history=told), 2.0) as session:
        raised: list[object] = [
            outcome[2]
            for clause in ("CHAT-1", "CHAT-2", "CHAT-4", "CHAT-7", "CHAT-8", "CHAT-9", "CHAT-10", "CHAT-11", "CHAT-12")
            for outcome in play_all(session, "chat", clause)
            if not re.match("the dialect has no (handshake|frames)", str(outcome[2]))
        ]
        try:
            for profile in PROFILES:
                explore(session, Record(["CHAT"]), "chat", profile, examples=4, with_seed=0)
        except (Violation, NotChecked) as error:
            raised.append(error)
    return raised


@pytest.mark.slow
def test_what_is_told_again_to_whoever_comes_is_no_fault_where_the_dialect_says_so() -> None:
    raised = history(Repeating, 10)
    assert len(raised) > 10
    assert all(one is None for one in raised), "\n".join(str(one) for one in raised if one is not None)


@pytest.mark.parametrize("told", [0, 3])
def test_more_of_it_than_the_dialect_says_is_a_fault(told: int) -> None:
    assert any(one is not None for one in history(Repeating, told))


@pytest.mark.sweep
def test_what_is_told_again_to_who_has_been_there_is_a_fault() -> None:
    class Forgetful(Repeating):
        def deliver(self, chunk: bytes) -> None:
            super().deliver(chunk)
            if b"twice" in chunk:
                super().deliver(chunk)

    assert any(isinstance(one, Violation) for one in history(Forgetful, 10))


# A fresh server for every scenario


FRESH = 'protocol = "chat"\n[limits]\nfresh = true\n'
KEEPS = f"{BARE_PYTHON} -m tests.servers.strict_servers keeps {{port}} 20"
SOME = (
    "--timeout",
    2,
    "--only",
    "CHAT-2",
    "--only",
    "CHAT-7",
    "--only",
    "CHAT-9",
    "--only",
    "CHAT-11",
    "--examples",
    0,
)


@pytest.mark.slow
def test_a_server_that_keeps_state_is_replaced_for_every_scenario(check: Checker, tmp_path: Path) -> None:
    outcome = check("chat", "--launch", KEEPS, *SOME)
    assert outcome.code == 0
    assert "it limits their number or their rate" in outcome.out
    dialect = tmp_path / "keeps.toml"
    dialect.write_text(FRESH)
    assert check("chat", "--launch", KEEPS, *SOME, "--dialect", dialect).code == 0


def test_a_fresh_server_can_be_had_of_a_command_alone(check: Checker, tmp_path: Path) -> None:
    dialect = tmp_path / "keeps.toml"
    dialect.write_text(FRESH)
    site = Bug("chat").target().start(TIMEOUT)
    with closing(site):
        line = check.refusal("chat", str(site.address), "--dialect", dialect)
    assert line.endswith("the dialect keeps needs a fresh server for every scenario: let the suite launch it")
    dialect.write_text(FRESH.replace("true", '"yes"'))
    assert 'limits.fresh = "yes": write true or false' in check.refusal("chat", "--dialect", dialect)
