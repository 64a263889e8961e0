"""Known failures: what is listed fails nothing, what is not does, and what is mended must leave the list."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance import ChatConformance
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.results import known, known_file, report
from socketserver_reference.conformance.results.known import NO_REASON, Known
from socketserver_reference.conformance.results.known_update import KnownFailures
from socketserver_reference.conformance.results.verdicts import Record, Verdict
from socketserver_reference.conformance.runner.direct import expect_failures, open_session
from socketserver_reference.conformance.scenario.steps import Reset, Say, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from tests.support.checking import PLUGIN, Checker, Outcome
from tests.support.known_failures import entry, serving_fault
from tests.support.planted import Planted
from tests.support.serving import TIMEOUT

CHECKS = sum(name.startswith("test_") for name in vars(ChatConformance))
"""Checks of a chat, explorations included."""

QUICK = ("--timeout", TIMEOUT, "--only", "CHAT-8", "--only", "CHAT-2")


@pytest.fixture(scope="module")
def shouting() -> Iterator[str]:
    """A chat that breaks CHAT-8, and CHAT-8 alone."""
    with serving_fault("quits-in-any-case") as address:
        yield address


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known.toml"


def last_lines(outcome: Outcome, count: int = 1) -> list[str]:
    return outcome.out.splitlines()[-count:]


# What becomes of a check


def test_a_listed_clause_that_is_violated_fails_nothing_and_says_why_it_is_listed(
    check: Checker, shouting: str, file: Path
) -> None:
    file.write_text(entry("CHAT-8", "we\nshout \x1b[1m here".replace("\x1b", "")))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert (outcome.code, outcome.err) == (0, "")
    assert "CHAT-8   known failure  what only looks like quit is delivered" in outcome.out
    assert "  CHAT-8   VIOLATED (known: we shout [1m here): " in outcome.out
    assert "1 violated, 9 not checked (1 of them known)" in outcome.out
    assert "exchange:" not in outcome.out
    assert last_lines(outcome) == ["conforms but for known failures: CHAT-8"]
    clause = outcome.clause("CHAT-8")
    assert (clause["verdict"], clause["known"], clause["stale"]) == ("violated", "we\nshout [1m here", False)
    assert clause["exchange"]


def test_a_violation_that_is_not_listed_fails_beside_those_that_are(check: Checker, shouting: str, file: Path) -> None:
    file.write_text(entry("CHAT-12") + entry("ECHO-2"))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert (outcome.code, last_lines(outcome)) == (1, ["does not conform: breaks CHAT-8"])


def test_a_listed_clause_that_holds_is_stale_and_fails(
    check: Checker, shouting: str, file: Path, tmp_path: Path
) -> None:
    file.write_text(entry("CHAT-8") + entry("CHAT-2", "once upon a time"))
    junit = tmp_path / "verdicts.xml"
    outcome = check("chat", shouting, *QUICK, "--known", file, "--junit", junit)
    assert outcome.code == 1
    assert last_lines(outcome, 2) == [
        f"{file}:6: CHAT-2 holds and is listed as broken (once upon a time): remove the entry",
        "the list of known failures is stale: no longer broken: CHAT-2",
    ]
    assert "CHAT-2   STALE: holds, and is listed as broken (known: once upon a time)" in outcome.out
    assert outcome.clause("CHAT-2")["stale"]
    assert 'failures="1"' in junit.read_text()
    assert '<failure type="CHAT-2" message="CHAT-2   STALE' in junit.read_text()


def test_what_is_broken_sometimes_may_hold(check: Checker, shouting: str, file: Path) -> None:
    file.write_text(entry("CHAT-8", sometimes=True) + entry("CHAT-2", "a race", sometimes=True))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert (outcome.code, last_lines(outcome)) == (0, ["conforms but for known failures: CHAT-8"])
    assert "CHAT-2   holds (known to be broken sometimes: a race)" in outcome.out


def test_what_was_not_checked_is_neither_stale_nor_failing(check: Checker, shouting: str, file: Path) -> None:
    file.write_text(entry("CHAT-8") + entry("CHAT-12"))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert outcome.code == 0
    assert "CHAT-12  not checked (known: on purpose): not selected" in outcome.out


def test_entries_of_another_dialect_are_left_alone_with_a_word(check: Checker, shouting: str, file: Path) -> None:
    file.write_text(entry("CHAT-8", dialect="irc") + entry("CHAT-8", dialect="note") + entry("CHAT-2", dialect="irc"))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert outcome.code == 0
    assert "known failures in other dialects, left alone: CHAT-8 (irc), CHAT-2 (irc)\n" in outcome.out


def test_a_should_that_is_listed_is_known_even_when_strict() -> None:
    verdict = Verdict(CLAUSES["CHAT-16"], "violated", known=Known("CHAT-16", "on purpose"))
    assert not report.fails(verdict, strict=True)


def test_what_a_known_failure_hides_is_told(file: Path) -> None:
    file.write_text(entry("CHAT-2"))
    verdicts = [
        Verdict(CLAUSES["CHAT-2"], "violated", "nothing"),
        Verdict(CLAUSES["CHAT-3"], "not-checked", known.masked_by("CHAT-2")),
        Verdict(CLAUSES["CHAT-4"], "not-checked", "not selected"),
    ]
    listed = KnownFailures(file, update=False, dialect="note", default=True)
    assert listed.apply(verdicts, strict=False, trouble=False)[1] == ["not checked because of known failures: CHAT-3"]


# A list hides nothing but what it names


@pytest.fixture
def keeps_the_reset() -> Iterator[Session]:
    with closing(open_session("chat", Planted("leaves-the-reset-behind").target(), 0.3)) as session:
        yield session


RESET = (*join("ann", "ben", "cal"), Reset("cal"), Say("ann", b"who was that?"), Say("ben", b"gone"))


def test_a_listed_clause_that_holds_explains_nothing(keeps_the_reset: Session) -> None:
    expect_failures(
        keeps_the_reset, "chat", [Known("CHAT-2", "mended long ago"), Known("ECHO-2", "of another protocol")]
    )
    assert keeps_the_reset.expected_failures == {"CHAT-2"}
    assert keeps_the_reset.timeout == 0.3
    with pytest.raises(VIOLATIONS["CHAT-12"]):
        keeps_the_reset.play(*RESET, about="CHAT-12")
    assert keeps_the_reset.known == {"CHAT-12"}


@pytest.mark.parametrize(
    ("name", "sometimes"), [("leaves-the-reset-behind", True), ("delivers-to-the-sender-only", False)]
)
def test_one_that_is_broken_does_and_so_does_one_that_is_broken_sometimes(name: str, sometimes: bool) -> None:
    with closing(open_session("chat", Planted(name).target(), 0.3)) as session:
        expect_failures(session, "chat", [Known("CHAT-2", "on purpose", sometimes=sometimes)])
        with pytest.raises(VIOLATIONS["CHAT-2"]):
            session.play(*RESET, about="CHAT-12")
        assert session.known == {"CHAT-2"}


def test_a_known_failure_that_exploration_alone_can_see_is_noted_and_not_made_shorter() -> None:
    record = Record(["CHAT"])
    with closing(open_session("chat", Planted("quits-in-any-case").target(), TIMEOUT)) as session:
        expect_failures(session, "chat", [Known("CHAT-8", "on purpose")])
        explore(session, record, "chat", "basic", examples=30, with_seed=0)
    verdict = record.verdict(CLAUSES["CHAT-8"])
    assert verdict.violation is not None
    assert verdict.violation.explored
    assert verdict.violation.note == "found by exploration; not shrunk, since it is known"


# Bringing the list up to date


def test_update_begins_a_list_that_the_next_check_passes_with(check: Checker, shouting: str, file: Path) -> None:
    outcome = check("chat", shouting, *QUICK, "--known", file, "--update-known")
    assert (outcome.code, outcome.err) == (0, "")
    assert last_lines(outcome, 2) == [f"{file}: added CHAT-8", "conforms but for known failures: CHAT-8"]
    assert known_file.read(file) == [Known("CHAT-8", NO_REASON)]
    assert file.read_text().startswith("# Known failures")
    assert check("chat", shouting, *QUICK, "--known", file).code == 0


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


def violated(clause: str, *, explored: bool = False) -> Verdict:
    violation: Violation = VIOLATIONS[clause]("this", "that", [])
    violation.explored = explored
    return Verdict(CLAUSES[clause], "violated", "that", violation)


def test_what_is_added_says_its_dialect_and_whether_another_seed_may_miss_it(file: Path) -> None:
    listed = KnownFailures(file, update=True, dialect="irc", default=False)
    verdicts = [violated("CHAT-2"), violated("CHAT-13", explored=True), violated("CHAT-16")]
    marked, _ = listed.apply(verdicts, strict=False, trouble=False)
    added = [Known("CHAT-2", NO_REASON, "irc"), Known("CHAT-13", NO_REASON, "irc", sometimes=True)]
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

    monkeypatch.setattr(known_file, "_replace", fail)
    outcome = check("chat", shouting, *QUICK, "--known", file, "--update-known")
    assert outcome.code == 2
    assert outcome.err == f"socketserver-reference check: cannot write {file}: No space left on device\n"


# Lists that are not in order


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("known = ", "FILE: is not TOML: Invalid value (at end of document); an entry is a line [[known]]"),
        pytest.param("known = " + "[" * 5000, "FILE: is not TOML: ", id="brackets"),
        ("[CHAT-12]\nreason = 'x'", "FILE: a list of known failures holds entries under `known` and nothing else"),
        ("known = 3", "FILE: a list of known failures holds entries under `known` and nothing else"),
        ("known = [3]", 'FILE, entry 1: an entry is a line [[known]] and below it, a line each, clause = "CHAT-12"'),
        (entry("CHAT-99"), "FILE:2: 'CHAT-99' is no clause; `socketserver-reference spec` lists them"),
        (entry("CHAT-1", ""), "FILE:2: reason has to be text, and not empty"),
        (entry("CHAT-1", since=3), "FILE:2: 'since' is no key of an entry; it has clause, reason, dialect, sometimes"),
        (entry("CHAT-1", sometimes=1), "FILE:2: sometimes has to be true or false"),
        ("[[known]]\nclause = 'CHAT-1'", "FILE:1: the entry has no reason"),
        (entry("CHAT-1") * 2, "FILE:6: CHAT-1 is listed already; once for each dialect is enough"),
        (entry("CHAT-1") + entry("CHAT-1", dialect="irc"), "FILE:6: CHAT-1 is listed already; once for each dialect"),
    ],
)
def test_a_list_that_is_not_in_order_is_refused(check: Checker, file: Path, text: str, message: str) -> None:
    file.write_text(text)
    assert message.replace("FILE", str(file)) in check.refusal("chat", "--known", file)


def test_a_list_in_json_is_refused_and_the_line_says_what_would_be_right(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_text('{"known": [{"clause": "CHAT-8", "reason": "on purpose"}]}')
    line = check.refusal("chat", "--known", file)
    assert line.startswith(
        f"socketserver-reference check: {file}: is not TOML: Invalid statement (at line 1, column 1); "
    )
    assert line.endswith(
        '; an entry is a line [[known]] and below it, a line each, clause = "CHAT-12" and reason = "..."'
    )


def test_a_list_that_is_not_there_or_no_text_is_refused(check: Checker, file: Path) -> None:
    assert "No such file or directory; --update-known begins a list" in check.refusal("chat", "--known", file)
    file.write_bytes(b"\xff")
    assert f"{file}: is not UTF-8, at byte 0" in check.refusal("chat", "--known", file)
    assert "say which by --known FILE" in check.refusal("chat", "--update-known")


# In pytest


MINE = """
from socketserver_reference.conformance import ChatConformance, EchoConformance, ServerConformance, ServerSpec

