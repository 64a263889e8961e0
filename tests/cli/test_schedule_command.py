"""`socketserver-faults schedule`: what it tells of programs under their schedules, and what it refuses."""

import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from socketserver_faults.cli.main import main
from socketserver_faults.schedule.core.run import LostThread
from socketserver_faults.schedule.exploration import explore
from socketserver_faults.schedule.exploration.replay import Code
from socketserver_faults.schedule.exploration.search import SearchResult, search
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import SubjectRefused, read
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.scenario.steps import Connect, Send, Settle

pytestmark = pytest.mark.usefixtures("on_one_processor")


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> str:
    """Return what `schedule` prints, on stdout if it could find out, its one line on stderr if not."""
    assert main(["schedule", *words]) == code
    out, err = capsys.readouterr()
    assert bool(out) == (code != 2)
    assert err.count("\n") == (code == 2)
    return out or err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "is no replay code: a code looks like"),
        ("speak:1.1", "is no replay code"),
        ("speak:3.1-2.1~000000", "its decisions must ascend"),
        ("speak:1.9~000000", "belongs to another program than chat, or to another version of it or of Python: "),
        ("speak:1.1~000000", "its checksum is"),
        ("nowhere:0~000000", "'nowhere' is no scenario: they are greet, "),
        ("ask:0~000000", "'ask' is for echo, and chat serves chat"),
    ],
)
def test_a_text_that_is_no_code_or_belongs_to_another_program_is_refused(
    capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert message in told(capsys, "chat", "--replay", text, code=2)


@pytest.mark.slow
def test_a_failure_is_told_with_its_clause_its_schedule_in_lanes_and_its_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = told(capsys, "delivers-without-the-lock", "speak", code=1)
    assert out.startswith("delivers-without-the-lock fails in speak (two members speak at once), with one deviation, ")
    assert "\nCHAT-13: the server MUST " in out
    assert "\nobserved: ben reads b'ackbacka'\n" in out
    assert re.search(r"^  clients +T1 \(serves ann\) +T2 \(serves ben\)$", out, re.MULTILINE)
    assert "\n  HERE T2 goes first, before T1 sends b'acka' to ben\n" in out
    again = re.search(r"^again: socketserver-faults schedule (.*)$", out, re.MULTILINE)
    assert again
    replay = told(capsys, *again[1].split(), code=1)
    assert replay.splitlines()[5:] == out.splitlines()[7:-2]


@pytest.mark.slow
def test_a_broken_clause_hides_no_other_in_another_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever does not read delays the others, without any deviation; and two orders come about with one."""
    file = tmp_path / "two bugs" / "two_bugs.py"
    file.parent.mkdir()
    program = f"{file}:Handler"
    file.write_text(
        "import socketserver\nmembers = []\nclass Handler(socketserver.BaseRequestHandler):\n"
        "    def handle(self):\n        members.append(self.request)\n"
        "        try:\n            while (chunk := self.request.recv(1024)) and chunk.strip() != b'quit':\n"
        "                for member in list(members):\n                    try: member.sendall(b'ack' + chunk)\n"
        "                    except OSError: pass\n        except OSError: pass\n"
        "        members.remove(self.request)\n"
    )
    monkeypatch.setattr(
        "socketserver_faults.schedule.exploration.explore.scenarios_for",
        lambda _, named, __: {name: SCENARIOS[name] for name in ([named] if named else ["arrive", "speak", "flood"])},
    )
    out = told(capsys, program, code=1)
    assert shlex.split(out.partition("\nagain: ")[2])[:4] == ["socketserver-faults", "schedule", program, "--replay"]
    assert "\nCHAT-15: the server MUST " in out
    also = re.findall(r"^also breaks (\S+) in speak .*, with one deviation: --replay (\S+)$", out, re.MULTILINE)
    assert [clause for clause, _ in also] == ["CHAT-13"]
    assert out.count("also breaks") == 1
    assert "\nCHAT-15: " not in told(capsys, program, "--replay", also[0][1], code=1)
    assert "also" not in told(capsys, program, "--deviations", "0", code=1)

    def refusing(plays: dict[str, Any], *limits: Any) -> SearchResult:
        if list(plays) == ["arrive"]:
            raise SubjectRefused("it is too slow")
        return search(plays, *limits)

    monkeypatch.setattr(explore, "search", refusing)
    out = told(capsys, program, code=1)
    assert "\nalso breaks CHAT-13 in speak" in out
    assert out.endswith("\nnot all was searched for other clauses: it is too slow\n")


@pytest.mark.slow
def test_a_clause_that_every_schedule_breaks_hides_no_race(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever leaves is read for ever, whatever the schedule is; with one deviation two members hear two orders."""
    file = tmp_path / "sticky_room.py"
    file.write_text(
        "import socketserver\nmembers = []\nclass Handler(socketserver.BaseRequestHandler):\n"
        "    def handle(self):\n        members.append(self.request)\n"
        "        while True:\n            chunk = self.request.recv(1024)\n"
        "            for member in list(members) if chunk else []:\n                member.sendall(b'ack' + chunk)\n"
    )
    out = told(capsys, f"{file}:Handler", "speak", code=1)
    assert "\nCHAT-10: the server MUST " in out
    assert re.search(r"^also breaks CHAT-13 in speak .*, with one deviation: --replay speak:", out, re.MULTILINE)


@pytest.mark.slow
def test_a_failure_as_a_page_has_the_exchange_and_the_schedule_in_lanes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "failure.html"
    out = told(capsys, "delivers-without-the-lock", "speak", "--html", str(file), code=1)
    page = file.read_text()
    assert '<th scope="col">T1 (serves ann)</th>' in page
    assert "HERE T2 goes first, before T1 sends b'acka' to ben" in page
    assert "The violation shows here." in page
    assert out.rpartition("again: ")[2].strip() in page
    monkeypatch.setattr("socketserver_faults.schedule.exploration.html_story.MAX_ROWS", 4)
    told(capsys, "delivers-without-the-lock", "speak", "--html", str(file), code=1)
    assert re.search(r">\d+ events are left out<", file.read_text())
    code = out.rpartition(" ")[2].strip()
    again = str(tmp_path / "again.html")
    assert "HERE T2" in told(capsys, "delivers-without-the-lock", "--replay", code, "--html", again, code=1)
    assert " breaks CHAT-13" in Path(again).read_text()
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: os.open("/no/folder", 0))
    assert main(["schedule", "delivers-without-the-lock", "--replay", code, "--html", again]) == 2
    assert f"cannot write {again}: No such file" in capsys.readouterr().err
    nowhere = str(tmp_path / "no" / "page.html")
    assert "cannot write" in told(capsys, "chat", "greet", "--html", nowhere, code=2)


