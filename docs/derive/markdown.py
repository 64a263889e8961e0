"""Markdown: tables, fences, HTML, and the docstrings of this project."""

import re
from collections.abc import Iterable, Iterator, Sequence

HEADING = re.compile(r"^(\S.*)\n(-{4,}|={4,})$", re.MULTILINE)


def fence(text: str, language: str = "text") -> str:
    """Return a text as a block of code, whatever is in it."""
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    ticks = "`" * (longest + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def escaped(text: str) -> str:
    """Return a text of which Markdown makes nothing, except code between backticks."""
    return re.sub(r"(`[^`]*`)|([\\*_<>\[\]#|])", lambda found: found[1] or f"\\{found[2]}", text)


def docstring(text: str, level: int = 2) -> str:
    """Return a docstring as Markdown: headings that are underlined, indented blocks as code, the rest as it is."""
    text = HEADING.sub(lambda found: f"{'#' * level} {found[1]}", text)
    return "\n\n".join(_blocks(re.split(r"\n{2,}", text.strip())))


def _blocks(paragraphs: Sequence[str]) -> Iterator[str]:
    code: list[str] = []
    for paragraph in [*paragraphs, ""]:
        indented = paragraph.startswith("  ")
        if indented:
            code.append(paragraph)
            continue
        if code:
            yield fence(_dedented("\n\n".join(code)))
            code = []
        if paragraph:
            yield escaped_but_lists(re.sub(r"::$", ":", paragraph))


def _dedented(text: str) -> str:
    margin = min(len(line) - len(line.lstrip()) for line in text.splitlines() if line)
    return "\n".join(line[margin:] for line in text.splitlines())


def escaped_but_lists(paragraph: str) -> str:
    """Return a paragraph with nothing in it that Markdown obeys, except code, headings, emphasis and lists."""
    return re.sub(r"(`[^`]*`)|([<>\[\]|]|(?<=\w)[*_](?=\w))", lambda found: found[1] or f"\\{found[2]}", paragraph)
