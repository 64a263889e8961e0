"""Fixtures of the project, with the names of the suite's own."""

import pytest


@pytest.fixture
def play():
    return "the project's play"


@pytest.fixture
def explore():
    return "the project's explore"


@pytest.fixture(scope="class")
def performer():
    return "the project's performer"