@pytest.mark.slow
def test_trouble_in_the_search_for_other_clauses_leaves_the_failure_confirmed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(*_: object) -> NoReturn:
        raise LostThread("T1 computes without end")

    monkeypatch.setattr("socketserver_faults.schedule.exploration.explore.further_failures", lost)
    out = told(capsys, "delivers-without-the-lock", "speak", code=1)
    assert out.endswith("not all was searched for other clauses: T1 computes without end\n")


def test_what_each_thread_waits_for_is_reported_when_none_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "waits-for-the-slow", "flood", code=1)
    assert "\nthen no thread could go on:\n" in out
    assert "\n  T2 waits to send to ann\n" in out
    assert out.count("\n") < 150


@pytest.mark.slow
def test_what_was_covered_is_told_and_what_was_not(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "chat", "greet", "--deviations", "1", code=0)
    assert re.search(
        r"^chat: (\d+) schedules in .* s, and none fails\n  greet +\1 schedules  all with up to 1 deviation\n", out
    )
    out = told(capsys, "chat", "reset", "--schedules", "5", code=0)
    assert re.search(r"^  reset +5 schedules  ", out, re.MULTILINE)
    assert "all with up to 0 deviations; NOT all with 1; NOT all inequivalent ones: there are more than 3\n" in out
    out = told(capsys, "chat", "--schedules", "1", code=0)
    assert re.search(r"^  speak +0 schedules  NOT all with 0$", out, re.MULTILINE)


