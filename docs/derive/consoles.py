"""Runs the commands that a page shows, and compares what they print with what the page shows.

A block of the language `console` is run line by line, each line that begins with `$ ` in a shell. The lines below it
are what it prints: all of it, or the lines that stand there, in their order, where `...` stands for any lines between
them. A command without lines below it is shown with all that it prints. A block of `pycon` is a session with Python,
and runs as a doctest. Figures that differ from run to run, such as seconds, are not compared.

Comments above a block say more:

    <!-- file: my_chat.py -->     the block is this file, in the folder where the commands of the page run; the
                                  second time, the site marks the lines that have changed
    <!-- serve: COMMAND -->       this server listens while the block runs; the block calls its port 10007
    <!-- status: 1 -->            the exit status of the last command
    <!-- in: checkout -->         the commands run in the checkout, not in the folder of the page

So the sources of the pages are readable as they are, and nothing in them is believed.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from socketserver_reference.conformance.targets.launched import Launched

ROOT = Path(__file__).parents[2]

BLOCK = re.compile(
    r"(?P<comments>(?:^<!-- (?:file|serve|status|in): [^\n]*-->\n)*)^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
COMMENT = re.compile(r"<!-- (file|serve|status|in): (.*?) -->")

SHOWN_PORT = "10007"
"""What a page calls the port of the server of a block."""

VOLATILE = re.compile(r"\d+(?:\.\d+)? ?s\b|\b\d+ (?:steps|schedules)\b")
"""What differs from run to run."""

BUSY = re.compile(r"^waiting until .* listens at .*\n", re.MULTILINE)
"""What a command says on a busy machine alone."""

START_TIMEOUT = 30.0
COMMAND_TIMEOUT = 900.0
"""Seconds for a command: more than the budget of any check, even on a busy machine."""


class WrongOutput(Exception):
    """A command does not print what a page shows, or ends otherwise; the message has both."""


@dataclass(frozen=True)
class Block:
    """A block of code, and what the comments above it say."""

    language: str
    code: str
    said: Mapping[str, str]


def with_outputs(text: str, page: str) -> str:
    """Return a page with the output of its commands; raise WrongOutput where it shows another."""
    with tempfile.TemporaryDirectory() as folder:

        def run(found: re.Match[str]) -> str:
            block = Block(found["language"], found["code"], dict(COMMENT.findall(found["comments"])))
            try:
                return _run(block, Path(folder))
            except WrongOutput as wrong:
                raise WrongOutput(f"{page}: {wrong}") from None

        return BLOCK.sub(run, text)


def _run(block: Block, folder: Path) -> str:
    """Do what a block says; return it as the site shows it."""
    if block.said.get("in") == "checkout":
        folder = ROOT
    if name := block.said.get("file"):
        return _file(block, folder / name)
    if block.language not in ("console", "pycon"):
        return f"```{block.language}\n{block.code}```"
    with _serving(block.said.get("serve"), folder) as port:
        if block.language == "pycon":
            _doctest(block.code.replace(SHOWN_PORT, port), folder)
            return f"```pycon\n{block.code}```"
        status = int(block.said.get("status", "0"))
        return f"```console\n{''.join(_session(block.code, folder, port, status))}```"


def _file(block: Block, path: Path) -> str:
    """Write a file; return its block, with a mark on the lines that differ from the last time the page wrote it."""
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.write_text(block.code, encoding="utf-8")
    lines = block.code.splitlines()
    same = {
        line
        for match in SequenceMatcher(None, before, lines, autojunk=False).get_matching_blocks()
        for line in range(match.b, match.b + match.size)
    }
    changed = [str(number) for number, line in enumerate(lines, 1) if number - 1 not in same and line]
    if not before or not changed:
        return f"```{block.language}\n{block.code}```"
    return f"```{{code-block}} {block.language}\n:emphasize-lines: {','.join(changed)}\n\n{block.code}```"


@contextmanager
def _serving(command: str | None, folder: Path) -> Iterator[str]:
    """Serve within the block; yield the port of the server."""
    if command is None:
        yield SHOWN_PORT
        return
    inside = f"sh -c 'cd \"$0\" && exec {command}' {folder}"
    site = Launched(inside).start(START_TIMEOUT)
    try:
        yield str(site.address.port)
    finally:
        site.close()


def commands(code: str) -> list[tuple[str, list[str]]]:
    """Return the commands of a block, each with the lines that the page shows below it."""
    found: list[tuple[str, list[str]]] = []
    for line in code.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line}", [])
        elif found:
            found[-1][1].append(line)
        else:
            raise WrongOutput(f"{line!r} stands above the first command of its block")
    return found


def _session(code: str, folder: Path, port: str, status: int) -> Iterator[str]:
    steps = commands(code)
    for number, (command, shown) in enumerate(steps, 1):
        printed, ended = run_command(command.replace(SHOWN_PORT, port), folder)
        printed = printed.replace(port, SHOWN_PORT) if port != SHOWN_PORT else printed
        printed = BUSY.sub("", printed)
        due = status if number == len(steps) else 0
        if ended != due:
            raise WrongOutput(f"`{command}` ends with status {ended}, not {due}:\n{printed}")
        lines = [line.rstrip() for line in printed.splitlines()]
        if shown and not matches(shown, lines):
            below = "\n".join(shown)
            raise WrongOutput(f"`{command}` prints\n\n{printed}\nand not, as the page shows,\n\n{below}")
        yield f"$ {command}\n" + "".join(f"{line}\n" for line in shown or lines)


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether a page shows what was printed: the same lines, but for those for which `...` stands."""
    left = [_steady(line) for line in printed]
    any_lines = False
    for line in shown:
        if line.strip() == "...":
            any_lines = True
            continue
        if _steady(line) not in left:
            return False
        at = left.index(_steady(line))
        if at and not any_lines:
            return False
        left = left[at + 1 :]
        any_lines = False
    return any_lines or not any(left)


def _steady(line: str) -> str:
    return VOLATILE.sub("#", line.rstrip())


def run_command(command: str, folder: Path) -> tuple[str, int]:
    """Run a command as a user does who has activated the environment; return what it prints, and its exit status."""
    with subprocess.Popen(
        command,
        shell=True,
        cwd=folder,
        env={**_environment(), "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=COMMAND_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise WrongOutput(f"`{command}` has not ended after {COMMAND_TIMEOUT:g} s") from None
    return printed.decode(errors="backslashreplace"), process.returncode


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "MAKEFLAGS", "MAKELEVEL")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}


def _doctest(code: str, folder: Path) -> None:
    (folder / "session.txt").write_text(code, encoding="utf-8")
    printed, ended = run_command(f"{sys.executable} -m doctest -o ELLIPSIS session.txt", folder)
    if ended:
        raise WrongOutput(f"a session with Python goes otherwise:\n{printed}")
