"""What `learn` does when its time is over, or when the user ends it: what was found is kept, the rest is named."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.learn import chat as questions
from socketserver_reference.conformance.learn.chat import ChatQuestion
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.echo import stream as echoes
from socketserver_reference.conformance.learn.first_contact import Search
from socketserver_reference.conformance.learn.propose import Proposal, propose
from socketserver_reference.conformance.learn.room import RoomConversation
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.in_process import InProcess, InProcessSite
from tests.servers.dialect_servers import answering, chat, served

pytestmark = pytest.mark.usefixtures("quick_learning")

LABELLED = b"{number}: {body}\n"

SILENT = served(lambda client: [client.recv(1024) for _ in range(100)])
FORMLESS = chat(deliver=b"{body}\nnumber {count}", to_sender=None)

LATER = [
    "limits.members",
    "quit.word",
    "commands.prefixes",
    "bytes.carriage_return",
    "bytes.handling",
    "bytes.white_space",
]
LATER += ["limits.utterance"]
"""The keys whose questions come after that about the history."""


class Hourglass(Budget):
    """A budget that is spent when the test says so."""

    late = over = False

    @property
    def is_late(self) -> bool:
        return self.late or self.over

    @property
    def is_over(self) -> bool:
        return self.over


def after_the_history(happens: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen when the chat has been asked for its history."""

    def ask(room: RoomConversation, _: LearnedDialect) -> None:
        happens()
        room.conversation.hear()

    kept = questions.QUESTIONS
    at = [one.subject for one in kept].index("what newcomers hear") + 1
    monkeypatch.setattr(questions, "QUESTIONS", [*kept[:at], ChatQuestion("the sand", ask, ()), *kept[at:]])


def test_a_crowd_comes_early_unless_it_may_break_the_server_for_what_is_asked_later() -> None:
    early, late = (questions.keys(questions.in_order(fresh=fresh)) for fresh in (True, False))
    assert early.index("limits.members") < early.index("quit.word")
    assert late[-1] == "limits.members"
    assert sorted(early) == sorted(late)


def test_what_has_no_time_left_is_named_and_the_rest_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    hourglass = Hourglass()
    after_the_history(lambda: setattr(hourglass, "late", True), monkeypatch)
    proposal = propose("chat", chat(deliver=LABELLED, quit=b"quit"), 0.1, 10, budget=hourglass)
    assert not proposal.trouble
    assert proposal.left_out == {"no time was left": LATER}
    for name in LATER:
        assert re.search(rf"\n# not asked: no time was left\n(# )?{name.partition('.')[2]} = ", proposal.text)
    dialect = loader.read(proposal.text, "learned", "learned")
    assert dialect.quit == b""
    assert dialect.template.text == "{sender}: {body}"
    assert '\nword = ""' in proposal.text
    assert '\n# handling = "verbatim"' in proposal.text


def test_without_time_to_ask_how_utterances_end_nothing_is_called_right(monkeypatch: pytest.MonkeyPatch) -> None:
    hourglass = Hourglass()
    late = ChatQuestion("the sand", lambda *_: setattr(hourglass, "late", True), ())
    monkeypatch.setattr(questions, "QUESTIONS", [late, *questions.QUESTIONS])
    proposal = propose("chat", chat(deliver=LABELLED), 0.1, 10, budget=hourglass)
    assert proposal.trouble == "no time was left to ask for framing.in, on which all else depends: see --budget"
    assert loader.read(proposal.text, "learned", "learned").template.text == "{sender}: {body}"


def test_no_time_for_a_conversation_in_the_dialect_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hourglass = Hourglass()
    after_the_history(lambda: setattr(hourglass, "over", True), monkeypatch)
    proposal = propose("chat", chat(deliver=LABELLED), 0.1, 10, budget=hourglass)
    assert "no time was left for a conversation" in proposal.trouble
    assert "# THIS IS NOT VERIFIED: no time was left" in proposal.text
    assert loader.read(proposal.text, "learned", "learned").template.text == "{sender}: {body}"


