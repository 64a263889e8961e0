"""A browser, started once, and a page in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Browser, browser
from tests.support.pages import showing, with_everything


@pytest.fixture(scope="package")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser."""
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def full(tab: Browser, tmp_path: Path) -> Browser:
    """A browser that shows a page on which there is everything that can be."""
    return showing(tab, with_everything(), tmp_path)
