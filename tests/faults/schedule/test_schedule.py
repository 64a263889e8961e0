"""Programs under their schedules: every race of the catalogue is found, told and replayed; nothing real is touched."""

import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from glob import glob
from pathlib import Path

import pytest

from socketserver_faults.catalogue import index
from socketserver_faults.cli.main import main
from socketserver_faults.schedule import explore
from socketserver_faults.schedule.core.run import ScheduleEvent, ScheduleTrace
from socketserver_faults.schedule.exploration.explore import (
    Race,
    replay_schedule,
    scenarios_for,
    search_schedules,
    world_of,
)
from socketserver_faults.schedule.exploration.replay import BadCode, Code, Deviations
from socketserver_faults.schedule.exploration.search import Bounds
from socketserver_faults.schedule.exploration.story import coverage_lines, lanes
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import SubjectRefused, read
from socketserver_faults.schedule.world.world import World
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.scenario.steps import Connect, Crowd, Say, Send, Settle, Step
from tests.servers import racy_chat
from tests.support.serving import ROOT

RACES = {
    "closed-request": ("greet", "CHAT-2", 0),
    "changes-the-set-under-a-loop": ("speak", "CHAT-13", 1),
    "leaves-the-reset-behind": ("reset", "CHAT-12", 0),
    "leaves-the-quitter-behind": ("quit", "CHAT-11", 0),
    "leaves-the-gone-behind": ("half-close", "CHAT-11", 0),
    "reset-ends-the-speaker": ("reset", "CHAT-12", 0),
    "delivers-without-the-lock": ("speak", "CHAT-13", 1),
    "ignores-short-sends": ("resume", "CHAT-14", 0),
    "waits-for-the-slow": ("flood", "CHAT-15", 0),
    "closes-twice": ("turnover", "CHAT-11", 0),
    "closes-who-is-slow": ("resume", "CHAT-15", 0),
}
"""Fault -> the scenario that shows it, the clause, and with how many deviations."""

MOST = 1000
"""Schedules within which each is found, whatever the scenario."""


@pytest.fixture(autouse=True)
def on_one_processor() -> Iterator[None]:
    """Threads of which one runs at a time are twice as fast on one processor."""
    with one_processor(os.getpid()):
        yield


def find(program: str, scenario: str | None = None, *, lines: bool = False) -> tuple[str, int]:
    """Return the replay code of the first failure, and how many schedules it took."""
    subject = read(program)
    with world_of(subject, lines=lines) as world:
        found = search_schedules(world, scenarios_for(subject, scenario), Bounds(seconds=600))
    assert found.outcome is not None
    return str(Code.of(found.scenario, found.deviations, found.outcome.story, lines=lines)), found.schedules


# The races of the catalogue


@pytest.mark.parametrize("name", RACES)
def test_a_race_is_found_in_its_scenario_with_as_few_deviations_as_can_be(name: str) -> None:
    scenario, clause, deviations = RACES[name]
    subject = read(name)
    with world_of(subject) as world:
        found = search_schedules(world, scenarios_for(subject, scenario), Bounds())
    assert found.outcome is not None
    assert found.outcome.clause == clause
    assert len(found.deviations) == deviations
    assert clause in index.find(name).breaks


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", RACES)
def test_a_race_is_found_within_a_thousand_schedules_without_naming_the_scenario(name: str) -> None:
    _, schedules = find(name)
    assert schedules <= MOST


def test_a_switch_between_two_lines_is_found_with_lines_alone() -> None:
    code, schedules = find("joins-a-copy", "arrive", lines=True)
    assert code.startswith("arrive+lines:")
    assert schedules <= MOST
    subject = read("joins-a-copy")
    with world_of(subject) as world:
        found = search_schedules(world, scenarios_for(subject, "arrive"), Bounds(1))
    assert found.outcome is None
    with world_of(subject, lines=True) as world:
        parsed = Code.parse(code)
        for _ in range(20):
            outcome = replay_schedule(world, SCENARIOS["arrive"], parsed)
            assert outcome.clause == "CHAT-2"


# Replays


