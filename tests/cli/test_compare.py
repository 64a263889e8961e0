"""`socketserver-reference compare`: several servers side by side, and files that say nothing of the kind."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.cli import compare, options
from socketserver_reference.cli.main import main
from socketserver_reference.conformance.reports import comparison, json_report
from socketserver_reference.conformance.reports.comparison import Checked, Comparison
from socketserver_reference.conformance.reports.html import comparison as comparison_page
from socketserver_reference.conformance.runner import compare as comparing
from socketserver_reference.conformance.scenario.violation import Violation
from tests.support.checking import Lifeline, bad
from tests.support.exchanges import EVERYTHING, report, violation
from tests.support.serving import TIMEOUT, unserved

QUICK = ("--examples", "0", "--timeout", "3", "--profile", "basic")

Compare = Callable[..., tuple[int, str, str]]


def server(name: str, launch: str = "", protocol: str = "echo", **keys: str) -> str:
    """Return the lines of one server in a file."""
    said = {"name": name, "protocol": protocol, **({"launch": launch} if launch else {}), **keys}
    return "\n".join(["[[server]]", *(f"{key} = {json.dumps(value)}" for key, value in said.items()), ""])


def served(program: str) -> str:
    """Return the command that serves one of the reference's servers."""
    return f"{sys.executable} -m socketserver_reference serve {program} --port {{port}}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "servers.toml"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], file: Path) -> Compare:
    """The command, in this process, on a file with these servers."""

    def compared(text: str, *arguments: object) -> tuple[int, str, str]:
        file.write_text(text)
        code = main(["compare", str(file), *map(str, arguments)])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        assert "\x1b" not in out + err
        return code, out, err

    return compared


# Real servers


@pytest.fixture
def absent() -> Iterator[Address]:
    """An address where no server is."""
    with unserved() as address:
        yield address


@pytest.mark.sweep
def test_servers_are_put_side_by_side(run: Compare, tmp_path: Path, absent: Address) -> None:
    text = (
        server("reference", served("echo"))
        + server("bad <b>\x1b", bad("markup"))
        + server("absent", target=str(absent))
        + server("dead", f"{sys.executable} -c 'raise SystemExit(3)' {{port}}")
    )
    files = {name: tmp_path / f"compared.{name}" for name in compare.COMPARISON_FORMATS}
    code, out, err = run(text, *QUICK, *(word for name, to in files.items() for word in (f"--{name}", to)))
    assert (code, err) == (1, "")
    lines = out.splitlines()
    head = next(line for line in lines if line.startswith("echo "))
    assert head.split("  ")[0] == "echo"
    assert [name.strip() for name in head.split("  ")[1:] if name.strip()] == [
        "reference",
        r"bad <b>\x1b",
        "absent",
        "dead",
    ]
    assert max(map(len, lines[lines.index(head) : lines.index(head) + 13])) <= 80
    second = next(line for line in lines if line.startswith("ECHO-2"))
    assert second.split() == ["ECHO-2", "holds", "VIOLATED", "unchecked", "unchecked"]
    assert f"absent could not be checked: nothing to check at {absent}: connection refused" in out
    assert "dead could not be checked: " in out
    assert "with exit status 3" in out
    assert lines[-1] == "1 of 4 conforms"
    written = json.loads(files["json"].read_text())
    assert (written["code"], [entry["name"] for entry in written["servers"]]) == (
        1,
        ["reference", "bad <b>\x1b", "absent", "dead"],
    )
    assert written["servers"][0]["report"]["profile"] == "basic"
    assert "<code>bad &#60;b&#62;\\x1b</code>" in files["markdown"].read_text().replace("&#92;", "\\")
    assert "bad &lt;b&gt;\\x1b" in files["html"].read_text()


@pytest.mark.slow
def test_what_is_started_is_started_beside_the_file_whatever_lies_there(run: Compare, file: Path) -> None:
    (file.parent / "reference.py").write_text("raise SystemExit('this is somebody else\\'s module')")
    (file.parent / "json.py").write_text("raise SystemExit('and so is this')")
    (file.parent / "mine").mkdir()
    root = str(Path(compare.__file__).parents[2])
    (file.parent / "mine" / "server.py").write_text(
        f"import sys; sys.path.insert(0, {root!r}); sys.argv[1:1] = ['serve', 'echo', '--port']; "
        "from socketserver_reference.cli.main import main; main()"
    )
    code, out, _ = run(server("mine", f"{sys.executable} mine/server.py {{port}}"), *QUICK, "--strict")
    assert code == 0, out


