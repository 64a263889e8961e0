"""Checks servers of other projects, as users would, and compares the verdicts with those recorded: `make interop`.

Each server of servers.toml that can be installed is launched by `socketserver-reference check`, in its dialect, over
each of its transports. `known/NAME.toml` lists the clauses that it breaks (`check --known`); a server without that file
breaks none. Any other violation fails, and so does a listed clause that holds. A clause may be left unchecked only
because of a listed one. README.md explains the violations.

    python ci/interop/check.py [NAME ...]       exit status 0 if as recorded, 1 if not, 2 for no such server
"""

import json
import signal
import subprocess
import sys
import tempfile
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

CHECK_TIMEOUT = 300.0
"""Seconds for one check."""

ROW = "{:12}  {:4}  {:8}  {:>5}  {:>3}  {:>3}  {:>5}  {}"

NO_REPORT = {"clauses": [], "seconds": 0.0, "code": 2, "conclusion": "there is no report"}

running: set[subprocess.Popen[bytes]] = set()
"""The checks that run."""

Clauses = Sequence[Mapping[str, Any]]
"""Clauses of a report of `check --json`."""


def main(names: Sequence[str]) -> int:
    """Check the servers of these names, or all; print a row for each, and its differences from the record."""
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
    """Check servers, each over all of its transports; return whether all that were checked are as recorded."""
    checks = []
    for name, server in servers.items():
        try:
            version = install(server)
        except Missing as missing:
            print(f"{name:12}  skipped: {missing}", flush=True)
        else:
            checks += [(name, version, server, transport) for transport in server.get("transports", ["tcp"])]
    with ThreadPoolExecutor(AT_ONCE) as pool, cancelling(pool):
        results = pool.map(lambda one: check(one[0], one[2], one[3]), checks)
        told = [
            tell(name, version, transport, *result)
            for (name, version, _, transport), result in zip(checks, results, strict=True)
        ]
    return all(told)


def tell(name: str, version: str, transport: str, printed: str, report: Mapping[str, Any]) -> bool:
    """Print the result of a check, and its differences from the record; return whether there are none."""
    # Clauses about another transport are left out.
    clauses = [one for one in report["clauses"] if one["id"].startswith("UDP") == (transport == "udp")]
    outcomes = [one["verdict"] for one in clauses]
    counts = [outcomes.count(outcome) for outcome in ("holds", "not-applicable", "not-checked")]
    violated = [one["id"] for one in clauses if one["verdict"] == "violated"]
    spared = [f"({one['id']} sometimes)" for one in clauses if one["known"] and one["verdict"] == "holds"]
    breaks = " ".join([*violated, *spared]) or "-"
    print(ROW.format(name, transport, version, *counts, f"{report['seconds']:.1f}", breaks), flush=True)
    found = list(unexplained(clauses))
    if report["code"] == 1 or not clauses:  # what a known failure leaves unchecked is explained, and 2 all the same
        found.insert(0, report["conclusion"])
    if found:
        print("\n".join([*(f"    {line}" for line in printed.splitlines()), *(f"! {line}" for line in found)]))
    return not found


def unexplained(clauses: Clauses) -> Iterator[str]:
    """Yield a line for each clause that was not checked for another reason than a known failure."""
    known = {one["id"] for one in clauses if one["known"]}
    for one in clauses:
        if one["verdict"] == "not-checked" and not known & {one["id"], *one["why"].split()}:
            yield f"{one['id']} was not checked: {one['why']}"


def check(name: str, server: Mapping[str, Any], transport: str) -> tuple[str, Mapping[str, Any]]:
    """Check a server over a transport; return the output, and the report, or NO_REPORT."""
    known = HERE / "known" / f"{name}.toml"
    with tempfile.TemporaryDirectory(prefix="interop-") as directory:
        report = Path(directory, "report.json")
        command = [
            sys.executable,
            "-m",
            "socketserver_reference",
            "check",
            server["protocol"],
            "--transport",
            transport,
            "--strict",
        ]
        command += ["--dialect", server["dialect"], "--launch", fill_in(server["launch"]), "--json", str(report)]
        command += ["--known", str(known)] if known.exists() else []
        command += ["--budget", f"{CHECK_TIMEOUT * 0.9:g}"]  # two at a time take longer than one does
        printed = run([*command, *server.get("options", [])])
        return printed, json.loads(report.read_text()) if report.exists() else NO_REPORT


def run(command: Sequence[str]) -> str:
    """Return the output of a command; end the command after a timeout."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # only this process gets a Ctrl-C, and then ends the command
    ) as process:
        running.add(process)
        try:
            return process.communicate(timeout=CHECK_TIMEOUT)[0].decode()
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return f"{process.communicate()[0].decode()}\nnot over after {CHECK_TIMEOUT:g} s"
        finally:
            running.discard(process)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """At SIGINT or SIGTERM, end the running checks with their servers, and raise KeyboardInterrupt."""

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
    """If the block is interrupted, cancel the checks that have not begun."""
    try:
        yield
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
