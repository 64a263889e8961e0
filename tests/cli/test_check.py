"""`socketserver-reference check` as its user meets it: what is checked, what is chosen, what is refused."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from socketserver_reference.address import Address
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.cli.check import conclude
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.targets.ports import free_port
from tests.support.checking import BARE_PYTHON, Checker, bad
from tests.support.serving import serving

ECHO = [id for id in CLAUSES if id.startswith("ECHO")]
UDP = [id for id in CLAUSES if id.startswith("UDP")]
CHAT = [id for id in CLAUSES if id.startswith("CHAT")]
ONLY_LAUNCHED = ["ECHO-10", "ECHO-11"]
"""What shows only in a server that the suite launches."""
QUICK = ("--examples", 2)
ONE = ("--only", "ECHO-2", "--examples", 0)


def reference_server(*arguments: str) -> str:
    """Return the command that serves one of the reference's servers."""
    return " ".join([BARE_PYTHON, "-m", "socketserver_reference", "serve", *arguments])


# What is checked


def test_without_a_target_the_reference_is_checked_and_conforms(check: Checker) -> None:
    outcome = check("echo", *QUICK)
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == [one for one in (*ECHO, *UDP) if one not in ONLY_LAUNCHED]
    assert outcome.clauses_that("not-applicable") == ONLY_LAUNCHED
    assert (
        outcome.out.splitlines()[0]
        == "checking echo: the reference in this process, over tcp and udp (seed 0, at most 1000 s)"
    )
    assert outcome.out.splitlines()[-1] == "conforms"
    assert outcome.err == ""


@pytest.mark.sweep
def test_the_chat_of_the_reference_conforms(check: Checker) -> None:
    outcome = check("chat", *QUICK, "--strict")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == [one for one in CHAT if one not in ("CHAT-19", "CHAT-20", "CHAT-21")]


@pytest.mark.sweep
@pytest.mark.parametrize("transport", ["tcp", "unix", "udp", "unix-datagram"])
def test_transport_says_over_what_the_reference_is_checked(check: Checker, transport: str) -> None:
    outcome = check("echo", *QUICK, "--transport", transport)
    datagrams = transport in ("udp", "unix-datagram")
    assert outcome.code == 0
    held = UDP if datagrams else [one for one in ECHO if one not in ONLY_LAUNCHED]
    assert outcome.clauses_that("holds") == held
    assert outcome.clauses_that("not-applicable") == [one for one in (*ECHO, *UDP) if one not in held]


@pytest.mark.slow
def test_a_chat_over_unix_sockets_knows_no_delayed_acknowledgements(check: Checker) -> None:
    outcome = check("chat", *QUICK, "--transport", "unix", "--only", "CHAT-2", "--only", "CHAT-16")
    assert (outcome.code, outcome.verdicts["CHAT-2"]) == (0, "holds")
    assert outcome.verdicts["CHAT-16"] == "not-applicable"
    assert outcome.clause("CHAT-16")["why"] == "unix knows no delayed acknowledgements"


@pytest.mark.sweep
@pytest.mark.parametrize("transport", ["tcp", "udp", "unix", "unix-datagram"])
def test_a_running_server_is_checked_at_its_address(check: Checker, tmp_path: Path, transport: str) -> None:
    if transport.startswith("unix"):
        address = Address(transport, path=str(tmp_path / "socket"))
    else:
        address = Address(transport, host="127.0.0.1", port=free_port())
    with serving("echo", address):
        outcome = check("echo", address, *QUICK)
    assert outcome.code == 0
    unseen = ("ECHO-9", "ECHO-12", *ONLY_LAUNCHED)
    assert outcome.clauses_that("holds") == (UDP if address.datagram else [one for one in ECHO if one not in unseen])
    assert outcome.document["target"] == str(address)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("placeholders", "transport"),
    [
        ("--port {port}", ()),
        ("--host {host} --port {port}", ()),
        ("--port {port} --transport udp", ("--transport", "udp")),
        ("--transport unix --path {path}", ()),
        ("--transport unix-datagram --path {path}", ("--transport", "unix-datagram")),
    ],
)
def test_a_launched_server_is_told_where_to_listen(
    check: Checker, placeholders: str, transport: tuple[str, ...]
) -> None:
    only = "UDP-1" if transport else "ECHO-2"
    outcome = check(
        "echo", "--launch", reference_server("echo", *placeholders.split()), *transport, "--only", only, "--examples", 0
    )
    assert (outcome.code, outcome.verdicts[only]) == (0, "holds")


