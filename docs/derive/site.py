"""All pages of the site: those written by hand, with the output of their commands, and those that are derived."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from docs.derive import clauses, consoles, drawings, essays, faults, manual, races
from docs.derive.clauses import HOME, ROOT
from socketserver_faults.catalogue.index import catalogue
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.scenario.transcript import Transcript

HAND_WRITTEN = ("index.md", "tutorial", "how-to", "explanation", "reference")
"""Pages and folders of pages in `docs/`."""

COMMANDS_AT_ONCE = 2

CHECKOUT = "{{checkout}}"
"""What stands in a page for the way to the root of the checkout."""

COUNTS = {"{{faults}}": str(len(catalogue())), "{{clauses}}": str(len(CLAUSES))}
"""What stands in a page for a number that changes with the code."""


def written() -> dict[str, str]:
    """Return the pages that are written by hand, by their paths."""
    found = [path for name in HAND_WRITTEN for path in [HOME / name, *sorted((HOME / name).rglob("*.md"))]]
    return {str(path.relative_to(HOME)): counted(path.read_text(encoding="utf-8")) for path in found if path.is_file()}


def counted(text: str) -> str:
    """Return a page with its numbers."""
    for name, count in COUNTS.items():
        text = text.replace(name, count)
    return text


def played() -> clauses.Played:
    """Play the checks of the suite against the reference; return what happened, by clause."""
    found: dict[str, list[tuple[str, list[Transcript]]]] = defaultdict(list)
    for protocol in drawings.PROGRAM:
        for clause, name, transcripts in drawings.play_all(protocol):
            found[clause].append((name, transcripts))
    return found


def derived() -> Iterator[tuple[str, str]]:
    """Yield the pages that are derived from the code, and the files beside them: path and text."""
    yield from clauses.pages(played())
    yield from faults.pages({name: races.told(name) for name in races.SCENARIOS_OF})
    yield from manual.pages()
    yield from essays.pages()
    yield "assets/lanes.css", drawings.styles()
    yield from manual.schemas()


def write(target: Path) -> None:
    """Write all pages into a folder; raise WrongOutput if a page shows what its command does not print.

    README.md is no page, but its commands are run as well.
    """
    pages = {**written(), "README.md": (ROOT / "README.md").read_text(encoding="utf-8")}
    with ProcessPoolExecutor(COMMANDS_AT_ONCE) as pool:
        running = {path: pool.submit(consoles.with_outputs, text, path) for path, text in pages.items()}
        made = dict(derived())
        made |= {path: text.result() for path, text in running.items()}
    del made["README.md"]
    _replace(target, made)


def _replace(target: Path, made: dict[str, str]) -> None:
    """Write the files, and remove all others; one that is the same already stays, so that Sphinx does not read it."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_file() and str(path.relative_to(target)) not in made:
            path.unlink()
    for name, text in made.items():
        path = target / name
        text = text.replace(CHECKOUT, "/" + "/".join([".."] * len(target.relative_to(ROOT).parts)))
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
