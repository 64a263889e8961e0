"""Which processors the checker uses."""

import os

import pytest

from socketserver_reference.conformance.runner.affinity import all_processors, one_processor


@pytest.fixture(autouse=True)
def _three_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process have three processors, in name."""
    used = {2, 3, 5}

    def bind(_: int, wanted: set[int]) -> None:
        nonlocal used
        used = wanted

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: used)
    monkeypatch.setattr(os, "sched_setaffinity", bind)


def used() -> set[int]:
    return os.sched_getaffinity(0)


def test_one_processor_is_chosen_by_its_index() -> None:
    with one_processor(4):
        assert used() == {3}
    assert used() == {2, 3, 5}


def test_all_processors_are_those_from_before_the_outermost_block() -> None:
    with one_processor(1), one_processor():
        assert used() == {3}
        with all_processors():
            assert used() == {2, 3, 5}
        assert used() == {3}
    assert used() == {2, 3, 5}


def test_where_no_processor_was_chosen_all_are_in_use() -> None:
    with all_processors():
        assert used() == {2, 3, 5}
    assert used() == {2, 3, 5}
