"""Text in lanes: a column for each thread. The caller has escaped the text."""

import textwrap
from collections.abc import Sequence


def head(names: Sequence[str], width: int) -> str:
    """Return the line above the lanes."""
    return "".join(f"{name:<{width}}" for name in names).rstrip()


def in_lane(lane: int, text: str, width: int, depth: int = 0) -> list[str]:
    """Return a text as lines of that lane, indented by `depth` columns and wrapped at its width."""
    begin = " " * (width * lane)
    indent = " " * depth
    lines = textwrap.wrap(text, width - 2, initial_indent=indent, subsequent_indent=f"{indent}  ")
    return [f"{begin}{line}" for line in lines or [""]]