@pytest.mark.slow
def test_an_interrupt_ends_everything_and_shows_what_there_is(lifeline: Lifeline, file: Path) -> None:
    file.write_text(
        server("first", target="tcp://host.invalid:9")
        + server("hanging", bad("hanging", lifeline.path), "chat")
        + server("last", served("echo"))
    )
    command = [
        sys.executable,
        "-m",
        "socketserver_reference",
        "compare",
        str(file),
        "--examples",
        "1",
        "--timeout",
        "60",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lifeline.wait_for(b"hanging")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=6 * TIMEOUT)
    assert (process.returncode, err) == (130, "")
    assert "first could not be checked: nothing to check" in out
    assert "hanging could not be checked: interrupted" in out
    assert "last could not be checked: interrupted" in out
    lifeline.wait_for_the_end()


def test_a_checker_that_dies_without_a_word_costs_one_server(monkeypatch: pytest.MonkeyPatch, run: Compare) -> None:
    monkeypatch.setattr(comparing, "RUN_FROM_HERE", "import os; os.kill(os.getpid(), 9)")
    code, out, _ = run(server("one", served("echo")) + server("two", served("echo")))
    assert code == 2
    assert out.count("could not be checked: the check was ended by signal 9 and printed no error") == 4


@pytest.mark.slow
def test_a_dialect_lies_beside_the_file_as_well(run: Compare, file: Path) -> None:
    (file.parent / "mine.toml").write_text('protocol = "echo"\n[echo]\ntransform = "identity"\n')
    code, out, _ = run(server("mine", bad("well-behaved"), dialect="mine.toml"), *QUICK)
    assert code == 1
    assert r"expected: first reads b'hello\n', then end of stream" in out
    code, out, err = run(server("mine", bad("well-behaved"), dialect="yours.toml"), *QUICK)
    assert (code, out) == (2, "")
    assert "server 1: --dialect yours.toml: " in err


# Files that are not as they should be


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server = \n[a]", ["not TOML", "line 1"]),
        pytest.param("server = " + "[" * 5000, ["not TOML"], id="brackets"),
        ("", ["lists no servers", "[[server]]"]),
        ("server = 3", ["lists no servers"]),
        ("server = [3]", ["lists no servers"]),
        ("servers = []", ["unknown key 'servers'", "[[server]]"]),
        (server("a", "run {port}", lauch="b"), ["server 1", "unknown key 'lauch'", "launch"]),
        (server("a", "run {port}") + server("a", "run {port}"), ["server 2", "'a'", "each needs a name"]),
        (server("", "run {port}"), ["server 1", "name = ''", "not empty"]),
        (server("a", "run \0 {port}"), ["launch", "no NUL"]),
        ("[[server]]\nname = 3", ["name = 3", "text"]),
        ("[[server]]\nname = 'a'", ["no protocol", "echo or chat"]),
        ("[[server]]\nprotocol = 'echo'", ["no name"]),
        (server("a", "run {port}", "ftp"), ["protocol = 'ftp'", "echo, chat"]),
        (server("a"), ["neither launch nor target"]),
        (server("a", target="localhost:7"), ["target", "tcp://host:port"]),
        (server("a", "run {port}", transport="pigeon"), ["server 1", "--transport", "pigeon"]),
        (server("a", "run {port}", "chat", transport="udp"), ["server 1", "a chat needs connections"]),
        (server("a", "run {port}", transport="udp", target="tcp://127.0.0.1:7"), ["server 1", "contradicts"]),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(run: Compare, text: str, words: Sequence[str]) -> None:
    code, out, err = run(text)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("socketserver-reference compare: ")
    assert "servers.toml" in err
    for word in words:
        assert word in err


def test_a_file_that_cannot_be_read_is_refused_in_one_line(
    capfd: pytest.CaptureFixture[str], file: Path, tmp_path: Path
) -> None:
    file.write_bytes(b"name = '\xff'")
    for path, word in (
        (file, "not UTF-8, at byte 8"),
        (tmp_path / "none.toml", "No such file"),
        (tmp_path, "directory"),
    ):
        assert main(["compare", str(path)]) == 2
        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert word in err


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_checked(run: Compare, tmp_path: Path) -> None:
    code, out, err = run(server("a", "run {port}"), "--html", tmp_path / "missing" / "file")
    assert (code, out) == (2, "")
    assert "cannot write" in err


