"""Bytes as people read them."""

import pytest

from socketserver_reference.conformance.scenario.text import common_prefix, counted

WORD = bytes(range(8))


@pytest.mark.parametrize("one", [WORD[:length] for length in range(len(WORD))])
@pytest.mark.parametrize("changed", range(len(WORD)))
def test_the_bytes_before_the_first_that_differs_are_counted(one: bytes, changed: int) -> None:
    other = WORD[:changed] + b"x" + WORD[changed + 1 :]
    assert common_prefix(one, other) == common_prefix(other, one) == min(len(one), changed)


def test_what_is_counted_has_a_plural_unless_there_is_one() -> None:
    assert [counted(number, "member") for number in (0, 1, 2)] == ["0 members", "1 member", "2 members"]
