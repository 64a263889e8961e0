"""Counts wrong verdicts: false alarms on good servers, and planted bugs that are missed: `make error-rates`.

    make error-rates SEEDS=100                                 everything with 100 seeds, in days
    make error-rates SEEDS=5 OPTIONS='--only reference-chat'   one server, or one fault

Each good server is checked with each seed, with `--strict`, while the machine does nothing else, and all at once while
a busy loop runs on each core. A false alarm is a clause that is violated; a run is undecided if a clause was not
checked. Each fault is checked as by `make matrix`, with each seed: a miss is a clause that the catalogue says it breaks
and that was not found; a clause found besides is told otherwise.

Every result is a line of build/error-rates.jsonl, and what is there is not run again: an interrupted run goes on where
it was. `--json FILE` writes the table. Exit status: 0 if no verdict was wrong, 1 otherwise, 130 after Ctrl-C.
"""

import argparse
import itertools
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "interop"), str(HERE / "bench")]

from install import Missing, fill_in, install  # noqa: E402 - found there
from results import machine as described  # noqa: E402

from socketserver_faults.catalogue.index import checkable  # noqa: E402
from socketserver_faults.matrix.runner import check_in_processes  # noqa: E402
from socketserver_reference.cli.signals import terminated_as_interrupted  # noqa: E402
from socketserver_reference.conformance.runner.options import number  # noqa: E402

LOG = HERE.parent / "build" / "error-rates.jsonl"

GOOD_CHATS = ("asyncio-chat", "trio-chat", "node-chat")
"""Of ci/interop/servers.toml: what ci/interop/known lists for one is no false alarm."""

LOADS = ("idle", "busy")
HEADS = {
    "what": "checked",
    "load": "machine",
    "n": "N",
    "wrong": "wrong verdicts",
    "undecided": "undecided",
    "seconds": "median seconds",
    "average": "median load",
    "clauses": "clauses",
}

Check = Callable[[list[str], int, str], Iterator[tuple[str, dict[str, Any]]]]
"""Checks what has these names with a seed, under a load, and yields for each the clauses that were wrong, and those
undecided.
"""