class TestMine(ChatConformance):
    target = "{}"
"""


def run(project: pytest.Pytester, target: str, entries: str, *options: str) -> pytest.RunResult:
    project.makepyfile(test_mine=MINE.format(target))
    project.makefile(".toml", known=entries)
    fixed: Sequence[str] = ("--conformance-timeout=10", "--conformance-only=CHAT-8", "--conformance-only=CHAT-7")
    return project.runpytest_inprocess(*PLUGIN, *fixed, "--conformance-known=known.toml", "-rx", *options)


def test_in_pytest_a_known_failure_is_expected_to_fail(pytester: pytest.Pytester, shouting: str) -> None:
    result = run(pytester, shouting, entry("CHAT-8"))
    assert (result.ret, result.parseoutcomes()) == (0, {"xfailed": 1, "passed": 2, "deselected": CHECKS - 3})
    result.stdout.fnmatch_lines(["*CHAT-8 is known: on purpose*"])


@pytest.mark.parametrize("distributed", [(), ("-n1",)])
def test_in_pytest_a_stale_entry_fails_the_run(
    pytester: pytest.Pytester, shouting: str, distributed: Sequence[str]
) -> None:
    result = run(pytester, shouting, entry("CHAT-8") + entry("CHAT-7"), *distributed)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["known.toml:5: CHAT-7 holds and is listed as broken (on purpose): remove the entry"])


def test_in_pytest_a_bad_list_is_a_usage_error(pytester: pytest.Pytester, shouting: str) -> None:
    result = run(pytester, shouting, entry("CHAT-99"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*known.toml:1: 'CHAT-99' is no clause*"])
