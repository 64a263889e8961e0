"""The study note's own programs, judged: they keep the basic profile and break the hardened one, every time alike.

But where luck decides. Whether two threads get in each other's way, so that members hear two orders, or a crowd throws
out whoever speaks: that shows nearly always, and less often on a busy machine; the scheduler shows it always. And
whoever connects right behind a delivery may still change the set under its loop: hardly ever, and the server says so.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

from socketserver_faults import tutorial
from socketserver_faults.schedule import Race, explore
from socketserver_reference.clauses import CLAUSES
from tests.support.checking import Checker

QUICK = ("--examples", 8, "--timeout", 2)

RACE = "RuntimeError: Set changed size during iteration"

BASIC = {f"CHAT-{number}": "holds" for number in range(1, 12)}

CHATS = pytest.mark.parametrize("program", ["chat", "overthreaded"])


def serving(program: str) -> str:
    """Return a command that serves one of the programs."""
    return f"{sys.executable} -m socketserver_faults.tutorial {program} {{port}}"


@pytest.mark.slow
def test_the_echo_conforms_though_it_serves_one_client_at_a_time(check: Checker) -> None:
    outcome = check("echo", "--launch", serving("echo"), *QUICK)
    over = {id: id.startswith("ECHO") for id in CLAUSES if id.startswith(("ECHO", "UDP"))}
    expected = {id: "holds" if tcp else "not-applicable" for id, tcp in over.items()}
    # It sets no SO_REUSEADDR; and it holds one client at a time, so it never lacks descriptors.
    broken = {"ECHO-8": "violated", "ECHO-10": "not-applicable", "ECHO-11": "violated"}
    assert outcome.verdicts == {**expected, **broken}, outcome.out
    assert outcome.code == 0


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("program", "chosen", "expected"),
    [
        ("chat", ("--profile", "basic"), BASIC),
        ("chat", ("--only", "CHAT-12"), {"CHAT-12": "violated"}),
        ("chat", ("--only", "CHAT-15"), {"CHAT-15": "violated"}),
        ("chat", ("--only", "CHAT-16"), {"CHAT-16": "violated"}),
        ("overthreaded", ("--profile", "basic"), BASIC),  # it delivers as the chat does: one clause shows the same bugs
        ("overthreaded", ("--only", "CHAT-12"), {"CHAT-12": "violated"}),
    ],
)
def test_a_chat_keeps_the_basic_profile_and_breaks_the_hardened_one(
    check: Checker, program: str, chosen: tuple[str, str], expected: dict[str, str], tmp_path: Path
) -> None:
    said = tmp_path / "said"
    outcome = check("chat", "--launch", f"sh -c '{serving(program)} 2>>{said}'", *QUICK, *chosen)
    found = {id: outcome.verdicts[id] for id in expected}
    assert found == expected or RACE in said.read_text(), outcome.out


@pytest.mark.sweep
def test_without_the_join_nothing_can_be_said(check: Checker) -> None:
    outcome = check("chat", "--launch", serving("unjoined"), *QUICK)
    chat = [id for id in CLAUSES if id.startswith("CHAT")]
    expected = dict.fromkeys(chat, "not-checked") | {"CHAT-2": "violated", "CHAT-21": "not-applicable"}
    assert outcome.verdicts == expected, outcome.out
    assert outcome.code == 1
    assert outcome.clause("CHAT-2")["exchange"][-1].endswith("reads end of stream")


@CHATS
@pytest.mark.sweep
def test_one_reset_costs_an_innocent_client_its_connection(check: Checker, program: str) -> None:
    outcome = check("chat", "--launch", serving(program), *QUICK, "--", "-k", "an_idle_client_resets")
    exchange = outcome.clause("CHAT-12")["exchange"]
    reset = next(at for at, line in enumerate(exchange) if line.endswith("cal resets its connection"))
    assert any(line.endswith(("ann reads end of stream", "ben reads end of stream")) for line in exchange[reset:])


@pytest.mark.parametrize("handler", [tutorial.ChatHandler, tutorial.OverthreadedChatHandler])
def test_what_luck_decides_the_scheduler_shows(handler: Any) -> None:
    with pytest.raises(Race, match="CHAT-13: "):
        explore(handler, "speak", deviations=1)
