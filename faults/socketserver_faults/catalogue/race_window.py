"""Widens a race, so that it shows in every run and not in one of a hundred. It is a bug without this, too."""

import os
import time

yield_processor = getattr(os, "sched_yield", lambda: time.sleep(0))

RACE_WINDOW_SECONDS = 0.0005
"""Seconds for which other threads may run first."""

MAX_WIDENED_BYTES = 256
"""Bytes: shorter deliveries are delayed, longer ones are not, since there are thousands of those."""


def widen(delivery: bytes) -> None:
    """Let other threads run first for a moment.

    This does not sleep: even 0 seconds are 50 microseconds on Linux, and a thread that sleeps looks idle.
    """
    until = time.monotonic() + (RACE_WINDOW_SECONDS if len(delivery) < MAX_WIDENED_BYTES else 0.0)
    while time.monotonic() < until:
        yield_processor()
