"""Commands that the system does not execute: each is told with what would help."""

import os
import sys
from pathlib import Path

import pytest

from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.command import refusal, split_command
from socketserver_reference.conformance.targets.launched import Launched


def script(directory: Path, text: bytes, mode: int = 0o700) -> str:
    """Return a file with this text, which may be executable."""
    file = directory / "my-script"
    file.write_bytes(text)
    file.chmod(mode)
    return str(file)


def test_a_program_that_is_found_is_not_refused() -> None:
    assert refusal(sys.executable) == ""
    assert split_command(f"{sys.executable} 'an argument'") == [sys.executable, "an argument"]


def test_a_program_that_does_not_exist_is_not_found() -> None:
    assert refusal("no-such-program") == "found no program 'no-such-program'"
    assert refusal("/no/such/program") == "found no program '/no/such/program'"
    with pytest.raises(CannotCheck, match="cannot launch 'no-such-program 1': found no program 'no-such-program'"):
        split_command("no-such-program 1")


def test_a_file_in_this_directory_is_named_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, b"#!/bin/sh\n")
    monkeypatch.chdir(tmp_path)
    assert refusal("my-script") == "found no program 'my-script': write ./my-script for the file in this directory"
    assert refusal("./my-script") == ""


def test_a_directory_is_no_program(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)) == f"{str(tmp_path)!r} is a directory: name a program in it"


def test_a_file_that_is_not_executable_says_how_it_becomes_so(tmp_path: Path) -> None:
    file = script(tmp_path, b"#!/bin/sh\n", 0o600)
    assert refusal(file).startswith(f"{file!r} is not executable: chmod +x makes it so; or write its interpreter")


@pytest.mark.parametrize("line", [b"#!/bin/sh", b"#! /bin/sh -e\n", b"#!\t/bin/sh\n", b"\x7fELF", b"", b"#!\n"])
def test_a_first_line_that_names_an_interpreter_that_exists_is_fine(tmp_path: Path, line: bytes) -> None:
    assert refusal(script(tmp_path, line)) == ""


def test_a_first_line_that_names_an_interpreter_that_does_not_exist_is_told(tmp_path: Path) -> None:
    file = script(tmp_path, b"#!/no/such/interpreter -x\n")
    assert refusal(file) == (
        f"the first line of {file!r} names the interpreter '/no/such/interpreter', which does not exist"
    )


def test_line_ends_of_windows_are_told(tmp_path: Path) -> None:
    file = script(tmp_path, b"#!/bin/sh\r\nexit 1\r\n")
    assert refusal(file).endswith(
        "names the interpreter '/bin/sh\\r', which does not exist, and ends with a carriage "
        "return: save it with the line ends of Unix"
    )


def test_a_script_that_cannot_be_read_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    file = script(tmp_path, b"#!/no/such/interpreter\n")
    monkeypatch.setattr("builtins.open", forbidden)
    assert refusal(file) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems execute scripts without a first line")
def test_a_script_without_a_first_line_that_names_its_interpreter_is_told(tmp_path: Path) -> None:
    file = script(tmp_path, b"exit 3\n")
    with pytest.raises(CannotCheck) as refused:
        Launched(f"{file} {{port}}").start(1.0)
    assert str(refused.value) == (
        f"'{file} {{port}}' cannot be checked: it cannot be executed: Exec format error: give it a first line such as "
        "#!/bin/sh, or write its interpreter in front of it, such as python3 or node"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the words are Linux's")
def test_a_program_that_the_system_cannot_execute_for_another_reason_is_told(tmp_path: Path) -> None:
    file = script(tmp_path, b"\x7fELF\x02\x01\x01" + b"\0" * 100)
    os.chmod(file, 0o700)
    with pytest.raises(CannotCheck, match="cannot be checked: it cannot be executed: "):
        Launched(f"{file} {{port}}").start(1.0)


def test_a_quote_without_its_end_is_no_command() -> None:
    with pytest.raises(CannotCheck, match="is not a valid command: No closing quotation"):
        split_command("serve 'me")
