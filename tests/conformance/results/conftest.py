"""Fixtures of the tests of known failures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.known_failures import serving_fault


@pytest.fixture(scope="module")
def shouting() -> Iterator[str]:
    """A chat that breaks CHAT-8, and CHAT-8 alone."""
    with serving_fault("quits-in-any-case") as address:
        yield address


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known.toml"