@pytest.mark.slow
def test_a_launched_server_that_knows_its_port_is_found_by_the_target(check: Checker) -> None:
    port = free_port()
    command = reference_server("echo", "--port", str(port))
    outcome = check("echo", f"tcp://127.0.0.1:{port}", "--launch", command, *ONE)
    assert (outcome.code, outcome.verdicts["ECHO-2"]) == (0, "holds")


def test_what_listens_at_the_fixed_port_already_is_not_mistaken_for_the_launched_server(check: Checker) -> None:
    address = Address("tcp", host="127.0.0.1", port=free_port())
    with serving("echo", address):
        line = check.refusal("echo", address, "--launch", reference_server("echo", "--port", str(address.port)))
    assert "another server already listens" in line


# What is shown


@pytest.mark.slow
def test_a_check_shows_what_does_not_hold_or_every_check_or_the_verdict_alone(check: Checker) -> None:
    assert "holds          a request is stripped" not in check("echo", *ONE).out
    assert (
        "  ECHO-2   holds          a request is stripped and upper cased" in check("echo", *ONE, "-v").out.splitlines()
    )
    assert re.fullmatch(r"conforms in 1 of \d+ clauses\n", check("echo", *ONE, "--quiet").out)


@pytest.mark.slow
def test_a_violation_says_how_to_check_it_again(check: Checker) -> None:
    command = bad("markup")
    outcome = check("echo", "--launch", command, "--timeout", 7, "--transport", "tcp", *ONE)
    same = [f"--launch={command}", "--transport=tcp", "--examples=0", "--timeout=7.0", "--budget=1000.0"]
    again = shlex.join(["socketserver-reference", "check", "echo", *same, "--only", "ECHO-2"])
    assert f"again:    {again}" in outcome.out.splitlines()


# What is chosen


def test_profile_leaves_out_the_clauses_of_the_other(check: Checker) -> None:
    outcome = check("echo", *QUICK, "--profile", "basic", "--transport", "tcp")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == [id for id in ECHO if CLAUSES[id].profile == "basic"]
    assert "ECHO-7" not in outcome.verdicts
    assert outcome.document["profile"] == "basic"


def test_only_lists_the_chosen_clauses_alone_and_explores_what_can_break_them(check: Checker) -> None:
    outcome = check("chat", "--only", "CHAT-7", "--only", "CHAT-3", "--examples", 1)
    assert outcome.code == 0
    assert list(outcome.verdicts) == outcome.clauses_that("holds") == ["CHAT-3", "CHAT-7"]
    assert [line[: line.index(":")] for line in outcome.document["explored"]] == ["chat, basic", "chat, hardened"]


def test_no_examples_explore_nothing(check: Checker) -> None:
    outcome = check("echo", *ONE)
    assert (outcome.code, outcome.document["explored"]) == (0, [])


@pytest.mark.parametrize("options", [("--profile", "hardened", "--only", "ECHO-1"), ("--", "-k", "no_such_check")])
def test_nothing_checked_is_no_success(check: Checker, options: tuple[str, ...]) -> None:
    outcome = check("echo", *options)
    assert outcome.code == 2
    assert outcome.verdicts == {}
    assert outcome.out.splitlines()[-1] == "nothing was checked"


def test_arguments_after_two_dashes_are_pytests_and_choose_clauses_too(check: Checker) -> None:
    outcome = check("chat", "--", "-k", "quit")
    assert outcome.code == 0
    assert list(outcome.verdicts) == outcome.clauses_that("holds") == ["CHAT-7", "CHAT-8"]


def test_a_clause_is_not_checked_if_pytest_leaves_out_a_part_of_its_checks(check: Checker) -> None:
    outcome = check("chat", "--", "-k", "that_quits")
    assert outcome.code == 2
    assert outcome.verdicts == {"CHAT-7": "not-checked"}
    assert outcome.clause("CHAT-7")["why"] == "the arguments after -- leave out a part of its checks"
    assert outcome.out.splitlines()[-1] == "nothing was checked"


