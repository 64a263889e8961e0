"""Changes the reference in small ways, one at a time, and counts the changes that its own check finds: `make mutation`.

    make mutation                                       every mutant, in many hours; it goes on where it was
    make mutation OPTIONS='--only chat.py --sample 20'  20 mutants of one file, of as many lines, always the same

Cosmic Ray makes the mutants, in a copy of the sources below build/mutation, and statements are deleted as well
(operators.py). Each is judged by `check family`, `check echo` and `check chat`, in this process and launched, and by
TESTS: it is found if one of them ends with another exit status than 0. survivors.toml has the reason of each that is
not: one that is `equivalent` does nothing that a clause could be about, and does not count. Exit status: 0, 1 if a
survivor has no reason there, 2 if the reference itself is found broken or another run is judging, 130 after Ctrl-C.
"""

import argparse
import ast
import fcntl
import hashlib
import os
import random
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from operators import PROVIDER, TRIVIAL, Provider

from socketserver_reference.cli.signals import terminated_as_interrupted
from socketserver_reference.conformance.runner.options import number

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "mutation"
PACKAGE = Path("reference", "socketserver_reference")

FILES = ("chat.py", "echo.py", "family.py", "lifecycle.py", "overthreaded.py")

COMMAND = [sys.executable, "-m", "socketserver_reference"]

LAUNCHED = f"{shlex.join(COMMAND)} serve {{}} --quiet --port {{{{port}}}}"

FEW = "--examples=0"


def only(group: str, *numbers: int) -> list[str]:
    """Return the options that choose these clauses."""
    return [f"--only={group}-{number}" for number in numbers]


JUDGES = (
    ["family"],
    ["echo"],
    ["echo", "--transport=unix-datagram"],
    ["chat", "--transport=unix", "--only=CHAT-15", FEW],
    ["chat", "--profile=basic", FEW, "--launch", LAUNCHED.format("overthreaded")],
    # what is limited or counted of a process of its own
    ["echo", *only("ECHO", 9, 10, 11, 12), FEW, "--launch", LAUNCHED.format("echo")],
    ["echo", "--only=ECHO-9", FEW, "--launch", LAUNCHED.format("echo --concurrency forking")],
    ["chat", *only("CHAT", 18, 19, 20, 22), FEW, "--launch", LAUNCHED.format("chat")],
    ["chat"],
)
"""The arguments of each check, the fastest to fail first."""

TESTS = "tests/reference/test_family.py"
"""The tests that judge what no check can: how make_server() refuses is no matter of a server, but of who makes one."""

TIMEOUT = 600.0
"""Seconds after which a mutant counts as found: the judges take 20 s, and a check of it waits for what never comes."""


def copied() -> str:
    """Copy the sources; return a name for their code and for the operators, under which their mutants are kept."""
    shutil.rmtree(WORK / "reference", ignore_errors=True)
    shutil.copytree(ROOT / "reference", WORK / "reference", ignore=shutil.ignore_patterns("__pycache__"))
    read = [*(ROOT / PACKAGE / name for name in FILES), HERE / "operators.py"]
    sources = "".join(code(file) for file in read)
    return hashlib.blake2s(sources.encode(), digest_size=4).hexdigest()


def code(file: Path) -> str:
    """Return what a file does: comments and docstrings, which no mutant changes, may change without a new judgement."""
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [one for one in node.body if not is_text(one)]
    return ast.dump(tree)


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a string alone."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def compiled() -> None:
    """Compile the copy so that a changed file is noticed by its content: no time stamp is as fine as that."""
    compiling = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "reference"]
    subprocess.run(compiling, cwd=WORK, check=True)


