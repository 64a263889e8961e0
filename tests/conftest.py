"""Fixtures of the tests of the checker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checking import Checker, Lifeline

pytest_plugins = ["pytester"]


@pytest.fixture
def check(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Checker:
    """The `check` command, in this process."""
    return Checker(capfd, tmp_path)


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    """A FIFO for the servers of a test."""
    opened = Lifeline(tmp_path)
    yield opened
    opened.close()
