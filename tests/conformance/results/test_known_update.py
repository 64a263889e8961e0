"""Bringing a list of known failures up to date: what is added, removed and kept, and that nothing is lost halfway."""

import os
import stat
from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.results import known_file
from socketserver_reference.conformance.results.known import NO_REASON, Known
from socketserver_reference.conformance.results.known_update import KnownFailures
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Replays, Violation
from tests.support.checking import Checker
from tests.support.known_failures import CONFORMS_BUT, QUICK, entry, last_lines


@pytest.mark.slow
def test_update_begins_a_list_that_the_next_check_passes_with(check: Checker, shouting: str, file: Path) -> None:
    outcome = check("chat", shouting, *QUICK, "--known", file, "--update-known")
    assert (outcome.code, outcome.err) == (0, "")
    assert last_lines(outcome, 2) == [f"{file}: added CHAT-8", CONFORMS_BUT]
    assert known_file.read(file) == [Known("CHAT-8", NO_REASON)]
    assert file.read_text().startswith("# Known failures")
    assert check("chat", shouting, *QUICK, "--known", file).code == 0


@pytest.mark.slow
def test_update_adds_removes_and_keeps_and_touches_nothing_else(check: Checker, shouting: str, file: Path) -> None:
    kept = (
        '# Ours.\n\n# resets\n[[ known ]] # said so\nclause = "CHAT-12"\nreason = """\nlong\n"""\n\n# A word between.\n'
    )
    mended = '\n# about CHAT-2\n# in two lines\n[[known]]\nclause = "CHAT-2"\nreason = "x"\n'
    file.write_text(kept + mended)
    outcome = check("chat", shouting, *QUICK, "--known", file, "--update-known")
    assert last_lines(outcome, 2)[0] == f"{file}: added CHAT-8; removed CHAT-2"
    assert file.read_text() == kept + entry("CHAT-8", NO_REASON)
    before = file.stat()
    assert "nothing to change" in check("chat", shouting, *QUICK, "--known", file, "--update-known").out
    assert file.stat() == before


def test_update_keeps_a_list_after_checks_that_did_not_end_in_order(file: Path) -> None:
    file.write_text(before := entry("CHAT-2"))
    listed = KnownFailures(file, update=True, dialect="note", default=True)
    _, news = listed.apply([Verdict(CLAUSES["CHAT-2"], "holds")], strict=False, trouble=True)
    assert news[0] == f"{file} is left as it is: the checks did not end in order"
    assert file.read_text() == before


def violated(clause: str, replays: Replays | None = None) -> Verdict:
    violation: Violation = VIOLATIONS[clause]("this", "that", [])
    violation.explored, violation.replays = True, replays
    return Verdict(CLAUSES[clause], "violated", "that", violation)


def test_what_is_added_says_its_dialect_and_whether_it_was_seen_to_hold_and_to_fail(file: Path) -> None:
    listed = KnownFailures(file, update=True, dialect="irc", default=False)
    verdicts = [
        violated("CHAT-2"),
        violated("CHAT-3", Replays(3, 3)),
        violated("CHAT-13", Replays(2, 3)),
        violated("CHAT-16"),
    ]
    marked, _ = listed.apply(verdicts, strict=False, trouble=False)
    added = [
        Known(clause, NO_REASON, "irc", sometimes=clause == "CHAT-13") for clause in ("CHAT-2", "CHAT-3", "CHAT-13")
    ]
    assert known_file.read(file) == added
    assert [verdict.known for verdict in marked] == [*added, None]


AFTER = [Known("CHAT-3", 'a "quoted" \\ reason\x7f\n✓', "irc", sometimes=True), Known("CHAT-8", "kept")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "known = []",
        'known = [\n  # on purpose\n  {clause = "CHAT-8", reason = "kept"},\n]\n',
        '# ours\nknown = [{clause = "CHAT-8", reason = "kept"}, {clause = "CHAT-2", reason = "x"}] # all\n',
        entry("CHAT-8", "kept").replace("\n", "\r\n") + "# the end",
        entry("CHAT-8", "kept") + 'dialect = "irc"\n[[known]]\nclause = "CHAT-2"\nreason = """\n[[known]]\n"""',
    ],
)
def test_whatever_form_a_list_has_it_says_afterwards_what_it_must_and_keeps_its_comments(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    after = [entry for entry in known_file.read(file) if entry.clause == "CHAT-8"] + AFTER[:1]
    known_file.update(file, after)
    assert known_file.read(file) == after
    written = file.read_text()
    assert [comment for comment in ("# on purpose", "# ours", "# all", "# the end") if comment in text] == [
        line[line.index("#") :] for line in written.splitlines() if "#" in line and "Known failures" not in line
    ]


TWO = '# above 2\n[[known]]\nclause = "CHAT-2"\nreason = "x"\n'
BELOW_TWO = "# below 2\n\n"
THREE = '# above 3\n# in two lines\n[[known]] # at 3\nclause = "CHAT-3"\nreason = "x"\n'
FOUR = '[[known]]\nclause = "CHAT-4"\nreason = "x" # in 4\n'


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ("CHAT-2", BELOW_TWO + THREE + FOUR + "\n"),
        ("CHAT-3", TWO + BELOW_TWO + FOUR + "\n"),
        ("CHAT-4", TWO + BELOW_TWO + THREE + "\n"),
        ("CHAT-3 CHAT-4", TWO + BELOW_TWO),
        ("CHAT-2 CHAT-3 CHAT-4", BELOW_TWO),
    ],
)
def test_an_entry_goes_with_the_comment_right_above_it_and_no_other(file: Path, gone: str, left: str) -> None:
    file.write_text("# Ours.\n\n" + TWO + BELOW_TWO + THREE + FOUR + "\n# the end\n")
    known_file.update(file, [entry for entry in known_file.read(file) if entry.clause not in gone])
    assert file.read_text() == "# Ours.\n\n" + left + "# the end\n"


def test_the_file_changes_all_at_once_or_not_at_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = file.with_name("real.toml")
    real.write_text(before := entry("CHAT-8", "kept"))
    real.chmod(0o640)
    file.symlink_to(real)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", str(file))

    for call in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, fail)
            with pytest.raises(OSError, match="No space left"):
                known_file.update(file, AFTER)
        assert real.read_text() == before
    known_file.update(file, AFTER)
    assert known_file.read(real) == AFTER or known_file.read(real) == AFTER[::-1]
    assert file.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in file.parent.iterdir()) == ["known.toml", "real.toml"]


def test_a_list_that_cannot_be_written_after_all_is_told_in_one_line(
    check: Checker, shouting: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr("socketserver_reference.conformance.results.output_file.write", fail)
    outcome = check("chat", shouting, *QUICK, "--known", file, "--update-known")
    assert outcome.code == 2
    assert outcome.err == f"socketserver-reference check: cannot write {file}: No space left on device\n"
