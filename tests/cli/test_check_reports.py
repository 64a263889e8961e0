"""What `check` reports, and where it cannot."""

import html
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from tests.support.checking import Checker, bad
from tests.support.serving import unserved

QUICK = ("--examples", 2)
ONE = ("--only", "ECHO-2", "--examples", 0)
JSON_KEYS = [
    "format",
    "protocol",
    "target",
    "dialect",
    "seed",
    "profile",
    "strict",
    "version",
    "began",
    "seconds",
    "command",
    "clauses",
    "changes",
    "waived",
    "explored",
    "summary",
    "conclusion",
    "code",
]


def _elements(html: str, name: str) -> list[ET.Element]:
    """Return the elements of this name in a report, which is XML but for a few empty ones."""
    return [ET.fromstring(found) for found in re.findall(rf"<{name}\b.*?</{name}>", html, re.DOTALL)]


def test_seed_random_prints_the_seed_that_was_drawn(check: Checker) -> None:
    outcome = check("echo", "--seed", "random", *ONE)
    assert f"(seed {outcome.document['seed']}, at most " in outcome.out.splitlines()[0]


def test_the_same_seed_explores_the_same(check: Checker) -> None:
    one, other = (check("echo", "--seed", 7, *QUICK, "--transport", "udp") for _ in range(2))
    assert one.out == other.out


def test_json_is_a_document_of_this_shape(check: Checker) -> None:
    document = check("echo", *ONE).document
    assert list(document) == JSON_KEYS
    assert document["protocol"] == "echo"
    assert (document["seed"], document["profile"]) == (0, "all")
    assert document["clauses"] == [
        {
            "id": "ECHO-2",
            "level": "MUST",
            "profile": "basic",
            "sentence": CLAUSES["ECHO-2"].sentence,
            "asked": CLAUSES["ECHO-2"].sentence,
            "page": None,
            "verdict": "holds",
            "seconds": document["clauses"][0]["seconds"],
            "why": None,
            "known": None,
            "stale": False,
            "expected": None,
            "observed": None,
            "shape": None,
            "server_ended": None,
            "place": None,
            "note": None,
            "confirmation": None,
            "shown": None,
            "replays": None,
            "again": None,
            "before": None,
            "exchange": None,
            "events": None,
        }
    ]
    assert document["summary"] == {"holds": 1, "violated": 0, "unconfirmed": 0, "not_applicable": 0, "not_checked": 0}


@pytest.mark.slow
def test_json_tells_the_story_of_a_violation(check: Checker) -> None:
    outcome = check("echo", "--launch", bad("hangs-up"), *ONE, "--timeout", 0.3)
    clause = outcome.clause("ECHO-2")
    assert (outcome.code, clause["verdict"], clause["why"]) == (1, "violated", None)
    assert "reads" in clause["expected"]
    assert "reads" in clause["observed"]
    assert clause["exchange"][0].endswith(" connects")


@pytest.mark.slow
def test_junit_has_a_case_for_every_clause(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.xml"
    outcome = check("echo", "--launch", bad("hostile"), *ONE, "--timeout", 0.3, "--junit", file)
    (suite,) = ET.parse(file).getroot()
    assert suite.attrib["tests"] == str(len(suite.findall("testcase"))) == "1"
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("1", "0")
    assert suite.attrib["skipped"] == str(len(suite.findall("testcase/skipped")))
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.attrib["type"] == "ECHO-2"
    assert "exchange:" in failure.text
    assert outcome.clause("ECHO-2")["observed"] == failure.attrib["message"]


@pytest.mark.parametrize("option", ["--json", "--junit", "--markdown", "--html"])
@pytest.mark.parametrize("file", ["missing/verdicts", "."])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_checked(
    check: Checker, tmp_path: Path, option: str, file: str
) -> None:
    outcome = check("echo", option, tmp_path / file, json_too=False)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"socketserver-reference check: cannot write {tmp_path / file}: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no file that is always full")
def test_a_report_that_cannot_be_written_in_the_end_is_told_after_the_results(check: Checker) -> None:
    outcome = check("echo", "--json", "/dev/full", *ONE, json_too=False)
    assert outcome.code == 2
    assert "ECHO-2   holds" in outcome.out
    assert "cannot write /dev/full" in outcome.err


def test_a_check_that_cannot_be_leaves_no_empty_report(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.xml"
    with unserved() as address:
        check.refusal("echo", address, "--junit", file)
    assert not file.exists()


@pytest.mark.slow
def test_with_a_site_every_report_links_a_clause_to_its_page(check: Checker, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("html", "markdown", "junit")}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    command = "--launch", bad("hangs-up"), *ONE, "--timeout", 0.3, *options
    page = "https://example.org/suite/specification/ECHO-2.html"
    outcome = check("echo", *command, "--site", "https://example.org/suite/")
    assert outcome.clause("ECHO-2")["page"] == page
    assert "--site" not in outcome.document["command"]
    assert outcome.document["command"].endswith(" --only=ECHO-2"), "the same check again"
    assert all(" --only=ECHO-2" in html.unescape(file.read_text()) for file in files.values())
    assert all(page in file.read_text() for file in files.values())
    check("echo", *command)
    assert not [name for name, file in files.items() if "/specification/" in file.read_text()]


@pytest.mark.parametrize(
    "address", ["", "example.org", "javascript:alert(1)", "https://example.org/<b>", "https://a b"]
)
def test_what_is_no_address_of_a_site_is_refused(check: Checker, address: str) -> None:
    line = check.refusal("echo", "--site", address)
    assert f"argument --site: {address!r} is no address of a site: write https://" in line


@pytest.mark.slow
def test_the_page_of_a_violation_has_its_script(check: Checker, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    command = "--launch", bad("hangs-up"), *ONE, "--timeout", 0.3, "--html", page, "--reproduce", tmp_path
    assert check("echo", *command).code == 1
    script = (tmp_path / "ECHO-2.py").read_text()
    shown = [pre.text or "" for pre in _elements(page.read_text(), "pre") if pre.get("data-what")]
    assert [text.strip() for text in shown] == [script.strip()]
