"""Several servers side by side as one HTML page: the tables, then each server with its violations."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.reports.comparison import Checked, Comparison, TableRow
from socketserver_reference.conformance.reports.html.drawing import legend
from socketserver_reference.conformance.reports.html.elements import Child, listed, page, tag
from socketserver_reference.conformance.reports.html.page import article, headline, outcome, promise


def write(compared: Comparison) -> str:
    """Return the comparison as an HTML document."""
    anchors = {server.name: f"server-{number}" for number, server in enumerate(compared.servers, 1)}
    header = tag(
        "header", tag("p", "conformance, side by side", class_="over"), headline(compared.conclusion, compared.code)
    )
    links = [tag("li", tag("a", name, href=f"#{anchor}")) for name, anchor in anchors.items()]
    nav = tag("nav", tag("ul", *links, role="list"), aria_label="Servers")
    tables = [_table(protocol, those, rows, anchors) for protocol, those, rows in compared.tables()]
    told = [_server(server, anchors[server.name]) for server in compared.servers]
    return page(compared.conclusion, header, nav, tag("main", *tables, *told, id="report"))


def _table(protocol: str, those: Sequence[Checked], rows: Sequence[TableRow], anchors: dict[str, str]) -> Element:
    names = [tag("th", tag("a", server.name, href=f"#{anchors[server.name]}"), scope="col") for server in those]
    head = tag("thead", tag("tr", tag("th", "clause", scope="col"), *names))
    pages = {clause: page for server in those for clause, page in server.pages.items()}
    body = tag("tbody", *(_row(row, [anchors[server.name] for server in those], pages.get(row[0])) for row in rows))
    table = tag("table", tag("caption", "Clause by server"), head, body)
    title = f"{protocol}-title"
    scroll = tag("div", table, class_="wide", tabindex="0", role="region", aria_label=f"{protocol}, clause by server")
    return tag("section", tag("h2", protocol.capitalize(), id=title), scroll, aria_labelledby=title)


def _row(row: TableRow, anchors: Sequence[str], page: str | None) -> Element:
    id, outcomes = row
    cells = [tag("td", _cell(id, found, anchor), class_=found) for found, anchor in zip(outcomes, anchors, strict=True)]
    name = tag("a", id, href=page) if page else id
    return tag("tr", tag("th", name, tag("div", *promise(CLAUSES[id]), class_="why"), scope="row"), *cells)


def _cell(id: str, found: str, anchor: str) -> Element:
    said = outcome(found)
    return tag("span", *([tag("a", *said, href=f"#{anchor}-{id}")] if found == "violated" else said), class_="verdict")


def _server(server: Checked, anchor: str) -> Element:
    document = server.document
    stories = server.stories()
    facts: list[tuple[str, Child]] = []
    if document:
        facts = [("target", tag("code", document["target"])), ("dialect", document["dialect"])]
        facts += [("checked", f"{document['began'][:16].replace('T', ' ')} UTC, in {document['seconds']:.1f} s")]
    return tag(
        "section",
        tag("h2", server.name, id=anchor),
        tag("p", f"It {server.conclusion}{'' if server.conclusion.endswith('?') else '.'}"),
        listed(facts, class_="facts") if facts else None,
        legend() if any(story.events for story in stories) else None,
        *(article(story, f"{anchor}-{story.clause.id}", server.changes) for story in stories),
        aria_labelledby=anchor,
    )
