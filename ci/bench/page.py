"""The figures as one HTML page: tables, and plots that are part of it. It loads nothing and has no scripts.

This is the last file.
"""

import io
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import matplotlib as mpl
from matplotlib.figure import Figure
from results import BUSY, Table, shown

from socketserver_reference.conformance.reports.html.elements import listed, page, tag

COLOURS = ("#000000", "#999999", "#e69f00", "#56b4e9", "#009e73", "#8c564b", "#0072b2", "#d55e00", "#cc79a7")
"""Okabe and Ito's, which everybody can tell apart; grey and brown in place of yellow, which is pale on white."""

MARKERS = "osD^vPX<>*"

PLOTTED = {
    "cpu_us": "processor time of a delivery (microseconds)",
    "per_second": "deliveries a second",
    "median_ms": "to the last member (milliseconds, median)",
    "p99_ms": "to the last member (milliseconds, 99 of 100)",
    "join_us": "processor time of a join (microseconds)",
    "member_kib": "memory of a member (KiB)",
}
"""Figure of a room -> what its plot says."""

LINEAR = ("cpu_us", "per_second")
"""Figures that hardly depend on the number of members."""


def write(tables: Sequence[Table], machine: Mapping[str, str]) -> str:
    """Return the page."""
    title = "Servers, checks and schedules, measured"
    return page(
        title,
        tag("header", tag("h1", title), listed([(name, value) for name, value in machine.items()], class_="facts")),
        tag("main", *(_section(table) for table in tables if table.rows), id="report"),
    )


def _section(table: Table) -> Element:
    return tag("section", tag("h2", table.title), *_plots(table), tag("div", _table(table), class_="wide"))


def _table(table: Table) -> Element:
    head = tag("tr", *(tag("th", column.head, scope="col") for column in table.columns))
    rows = (tag("tr", *(tag("td", shown(one, row.get(one.key))) for one in table.columns)) for row in table.rows)
    busy = any(row.get("load", 0) > BUSY for row in table.rows)
    caption = f"Where load is above {BUSY:g}, the clients were the limit" if busy else "Medians"
    return tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *rows))


def _plots(table: Table) -> Iterator[Element]:
    draw = DRAWN.get(table.name)
    if draw is not None:
        yield tag(
            "figure", _svg(draw(table), table.name), tag("figcaption", f"{table.title}; the table has the numbers")
        )


def _look(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def _rooms(table: Table) -> Figure:
    figure = Figure(figsize=(11, 10), layout="constrained")
    places = figure.subplots(3, 2).flat
    sizes = sorted({row["members"] for row in table.rows})
    for place, (key, what) in zip(places, PLOTTED.items(), strict=True):
        for number, server in enumerate(dict.fromkeys(row["server"] for row in table.rows)):
            rows = [row for row in table.rows if row["server"] == server]
            heights = [max(row[key], 0.01) for row in rows]  # a logarithm of nothing is no place
            width = 2.5 if server == "reference" else 1.2
            place.plot([row["members"] for row in rows], heights, label=server, linewidth=width, **_look(number))
        place.set(xscale="log", xlabel="members", title=what)
        place.set(ylim=(0, None)) if key in LINEAR else place.set(yscale="log")
        place.set_xticks(sizes, labels=[f"{size:,}" for size in sizes])
        place.minorticks_off()
        place.grid(alpha=0.3)
    figure.legend(*place.get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return figure


def _crowds(table: Table) -> Figure:
    figure = Figure(figsize=(11, 4), layout="constrained")
    place = figure.subplots()
    measured = [row for row in table.rows if "cpu_s" in row]
    kinds = dict.fromkeys((row["server"], row["transport"], row["what"]) for row in measured)
    for number, kind in enumerate(kinds):
        rows = [row for row in measured if (row["server"], row["transport"], row["what"]) == kind]
        sizes = [row["members"] for row in rows]
        place.plot(sizes, [row["cpu_s"] for row in rows], label=" ".join(kind), **_look(number))
    place.set(xlabel="members of the crowd", ylabel="seconds of processor time", xlim=(0, None), ylim=(0, None))
    place.legend(ncols=2)
    place.grid(alpha=0.3)
    return figure


def _bars(value: str, what: str, *names: str) -> Callable[[Table], Figure]:
    def draw(table: Table) -> Figure:
        labels = [" over ".join(str(row[name]) for name in names) for row in table.rows]
        figure = Figure(figsize=(11, 1.2 + 0.3 * len(labels)), layout="constrained")
        place = figure.subplots()
        bars = place.barh(range(len(labels)), [row[value] for row in table.rows], color=COLOURS[3])
        place.bar_label(bars, fmt="{:,.4g}", padding=3)
        place.set_yticks(range(len(labels)), labels=labels)
        place.invert_yaxis()
        place.set(xlabel=what)
        place.margins(x=0.1)
        return figure

    return draw


DRAWN = {
    "rooms": _rooms,
    "echoes": _bars("per_second", "requests a second", "server", "transport"),
    "crowds": _crowds,
    "checks": _bars("seconds", "seconds", "what"),
    "schedules": _bars("per_second", "schedules a second", "program"),
    "plain": _bars("per_second", "schedules a second of processor time", "scenario"),
}
"""Table -> what draws it."""


def _svg(figure: Figure, name: str) -> Element:
    """Return a figure as an element of the page: names without a namespace, and ids that no other figure has."""
    drawn = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(drawn, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ET.fromstring(drawn.getvalue())
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key in list(element.attrib):
            element.attrib[key.rpartition("}")[2]] = element.attrib.pop(key)
        if element.tag == "g":
            element.attrib.pop("id", None)
    for size in ("width", "height"):
        root.attrib.pop(size)
    root.attrib.update({"role": "img", "aria-label": name, "style": "width: 100%; background: white"})
    return root
