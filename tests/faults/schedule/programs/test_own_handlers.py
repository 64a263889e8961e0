"""Handlers of one's own under their schedules, and that nothing real is touched."""

import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from socketserver_faults.schedule import explore
from socketserver_faults.schedule.exploration.explore import Race
from socketserver_faults.schedule.exploration.replay import BadCode, Code
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import SubjectRefused, read
from socketserver_faults.schedule.world.world import World
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.scenario.steps import Connect, Crowd, Say, Send, Settle, Step
from tests.servers import racy_chat

pytestmark = pytest.mark.usefixtures("on_one_processor")


# Handlers of a user's own


def test_a_handler_of_ones_own_is_explored_from_a_test() -> None:
    with pytest.raises(Race, match="HERE T2 goes first") as race:
        explore(racy_chat.Handler, "speak")
    assert "\nCHAT-13: " in str(race.value)
    assert 'prints "somebody has come: ' in str(race.value) or "..." in str(race.value)
    code = re.search(r'replay="(.*)"', str(race.value))
    assert code
    with pytest.raises(Race, match="CHAT-13"):
        explore(racy_chat.Handler, "speak", replay=code[1])
    with pytest.raises(BadCode, match="which is not among greet"):
        explore(racy_chat.Handler, "greet", replay=code[1])


@pytest.mark.slow
def test_a_handler_that_is_right_passes_and_says_what_was_covered() -> None:
    found = explore(racy_chat.Locked, "speak", deviations=1)
    assert found.whole
    assert found.covered["speak"].complete == 2
    assert explore(racy_chat.make_server, "greet", replay=str(code_of(racy_chat.make_server))).outcome is None


def code_of(handler: object) -> Code:
    with world_of(read(f"tests.servers.racy_chat:{handler.__name__}")) as world:  # type: ignore[attr-defined]
        return Code.of("greet", (), world.play(SCENARIOS["greet"]).story)


@pytest.mark.slow
def test_a_program_may_have_a_queue_a_worker_and_a_clock() -> None:
    started = time.monotonic()
    found = explore(racy_chat.Queued, [Connect("ann"), Say("ann", b"hi")], deviations=2)
    assert found.schedules > 50
    assert time.monotonic() - started < found.schedules  # each of them sleeps for a second of its own


@pytest.mark.slow
def test_a_handler_that_waits_for_itself_or_never_ends_is_told() -> None:
    with pytest.raises(Race, match="T1 waits for lock, which T1 holds"):
        explore(racy_chat.Deadlocked, "greet")
    with pytest.raises(Race, match="observed: ann reads nothing"):
        explore(racy_chat.Endless, [Connect("ann"), Say("ann", b"hi")])
    with pytest.raises(Race, match=r"(?s)CHAT-10: .*its end is read"):
        explore(racy_chat.Spinning, [Connect("ann"), Say("ann", b"hi")])


@pytest.mark.parametrize("coming", [Connect("ben"), Crowd(("ben", "cal"))], ids=["one", "two"])
def test_a_client_that_is_not_accepted_gets_an_error(coming: Step) -> None:
    with pytest.raises(Race, match="observed: ben cannot connect: connection refused"):
        explore(racy_chat.Shutting, [Connect("ann"), Say("ann", b"hi"), coming])


def test_clients_that_connect_at_once() -> None:
    assert explore(racy_chat.Locked, [Crowd(("ann", "ben")), Say("ann", b"hi")], deviations=1).outcome is None


NOBODY_WAITS = (Connect("ann"), Connect("ben"), Send("ann", b"a"), Send("ben", b"b"), Settle())
"""Nobody can say whether a member has heard all that it should: it may have joined later."""


def test_a_search_in_which_nothing_can_be_judged_is_no_success() -> None:
    with pytest.raises(SubjectRefused, match="nothing could be judged: in own, what the clients read may have come"):
        explore(racy_chat.Locked, NOBODY_WAITS, deviations=0)
    with pytest.raises(SubjectRefused, match="nothing could be judged: in own"):
        explore(racy_chat.Locked, NOBODY_WAITS, seconds=0)


def test_a_handler_that_no_module_has_is_refused() -> None:
    class Local(socketserver.BaseRequestHandler):
        pass

    with pytest.raises(SubjectRefused, match="must be at the top level of a module"):
        explore(Local)


def test_the_server_never_returns_from_its_end_is_a_violation() -> None:
    """A handler that stays after its client has gone: server_close() waits for it for ever."""
    with pytest.raises(Race, match=r"SRV-9(.|\n)*T1 waits for event to be set"):
        explore(racy_chat.Staying, "greet")


# Nothing real is touched


@pytest.fixture
def world() -> Iterator[World]:
    with world_of(read("chat")) as world:
        yield world


def test_the_real_modules_stay_as_they_are(world: World) -> None:
    before = dict(sys.modules)
    real = (socketserver.TCPServer, socket.socket, threading.Thread)
    outcome = world.play(SCENARIOS["speak"])
    assert outcome.failure is None
    assert (socketserver.TCPServer, socket.socket, threading.Thread) == real
    assert {name for name, module in sys.modules.items() if before.get(name) is not module} <= {
        "socketserver_reference.family"
    }
    assert world.modules.load("socketserver").TCPServer is not socketserver.TCPServer


def test_two_runs_of_a_program_share_nothing() -> None:
    with world_of(read("tests.servers.racy_chat:Handler")) as world:
        for _ in range(3):
            assert world.play(SCENARIOS["greet"]).failure is None
            assert len(world.modules.load("tests.servers.racy_chat").members) == 0
    assert racy_chat.members == []
