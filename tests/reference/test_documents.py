"""What the documents name is there: the paths of README and CONTRIBUTING, and the options that README shows."""

import re
from pathlib import Path

import pytest

from tests.support.serving import ROOT

REFERENCE = Path("reference/socketserver_reference")
FOLDERS = {"R": REFERENCE, "C": REFERENCE / "conformance", "F": Path("faults/socketserver_faults")}
"""What CONTRIBUTING.md puts before a path, and what it stands for."""

PATH = re.compile(r"(?:\b([RCF]) )?`([\w./-]+(?:/|\.py|\.md|\.toml))`")


def paths(document: str) -> list[str]:
    """Return the paths that a document names, from the root of the checkout."""
    text = (ROOT / document).read_text()
    named = [str(FOLDERS[folder] / path) if folder else path for folder, path in PATH.findall(text)]
    return named + [target.replace("\\", "") for target in re.findall(r"\]\(([^)#:]+)\)", text)]


def test_every_path_of_readme_is_there() -> None:
    missing = [path for path in paths("README.md") if "/" in path and not (ROOT / path).exists()]
    assert not missing, missing


def test_every_path_of_contributing_is_there() -> None:
    beside = [ROOT, *(ROOT / folder for folder in FOLDERS.values())]
    named = paths("CONTRIBUTING.md")
    assert len(named) > 30
    missing = [path for path in named if not any((folder / path).exists() for folder in beside)]
    assert not missing, missing


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_no_document_names_what_was_renamed(document: str) -> None:
    text = (ROOT / document).read_text()
    for name in ("--patience", "--drawn", "python -m reference", "python -m faults ", " reference/conformance"):
        assert name not in text, name


def test_the_specification_is_read_in_half_an_hour() -> None:
    order = re.findall(r"^    \d\. (\w+\.py) ", (ROOT / REFERENCE / "__init__.py").read_text(), re.MULTILINE)
    assert len(order) == 6
    words = sum(len((ROOT / REFERENCE / file).read_text().split()) for file in ["__init__.py", *order])
    assert words <= 5500, f"{words} words: shorten a docstring or a comment in one of {order}"
