"""What Hypothesis reads from source files is not drawn."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.stateful import RuleBasedStateMachine, rule

from socketserver_reference.conformance.exploration import explore
from socketserver_reference.conformance.exploration.constants import without_constants_of_modules

CONSTANT = b"a constant of some module"


@pytest.fixture(autouse=True)
def always_a_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Hypothesis draw the same constant whenever it may draw one."""
    monkeypatch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: CONSTANT)


def drawn() -> Iterator[bytes]:
    values: list[bytes] = []

    @settings(max_examples=5, database=None)
    @given(st.binary())
    def draw(value: bytes) -> None:
        values.append(value)

    draw()
    yield from values


def test_no_constant_is_drawn_while_the_block_lasts() -> None:
    with without_constants_of_modules():
        assert CONSTANT not in drawn()
    assert CONSTANT in drawn()


def test_constants_are_drawn_again_after_a_failure() -> None:
    with pytest.raises(ValueError, match="within"), without_constants_of_modules():
        raise ValueError("within")
    assert CONSTANT in drawn()


def test_a_hypothesis_that_draws_none_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(HypothesisProvider, "_maybe_draw_constant")
    with without_constants_of_modules():
        assert not hasattr(HypothesisProvider, "_maybe_draw_constant")


def test_a_machine_draws_none() -> None:
    values: list[bytes] = []

    class Drawing(RuleBasedStateMachine):
        @rule(value=st.binary())
        def draw(self, value: bytes) -> None:
            values.append(value)

    explore._draw(Drawing, steps=5, with_seed="0", runs=5)
    assert values
    assert CONSTANT not in values
