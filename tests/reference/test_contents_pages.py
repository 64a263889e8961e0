"""Each folder's `__init__` is a contents page: it names all that is in the folder, and its RULE is kept."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.serving import ROOT

PACKAGES = ("reference/socketserver_reference", "faults/socketserver_faults")
PAGES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("__init__.py"))

UNNAMED = {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
"""What is the same in every folder, or every package."""


def text_of(page: Path) -> str:
    return ast.get_docstring(ast.parse(page.read_text())) or ""


def names_in(text: str) -> list[str]:
    """Return the modules and folders in the lines of a page that say what is in it, in their order."""
    lines = re.findall(r"^    (?:\d\. |   )?\w+(?:\.\w+|/)  +\S.*$", text, re.MULTILINE)
    return [name for line in lines for name in re.findall(r"(?:^|  )(?:\d\. )?(\w+(?:\.\w+|/))(?=  )", line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.parent.relative_to(ROOT)))
def test_a_contents_page_names_all_that_is_in_the_folder_and_its_rule(page: Path) -> None:
    text = text_of(page)
    inside = [one.name + "/" * one.is_dir() for one in page.parent.iterdir() if one.name not in UNNAMED]
    unnamed = [name for name in inside if not re.search(rf"(?<![\w/]){re.escape(name)}(?!\w)", text)]
    assert not unnamed, f"{page.relative_to(ROOT)} does not say what these are: {unnamed}"
    gone = [name for name in names_in(text) if name not in inside]
    assert not gone, f"{page.relative_to(ROOT)} says what these are, and they are not there: {gone}"
    assert re.search(r"^RULE: \w.*", text, re.MULTILINE), f"{page.relative_to(ROOT)} has no RULE"


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if "a folder imports only folders above it" in text_of(page)],
    ids=lambda page: str(page.parent.relative_to(ROOT)),
)
def test_where_a_folder_imports_only_folders_above_it_the_page_has_them_in_that_order(page: Path) -> None:
    folders = [name.removesuffix("/") for name in names_in(text_of(page)) if name.endswith("/")]
    assert len(folders) > 3
    package = ".".join(page.parent.relative_to(ROOT).parts[1:])
    below = {
        (folder, other)
        for place, folder in enumerate(folders)
        for other in folders[place + 1 :]
        for file in (page.parent / folder).rglob("*.py")
        if re.search(rf"\b{re.escape(package)}(\.| import ){other}\b", file.read_text())
    }
    assert not below, f"{page.relative_to(ROOT)} has these in the wrong order: {below}"
