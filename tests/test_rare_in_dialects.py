"""What a dialect seldom leads to: clauses that are not asked, words that are said twice, a witness who speaks."""

import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects import effects, rewrite_limits
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.rewrite import FramedRewriter
from socketserver_reference.conformance.inprocess import hosts
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.oracles.stream_echo import StreamEchoOracle
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import (
    Connect,
    HalfClose,
    Quit,
    Say,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests import dialects_served
from tests.checking import Checker
from tests.planted import Bug
from tests.serving import TIMEOUT
from tests.test_rare_outcomes import done, run

LINES = 'protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "{body}"\n'


def test_what_a_dialect_does_not_ask_is_not_done_to_the_server() -> None:
    waived = dict.fromkeys(("CHAT-10", "CHAT-12", "CHAT-15"), "not asked")
    with run("hardened", replace(NOTE, waived=waived)) as machine:
        machine.arrive(speaking=True)
        before = done(machine)
        for rule in (machine.half_close, machine.close, machine.reset, machine.stall):
            rule(number=0)
        assert done(machine) == before


def test_a_violation_of_what_is_not_asked_leaves_the_check_undecided() -> None:
    dialect = replace(NOTE, waived={"CHAT-12": "not asked"})
    with (
        closing(open_session("chat", Bug("chat").target(), TIMEOUT, dialect)) as session,
        pytest.raises(NotChecked, match="CHAT-12, which the dialect note leaves out: not asked"),
    ):
        session.attributed(VIOLATIONS["CHAT-12"]("this", "that", []))


def test_a_scenario_that_the_gaps_leave_no_time_for_is_not_played() -> None:
    dialect = read(LINES + "[limits]\ngap = 60", "mine", "mine.toml")
    with closing(open_session("chat", dialects_served.served(dialect), TIMEOUT, dialect)) as session:
        session._check_duration([*join("ann"), Say("ann", b"hi")])
        with pytest.raises(
            NotChecked, match=f"its scenario would take more than {rewrite_limits.MAX_SCENARIO_SECONDS:g} s"
        ):
            session._check_duration([*join("ann"), Say("ann", b"hi"), Say("ann", b"ho")])


def test_history_is_told_among_what_is_asked_differently() -> None:
    told = effects.changes(read(LINES + "history = 3", "mine", "mine.toml"))
    assert ("CHAT-4", "whoever comes may hear up to 3 earlier deliveries first") in told


def test_a_dialect_says_nothing_of_the_classes_of_this_python(check: Checker) -> None:
    outcome = check("family", "--dialect", "rfc862", json_too=False)
    assert (outcome.code, outcome.err) == (
        2,
        "socketserver-reference check: --dialect says how a server speaks, and family is about the classes of this "
        "Python\n",
    )


def test_a_newcomer_who_hears_what_was_said_twice_may_have_heard_the_second() -> None:
    oracle = FramedChatOracle(read(LINES, "mine", "mine.toml"))
    steps: list[Step] = [Connect("ann"), Connect("lou"), Say("ann", b"hi"), Say("ann", b"hi")]
    for step in steps:
        oracle.begin(step, idle_before=False)
    assert oracle.feed("lou", b"hi\n")
    assert not oracle.due("lou")


def test_a_quit_that_is_delivered_without_an_end_is_put_down_to_it() -> None:
    unmarked = LINES.replace('in = "line"', 'in = "line"\nout = "none"')
    oracle = FramedChatOracle(read(unmarked, "mine", "mine.toml"))
    steps: list[Step] = [Connect("ann"), Connect("ben"), Say("ann", b"a"), Say("ben", b"b")]
    for step in steps:
        oracle.begin(step, idle_before=True)
    assert oracle.feed("ann", b"ab")
    assert oracle.feed("ben", b"ab")
    oracle.begin(Quit("ben", b"quit"), idle_before=True)
    oracle.begin(Say("ann", b"c"), idle_before=True)
    assert oracle.feed("ann", b"quit")
    assert oracle.explain_silence("ann").clauses == ("CHAT-7",)


def test_a_witness_who_speaks_alone_has_another_to_hear_it() -> None:
    rewriter = FramedRewriter(read(LINES + 'to_sender = "nothing"', "mine", "mine.toml"))
    rewriter.rewrite(Connect("ann"))
    *_, heeds, said = rewriter.rewrite(Say("ann", b"hi"))
    assert (heeds, said) == (WaitUntilHeard("witness1", "ann"), Say("ann", b"hi"))
    rewriter.rewrite(Connect("ben"))
    rewriter.rewrite(HalfClose("ann"))
    rewriter.rewrite(Stall("ben"))
    assert rewriter.rewrite(Say("witness1", b"hm"))[:2] == [Connect("witness2"), WaitUntilHeard("witness2", "witness1")]


def test_a_persistent_echo_knows_no_stall() -> None:
    dialect = read('protocol = "echo"\n[echo]\ntransform = "identity"\nrequests = "many"', "mine", "mine.toml")
    with pytest.raises(ValueError, match="an echo server has no Stall"):
        StreamEchoOracle(dialect).begin(Stall("ann"), idle_before=True)


def test_a_thread_that_is_never_started_is_waited_for_no_longer_than_the_bound() -> None:
    thread = threading.Thread(target=lambda: None)
    hosts._join(thread, time.monotonic() + 0.01)
    assert thread.ident is None