def judge(*options: str) -> int:
    """Check the copy with these options, and test it, until something fails; return its exit status."""
    for arguments in JUDGES:
        command = [*COMMAND, "check", *arguments, "--strict", *options, "--", "-x"]
        if status := subprocess.run(command, stdin=subprocess.DEVNULL).returncode:
            return status
    return subprocess.run([sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", ROOT / TESTS]).returncode


def of_each_line_in_turn(items: list[Any]) -> list[Any]:
    """Return the mutants in an order by chance, always the same, in which those of one line come far apart."""
    items = sorted(items, key=lambda item: (item.mutations[0].operator_name, item.mutations[0].occurrence))
    random.Random(0).shuffle(items)
    turns: Counter[int] = Counter()
    ordered = []
    for item in items:
        line, _ = item.mutations[0].start_pos
        ordered.append((turns[line], len(ordered), item))
        turns[line] += 1
    return [item for *_, item in sorted(ordered)]


def mutants(base: WorkDB, only: list[str], sample: int | None) -> Iterator[Any]:
    """Yield the mutants that are wanted and not judged yet: of each file in turn, always in the same order."""
    by_file: dict[str, list[Any]] = {name: [] for name in only}
    for item in base.work_items:
        (mutation,) = item.mutations
        if mutation.module_path.name in by_file and not mutation.operator_name.startswith(TRIVIAL):
            by_file[mutation.module_path.name].append(item)
    judged = {job for job, _ in base.results}
    wanted = [of_each_line_in_turn(items)[:sample] for items in by_file.values()]
    for turn in range(max(map(len, wanted))):
        yield from (items[turn] for items in wanted if turn < len(items) and items[turn].job_id not in judged)


def change(diff: str) -> tuple[str, str]:
    """Return the lines that a mutant takes out and puts in."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    out, put = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return out, put


def explained() -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the entry of each survivor that has a reason, by its file and the lines that it takes out and puts in."""
    return {
        (mutant["file"], mutant["out"], put): entry
        for entry in tomllib.loads(SURVIVORS.read_text())["survivor"]
        for mutant in entry["mutant"]
        for put in mutant["put"]
    }


def report(base: WorkDB, only: list[str]) -> int:
    """Print the score of each file, and each survivor; return how many have no reason."""
    reasons = explained()
    where = {item.job_id: item.mutations[0].module_path.name for item in base.work_items}
    unexplained = 0
    print(f"{'file':<18}{'mutants':>8}{'judged':>8}{'found':>8}{'equivalent':>12}{'score':>8}")
    told = []
    for name in only:
        judged = [result for job, result in base.results if where[job] == name]
        survivors = [change(result.diff or "") for result in judged if not result.is_killed]
        equivalent = [one for one in survivors if reasons.get((name, *one), {}).get("equivalent")]
        counted = len(judged) - len(equivalent)
        score = f"{100 * (len(judged) - len(survivors)) / counted:.0f} %" if counted else "-"
        total = sum(file == name for file in where.values())
        print(f"{name:<18}{total:>8}{len(judged):>8}{len(judged) - len(survivors):>8}{len(equivalent):>12}{score:>8}")
        for out, put in survivors:
            reason = reasons.get((name, out, put), {}).get("reason")
            unexplained += reason is None
            told.append(f"{name}: {out}\n    -> {put}\n    {reason or 'no reason is given in survivors.toml'}")
    print("\n".join(["", "Survivors:", *told] if told else []))
    return unexplained


SURVIVORS = HERE / "survivors.toml"


def main(words: list[str] | None = None) -> int:
    """Make the mutants, judge those that are not judged yet, print the score; return the exit status."""
    about, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="make mutation", description=about, epilog=rest)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", nargs="+", choices=FILES, default=[*FILES], metavar="FILE", help=", ".join(FILES))
    parser.add_argument("--sample", type=number(int, 1), metavar="N", help="mutants of each file (default: all)")
    parser.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.judge:
        return judge("--quiet")
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ["PYTHONPATH"] = str(WORK / "reference")
    cosmic_ray.plugins.OPERATOR_PROVIDERS[PROVIDER] = Provider()
    with chdir(WORK), open("running", "w") as running:
        try:
            fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another run is judging mutants in {WORK}: two would change each other's copy")
            return 2
        return judged(options)


def judged(options: argparse.Namespace) -> int:
    """Judge the mutants in the current folder, and print the score; return the exit status."""
    status = 0
    with use_db(f"{copied()}.sqlite") as base:
        compiled()
        if not base.num_work_items:
            init([PACKAGE / name for name in FILES], base, {})
        command = shlex.join([sys.executable, str(Path(__file__).resolve()), "--judge"])
        try:
            with terminated_as_interrupted():
                due = list(mutants(base, options.only, options.sample))
                if due and (found := judge()):
                    print(f"the reference itself is found broken, with exit status {found}: no mutant is judged")
                    return 2
                for item in due:
                    base.set_result(item.job_id, mutate_and_test(item.mutations, command, TIMEOUT))
        except KeyboardInterrupt:
            status = 130
        unexplained = report(base, options.only)
    return status or int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
