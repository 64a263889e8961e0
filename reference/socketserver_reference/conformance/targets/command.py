"""The words of a command that launches a server, and why the system would not execute them."""

import errno
import os
import re
import shlex
import shutil

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.base import CannotCheck

MAX_INTERPRETER_BYTES = 256
"""Bytes that Linux reads of the first line of a script."""

WITH_INTERPRETER = "write its interpreter in front of it, such as python3 or node"


def split_command(command: str) -> list[str]:
    """Return the words of a command as a shell splits them; raise CannotCheck unless the first can be executed."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CannotCheck(f"{command!r} is not a valid command: {error}") from None
    program = words[0] if words else ""
    if why := refusal(program):
        raise CannotCheck(f"cannot launch {command!r}: {why}")
    return words


def refusal(program: str) -> str:
    """Return why a program cannot be executed, and what would help; "" if it can, as far as that can be seen."""
    found = shutil.which(program)
    if found is not None:
        return _interpreter_refusal(found)
    if os.path.isdir(program):
        return f"{program!r} is a directory: name a program in it"
    if os.sep in program and os.path.exists(program):
        return f"{program!r} is not executable: chmod +x makes it so; or {WITH_INTERPRETER}"
    here = f": write ./{program} for the file in this directory" if program and os.path.exists(program) else ""
    return f"found no program {program!r}{here}"


def _interpreter_refusal(file: str) -> str:
    """Return why a script cannot be executed: its first line names an interpreter that is not there."""
    try:
        with open(file, "rb") as script:
            line = script.readline(MAX_INTERPRETER_BYTES)
    except OSError:  # it may be executed though it cannot be read
        return ""
    words = re.split(rb"[ \t\n]+", line.removeprefix(b"#!")) if line.startswith(b"#!") else []
    name = os.fsdecode(next(filter(None, words), b""))
    if not name or os.path.exists(name):
        return ""
    end = ", and ends with a carriage return: save it with the line ends of Unix" if name.endswith("\r") else ""
    return f"the first line of {file!r} names the interpreter {name!r}, which does not exist{end}"


def advice(failure: str) -> str:
    """Return what would help against an error of the system that executing a command met, as the end of a sentence."""
    needs_interpreter = failure == os.strerror(errno.ENOEXEC)
    return f": give it a first line such as #!/bin/sh, or {WITH_INTERPRETER}" if needs_interpreter else ""


def has_placeholder(command: str) -> bool:
    """Whether a command says where its address belongs."""
    return bool({"{port}", "{path}"} & set(re.findall(r"{\w+}", command)))


def fill_in(word: str, address: Address) -> str:
    """Return a word of a command with the address in place of the placeholders; other braces stay unchanged."""
    return word.replace("{host}", address.host).replace("{port}", str(address.port)).replace("{path}", address.path)
