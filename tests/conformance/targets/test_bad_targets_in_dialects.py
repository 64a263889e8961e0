"""Servers that are silent, flood, hang, die or send garbage, spoken to in a dialect: told as what they are, as ever."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.support.checking import Checker, bad

pytestmark = pytest.mark.sweep

QUICK = ("--timeout", 0.3, "--examples", 2, "--profile", "basic")
CUT = 600
"""Characters within which a report quotes what a server sent."""

LABELLED = '[framing]\nin = "line"\n[delivery]\ntemplate = "{sender}: {body}"\nto_sender = "nothing"\n'
DIALECTS = {
    "labels": LABELLED,
    "handshake": f'[[handshake]]\nwait = "Name? "\nsend = "{{name}}\\n"\n{LABELLED}',
    "lengths": '[framing]\nin = "length"\n[delivery]\ntemplate = "{body}"\n',
    "unmarked": '[framing]\nin = "line"\nout = "none"\n[delivery]\ntemplate = "{any}> {body}"\n',
    "limits": "[limits]\nmembers = 8\ngap = 0.001\njoin_gap = 0.001\nstart = 20\n",
}
ECHOES = {
    "many": '[echo]\ntransform = "identity"\nrequests = "many"\n',
    "greeting": '[framing]\nin = "line"\n[echo]\ngreeting = "Welcome {any}\\n"\n',
}
BAD = ["silent", "hangs-up", "floods", "floods-when-asked", "hostile"]


def some(dialects: dict[str, str]) -> list[tuple[str, str]]:
    """Return pairs of a dialect and a bad server: each dialect meets two."""
    return [(name, BAD[(count + more) % len(BAD)]) for count, name in enumerate(dialects) for more in (0, 2)]


def in_bounds(outcome: object) -> bool:
    """Whether a text, or any within, is printable and short."""
    if isinstance(outcome, str):
        return len(outcome) < CUT and outcome.isprintable()
    return all(map(in_bounds, outcome)) if isinstance(outcome, list) else True


@pytest.mark.parametrize(("dialect", "name"), some(DIALECTS))
def test_a_bad_chat_is_told_in_any_dialect(check: Checker, tmp_path: Path, dialect: str, name: str) -> None:
    convicted(check, tmp_path, "chat", DIALECTS[dialect], name)


@pytest.mark.parametrize(("dialect", "name"), some(ECHOES))
def test_a_bad_echo_is_told_in_any_dialect(check: Checker, tmp_path: Path, dialect: str, name: str) -> None:
    convicted(check, tmp_path, "echo", ECHOES[dialect], name)


def convicted(check: Checker, directory: Path, protocol: str, dialect: str, name: str) -> None:
    """Check a bad server, and that the report is in order and says so, or that it does not speak the dialect."""
    file, junit = directory / "spoken.toml", directory / "verdicts.xml"
    file.write_text(f'protocol = "{protocol}"\n{dialect}')
    outcome = check(protocol, "--launch", bad(name), *QUICK, "--dialect", file, "--junit", junit)
    if "misfit" in outcome.document:
        assert (outcome.code, outcome.clauses_that("violated")) == (2, [])
        assert in_bounds(outcome.document["misfit"])
    else:
        assert outcome.code == 1, outcome.out + outcome.err
        assert outcome.clauses_that("violated")
    for clause in outcome.document["clauses"]:
        assert in_bounds([clause["why"], clause["observed"], clause["expected"], clause["exchange"]])
    ET.parse(junit)


@pytest.mark.parametrize(
    ("name", "how"), [("mortal", "the server ended with exit status 3"), ("crashing", "the server ended by signal 9")]
)
def test_a_server_that_dies_is_told_and_started_again_in_a_dialect(
    check: Checker, tmp_path: Path, name: str, how: str
) -> None:
    file = tmp_path / "spoken.toml"
    file.write_text('protocol = "chat"\n[delivery]\ntemplate = "ack{body}"\nnotices = ["* {any}"]\n')
    outcome = check("chat", "--launch", bad(name), *QUICK, "--timeout", 5, "--dialect", file)
    assert outcome.code == 1
    assert outcome.clauses_that("violated")
    assert how in outcome.out
    assert "CHAT-1" in outcome.clauses_that("holds")
    assert not any("restarted" in (clause["why"] or "") for clause in outcome.document["clauses"])
