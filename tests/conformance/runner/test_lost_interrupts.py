"""What Python cannot raise: interrupts come again, and everything else is told as it always is."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from socketserver_reference.conformance.runner import lost_interrupts


def test_an_error_that_is_no_interrupt_is_told_as_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    lost: Any = SimpleNamespace(exc_type=ValueError)
    with lost_interrupts.repeated():
        sys.unraisablehook(lost)
    assert told == [lost]
