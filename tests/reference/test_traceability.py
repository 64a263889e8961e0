"""Clause <-> code <-> check <-> fault: derived from the sources, and held together here.

What the sources say is gathered by `links`, and `loose_ends` says what does not fit. Each of its complaints is provoked
once, with sources that are wrong on purpose. That a fault breaks just the clauses it names, the kill matrix proves
(`test_matrix.py`).
"""

import re
import shutil
from pathlib import Path

import pytest

from socketserver_faults.catalogue.index import catalogue
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.cli import spec
from socketserver_reference.cli.main import main
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.checks.datagram import DatagramConformance
from socketserver_reference.conformance.checks.echo import EchoConformance
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.serving import ROOT


def loose_ends() -> list[str]:
    """Return what does not fit: tags, checks and faults of no clause, and clauses without a tag, a check or a fault."""
    kinds = {
        "is not enforced anywhere": spec.enforcements,
        "is decided by no check": spec.checks,
        "is broken by no fault": spec.faults,
    }
    found = []
    for lack, gather in kinds.items():
        links = [(clause, place) for clause, place, _ in gather()]
        found += [f"{place} names {clause}, which is no clause" for clause, place in links if clause not in CLAUSES]
        found += [f"{clause} {lack}" for clause in CLAUSES if clause not in {linked for linked, _ in links}]
    return found


def test_every_tag_check_and_fault_has_a_clause_and_every_clause_has_all_three() -> None:
    ends = loose_ends()
    assert not ends, "\n" + "\n".join(ends)  # pytest would cut a list


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all sources, to be made wrong."""
    for package in ("reference", "faults"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(spec, "ROOT", tmp_path)
    for name in ("HERE", "FAULTS"):
        monkeypatch.setattr(spec, name, tmp_path / getattr(spec, name).relative_to(ROOT))
    ends = loose_ends()
    assert not ends, "\n" + "\n".join(ends)  # pytest would cut a list
    return tmp_path


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("file", "before", "after", "complaints"),
    [
        (
            "reference/socketserver_reference/chat.py",
            "# [CHAT-9] ",
            "# [CHAT-99] ",
            ["names CHAT-99, which is no clause", "CHAT-9 is not enf"],
        ),
        (
            "reference/socketserver_reference/conformance/checks/chat_basic.py",
            '@decides("CHAT-8")',
            "",
            ["CHAT-8 is decided by no check"],
        ),
        (
            "faults/socketserver_faults/catalogue/delivery.py",
            '@fault("CHAT-5")',
            '@fault("CHAT-55")',
            ["names CHAT-55", "CHAT-5 is broken by"],
        ),
    ],
)
def test_what_does_not_fit_is_told(wrong: Path, file: str, before: str, after: str, complaints: list[str]) -> None:
    edit(wrong / file, before, after)
    told = loose_ends()
    assert len(told) == len(complaints)
    assert all(message in line for message, line in zip(complaints, told, strict=True))


def test_the_faults_read_off_the_sources_are_those_of_the_catalogue() -> None:
    read = {(clause, name) for clause, _, name in spec.faults()}
    assert read == {(clause, fault.name) for fault in catalogue().values() for clause in fault.breaks}


def test_every_clause_has_an_exception_of_its_own() -> None:
    assert set(CLAUSES) == set(VIOLATIONS)
    assert len(set(VIOLATIONS.values())) == len(CLAUSES)


@pytest.mark.parametrize("cls", [EchoConformance, DatagramConformance, ChatConformance, ServerConformance])
def test_a_conformance_class_decides_the_clauses_of_its_groups_and_no_others(cls: type) -> None:
    methods = [value for name in dir(cls) if callable(value := getattr(cls, name))]
    decided = {method.decides for method in methods if hasattr(method, "decides")}
    due = {clause.id for clause in CLAUSES.values() if clause.group in cls.groups}  # type: ignore[attr-defined]  # all have groups
    assert decided == due, f"{cls.__name__} has too many or too few checks: {sorted(decided ^ due)}"


def test_ids_are_numbered_without_gaps_in_each_group() -> None:
    for group in {clause.group for clause in CLAUSES.values()}:
        numbers = [int(id.partition("-")[2]) for id, clause in CLAUSES.items() if clause.group == group]
        assert numbers == list(range(1, len(numbers) + 1))


def test_only_a_tag_at_the_beginning_of_a_comment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text('x = "# [CHAT-1] no"\n    # [CHAT-2] [CHAT-3] yes\n# see [CHAT-4]\n')
    monkeypatch.setattr(spec, "HERE", tmp_path)
    monkeypatch.setattr(spec, "ROOT", tmp_path)
    assert list(spec.enforcements()) == [
        ("CHAT-2", "program.py:2", "yes"),
        ("CHAT-3", "program.py:2", "yes"),
    ]


def test_a_tag_that_names_no_clause_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text("# [CHAT-99] a rule that nobody made\n")
    monkeypatch.setattr(spec, "HERE", tmp_path)
    monkeypatch.setattr(spec, "ROOT", tmp_path)
    assert {id for id, _, _ in spec.enforcements()} - set(CLAUSES) == {"CHAT-99"}


def test_the_list_of_clauses_fits_a_terminal_below_its_sentences() -> None:
    assert spec.fitted("  CHAT-1   The server MUST be", 29) == "  CHAT-1   The server MUST be"
    assert spec.fitted("  CHAT-1   The server MUST be", 28) == "  CHAT-1   The server MUST\n           be"


def test_spec_prints_every_clause_once_in_its_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec"]) == 0
    basic, hardened = capsys.readouterr().out.removeprefix("basic:\n").split("hardened:\n")
    for text, profile in ((basic, "basic"), (hardened, "hardened")):
        ids = re.findall(r"^  ([A-Z]+-\d+) +The server (?:MUST|SHOULD) .*\.$", text, re.MULTILINE)
        assert ids == [clause.id for clause in CLAUSES.values() if clause.profile == profile]


def test_spec_prints_all_that_is_known_of_a_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "CHAT-7", "SRV-9"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "CHAT-7 (MUST, basic, observed by stream)\nThe server MUST remove a member whose chunk is `quit`"
    )
    assert "\nSRV-9 (MUST, hardened, observed by in-process)\n" in told
    place = re.search(
        r"^  reference/socketserver_reference/chat\.py:(\d+)  quit, with or without white space around it$",
        told,
        re.MULTILINE,
    )
    assert place
    lines = (spec.HERE / "chat.py").read_text().splitlines()
    assert lines[int(place[1]) - 1].strip() == "# [CHAT-7] quit, with or without white space around it"
    assert re.search(
        r"^  reference/socketserver_reference/conformance/checks/chat_basic\.py:\d+  test_quit_makes_the_sender_leave",
        told,
        re.MULTILINE,
    )
    assert re.search(r"^  faults/socketserver_faults/catalogue/leaving\.py:\d+  delivers-quit$", told, re.MULTILINE)


def test_spec_of_the_family_is_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "--family"]) == 0
    assert "ThreadingUnixStreamServer" in capsys.readouterr().out


def test_spec_of_what_is_no_clause_says_what_would_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "CHAT-7", "CHAT-99"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "socketserver-reference spec: 'CHAT-99' is not a clause; clauses are ECHO-n, UDP-n, CHAT-n, SRV-n\n"
