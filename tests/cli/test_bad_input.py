"""Whatever a command is given, or happens to it, it ends with 0, 1 or 2, or 130 after an interrupt, and in one line."""

import argparse
import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from socketserver_reference.cli import compare, learn, parser, spec
from socketserver_reference.cli.main import main
from socketserver_reference.conformance.runner.display import Display
from tests.support.checking import Checker

LONG = "x" * 5000
DEEP = "a = " + "[" * 3000
TABLES = "\n".join(f"[{'.'.join('a' * (depth + 1))}]" for depth in range(60))
NUMBER = f"a = {'9' * 5000}"
FLOATS = "[limits]\ngap = 1e999\nmembers = -0.0\njoin_gap = nan\n"
KEYS = '"--" = 1\n"\\u001b[31m" = 2\n'
NOT_TEXT = "\ud800"
TOML = [DEEP, TABLES, NUMBER, FLOATS, KEYS, '[[known]]\nclause = "--"\nreason = "\\u001b"', "\0", "[[server]]\n" * 3000]

ENDLESS = Path("/dev/zero")


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A file for bad TOML, and a name that holds an escape sequence."""
    file = tmp_path / "bad\x1b[31m.toml"
    file.touch()
    return file


def ended(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    """Return how a command ended, and its one line of error or none."""
    capfd.readouterr()
    try:
        code = main([str(word) for word in words])
    except SystemExit as exit:
        code = int(str(exit.code))
    out, err = capfd.readouterr()
    assert code in (0, 1, 2)
    assert err.count("\n") <= 1, err
    assert "\x1b" not in out + err
    assert "Traceback" not in out + err
    return code, err


FILES = [
    ("check", "chat", "--dialect"),
    ("check", "echo", "--known"),
    ("check", "echo", "--compare"),
    ("compare",),
    ("dialects",),
]


@pytest.mark.parametrize("command", FILES)
@pytest.mark.parametrize("text", TOML, ids=range(len(TOML)))
def test_no_content_of_a_file_is_too_absurd(
    capfd: pytest.CaptureFixture[str], toml: Path, command: tuple[str, ...], text: str
) -> None:
    toml.write_text(text)
    code, err = ended(capfd, *command, toml)
    assert (code, bool(err)) == (2, True)


@pytest.mark.parametrize("command", FILES)
@pytest.mark.parametrize("name", [LONG, "/", "", ".", "\x1b[31m", "no/such/file", "/dev/null/x", str(ENDLESS), "--"])
def test_no_name_of_a_file_is_too_absurd(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: tuple[str, ...],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if name or command[-1] != "--dialect":
        option = [f"{command[-1]}={name}"] if command[-1].startswith("--") else [command[-1], name]
        assert ended(capfd, *command[:-1], *option)[0] in ((0, 2) if (command, name) == (("dialects",), "--") else (2,))


@pytest.mark.parametrize("command", FILES)
def test_no_pipe_is_waited_for(capfd: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code, err = ended(capfd, *command, pipe)
    assert code == 2
    assert "is a pipe, and the suite may read it twice: write a file" in err


@pytest.mark.parametrize("option", ["--json", "--junit", "--html", "--markdown", "--reproduce", "--known"])
@pytest.mark.parametrize("name", [LONG, "/", "no/such/file/\x1b[31m", "/dev/null/x", f"{LONG}/x"])
def test_no_place_to_write_is_too_absurd(capfd: pytest.CaptureFixture[str], option: str, name: str) -> None:
    if option == "--reproduce":  # which makes directories
        name = f"/dev/null/{name}"
    update = ["--update-known"] if option == "--known" else []
    code, err = ended(capfd, "check", "echo", option, name, *update, "--only", "ECHO-1", "--examples", 0)
    assert code == 2
    assert "cannot" in err


@pytest.mark.parametrize(
    "words",
    [
        ["check", "chat", "\x1b[31m"],
        ["check", "chat", "tcp://127.0.0.1:1", "\x1b[31m"],
        ["check", "chat", "--\x1b[31m"],
        ["check", "chat", f"--launch={LONG}"],
        ["check", "chat", "--launch=\x1b[31m {port}"],
        ["check", "chat", f"unix:///{LONG}"],
        ["check", "chat", f"--dialect={NOT_TEXT}"],
        ["check", "chat", "--seed", "9" * 5000],
        ["check", "chat", "--timeout", "9" * 5000],
        ["check", "chat", "--examples", "٣"],
        ["learn", "chat", "\x1b[31m"],
        ["learn", "chat", f"--launch={LONG} " + "{port}"],
        ["spec", "\x1b[31m"],
        ["\x1b[31m"],
        ["--\x1b[31m", "check"],
        ["--", "check"],
        [],
    ],
)
def test_no_argument_is_too_absurd(capfd: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, err = ended(capfd, *words)
    assert (code, err.count("\n")) == (2, 1)


def test_a_target_may_stand_anywhere_among_the_options(capfd: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["check", "echo", "--timeout", "1", "nowhere", "--strict"],
        ["check", "--timeout", "1", "echo", "--strict", "nowhere"],
        ["learn", "--timeout", "1", "echo", "nowhere"],
    ):
        assert "'nowhere' is not an address" in ended(capfd, *words)[1]


# What becomes of output


def full() -> io.TextIOWrapper:
    return io.TextIOWrapper(open("/dev/full", "wb"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no file that is always full")
@pytest.mark.parametrize(
    "words", [["spec"], ["dialects"], ["--help"], ["check", "echo", "--only", "ECHO-1", "--examples", "0"]]
)
def test_output_that_cannot_be_written_is_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    with full() as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        code, err = ended(capfd, *words)
    assert (code, err) == (2, "socketserver-reference: No space left on device\n")


def test_a_report_is_written_though_nothing_can_be_printed_any_more(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(display: Display, *_: str, **__: int) -> None:
        display.unprinted = OSError(28, "No space left on device")

    monkeypatch.setattr(Display, "print", fail)
    file = tmp_path / "verdicts.json"
    code, err = ended(capfd, "check", "echo", "--only", "ECHO-1", "--examples", 0, "--json", file)
    assert (code, err) == (2, "socketserver-reference: No space left on device\n")
    assert json.loads(file.read_text())["summary"]["holds"] == 1


def test_one_report_that_cannot_be_written_does_not_stop_the_others(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.md"
    outcome = check(
        "echo", "--only", "ECHO-1", "--examples", 0, "--junit", "/dev/full", "--markdown", file, "--html", "/dev/full"
    )
    assert outcome.code == 2
    assert outcome.err.count("cannot write /dev/full: No space left on device") == 2
    assert file.read_text().startswith("## echo conforms")
    assert outcome.document["summary"]["holds"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["verdicts.json", "verdicts.md"]


def test_closed_streams_are_opened_again(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    assert ended(capfd, "spec") == (0, "")
    sys.stdout.close()
    sys.stderr.close()


def test_a_stream_that_is_closed_is_opened_before_any_other_file(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def closed(number: int) -> None:
        if number == 2:
            raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", closed)
        patched.setattr(os, "open", lambda name, _: opened.append(name))
        parser._reopen_closed()
    assert opened == [os.devnull]
    assert capfd.readouterr() == ("", "")


def test_a_reader_that_has_gone_is_no_news(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert ended(capfd, "spec") == (2, "")


# Interrupts


def interrupt(*_: object) -> int:
    signal.raise_signal(signal.SIGINT)
    return 0


@pytest.mark.parametrize("command", [("spec", spec), ("learn chat x", learn), ("compare x", compare)])
def test_an_interrupt_is_one_line_and_130(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: tuple[str, argparse.Namespace]
) -> None:
    words, module = command
    monkeypatch.setattr(module, "run", interrupt)
    assert main(words.split()) == 130
    assert capfd.readouterr() == ("", "socketserver-reference: interrupted\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_ends_the_process_at_once(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []

    def twice(*_: object) -> int:
        try:
            return interrupt()
        finally:
            interrupt()

    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(spec, "run", twice)
    assert main(["spec"]) == 130
    assert codes == [130]
    assert capfd.readouterr().err == "socketserver-reference: interrupted\n" * 2
