"""Tables of figures: medians, ratios, and how they are printed.

Next: `page.py`.
"""

import os
import platform
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

now = time.perf_counter

Row = dict[str, Any]

BUSY = 0.9
"""Share of a processor above which the clients were the limit."""


@dataclass(frozen=True)
class Column:
    """A column: its key in a row, its head, and the digits after the point; None for words."""

    key: str
    head: str
    digits: int | None = None


@dataclass
class Table:
    """Figures of one kind, in the order in which they were found."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: list[Row] = field(default_factory=list)

    def value(self, key: str, **where: object) -> float | None:
        """Return a figure of the row with these values, if there is one."""
        rows = (row for row in self.rows if all(row[name] == value for name, value in where.items()))
        return next((float(row[key]) for row in rows), None)


LOAD = Column("load", "load", 2)
ROOMS = (
    Column("server", "server"),
    Column("members", "members", 0),
    Column("cpu_us", "us CPU/delivery", 2),
    Column("per_second", "deliveries/s", 0),
    Column("median_ms", "last member ms", 2),
    Column("p99_ms", "p99 ms", 2),
    Column("join_us", "us CPU/join", 0),
    Column("member_kib", "KiB/member", 1),
    LOAD,
)
ECHOES = (
    Column("server", "server"),
    Column("transport", "over"),
    Column("per_second", "requests/s", 0),
    Column("cpu_us", "us CPU/request", 1),
    LOAD,
)
CROWDS = (
    Column("server", "server"),
    Column("transport", "over"),
    Column("what", "who"),
    Column("members", "members", 0),
    Column("cpu_s", "s CPU", 3),
    Column("delay_s", "longest wait s", 3),
)
BUFFERS = (
    Column("what", "what"),
    Column("send_kib", "KiB SO_SNDBUF", 0),
    Column("size", "bytes each", 0),
    Column("held", "held", 0),
    Column("bytes", "bytes held", 0),
)
CHECKS = (Column("what", "what"), Column("seconds", "seconds", 2), Column("cpu_s", "s CPU", 2))
SCHEDULES = (
    Column("program", "program"),
    Column("found", "fails in"),
    Column("schedules", "schedules", 0),
    Column("per_second", "schedules/s", 0),
    Column("seconds", "seconds", 2),
)
PLAIN_SCHEDULES = (
    Column("scenario", "scenario"),
    Column("program", "program"),
    Column("points", "points each", 0),
    Column("schedules", "schedules", 0),
    Column("per_second", "schedules/s CPU", 0),
)
INTERLEAVINGS = (
    Column("scheduler", "scheduler"),
    Column("room", "room"),
    Column("verdict", "verdict"),
    Column("schedules", "schedules", 0),
    Column("per_second", "schedules/s", 0),
    Column("seconds", "seconds", 2),
)
RATIOS = (
    Column("figure", "figure"),
    Column("what", "what"),
    Column("beside", "beside"),
    Column("ratio", "ratio", 2),
    Column("goal", "goal", 2),
    Column("limit", "limit", 1),
)


# Figures


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each figure over several measurements."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def machine() -> dict[str, str]:
    """Return what figures depend on besides the code, and when they were measured."""
    with open("/proc/cpuinfo") as told:
        models = {line.partition(": ")[2].strip() for line in told if line.startswith("model name")}
    libraries = {name: version(name) for name in ("frontrun", "trio", "twisted", "uvloop") if find_spec(name)}
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "version": version("socketserver-reference"),
        "beside": ", ".join(f"{name} {number}" for name, number in libraries.items()) or "-",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "processors": f"{os.cpu_count()} x {', '.join(sorted(models)) or platform.machine()}",
        "load when it began": f"{os.getloadavg()[0]:.1f}",
    }


# Ratios


@dataclass(frozen=True)
class Claim:
    """A figure of the reference is at most so many times another: the goal, and the limit of a clear loss."""

    table: str
    key: str
    of: Mapping[str, object]
    beside: Mapping[str, object]
    goal: float | None
    limit: float


def _claims() -> Iterable[Claim]:
    """Yield all claims, of all sizes; a run may have measured only some."""
    for members in (10, 100, 500, 1000, 2000):
        for peer, goal in (("uvloop", 1.0), ("asyncio-protocol", 1.0), ("floor", 1.15 if members >= 100 else 1.5)):
            at: dict[str, object] = {"members": members}
            loss = 3.0 if members >= 100 else 5.0
            yield Claim("rooms", "cpu_us", {"server": "reference", **at}, {"server": peer, **at}, goal, loss)
        join: dict[str, object] = {"members": members}
        yield Claim("rooms", "join_us", {"server": "reference", **join}, {"server": "note", **join}, 1.5, 6.0)
    for members in (100, 200):  # four times as many members cost four times as much, and not sixteen
        crowd: dict[str, object] = {"server": "chat", "transport": "tcp", "what": "close"}
        larger = {**crowd, "members": 4 * members}
        yield Claim("crowds", "cpu_s", larger, {**crowd, "members": members}, 4.0, 13.0)
    # what CHAT-15 asks of a server that a crowd leaves shows in what it costs
    kept = {**crowd, "server": "keeps-who-is-cut-off", "members": 96}
    yield Claim("crowds", "cpu_s", {**crowd, "members": 96}, kept, None, 0.5)
    for profile in ("basic", "hardened"):
        real = {"what": f"exploring the reference, {profile}"}
        yield Claim("checks", "cpu_s", real, {"what": f"exploring nothing, {profile}"}, None, 40.0)
    for transport in ("tcp", "udp", "unix"):
        for concurrency, loss in (("sync", 4.0), ("threading", 15.0)):  # a thread for each request has its price
            over: dict[str, object] = {"transport": transport}
            own = {"server": f"reference {concurrency}", **over}
            yield Claim("echoes", "cpu_us", own, {"server": "asyncio-protocol", **over}, None, loss)


def ratios(tables: Iterable[Table]) -> Table:
    """Return the ratios that follow from the figures at hand."""
    by_name = {table.name: table for table in tables}
    table = Table("ratios", "The reference beside others, in one run", RATIOS)
    for claim in _claims():
        own = claim.table in by_name and by_name[claim.table].value(claim.key, **claim.of)
        other = claim.table in by_name and by_name[claim.table].value(claim.key, **claim.beside)
        if own and other:
            what, beside = (" ".join(map(str, where.values())) for where in (claim.of, claim.beside))
            judged = {"ratio": own / other, "goal": claim.goal, "limit": claim.limit}
            head = next(column.head for column in by_name[claim.table].columns if column.key == claim.key)
            table.rows.append({"figure": head, "what": what, "beside": beside, **judged})
    return table


# Printing


def shown(column: Column, value: Any) -> str:
    """Return a value as the table has it."""
    if value is None:
        return "-"
    return str(value) if column.digits is None else f"{value:,.{column.digits}f}"


WORD_COLUMNS = 33
"""Width of a column of words."""


def _line(table: Table, cells: Sequence[str]) -> str:
    return "  ".join(
        f"{cell:<{WORD_COLUMNS}}" if column.digits is None else f"{cell:>{max(len(column.head), 7)}}"
        for column, cell in zip(table.columns, cells, strict=True)
    ).rstrip()


def head(table: Table) -> None:
    """Print the head of a table, whose rows follow one by one."""
    print(f"\n{table.title}\n{_line(table, [column.head for column in table.columns])}", flush=True)


def add(table: Table, row: Row) -> None:
    """Add a row, and print it."""
    table.rows.append(row)
    late = "  (the clients were the limit)" if row.get("load", 0) > BUSY else ""
    print(_line(table, [shown(column, row.get(column.key)) for column in table.columns]) + late, flush=True)


def show(table: Table) -> None:
    """Print a whole table."""
    rows, table.rows = table.rows, []
    head(table)
    for row in rows:
        add(table, row)
