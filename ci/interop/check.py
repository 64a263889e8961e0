"""Checks other people's servers, as anybody would, and compares the verdicts with those recorded: `make interop`.

Each server of servers.toml that can be had is launched by `python -m reference check`, in the dialect named there, over
each of its transports. `known/NAME.toml` lists the clauses that it breaks; a server without that file breaks none.
Whatever else is violated is news, whatever is listed and holds is out of date, unless it is broken `sometimes`, and
both fail. A clause may be left unchecked only where a listed one is the reason. README.md tells the stories.

    python ci/interop/check.py [NAME ...]       exit status 0 as recorded, 1 not so, 2 no such server
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from install import HERE, Missing, fill_in, install

AS_RECORDED, DIFFERENT, NO_SUCH_SERVER, STOPPED = 0, 1, 2, 130

AT_ONCE = 2
"""Servers that are checked at a time: half of a check is waiting."""

LONGEST = 300.0
"""Seconds for one check."""

ROW = "{:12}  {:4}  {:8}  {:>5}  {:>3}  {:>3}  {:>5}  {}"

running: set[subprocess.Popen[bytes]] = set()
"""The checks that run."""

Verdicts = Mapping[str, tuple[str, str]]
"""Clause -> holds, violated, not-applicable or not-checked, and why."""


def main(names: Sequence[str]) -> int:
    """Check the servers of these names, or all; print a row for each as it is done, and how it differs."""
    servers = tomllib.loads((HERE / "servers.toml").read_text())
    unknown = [name for name in names if name not in servers]
    if unknown:
        print(f"no server is named {unknown[0]!r}: there are {', '.join(servers)}", file=sys.stderr)
        return NO_SUCH_SERVER
    print(ROW.format("server", "over", "version", "holds", "n/a", "not", "s", "violated"), flush=True)
    try:
        with ended_by_signals():
            alike = check_all({name: servers[name] for name in names or servers})
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    print("as recorded" if alike else "not as recorded: see above")
    return AS_RECORDED if alike else DIFFERENT


def check_all(servers: Mapping[str, Mapping[str, Any]]) -> bool:
    """Check servers, each over all of its transports; return whether what could be had was as recorded."""
    checks = []
    for name, server in servers.items():
        try:
            version = install(server)
        except Missing as missing:
            print(f"{name:12}  skipped: {missing}", flush=True)
        else:
            checks += [(name, version, server, transport) for transport in server.get("transports", ["tcp"])]
    with ThreadPoolExecutor(AT_ONCE) as pool, cancelling(pool):
        results = pool.map(lambda one: check(one[2], one[3]), checks)
        told = [
            tell(name, version, transport, *result)
            for (name, version, _, transport), result in zip(checks, results, strict=True)
        ]
    return all(told)


def tell(name: str, version: str, transport: str, seconds: float, printed: str, verdicts: Verdicts) -> bool:
    """Print what came of a check, and how it differs from the record; return whether it does not."""
    known = recorded(name, transport)
    outcomes = [outcome for outcome, _ in verdicts.values()]
    counts = [outcomes.count(outcome) for outcome in ("holds", "not-applicable", "not-checked")]
    violated = [clause for clause, (outcome, _) in verdicts.items() if outcome == "violated"]
    spared = [f"({clause} sometimes)" for clause, sometimes in known.items() if sometimes and clause not in violated]
    breaks = " ".join([*violated, *spared]) or "-"
    print(ROW.format(name, transport, version, *counts, f"{seconds:.1f}", breaks), flush=True)
    found = list(differences(verdicts, known))
    if found:
        print("\n".join([*(f"    {line}" for line in printed.splitlines()), *(f"! {line}" for line in found)]))
    return not found


def check(server: Mapping[str, Any], transport: str) -> tuple[float, str, Verdicts]:
    """Check a server over a transport; return the seconds it took, what was printed, and the verdicts, if it came to
    any.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="interop-") as directory:
        report = Path(directory, "report.json")
        command = [sys.executable, "-m", "reference", "check", server["protocol"], "--transport", transport]
        command += ["--dialect", server["dialect"], "--launch", fill_in(server["launch"]), "--json", str(report)]
        printed = run([*command, *server.get("options", [])])
        document = json.loads(report.read_text()) if report.exists() else {"clauses": []}
    verdicts = {
        clause["id"]: (clause["verdict"], clause["why"] or clause["observed"] or "")
        for clause in document["clauses"]
        if is_about(clause["id"], transport)
    }
    return time.monotonic() - began, printed, verdicts


def run(command: Sequence[str]) -> str:
    """Return what a command prints; end it if it takes too long."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a Ctrl-C is for us, who then end it in order
    ) as process:
        running.add(process)
        try:
            return process.communicate(timeout=LONGEST)[0].decode()
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return f"{process.communicate()[0].decode()}\nnot over after {LONGEST:g} s"
        finally:
            running.discard(process)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """At SIGINT or SIGTERM, have the checks that run end, with their servers, and raise KeyboardInterrupt."""

    def stop(*_: object) -> None:
        for process in running.copy():
            process.send_signal(signal.SIGINT)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def cancelling(pool: ThreadPoolExecutor) -> Iterator[None]:
    """Begin none of the checks that are left when the block is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def is_about(clause: str, transport: str) -> bool:
    """Whether a clause is about this kind of transport."""
    return clause.startswith("UDP") == (transport == "udp")


def recorded(name: str, transport: str) -> dict[str, bool]:
    """Return the clauses that a server is recorded to break, and whether it does so only sometimes."""
    file = HERE / "known" / f"{name}.toml"
    entries = tomllib.loads(file.read_text())["known"] if file.exists() else []
    return {one["clause"]: one.get("sometimes", False) for one in entries if is_about(one["clause"], transport)}


def differences(verdicts: Verdicts, known: Mapping[str, bool]) -> Iterator[str]:
    """Yield, a line each, how verdicts differ from what is recorded."""
    for clause, (outcome, why) in verdicts.items():
        if outcome == "violated" and clause not in known:
            yield f"{clause} is violated, which is news: {why}"
        if outcome == "holds" and not known.get(clause, True):
            yield f"{clause} holds, and is recorded as violated"
        if outcome == "not-checked" and not known.keys() & {clause, *why.split()}:
            yield f"{clause} was not checked: {why}"
    if "holds" not in [outcome for outcome, _ in verdicts.values()]:
        yield "nothing holds"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
