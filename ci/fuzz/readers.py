"""Changed files and words, at everything that reads one. Whatever it is, it is used, or refused in one line."""

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import note
from hypothesis import strategies as st

from socketserver_faults.cli.main import main as faults_main
from socketserver_faults.schedule.exploration.replay import BadCode, Code
from socketserver_reference.address import Address, BadAddress
from socketserver_reference.cli.main import main
from socketserver_reference.conformance.dialects.loader import source
from socketserver_reference.conformance.results import known_file
from socketserver_reference.conformance.runner import server_list
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.command import split_command

TOKENS = [
    *("[", "]", "[[", "]]", "{", "}", '"', "'", '"""', "=", ".", ",", "#", "\n", "\\", "\\u0000", "\\ud800", "\\x1b"),
    *("0", "-1", "1e999", "nan", "inf", "9" * 400, "true", "null", "1979-05-27", "a" * 5000, "[" * 500, "\0", "\r"),
    *(
        "\u202e",
        "\U0001f600",
        "\N{ARABIC-INDIC DIGIT THREE}",
        "{body}",
        "{sender}",
        "{port}",
        "(?P<a>",
        "*+",
        "%d",
        "\x1b[",
    ),
]

SERVERS = b"""[[server]]
name = "one"
protocol = "chat"
launch = "python3 chat.py {port}"
dialect = "node-chat"

[[server]]
name = "two"
protocol = "echo"
target = "udp://127.0.0.1:9"
transport = "udp"
"""

KNOWN = b"""# what is broken
[[known]]
clause = "CHAT-7"
reason = "it has no quit"

[[known]]  # another
clause = "ECHO-2"
reason = "later"
dialect = "rfc862"
sometimes = true
"""


@st.composite
def changed(draw: st.DrawFn, text: bytes) -> bytes:
    """Draw the text with some of it cut out, repeated, or replaced by something that means something to a parser."""
    for _ in range(draw(st.integers(1, 6))):
        begin = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from((0, 0, 1, 2, 8, 40)))
        inserted = draw(
            st.sampled_from([token.encode() for token in TOKENS])
            | st.binary(max_size=6)
            | st.just(text[begin : begin + length] * 2)
            | st.integers(0, len(text)).map(lambda other, text=text: text[other : other + 40])  # type: ignore[misc]
        )
        text = text[:begin] + inserted + text[begin + length :]
    return text


def ended(words: Sequence[str], command: Callable[[Sequence[str]], int] = main) -> int:
    """Run a command in this process; return its exit status, once it is sure that it tells at most one error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = command(words)
    except SystemExit as end:
        code = int(str(end.code))
    printed = out.getvalue() + err.getvalue()
    assert code in (0, 1, 2), code
    assert "\x1b" not in printed, "an escape sequence is printed"
    assert "Traceback" not in printed, printed
    assert code != 2 or len(err.getvalue().splitlines()) <= 1, err.getvalue()
    return code


def reads_file(text: bytes, use: Callable[[Path], object], data: st.DataObject) -> None:
    """Let something use a changed file."""
    content = data.draw(changed(text))
    note(repr(content))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "file")
        file.write_bytes(content)
        use(file)


def reads_dialect(data: st.DataObject) -> None:
    """Show a dialect, which makes a conversation in it, and all that it changes."""
    name = data.draw(
        st.sampled_from(["node-chat", "binary-length", "irc-like", "go-chat", "twisted-echo", "ncat-chat"])
    )
    file = source(name)
    assert file is not None
    reads_file(file.read_bytes(), lambda path: ended(["dialects", str(path)]), data)


def one_line(error: Exception) -> None:
    """Assert that an error is told in one line."""
    assert "\n" not in str(error), str(error)


def reads_known(file: Path) -> None:
    """Read known failures, and take all out of the file again: nothing else is lost, and an empty list is left."""
    try:
        known_file.read(file)
        known_file.update(file, [])
    except known_file.BadKnown as error:
        one_line(error)
    else:
        assert known_file.read(file) == []


def reads_servers(file: Path) -> None:
    """Read the list of `compare`."""
    try:
        server_list.read(file)
    except server_list.BadServers as error:
        one_line(error)


def reads_report(data: st.DataObject) -> None:
    """Compare a check with a changed report of an earlier one, in its text or in its values."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "report.json")
        check = ["check", "echo", "--transport=tcp", "--only=ECHO-1", "--examples=0"]
        if not _reports:
            assert ended([*check, f"--json={file}"]) == 0
            _reports.append(json.loads(file.read_text()))
        report: Any = json.loads(json.dumps(_reports[0]))
        if data.draw(st.booleans()):
            values = (
                st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.dictionaries(st.text(), st.none())
            )
            place = data.draw(st.sampled_from([report, report["clauses"][0]]))
            place[data.draw(st.sampled_from(sorted(place)))] = data.draw(values)
            content = json.dumps(report).encode()
        else:
            content = data.draw(changed(json.dumps(report).encode()))
        note(repr(content))
        file.write_bytes(content)
        ended([*check, f"--compare={file}"])


_reports: list[Any] = []
"""An earlier report, once it is made."""


def reads_code(data: st.DataObject) -> None:
    """Read a replay code, which is written as it was read, and replay it."""
    text = data.draw(changed(b"speak:3.1-7.1~1b2c3d")).decode(errors="replace")
    note(text)
    try:
        assert str(Code.parse(text)) == text
    except BadCode as error:
        one_line(error)
    ended(["schedule", "chat", f"--replay={text}"], faults_main)


def reads_words(data: st.DataObject) -> None:
    """Read what stands on a command line: an address, a command, a clause, an option."""
    kind = data.draw(st.sampled_from(["address", "command", "clause", "option"]))
    text = data.draw(changed(b"tcp://[::1]:10007 python3 'a b' {port} CHAT-7")).decode(errors="surrogateescape")
    note(f"{kind}: {text!r}")
    if kind == "address":
        try:
            Address.parse(text)
        except BadAddress as error:
            one_line(error)
    elif kind == "command":
        try:
            split_command(text)
        except CannotCheck as error:
            one_line(error)
    elif kind == "clause":
        ended(["spec", "--", text] if text.startswith("-") else ["spec", text])
    else:
        option = data.draw(st.sampled_from(["--only", "--seed", "--timeout", "--budget", "--examples", "--transport"]))
        ended(["check", "echo", f"{option}={text}", "--compare=/no/such/file"])


READERS: dict[str, Callable[[st.DataObject], None]] = {
    "dialect": reads_dialect,
    "known failures": partial(reads_file, KNOWN, reads_known),
    "servers": partial(reads_file, SERVERS, reads_servers),
    "report": reads_report,
    "replay code": reads_code,
    "words": reads_words,
}
