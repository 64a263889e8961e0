"""`make mutation`: which mutants there are, and what is said of those that live. ci/targets judges some in earnest."""

import fcntl
import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cosmic_ray.plugins
import pytest
from cosmic_ray import work_item
from cosmic_ray.mutating import mutate_code

from tests.support.serving import ROOT

HERE = ROOT / "ci" / "mutation"


@pytest.fixture
def mutation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The module, with an own folder for the copy."""
    monkeypatch.syspath_prepend(HERE)
    module: Any = importlib.import_module("mutation")
    module.WORK = tmp_path / "mutation"
    module.FILES = ("echo.py", "overthreaded.py")  # to make the mutants of all takes a second
    monkeypatch.setenv("PYTHONPATH", "")  # as it was, afterwards
    yield module
    cosmic_ray.plugins.OPERATOR_PROVIDERS.pop(module.PROVIDER, None)
    for name in ("mutation", "operators"):
        sys.modules.pop(name, None)


SOURCE = '''
def handle(self):
    """What it does."""
    log.info("begins")
    self.join()  # then
    return 1
'''


def test_each_statement_is_deleted_but_for_the_log_and_what_does_nothing(mutation: Any) -> None:
    operator = mutation.Provider()["DeleteStatement"]()
    mutants = [mutate_code(SOURCE, operator, occurrence) for occurrence in range(3)]
    assert mutants == [SOURCE.replace("self.join()", "pass"), SOURCE.replace("return 1", "pass"), None]


def judged(
    mutation: Any, monkeypatch: pytest.MonkeyPatch, outcome: work_item.TestOutcome, *words: str
) -> tuple[int, list[str]]:
    """Run it with judges that always say so; return the exit status, and the files whose mutants were judged."""
    seen: list[str] = []

    def mutate_and_test(mutations: Any, _command: str, _timeout: float) -> work_item.WorkResult:
        seen.append(mutations[0].module_path.name)
        diff = "--- old\n+++ new\n-    self.join()\n+    pass\n"
        return work_item.WorkResult(work_item.WorkerOutcome.NORMAL, "", work_item.TestOutcome(outcome), diff)

    monkeypatch.setattr(mutation, "mutate_and_test", mutate_and_test)
    monkeypatch.setattr(mutation, "compiled", lambda: None)
    monkeypatch.setattr(mutation, "judge", lambda: 0)
    return mutation.main([*words]), seen


def test_a_sample_is_judged_once_of_each_file_in_turn(
    mutation: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two = ("--only", "overthreaded.py", "echo.py", "--sample")
    assert judged(mutation, monkeypatch, "killed", *two, "2") == (0, ["overthreaded.py", "echo.py"] * 2)
    assert judged(mutation, monkeypatch, "killed", *two, "3") == (0, ["overthreaded.py", "echo.py"])
    out = capsys.readouterr().out
    assert [line.split()[2:] for line in out.splitlines() if line.startswith("echo.py")][-1] == [
        "3",
        "3",
        "0",
        "100",
        "%",
    ]
    assert "Survivors" not in out


def test_a_sample_is_of_as_many_lines_as_it_has_mutants(mutation: Any) -> None:
    def mutant(line: int, occurrence: int) -> SimpleNamespace:
        spec = SimpleNamespace(operator_name="an operator", occurrence=occurrence, start_pos=(line, 4))
        return SimpleNamespace(mutations=[spec])

    mutants = [mutant(line, 10 * line + count) for line in (1, 2, 3) for count in range(2 * line)]
    ordered = mutation.of_each_line_in_turn(mutants)
    lines = [one.mutations[0].start_pos[0] for one in ordered]
    assert [sorted(lines[at : at + 3]) for at in (0, 3)] == [[1, 2, 3]] * 2
    assert [sorted(lines[at : at + 2]) for at in (6, 8)] == [[2, 3]] * 2
    assert lines[10:] == [3, 3]
    assert {*map(id, ordered)} == {*map(id, mutants)}
    assert mutation.of_each_line_in_turn(mutants[::-1]) == ordered


@pytest.mark.parametrize(
    ("entry", "status", "told"),
    [
        ("", 1, "no reason is given in survivors.toml"),
        ('reason = "nobody needs it"', 0, "nobody needs it"),
        ('reason = "it does nothing"\nequivalent = true', 0, "it does nothing"),
    ],
)
def test_a_survivor_needs_a_reason_and_counts_unless_it_is_equivalent(
    entry: str,
    status: int,
    told: str,
    mutation: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(mutation, "SURVIVORS", tmp_path / "survivors.toml")
    mutant = '[[survivor.mutant]]\nfile = "echo.py"\nout = "self.join()"\nput = ["self.fork()", "pass"]\n'
    mutation.SURVIVORS.write_text(f"[[survivor]]\n{entry}\n{mutant}" if entry else "survivor = []")
    assert judged(mutation, monkeypatch, "survived", "--only", "echo.py", "--sample", "1")[0] == status
    out = capsys.readouterr().out
    assert f"echo.py: self.join()\n    -> pass\n    {told}\n" in out
    (row,) = (line for line in out.splitlines() if line.startswith("echo.py "))
    assert row.endswith("-" if "equivalent" in entry else "0 %")


def test_the_copy_is_what_the_judges_check(mutation: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mutation.WORK.mkdir()
    named = mutation.copied()
    copy = mutation.WORK / "reference"
    (copy / "socketserver_reference" / "__main__.py").write_text(
        "import sys\nsys.exit(7 if 'echo' in sys.argv else 0)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(copy))
    assert mutation.judge() == 7
    assert mutation.copied() == named
    for text, same in (("# a comment\nX = 1\n", True), ('"""Of another kind."""\nX = 1\n', True), ("X = 2\n", False)):
        (tmp_path / "one.py").write_text('"""A module."""\nX = 1\n')
        before = mutation.code(tmp_path / "one.py")
        (tmp_path / "one.py").write_text(text)
        assert (mutation.code(tmp_path / "one.py") == before) is same
    monkeypatch.setattr(mutation, "FILES", ("chat.py",))
    assert mutation.copied() != named


def test_each_survivor_that_has_a_reason_is_a_change_of_the_files_as_they_are(mutation: Any) -> None:
    explained = mutation.explained()
    assert explained
    for (file, out, put), entry in explained.items():
        source = (ROOT / mutation.PACKAGE / file).read_text()
        assert out in " ".join(line.strip() for line in source.splitlines()), f"{out} is not there any more"
        assert out != put
        assert entry["reason"]


def test_each_reason_and_each_survivor_is_given_once(mutation: Any) -> None:
    entries = tomllib.loads(mutation.SURVIVORS.read_text())["survivor"]
    reasons = [entry["reason"] for entry in entries]
    assert len(reasons) == len({*reasons})
    assert sum(len(mutant["put"]) for entry in entries for mutant in entry["mutant"]) == len(mutation.explained())


def test_no_mutant_is_judged_if_the_reference_itself_is_found_broken(
    mutation: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mutation, "compiled", lambda: None)
    monkeypatch.setattr(mutation, "judge", lambda: 1)
    assert mutation.main(["--only", "echo.py", "--sample", "1"]) == 2
    assert "found broken, with exit status 1" in capsys.readouterr().out


def test_two_runs_at_once_would_change_each_others_copy(mutation: Any, capsys: pytest.CaptureFixture[str]) -> None:
    mutation.WORK.mkdir()
    with (mutation.WORK / "running").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert mutation.main(["--only", "echo.py", "--sample", "1"]) == 2
    assert "another run is judging mutants" in capsys.readouterr().out