@pytest.mark.parametrize("in_time", [True, False])
def test_the_verification_waits_for_a_port_no_longer_than_there_is_time(
    in_time: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hourglass = Hourglass()

    def taken(_: InProcessSite) -> bool:
        hourglass.over = not in_time
        raise CannotCheck("its port is still not free")

    def last_answer() -> None:
        hourglass.late = True
        monkeypatch.setattr(InProcessSite, "restart", taken)

    after_the_history(last_answer, monkeypatch)
    if in_time:
        with pytest.raises(CannotCheck, match="still not free"):
            propose("chat", chat(deliver=LABELLED), 0.1, 10, budget=hourglass)
    else:
        proposal = propose("chat", chat(deliver=LABELLED), 0.1, 10, budget=hourglass)
        assert "no time was left for a conversation" in proposal.trouble


@pytest.mark.parametrize(
    ("protocol", "seconds_for", "target", "why"),
    [
        ("chat", 1, SILENT, "not all others heard .*; no time was left after 1 framing: see --budget$"),
        ("chat", 0, SILENT, "no time was left after 0 framings: see --budget$"),
        ("echo", 0, SILENT, "no time was left for the first answers: see --budget$"),
        ("chat", 1, FORMLESS, "what follows a text differs from one to the next: b'[^']*', b'[^']*'$"),
    ],
)
def test_no_time_for_the_first_answers_is_told_with_what_was_tried(
    protocol: str, seconds_for: int, target: InProcess, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hourglass = Hourglass()
    meet = Search._meet_in
    meetings = iter(range(seconds_for))

    def met(search: Any, framing: Any) -> Any:
        hourglass.late = next(meetings, None) is None
        return meet(search, framing)

    monkeypatch.setattr(Search, "_meet_in", met)
    hourglass.late = not seconds_for
    with pytest.raises(CannotLearn, match=why):
        propose(protocol, target, 0.1, 10, budget=hourglass)


def test_an_echo_that_has_no_time_left_names_what_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    hourglass = Hourglass()
    conclude = echoes._conclude_requests

    def spend(*given: Any) -> None:
        conclude(*given)
        hourglass.late = True

    monkeypatch.setattr(echoes, "_conclude_requests", spend)
    echo = served(lambda client: [client.send(said) for said in iter(lambda: client.recv(1024), b"")])
    proposal = propose("echo", echo, 0.1, 10, budget=hourglass)
    assert not proposal.trouble
    assert proposal.left_out == {"no time was left": ["quit.word", "bytes.handling", "limits.utterance"]}


def test_datagrams_that_have_no_time_left_are_named() -> None:
    hourglass = Hourglass()

    def answer(request: bytes) -> bytes:
        hourglass.late = hourglass.late or request == b""
        return request

    proposal = propose("echo", answering(answer), 0.1, 10, budget=hourglass)
    assert proposal.left_out == {"no time was left": ["datagrams.largest"]}
    assert '\nempty = "answered"' in proposal.text


def interrupted(happens: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Proposal:
    after_the_history(happens, monkeypatch)
    return propose("chat", chat(deliver=LABELLED, joined=b"* {number}\n"), 0.1, 10)


def test_an_interrupt_leaves_what_was_found_with_what_was_presumed_as_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    proposal = interrupted(interrupt, monkeypatch)
    assert proposal.interrupted
    assert "interrupted" in proposal.trouble
    assert "# THIS IS NOT COMPLETE" in re.sub(r"\n#\s+", " ", proposal.text).replace(". THIS", ".\n# THIS")
    assert '\n# word = ""' in proposal.text
    assert '\nin = "line"' in proposal.text
    assert loader.read(proposal.text, "learned", "learned").template.text == "{sender}: {body}"


def test_an_interrupt_before_anything_was_found_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RoomConversation, "__init__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        propose("chat", chat(deliver=LABELLED), 0.1, 10)
