"""Fixtures of the tests of the commands."""

from collections.abc import Iterator

import pytest

from tests.support.log_pipes import Pipe


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    opened = Pipe()
    yield opened
    opened.close()
