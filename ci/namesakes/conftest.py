"""Fixtures of the project's own, called as the suite calls what its checks ask for."""

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