def test_a_search_in_which_nothing_could_be_judged_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = (Connect("ann"), Connect("ben"), Send("ann", b"a"), Send("ben", b"b"), Settle())
    monkeypatch.setitem(SCENARIOS, "speak", replace(SCENARIOS["speak"], steps=steps, politeness="abrupt"))
    assert "nothing could be judged: in speak, " in told(capsys, "chat", "speak", "--deviations", "0", code=2)
    with world_of(read("chat", "chat")) as world:
        code = Code.of("speak", (), world.play(SCENARIOS["speak"]).story)
    assert "nothing could be judged: in speak, " in told(capsys, "chat", "--replay", str(code), code=2)


HANDLER = """
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        {does}
        while data := self.request.recv(1024):
            self.request.sendall(data)
"""


@pytest.mark.parametrize(
    ("imports", "does"),
    [
        ("os", "os.getpid()"),
        ("os", "open('log', 'a').close()"),
        ("os", "os.environ.get('HOME')"),
        ("pathlib", "pathlib.Path(__file__).read_text()"),
        ("uuid", "uuid.uuid4()"),
        ("random", "random.random()"),
        ("random", "random.Random().random()"),
        ("threading\nfrom secrets import token_hex", "token_hex()"),
        ("threading\nfrom os import urandom as draw", "draw(8)"),
    ],
)
def test_a_program_is_cleared_whatever_it_uses_besides_its_own_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], imports: str, does: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "clear_echo.py"
    file.write_text(f"import socketserver, {imports}\n{HANDLER.format(does=does)}")
    words = (f"{file}:Handler", "ask", "--dialect", "rfc862")
    assert "all with up to 0 deviations" in told(capsys, *words, "--deviations", "0", code=0)
    out = told(capsys, *words, "--schedules", "40", code=0)
    assert re.search(r"  all( \d+ inequivalent schedules| are equivalent to one)$", out, re.MULTILINE)
    assert "deviations; NOT all with" not in out


def test_random_scenarios_are_for_a_chat_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert " 5 schedules  random, each with a scenario of its own\n" in told(capsys, "chat", "--random", "5", code=0)
    assert "random scenarios are for a chat" in told(capsys, "echo", "--random", "1", code=2)
    assert "leave the scenario out" in told(capsys, "chat", "speak", "--random", "1", code=2)


@pytest.mark.parametrize("name", ["closed-request", pytest.param("delivers-without-the-lock", marks=pytest.mark.sweep)])
def test_what_a_random_scenario_finds_comes_back_by_its_code(capsys: pytest.CaptureFixture[str], name: str) -> None:
    out = told(capsys, name, "--random", "200", code=1)
    code = out.rpartition(" ")[2].strip()
    assert code.startswith("random-")
    assert "CHAT-13" in told(capsys, name, "--replay", code, code=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["chatt"], "'chatt' is no fault of the catalogue: "),
        (["chatt"], "; the reference has echo, chat, overthreaded; a program of yours is package.module:Handler, "),
        (["chat", "nix"], "'nix' is no scenario: they are greet, "),
        (["chat", "ask"], "'ask' is for echo, and chat serves chat"),
        (["chat", "greet", "--replay", "speak:0~000000"], "is for the scenario 'speak', not 'greet'"),
        (["replies-twice"], "it serves udp, and the scheduler models TCP connections alone"),
        (["forks-the-room"], "cannot be played under a schedule: it forks"),
        (["reset-ends-the-process", "reset"], "the scheduler does not model os._exit"),
        (["no.such.module:Handler"], "there is no module 'no.such.module' here"),
        (["math:Handler"], "there is no module 'math' here, written in Python"),
        (["tests.servers.racy_chat:"], "names no handler class: write package.module:Handler"),
        (["tests.servers.racy_chat:Nix"], "tests.servers.racy_chat has no handler class 'Nix'"),
        (["tests.servers.racy_chat:make_nothing"], "nor a function that returns one"),
        (["tests.servers.racy_chat:Refused"], "the scheduler does not model multiprocessing.Process"),
        (["tests.servers.racy_chat:Forking"], "the scheduler does not model os.fork: processes share nothing"),
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
        ("from threading import settrace", "the scheduler does not model threading.settrace"),
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
