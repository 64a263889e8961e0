"""The conclusion as a badge: a small picture (SVG) for the README of a project. It loads nothing, and has no script."""

import xml.etree.ElementTree as ET

from socketserver_reference.conformance.results.exit_codes import CONFORMS, VIOLATED
from socketserver_reference.conformance.results.report import Report, extent
from socketserver_reference.conformance.scenario.text import printable

COLOURS = {CONFORMS: "#1c6b3f", VIOLATED: "#b3261e"}

UNSURE_COLOUR = "#7d5300"
"""The colours of the badge by exit code, and that for any other; white text on each is legible (a contrast of at least
4.5).
"""

LABEL_COLOUR = "#3a3935"

CHARACTER_WIDTH = 6.2
"""Width of a character in pixels; the reader of the picture squeezes the text into that, whatever its fonts."""

PADDING, HEIGHT, BASELINE = 7, 20, 14
"""Pixels."""


def write(report: Report) -> str:
    """Return the badge as an SVG document."""
    label, found = f"{report.protocol} conformance", conclusion(report)
    widths = [round(CHARACTER_WIDTH * len(text) + 2 * PADDING) for text in (label, found)]
    said = f"{label}: {found}"
    picture = ET.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "width": str(sum(widths)), "height": str(HEIGHT), "role": "img"},
        **{"aria-label": said},
    )
    ET.SubElement(picture, "title").text = f"{printable(report.target)}: {said}"
    at = 0
    for text, width, colour in zip(
        (label, found), widths, (LABEL_COLOUR, COLOURS.get(report.code, UNSURE_COLOUR)), strict=True
    ):
        ET.SubElement(picture, "rect", x=str(at), width=str(width), height=str(HEIGHT), fill=colour)
        shown = ET.SubElement(
            picture,
            "text",
            {"font-family": "Verdana, DejaVu Sans, sans-serif", "font-size": "11", "fill": "#fff"},
            x=str(at + PADDING),
            y=str(BASELINE),
            textLength=str(width - 2 * PADDING),
        )
        shown.text = text
        at += width
    return ET.tostring(picture, encoding="unicode") + "\n"


def conclusion(report: Report) -> str:
    """Return what came of the check in a few words."""
    if report.misfit:
        return "another dialect"
    if broken := [verdict for verdict in report.verdicts if report.fails(verdict) and not verdict.stale]:
        return f"breaks {broken[0].clause.id}" if len(broken) == 1 else f"breaks {len(broken)} clauses"
    if report.code == CONFORMS:
        return f"conforms {extent(report.verdicts)}".rstrip()
    return "known failures are stale" if report.code == VIOLATED else "not checked in full"