@pytest.mark.unmeasured
@pytest.mark.parametrize(("name", "times"), [("delivers-without-the-lock", 100), ("waits-for-the-slow", 10)])
def test_a_code_replays_exactly_again_and_again(name: str, times: int) -> None:
    code = Code.parse(find(name)[0])
    subject = read(name)
    with world_of(subject) as world:
        scenario = scenarios_for(subject, code.scenario)[code.scenario]
        first = replay_schedule(world, scenario, code)
        for _ in range(times):
            again = replay_schedule(world, scenario, code)
            assert again.story == first.story
            assert str(again.failure) == str(first.failure)


def others() -> list[str]:
    """Return a CPython of each other minor version from 3.11 on that there is here."""
    found = {}
    for version in range(11, 20):
        places = sorted(glob(os.path.expanduser(f"~/.pyenv/versions/3.{version}.*/bin/python")))
        if places and version != sys.version_info.minor:
            found[version] = places[-1]
    return list(found.values())


@pytest.mark.parametrize("python", others() or [pytest.param("", marks=pytest.mark.skip(reason="no other Python"))])
def test_a_code_of_one_python_replays_on_another(python: str) -> None:
    code, _ = find("delivers-without-the-lock")
    command = [python, "-m", "socketserver_faults", "schedule", "delivers-without-the-lock", "--replay", code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.startswith("CHAT-13: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "is no replay code: they look like"),
        ("speak:1.1", "is no replay code"),
        ("speak:3.1-2.1~000000", "its decisions have to ascend"),
        ("speak:1.9~000000", "is of another program than chat, or of another version of it or of Python: decision 1"),
        ("speak:1.1~000000", "its checksum is"),
        ("nowhere:0~000000", "'nowhere' is no scenario: they are greet, "),
        ("ask:0~000000", "'ask' is for echo, and chat serves chat"),
    ],
)
def test_what_is_no_code_or_that_of_another_is_told(
    capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert message in told(capsys, "chat", "--replay", text, code=2)


def test_a_code_is_one_printable_word() -> None:
    deviations: Deviations = ((3, 1), (17, 2))
    code = Code("half-close", deviations, "0123ab", lines=True)
    assert str(code) == "half-close+lines:3.1-17.2~0123ab"
    assert Code.parse(str(code)) == code
    with pytest.raises(BadCode):
        Code.parse(f"{code}\n")


# The command


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> str:
    """Return what `schedule` prints, on stdout if it could find out, its one line on stderr if not."""
    assert main(["schedule", *words]) == code
    out, err = capsys.readouterr()
    assert bool(out) == (code != 2)
    assert err.count("\n") == (code == 2)
    return out or err


def test_a_failure_is_told_with_its_clause_its_schedule_in_lanes_and_its_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = told(capsys, "delivers-without-the-lock", "speak", code=1)
    assert out.startswith("delivers-without-the-lock fails in speak (two speak at once), with one deviation, schedule ")
    assert "\nCHAT-13: the server MUST " in out
    assert "\nobserved: ben reads b'ackbacka'\n" in out
    assert re.search(r"^  clients +T1 \(serves ann\) +T2 \(serves ben\)$", out, re.MULTILINE)
    assert "\n  HERE T2 is let in, before T1 sends b'acka' to ben\n" in out
    again = re.search(r"^again: socketserver-faults schedule (.*)$", out, re.MULTILINE)
    assert again
    replay = told(capsys, *again[1].split(), code=1)
    assert replay.splitlines()[5:] == out.splitlines()[7:-2]


def test_who_waits_for_what_is_told_when_nobody_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "waits-for-the-slow", "flood", code=1)
    assert "\nthen nobody could go on:\n" in out
    assert "\n  T2 waits to send to ann\n" in out
    assert out.count("\n") < 150


def test_what_was_covered_is_told_and_what_was_not(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "chat", "greet", "--deviations", "1", code=0)
    assert re.search(r"^chat: (\d+) schedules in .* s, and none fails\n  greet +\1 schedules  all with up to 1", out)
    out = told(capsys, "chat", "speak", "--schedules", "5", code=0)
    assert "all with up to 0 deviations; NOT all with 1\n" in out
    out = told(capsys, "chat", "--schedules", "1", code=0)
    assert re.search(r"^  speak +0 schedules  NOT all with 0$", out, re.MULTILINE)