@pytest.mark.parametrize("option", [["--no-such-option"], ["-k", "and and"], ["-p", "no_such_plugin"]])
def test_what_pytest_refuses_cannot_be_checked(check: Checker, option: list[str]) -> None:
    outcome = check("echo", "--", *option)
    assert outcome.code == 2
    assert outcome.document == {}
    assert outcome.err.splitlines()[-1].startswith("socketserver-reference check: pytest refuses the arguments")


@pytest.mark.slow
def test_a_violated_should_fails_when_strict_and_is_only_told_otherwise(check: Checker) -> None:
    launched = (
        "--launch",
        f"{sys.executable} -m socketserver_faults.tutorial chat {{port}}",
        "--only",
        "CHAT-16",
        "--timeout",
        1,
    )
    lenient, strict = check("chat", *launched), check("chat", *launched, "--strict")
    assert (lenient.code, strict.code) == (0, 1)
    assert lenient.verdicts["CHAT-16"] == strict.verdicts["CHAT-16"] == "violated"
    assert lenient.out.splitlines()[-1].endswith("clauses, though it should not break CHAT-16")
    assert strict.out.splitlines()[-1] == "does not conform: breaks CHAT-16"


# What cannot be meant


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "conformance.toml"),
        (("ftp",), "ftp"),
        (("echo", "--examples", "-1"), "--examples"),
        (("echo", "--examples", "many"), "many"),
        (("echo", "--seed", "-1"), "--seed"),
        (("echo", "--seed", "lucky"), "lucky"),
        (("echo", "--timeout", "0"), "--timeout"),
        (("echo", "--timeout", "-1"), "--timeout"),
        (("echo", "--timeout", "nan"), "nan"),
        (("echo", "--timeout", "inf"), "inf"),
        (("echo", "--timeout", "1e300"), "1e300"),
        (("echo", "--profile", "soft"), "soft"),
        (("echo", "--transport", "carrier-pigeon"), "carrier-pigeon"),
        (("echo", "--only", "ECHO-99"), "ECHO-1, ECHO-2"),
        (("chat", "--only", "ECHO-1"), "ECHO-1: not a clause of chat"),
        (("chat", "--transport", "udp"), "udp"),
        (("chat", "udp://127.0.0.1:9999"), "udp"),
        (("echo", "localhost:9999"), "tcp://host:port"),
        (("echo", "tcp://localhost"), "tcp://host:port"),
        (("echo", "tcp://localhost:99999"), "99999"),
        (("echo", "unix://relative"), "absolute"),
        (("echo", "udp://127.0.0.1:9999", "--transport", "tcp"), "contradicts"),
        (("family", "tcp://127.0.0.1:9999"), "takes no target"),
        (("family", "--transport", "tcp"), "takes no target"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(check: Checker, arguments: tuple[str, ...], word: str) -> None:
    line = check.refusal(*arguments)
    assert line.startswith("socketserver-reference check: ")
    assert word in line


def test_a_server_conforms_only_in_what_was_checked() -> None:
    echoes = [clause for clause in CLAUSES.values() if clause.group == "ECHO"]
    verdicts = [Verdict(clause, "holds" if clause.level == "MUST" else "not-checked") for clause in echoes]
    undecided = ", ".join(verdict.clause.id for verdict in verdicts if verdict.outcome == "not-checked")
    assert conclude(verdicts, strict=False, trouble=False) == (0, f"conforms; not checked: {undecided}")
    assert conclude(verdicts[:2], strict=False, trouble=False) == (0, f"conforms in 2 of {len(echoes)} clauses")


def test_an_error_of_the_run_leaves_something_unchecked() -> None:
    holds = [Verdict(clause, "holds") for clause in CLAUSES.values() if clause.group == "ECHO"]
    assert conclude(holds, strict=False, trouble=False) == (0, "conforms")
    assert conclude(holds, strict=False, trouble=True) == (
        2,
        "not everything could be checked: see the errors above",
    )
