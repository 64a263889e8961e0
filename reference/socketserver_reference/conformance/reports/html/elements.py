"""HTML as a tree of elements: text goes in as text and cannot come out as markup, whatever its source.

`page` makes a whole document of them. It loads nothing, and needs no script. It has one, `page.js`, for buttons that
copy, and its policy forbids the browser to run any other.
"""

import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from xml.etree.ElementTree import Element

from socketserver_reference.conformance.scenario.text import printable


def digest(script: str) -> str:
    """Return the hash by which a policy names a script."""
    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"


STYLE = Path(__file__).with_name("page.css")

SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")

POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src '{digest(SCRIPT)}'; base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy: styles that are written in the page, this one script, and nothing else."""

PREFORMATTED = ("pre", "style", "script")

Child = Element | str | None


def tag(name: str, /, *children: Child, **attributes: str | None) -> Element:
    """Return an element; `None` is left out. `class_` is the attribute class, `aria_label` is aria-label."""
    said = {
        key.rstrip("_").replace("_", "-"): printable(value) for key, value in attributes.items() if value is not None
    }
    return extend(Element(name, said), children)


def extend(element: Element, children: Iterable[Child]) -> Element:
    """Append children to an element; text is made printable, and is one line unless the element is preformatted."""
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif child is not None:
            text = "\n".join(map(printable, child.split("\n"))) if element.tag in PREFORMATTED else printable(child)
            if len(element):
                element[-1].tail = (element[-1].tail or "") + text
            else:
                element.text = (element.text or "") + text
    return element


def listed(names: Iterable[tuple[str, Child]], class_: str | None = None) -> Element:
    """Return a list of names and their values."""
    pairs = [tag("div", tag("dt", name), tag("dd", value)) for name, value in names]
    return tag("dl", *pairs, class_=class_)


def page(title: str, *main: Child) -> str:
    """Return a whole document with this title."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", STYLE.read_text(encoding="utf-8")),
    )
    body = tag("body", tag("a", "Skip to the report", href="#report", class_="skip"), *main, tag("script", SCRIPT))
    document = tag("html", head, body, lang="en")
    return "<!DOCTYPE html>\n" + ET.tostring(document, encoding="unicode", method="html") + "\n"
