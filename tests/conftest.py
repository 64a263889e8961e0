"""Fixtures of the tests of the checker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reference.conformance.learning import asking, datagram, limits, meeting
from tests.checking import Checker, Lifeline

pytest_plugins = ["pytester"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that nobody waits for it alone in the end."""
    items.sort(key=lambda item: not item.name.startswith("test_each_fault_breaks_the_clauses"))


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


@pytest.fixture
def quick_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `learn` ask for a small crowd, and not wait long: the tests' servers have said all when they are at rest."""
    monkeypatch.setattr(limits, "CROWD", 8)
    monkeypatch.setattr(asking, "AWAITED", 0.3)
    monkeypatch.setattr(datagram, "ANSWERED", 0.5)
    monkeypatch.setattr(meeting, "HEADERS", ("%4d", "%04d"))