def test_random_scenarios_are_for_a_chat_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert " 5 schedules  random, each with a scenario of its own\n" in told(capsys, "chat", "--random", "5", code=0)
    assert "random scenarios are for a chat" in told(capsys, "echo", "--random", "1", code=2)
    assert "leave the scenario out" in told(capsys, "chat", "speak", "--random", "1", code=2)


@pytest.mark.parametrize(
    "name", ["closed-request", pytest.param("delivers-without-the-lock", marks=pytest.mark.unmeasured)]
)
def test_what_a_random_scenario_finds_comes_back_by_its_code(capsys: pytest.CaptureFixture[str], name: str) -> None:
    out = told(capsys, name, "--random", "30", code=1)
    code = out.rpartition(" ")[2].strip()
    assert code.startswith("random-")
    assert "CHAT-13" in told(capsys, name, "--replay", code, code=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["chatt"], "'chatt' is no fault of the catalogue: "),
        (["chatt"], "; the reference has echo, chat, overthreaded; or name your own: package.module:Handler"),
        (["chat", "nix"], "'nix' is no scenario: they are greet, "),
        (["chat", "ask"], "'ask' is for echo, and chat serves chat"),
        (["chat", "greet", "--replay", "speak:0~000000"], "is for the scenario 'speak', not 'greet'"),
        (["replies-twice"], "it serves udp, and virtual sockets are TCP connections"),
        (["forks-the-room"], "cannot be played under a schedule: it forks"),
        (["reset-ends-the-process", "reset"], "the scheduler does not model os._exit"),
        (["no.such.module:Handler"], "there is no module 'no.such.module' here"),
        (["math:Handler"], "there is no module 'math' here, written in Python"),
        (["tests.servers.racy_chat:"], "names no handler class: write package.module:Handler"),
        (["tests.servers.racy_chat:Nix"], "tests.servers.racy_chat has no handler class 'Nix'"),
        (["tests.servers.racy_chat:make_nothing"], "nor a function of that name that returns a server"),
        (["tests.servers.racy_chat:Refused"], "the scheduler does not model concurrent.futures"),
        (["tests.servers.racy_chat:Forking"], "the scheduler does not model os.fork"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    line = told(capsys, *words, code=2)
    assert line.startswith("socketserver-faults schedule: ")
    assert message in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def", "broken_chat cannot be imported: SyntaxError: "),
        (
            "import nowhere_to_be_found",
            "cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        ("raise SystemExit(3)", "broken_chat cannot be imported: SystemExit: 3"),
        ("from threading import Barrier", "the scheduler does not model threading.Barrier"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_in_one_line(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken_chat.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert message in told(capsys, "broken_chat:Handler", code=2)


@pytest.mark.parametrize("option", [["--deviations", "x"], ["--deviations", "10"], ["--seconds", "0"]])
def test_a_bound_that_is_none_is_told(capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["schedule", "chat", *option])
    assert exit.value.code == 2
    assert "is not a number from" in capsys.readouterr().err


def test_what_a_program_says_cannot_reach_the_terminal() -> None:
    story = lanes(ScheduleTrace([ScheduleEvent("T1", "fails with OSError: \x1b[31mred\r\n", "T2 \x07")]))
    assert all(line.isprintable() for line in story)
    assert "\\x1b[31mred" in "".join(story)


def test_a_long_schedule_is_cut_in_the_middle_and_a_deviation_of_the_server_itself_is_told() -> None:
    begin = [ScheduleEvent("main", f"works {number}", "" if number else "T1 works") for number in range(3)]
    middle = [ScheduleEvent("T1", f"works hard {number}") for number in range(100)]
    told = lanes(ScheduleTrace([*begin, *middle, ScheduleEvent("elsewhere", "is noted", note=True)]))
    assert told[1:4] == [
        "  HERE main is let in, before T1 works",
        "  main works 0",
        "                           works hard 0",
    ]
    assert told[31] == "  ... 43 lines left out ..."
    assert told[-1] == "  elsewhere is noted"


# Somebody's own handlers


def test_a_handler_of_ones_own_is_explored_from_a_test() -> None:
    with pytest.raises(Race, match="HERE T2 is let in") as race:
        explore(racy_chat.Handler, "speak")
    assert "\nCHAT-13: " in str(race.value)
    assert 'prints "somebody has come: ' in str(race.value) or "..." in str(race.value)
    code = re.search(r'replay="(.*)"', str(race.value))
    assert code
    with pytest.raises(Race, match="CHAT-13"):
        explore(racy_chat.Handler, "speak", replay=code[1])
    with pytest.raises(BadCode, match="which is not among greet"):
        explore(racy_chat.Handler, "greet", replay=code[1])


def test_a_handler_that_is_right_passes_and_says_what_was_covered() -> None:
    found = explore(racy_chat.Locked, "speak", deviations=1)
    assert found.whole
    assert found.covered["speak"].complete == 2
    assert explore(racy_chat.make_server, "greet", replay=str(code_of(racy_chat.make_server))).outcome is None


def code_of(handler: object) -> Code:
    with world_of(read(f"tests.servers.racy_chat:{handler.__name__}")) as world:  # type: ignore[attr-defined]
        return Code.of("greet", (), world.play(SCENARIOS["greet"]).story)


def test_a_program_may_have_a_queue_a_worker_and_a_clock() -> None:
    started = time.monotonic()
    found = explore(racy_chat.Queued, [Connect("ann"), Say("ann", b"hi")], deviations=2)
    assert found.schedules > 50
    assert time.monotonic() - started < found.schedules  # each of them sleeps for a second of its own


def test_a_handler_that_waits_for_itself_or_never_ends_is_told() -> None:
    with pytest.raises(Race, match="T1 waits for lock, which T1 holds"):
        explore(racy_chat.Deadlocked, "greet")
    with pytest.raises(Race, match="no end after 20000 steps"):
        explore(racy_chat.Endless, "greet")


@pytest.mark.parametrize("coming", [Connect("ben"), Crowd(("ben", "cal"))], ids=["one", "two"])
def test_a_client_who_is_not_let_in_is_told(coming: Step) -> None:
    with pytest.raises(Race, match="observed: ben cannot connect: connection refused"):
        explore(racy_chat.Shutting, [Connect("ann"), Say("ann", b"hi"), coming])


def test_clients_who_come_in_one_instant() -> None:
    assert explore(racy_chat.Locked, [Crowd(("ann", "ben")), Say("ann", b"hi")], deviations=1).outcome is None


def test_what_nobody_can_judge_is_counted() -> None:
    nobody_waits: list[Step] = [Connect("ann"), Connect("ben"), Send("ann", b"a"), Send("ben", b"b"), Settle()]
    found = explore(racy_chat.Locked, nobody_waits, deviations=0)
    assert found.covered["own"].unjudged == 1
    assert any("1 could not be judged" in line for line in coverage_lines(found))


def test_a_handler_that_no_module_has_is_refused() -> None:
    class Local(socketserver.BaseRequestHandler):
        pass

    with pytest.raises(SubjectRefused, match="must stand at the top of a module"):
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


# What the README says


def test_the_example_of_the_readme_is_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (ROOT / "README.md").read_text()
    program = re.search(r"as `my_chat\.py`.*?```python\n(.*?)```", readme, re.DOTALL)
    assert program
    (tmp_path / "my_chat.py").write_text(program[1])
    monkeypatch.syspath_prepend(tmp_path)
    out = told(capsys, "my_chat:Handler", "speak", code=1)
    block = readme[readme.index("    my_chat:Handler fails") :].partition("\nThat is")[0]
    said = [line.removeprefix("    ") for line in block.splitlines() if line.strip() not in ("", "...")]
    printed = [re.sub(r"after \d+\.\d+ s", "after 0.06 s", line) for line in out.splitlines()]
    assert [line for line in said if line not in printed] == []
