"""`make check`: all reports in order, one line for all, and the highest exit status."""

import importlib.util
import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from socketserver_reference.cli.main import build_command_parser
from tests.support.serving import ROOT, TIMEOUT


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_reference", ROOT / "ci" / "check_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("failing", "verdict"),
    [({}, "all conform"), ({"family": 1, "chat": 2}, "chat: exit status 2; over-threaded chat: exit status 2; family")],
)
def test_all_are_summed_up(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failing: dict[str, int],
    verdict: str,
) -> None:
    def check(arguments: list[str]) -> tuple[int, str]:
        return failing.get(arguments[0], 0), f"report of {arguments[0]}\n"

    monkeypatch.setattr(script, "check", check)
    assert script.main(["--seed", "7"]) == max(failing.values(), default=0)
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[:4] == ["report of echo", "report of chat", "report of chat", "report of family"]
    assert lines[4].startswith(f"echo, chat, over-threaded chat, family: {verdict}")


def test_a_terminal_shows_which_report_comes_next(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return 1

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(script, "check", lambda arguments: (0, f"report of {arguments[0]}"))
    script.main([])
    shown = re.findall(r"\x1b\[K  (\d of \d), \d+ s: ([\w-]+)[^\r]*\r\x1b\[K(.+)\n", terminal.getvalue())
    assert shown == [
        ("1 of 4", "echo", "report of echo"),
        ("2 of 4", "chat", "report of chat"),
        ("3 of 4", "over-threaded", "report of chat"),
        ("4 of 4", "family", "report of family"),
    ]


def test_options_reach_the_checks_of_this_process(script: ModuleType) -> None:
    asked = script.checks(["--seed", "7"])
    with_options = {name for name, arguments in asked.items() if arguments[-2:] == ["--seed", "7"]}
    assert with_options == {"echo", "chat", "family"}


def test_a_busy_machine_gets_more_time_than_a_check_by_hand_unless_the_caller_says_otherwise(
    script: ModuleType,
) -> None:
    asked = script.checks(["--budget", "5"])
    assert {name for name, arguments in asked.items() if script.PATIENT[0] in arguments} == set(asked)
    assert {name: build_command_parser("check").parse_args(asked[name]).budget for name in asked} == {
        "echo": 5,
        "chat": 5,
        "over-threaded chat": 600,
        "family": 5,
    }


def test_after_an_interrupt_no_other_check_begins(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted: list[str] = []
    begun: list[str] = []
    ending = threading.Event()

    class Pool(ThreadPoolExecutor):
        def submit(self, check: Any, arguments: list[str]) -> Any:  # type: ignore[override]  # as it is called here
            submitted.append(arguments[0])
            return super().submit(check, arguments)

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            ending.set()  # the interrupt reaches the checks that run as well
            super().shutdown(wait)

    def check(arguments: list[str]) -> tuple[int, str]:
        begun.append(arguments[0])
        assert arguments[0] in ("family", "echo") or ending.wait(TIMEOUT)
        return 0, ""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        script, "checks", lambda _: {name: [name] for name in ("echo", "chat", "family", "one", "last")}
    )
    monkeypatch.setattr(script, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(script, "check", check)
    monkeypatch.setattr(script, "print", interrupted, raising=False)
    with pytest.raises(KeyboardInterrupt):
        script.main([])
    assert submitted[:2] == ["family", "chat"]  # these take longest
    assert "last" not in begun