def good_servers(names: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of the check of each good server of these names that is here."""
    launched = shlex.join([sys.executable, "-m", "socketserver_reference", "serve", "chat", "--port", "{port}"])
    own = {"chat": ["chat"], "chat-launched": ["chat", "--launch", launched], "echo": ["echo"], "family": ["family"]}
    yield from ((f"reference-{name}", words) for name, words in own.items())
    servers = tomllib.loads((HERE / "interop" / "servers.toml").read_text())
    for name in [name for name in GOOD_CHATS if name in names]:
        server, known = servers[name], HERE / "interop" / "known" / f"{name}.toml"
        try:
            install(server)
        except Missing as missing:
            print(f"{name} is left out: {missing}", flush=True)
            continue
        words = ["chat", "--dialect", server["dialect"], "--launch", fill_in(server["launch"])]
        yield name, words + (["--known", str(known)] if known.exists() else [])


def alarms(words: list[str], seed: int) -> dict[str, Any]:
    """Check a good server; whatever is violated and not known is wrong."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "report.json")
        options = ["--strict", "--budget", "600", "--seed", str(seed), "--json", str(file)]
        command = [sys.executable, "-m", "socketserver_reference", "check", *words, *options]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if not file.exists():
            return {"wrong": [f"no report, exit status {done.returncode}"], "undecided": [], "story": told(done.stdout)}
        report = json.loads(file.read_text())
    verdicts = {clause["id"]: clause["verdict"] for clause in report["clauses"] if not clause["known"]}
    wrong = [clause for clause, verdict in verdicts.items() if verdict == "violated"]
    undecided = [clause for clause, verdict in verdicts.items() if verdict == "not-checked"]
    story = told(done.stdout) if wrong or undecided else ""
    return {"wrong": wrong, "undecided": undecided, "seconds": report["seconds"], "story": story}


def alarms_of(
    good: dict[str, list[str]], names: list[str], seed: int, load: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Check good servers: one after the other, or all at once where the machine is to be busy."""
    with ThreadPoolExecutor(len(names) if load == "busy" and names else 1) as pool:
        yield from zip(names, pool.map(lambda name: alarms(good[name], seed), names), strict=True)


def told(output: bytes) -> str:
    """Return the output of a check, to be looked at."""
    return output.decode(errors="backslashreplace")


def misses(names: list[str], seed: int, _: str, jobs: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Check faults; a clause of the catalogue that is not found is wrong, and so is one that is found besides."""
    for result in check_in_processes(names, jobs, seeds=[seed]):
        breaks = checkable()[result.name].breaks
        wrong = [f"-{clause}" for clause in breaks if clause not in result.found]
        wrong += [f"+{clause}" for clause in result.found if clause not in breaks]
        yield (
            result.name,
            {
                "wrong": [result.died] if result.died else wrong,
                "undecided": [clause for clause in breaks if clause in result.found and clause not in result.directed],
                "seconds": result.seconds,
                "story": "\n".join(result.mismatches()),
            },
        )


@contextmanager
def machine(load: str) -> Iterator[None]:
    """Keep all cores busy for the length of the block, if the load is that."""
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range((os.cpu_count() or 1) if load == "busy" else 0)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.send_signal(signal.SIGKILL)
            loop.wait()


def read(log: Path) -> list[dict[str, Any]]:
    """Return the results so far, without a line that was cut short."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def measure(check: Check, names: list[str], loads: list[str], seeds: int, log: Path) -> None:
    """Run what has not been run yet, and write a line for each; all have had the same seeds whenever this ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    done = {(one["what"], one["load"], one["seed"]) for one in read(log)}
    with log.open("a") as lines:
        for seed, load in itertools.product(range(seeds), loads):
            due = [name for name in names if (name, load, seed) not in done]
            with machine(load if due else "idle"):
                for name, found in check(due, seed, load):
                    of = {"what": name, "load": load, "seed": seed, "load average": os.getloadavg()[0]}
                    lines.write(f"\n{json.dumps(of | found)}")  # on a line of its own, whatever an end has cut short
                    lines.flush()
                    if found["wrong"]:
                        print(f"{name}, {load}, seed {seed}: {' '.join(found['wrong'])}", flush=True)


def rows(results: list[dict[str, Any]], faults: set[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each good server and load, one for all faults, and one for each fault with a wrong verdict."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in results:
        groups.setdefault(("all faults" if one["what"] in faults else one["what"], one["load"]), []).append(one)
        if one["what"] in faults and one["wrong"]:
            own = [other for other in results if (other["what"], other["load"]) == (one["what"], one["load"])]
            groups[one["what"], one["load"]] = own
    for (what, load), found in groups.items():
        clauses = sorted({clause for one in found for clause in one["wrong"]}) if what != "all faults" else []
        loads = [one["load average"] for one in found if "load average" in one]
        yield {
            "what": what,
            "load": load,
            "n": len(found),
            "wrong": sum(bool(one["wrong"]) for one in found),
            "undecided": sum(bool(one["undecided"]) for one in found),
            "seconds": round(statistics.median(one.get("seconds", 0.0) for one in found), 2),
            "average": round(statistics.median(loads), 1) if loads else "-",
            "clauses": ", ".join(clauses) or "-",
        }


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="make error-rates", description=about, epilog=rest)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", type=number(int, 1), default=1, metavar="N", help="seeds of each (default: 1)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="good servers and faults (default: all)")
    parser.add_argument(
        "--jobs", type=number(int, 1, 100), default=8, metavar="N", help="faults at a time (default: 8)"
    )
    parser.add_argument("--load", choices=LOADS, action="append", help="default: both for servers, idle for faults")
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE", help="where results are kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table")
    return parser


def main(words: list[str] | None = None) -> int:
    """Measure, print the table, return the exit status."""
    options = parser().parse_args(words)
    good, bad = dict(good_servers(options.only or [*GOOD_CHATS])), list(checkable())
    for name in options.only or ():
        if name not in {*good, *bad, *GOOD_CHATS}:
            print(f"make error-rates: {name!r} is no fault, nor one of {', '.join([*good, *GOOD_CHATS])}")
            return 2
    servers, faults = ([name for name in names if name in (options.only or names)] for names in (good, bad))
    status = 0
    try:
        with terminated_as_interrupted():
            measure(partial(alarms_of, good), servers, options.load or [*LOADS], options.seeds, options.log)
            miss = partial(misses, jobs=options.jobs)
            measure(miss, faults, options.load or ["idle"], options.seeds, options.log)
    except KeyboardInterrupt:
        status = 130
    names = {*servers, *faults}
    table = list(rows([one for one in read(options.log) if one["what"] in names], {*bad}))
    for row in [HEADS, *table]:
        print(
            "  ".join(f"{row[key]!s:<{width}}" for key, width in zip(HEADS, (28, 8, 6, 14, 10, 14, 11, 0), strict=True))
        )
    if options.json:
        record = {"machine": described(), "causes": [], "heads": {"rates": HEADS}, "tables": {"rates": table}}
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return status or int(any(row["wrong"] for row in table))


if __name__ == "__main__":
    sys.exit(main())
