"""The planted bugs: a page for each with its story and its difference from the reference, and the kill matrix."""

import re
from collections.abc import Iterator, Mapping

from docs.derive import clauses
from docs.derive.markdown import docstring, escaped, fence, table
from socketserver_faults.catalogue.index import catalogue
from socketserver_faults.catalogue.registry import THEMES, Fault
from socketserver_faults.matrix.table import left_out

PART = re.compile(r"^(Thought|Seen|Fixed):", re.MULTILINE)
"""The parts of a story."""

ESSAY = re.compile(r"The\s+docstring\s+of\s+this\s+module")
"""How a story names the essay above it in the code, which is a page of the site."""


def overview() -> str:
    """Return the page with the kill matrix."""
    faults = catalogue()
    rows = [
        (
            f"[{fault.name}]({fault.name}.md)",
            ", ".join(clauses.link(id) for id in fault.breaks),
            fault.theme,
            escaped(fault.summary),
        )
        for fault in faults.values()
    ]
    themes = [(f"**{theme}**", about) for theme, about in THEMES.items()]
    names = "\n".join(faults)
    return "\n\n".join(
        [
            "# Faults: the kill matrix",
            f"{len(faults)} bugs of real programs, each planted into the reference by overriding one method. For every "
            "one of them the conformance suite reports the clauses in its row as broken, and no other clause. That is "
            "what makes the checks believable: each has been seen to fail, and to keep quiet about everything else. "
            "`make matrix` proves the table, and fails if a clause has no fault.",
            table(("theme", "what its bugs are about"), themes),
            f'<div class="filtered" data-what="faults">\n\n{table(("fault", "breaks", "theme", "what it does"), rows)}'
            "\n\n</div>",
            "Left to the [scheduler](../how-to/race.md), which alone can show it:",
            "\n".join(f"- {escaped(line)}" for line in left_out()),
            fence(
                "socketserver-faults list            # all of them\nsocketserver-faults matrix NAME     # check one",
                "sh",
            ),
            f"```{{toctree}}\n:hidden:\n:titlesonly:\n\n{names}\n```",
        ]
    )


def page(fault: Fault, race: str) -> str:
    """Return the page of a fault; `race` is its story under the scheduler, or ""."""
    how = f"{fault.concurrency} {fault.program} over {fault.transport}"
    promised = "" if fault.promises == fault.concurrency else f", which promises to be {fault.promises}"
    broken = ", ".join(f"[{clauses.title(id)}](../{clauses.page(id)}.md)" for id in fault.breaks)
    story = PART.sub(r"**\1.**", docstring(fault.story.partition("\n")[2]))
    story = ESSAY.sub("[The closed-request bug](../explanation/closed-request.md)", story)
    parts = [
        f"(fault-{fault.name})=\n# {fault.name}",
        f"> {escaped(fault.summary)}",
        f"Breaks {broken}. Planted into the {how}{promised}; theme: {fault.theme}.",
        story,
        "## The difference",
        "The method of the reference, and the one with the bug:",
        fence(fault.diff(), "diff"),
        "## Try it",
        fence(
            f"socketserver-faults serve {fault.name}     # then talk to it from other terminals\n"
            f"socketserver-faults matrix {fault.name}    # what the suite says of it",
            "sh",
        ),
    ]
    if fault.scheduler_only:
        parts.append(f"The suite cannot see it over real sockets: {escaped(fault.scheduler_only)}.")
    if race:
        parts += [
            "## Under the scheduler",
            "The first schedule that shows it, as [the scheduler](../explanation/scheduler.md) prints it. Each lane is "
            "a thread; HERE marks a switch that the undisturbed run does not have.",
            fence(race, "text"),
        ]
    return "\n\n".join(parts) + "\n"


def pages(races: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the pages of the faults: path and text."""
    yield "faults/index.md", overview()
    for fault in catalogue().values():
        yield f"faults/{fault.name}.md", page(fault, races.get(fault.name, ""))
