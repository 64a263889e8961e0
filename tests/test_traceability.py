"""Clause <-> code <-> check: derived from the sources, and held together here."""

import re
from pathlib import Path

import pytest

import reference
from reference import spec
from reference.__main__ import main
from reference.clauses import CLAUSES
from reference.conformance.chat import ChatConformance
from reference.conformance.datagram import DatagramConformance
from reference.conformance.echo import EchoConformance
from reference.conformance.server import ServerConformance
from reference.conformance.violation import VIOLATIONS

TAGGED = {id for id, _, _ in spec.enforcements()}
DECIDED = {id for id, _, _ in spec.checks()}


def test_every_tag_in_the_servers_names_a_clause() -> None:
    assert set(CLAUSES) >= TAGGED


def test_every_clause_is_enforced_somewhere() -> None:
    assert set(CLAUSES) == TAGGED


def test_every_clause_is_decided_by_a_check() -> None:
    assert set(CLAUSES) == DECIDED


def test_every_clause_has_an_exception_of_its_own() -> None:
    assert set(CLAUSES) == set(VIOLATIONS)
    assert len(set(VIOLATIONS.values())) == len(CLAUSES)


@pytest.mark.parametrize("cls", [EchoConformance, DatagramConformance, ChatConformance, ServerConformance])
def test_a_conformance_class_decides_the_clauses_of_its_groups_and_no_others(cls: type) -> None:
    methods = [value for name in dir(cls) if callable(value := getattr(cls, name))]
    decided = {method.decides for method in methods if hasattr(method, "decides")}
    assert decided == {clause.id for clause in CLAUSES.values() if clause.group in cls.groups}  # type: ignore[attr-defined]  # all have groups


def test_ids_are_numbered_without_gaps_in_each_group() -> None:
    for group in {clause.group for clause in CLAUSES.values()}:
        numbers = [int(id.partition("-")[2]) for id, clause in CLAUSES.items() if clause.group == group]
        assert numbers == list(range(1, len(numbers) + 1))


def test_only_a_tag_at_the_beginning_of_a_comment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text('x = "# [CHAT-1] no"\n    # [CHAT-2] [CHAT-3] yes\n# see [CHAT-4]\n')
    monkeypatch.setattr(spec, "HERE", tmp_path)
    assert list(spec.enforcements()) == [
        ("CHAT-2", "reference/program.py:2", "yes"),
        ("CHAT-3", "reference/program.py:2", "yes"),
    ]


def test_a_tag_that_names_no_clause_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text("# [CHAT-99] a rule that nobody made\n")
    monkeypatch.setattr(spec, "HERE", tmp_path)
    assert {id for id, _, _ in spec.enforcements()} - set(CLAUSES) == {"CHAT-99"}


def test_spec_prints_every_clause_once_in_its_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec"]) == 0
    basic, hardened = capsys.readouterr().out.removeprefix("basic:\n").split("hardened:\n")
    for text, profile in ((basic, "basic"), (hardened, "hardened")):
        ids = re.findall(r"^  ([A-Z]+-\d+) +The server (?:MUST|SHOULD) .*\.$", text, re.MULTILINE)
        assert ids == [clause.id for clause in CLAUSES.values() if clause.profile == profile]


def test_spec_prints_all_that_is_known_of_a_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "CHAT-7", "SRV-9"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("CHAT-7 (MUST, basic, observed by stream)\nThe server MUST let the sender of a chunk")
    assert "\nSRV-9 (MUST, hardened, observed by in-process)\n" in told
    place = re.search(r"^  reference/chat\.py:(\d+)  quit, with white space around it or not$", told, re.MULTILINE)
    assert place
    lines = (Path(reference.__file__).parent / "chat.py").read_text().splitlines()
    assert lines[int(place[1]) - 1].strip() == "# [CHAT-7] quit, with white space around it or not"
    assert re.search(r"^  reference/conformance/chat\.py:\d+  test_quit_makes_the_sender_leave", told, re.MULTILINE)


def test_spec_of_the_family_is_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "--family"]) == 0
    assert "ThreadingUnixStreamServer" in capsys.readouterr().out


def test_spec_of_what_is_no_clause_says_what_would_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "CHAT-7", "CHAT-99"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "socketserver-reference spec: 'CHAT-99' is no clause: they are ECHO-n, UDP-n, CHAT-n, SRV-n\n"