def test_without_what_checking_needs_it_says_what_to_install(run: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "find_spec", lambda _: None)
    code, out, err = run(server("a", "run {port}"))
    assert (code, out) == (2, "")
    assert "pip install" in err


# Side by side


def checked(name: str, *violations: Violation, **what: Any) -> Checked:
    """Return a server that breaks these clauses."""
    code = int(bool(violations))
    conclusion = "does not conform" if violations else "conforms"
    settings = {"code": code, "conclusion": conclusion, "target": "mine", **what}
    return Checked(name, "chat", json.loads(json_report.write(report(*violations, **settings))))


@pytest.mark.parametrize(
    ("codes", "code"),
    [((0, 0), 0), ((0, 1), 1), ((0, 2), 2), ((2, 1, 0), 1), ((0, 130), 2), ((1, 3), 130)],
    ids=["all", "violated", "cannot", "both", "one check interrupted", "interrupted"],
)
def test_a_violation_comes_first(codes: Sequence[int], code: int) -> None:
    made = {0: checked("a"), 1: checked("b", violation(EVERYTHING)), 2: Checked("c", "chat", None, "no")}
    made |= {130: checked("d", code=130), 3: Checked("e", "chat", None, comparison.INTERRUPTED_CHECK)}
    assert Comparison([made[each] for each in codes]).code == code


def test_what_is_too_wide_is_told_by_signs() -> None:
    servers = [checked(f"{number} is a long name indeed") for number in range(8)]
    lines = comparison.as_text(Comparison([*servers, checked("bad", violation(EVERYTHING))]))
    assert lines[1] == "1  0 is a long name indeed"
    row = next(line for line in lines if line.startswith("CHAT-1 "))
    assert row.split() == ["CHAT-1", *["+"] * 9]
    assert (
        max(map(len, lines[: lines.index("+ holds, X VIOLATED, ~ unconfirmed, - not applicable, ? not checked")])) <= 80
    )
    assert next(line for line in lines if line.startswith("CHAT-2 ")).split() == ["CHAT-2", *["?"] * 8, "X"]


def test_a_should_is_told_from_a_must() -> None:
    lines = comparison.as_text(Comparison([checked("a", violation(EVERYTHING, "CHAT-17"))]))
    assert "CHAT-17 SHOULD  VIOLATED" in lines
    assert "CHAT-1          holds" in lines


def test_the_same_comparison_is_written_in_every_format(
    run: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [checked("good"), checked("bad", violation(EVERYTHING)), Checked("gone", "chat", None, "no")]
    monkeypatch.setattr(comparing, "check_all", lambda *_: servers)
    files = {name: tmp_path / f"compared.{name}" for name in compare.COMPARISON_FORMATS}
    code, out, _ = run(server("a", "run {port}"), *(word for name, to in files.items() for word in (f"--{name}", to)))
    assert (code, out.splitlines()[-1]) == (1, "1 of 3 conforms")
    written = json.loads(files["json"].read_text())
    assert (written["conclusion"], written["code"]) == ("1 of 3 conforms", 1)
    assert written["servers"] == [
        {"name": each.name, "protocol": "chat", "why": why, "report": each.document}
        for each, why in zip(servers, (None, None, "no"), strict=True)
    ]
    assert files["markdown"].read_text() == comparison.as_markdown(Comparison(servers))
    assert files["html"].read_text() == comparison_page.write(Comparison(servers))


def test_markdown_and_html_tell_each_violation_once() -> None:
    compared = Comparison([checked("good"), checked("bad", violation(EVERYTHING)), Checked("gone", "chat", None, "no")])
    written = comparison.as_markdown(compared)
    assert written.startswith("## 1 of 3 conforms\n")
    assert written.count("<details>") == 1
    assert "<strong>CHAT-2 of <code>bad</code></strong>" in written
    page = comparison_page.write(compared)
    assert page.count("<article") == 1
    assert 'href="#server-2-CHAT-2"' in page
    assert "It could not be checked: no." in page


@pytest.mark.slow
def test_with_a_site_each_clause_is_linked_to_its_page(run: Compare, tmp_path: Path) -> None:
    page, site = tmp_path / "compared.html", "https://example.org/suite"
    link = f'<th scope="row"><a href="{site}/specification/ECHO-1.html">ECHO-1</a>'
    run(server("mine", served("echo")), "--examples", "0", "--html", page, "--site", site)
    assert link in page.read_text()
    run(server("mine", served("echo")), "--examples", "0", "--html", page)
    assert "/specification/" not in page.read_text()
