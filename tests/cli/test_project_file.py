"""The project file: what `check` alone checks in a directory, and `init`, which writes it."""

import shlex
from pathlib import Path

import pytest

from socketserver_reference.cli.learning import EXIT_CANNOT_LEARN, EXIT_LEARNED
from socketserver_reference.cli.main import build_command_parser, main
from socketserver_reference.cli.options import CommandError
from socketserver_reference.cli.project_file import INSTEAD, completed
from tests.support.checking import BARE_PYTHON, Checker

CHAT = 'protocol = "chat"\nlaunch = "serve {port}"\n'


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(*own: str) -> list[str]:
    return completed(own, build_command_parser("check"))


def test_a_check_without_words_does_what_the_file_says(check: Checker, directory: Path) -> None:
    (directory / "conformance.toml").write_text('protocol = "echo"\nonly = ["ECHO-1", "ECHO-2"]\nexamples = 0\n')
    assert check().clauses_that("holds") == ["ECHO-1", "ECHO-2"]
    assert check("--only", "ECHO-3").clauses_that("holds") == ["ECHO-1", "ECHO-2", "ECHO-3"]


def test_a_word_for_each_key_and_the_user_has_the_last(directory: Path) -> None:
    (directory / "conformance.toml").write_text(
        CHAT + 'timeout = 2.5\nstrict = true\nquiet = false\nonly = ["CHAT-1"]\n'
    )
    file = ["chat", "--launch=serve {port}", "--timeout=2.5", "--strict", "--only=CHAT-1"]
    assert words("--timeout", "7") == [*file, "--timeout", "7"]
    assert words("echo", "--strict") == ["echo", "--strict"], "who says what is checked means no file"


def test_a_table_of_pyproject_does_as_well(directory: Path) -> None:
    (directory / "pyproject.toml").write_text('[project]\nname = "mine"\n[tool.conformance]\nprotocol = "family"\n')
    assert words() == ["family"]
    (directory / "conformance.toml").write_text('protocol = "echo"\ntarget = "tcp://127.0.0.1:9"\n')
    assert words() == ["echo", "tcp://127.0.0.1:9"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other.toml", "", INSTEAD),
        ("pyproject.toml", "[tool]\nconformance = 7\n", INSTEAD),
        ("conformance.toml", "protocol =", "conformance.toml: is not TOML: Invalid value"),
        ("conformance.toml", "strict = true", "conformance.toml: no protocol; add echo, chat or family"),
        (
            "conformance.toml",
            CHAT + "lunch = 1",
            "conformance.toml: unknown key 'lunch'; the keys are protocol, target, ",
        ),
        (
            "conformance.toml",
            CHAT + "only = [{}]",
            "conformance.toml: only = {}; write a text, a number, true or false",
        ),
        (
            "pyproject.toml",
            "[tool.conformance]\nprotocol = ''",
            "pyproject.toml: tool.conformance: protocol = ''; write a text, a number, true or false",
        ),
    ],
)
def test_a_wrong_file_is_one_line(directory: Path, name: str, text: str, message: str) -> None:
    (directory / name).write_text(text)
    with pytest.raises(CommandError) as refused:
        words()
    assert str(refused.value).startswith(message)


def test_without_any_file_the_command_says_what_would_be_right(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check"])
    assert ended.value.code == 2
    assert (
        capsys.readouterr().err
        == f"socketserver-reference check: {INSTEAD} (see socketserver-reference check --help)\n"
    )


# init


@pytest.mark.slow
@pytest.mark.usefixtures("quick_learning")
def test_init_learns_a_server_and_check_alone_checks_it(
    check: Checker, directory: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = f"{BARE_PYTHON} -m socketserver_reference serve echo --port {{port}}"
    assert main(["init", "echo", "--launch", command]) == EXIT_LEARNED
    assert capfd.readouterr().err.endswith("init: next: socketserver-reference check\n")
    assert sorted(path.name for path in directory.iterdir()) == ["conformance.toml", "dialect.toml"]
    assert shlex.join(words()) == shlex.join(["echo", f"--launch={command}", "--dialect=dialect.toml"])
    assert check("--only", "ECHO-2", "--examples", 0).code == 0


@pytest.mark.parametrize("there", ["conformance.toml", "dialect.toml"])
def test_init_overwrites_nothing(directory: Path, there: str, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / there).write_text("")
    assert main(["init", "echo", "tcp://127.0.0.1:9"]) == EXIT_CANNOT_LEARN
    assert capsys.readouterr().err == f"socketserver-reference init: {there} exists already; remove or edit it\n"


def test_init_writes_nothing_that_could_not_be_learned(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "echo"]) == EXIT_CANNOT_LEARN
    assert capsys.readouterr().err.startswith("socketserver-reference init: name a server: an address such as")
    assert list(directory.iterdir()) == []
