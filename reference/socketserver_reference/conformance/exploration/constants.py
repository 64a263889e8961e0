"""Keeps the source code of this process out of what is drawn.

Hypothesis reads the source of every loaded module that is not installed, and now and then draws a constant of it. For
tests of that code this is a strength. Here a server is checked, mostly one in another process: constants of this one
say nothing about it. With them a seed would draw other steps from a checkout than from a wheel, and in one project
other steps than in the next; and each check would parse hundreds of files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis.internal.conjecture.providers import HypothesisProvider

_DRAWS_CONSTANT = "_maybe_draw_constant"
"""The method that may return a constant; a Hypothesis without it draws none."""


def _draw_none(*arguments: object, **options: object) -> None:
    """Have the caller draw a value of its own."""


@contextmanager
def without_constants_of_modules() -> Iterator[None]:
    """Have Hypothesis draw no constants, in the whole process, while the block lasts."""
    provider: Any = HypothesisProvider
    draws = getattr(provider, _DRAWS_CONSTANT, None)
    if draws is None:
        yield
        return
    setattr(provider, _DRAWS_CONSTANT, _draw_none)
    try:
        yield
    finally:
        setattr(provider, _DRAWS_CONSTANT, draws)
