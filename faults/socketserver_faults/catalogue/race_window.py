"""Holds a race open, so that it shows in every run and not in one of a hundred. No fault needs it to be one."""

import os
import time

yield_processor = getattr(os, "sched_yield", lambda: time.sleep(0))

RACE_WINDOW_SECONDS = 0.0005
"""Seconds for which other threads may go first."""

MAX_WIDENED_BYTES = 256
"""Bytes of a delivery that is held up: of longer ones there are thousands."""


def widen(delivery: bytes) -> None:
    """Let the other threads go first for a moment. It does not sleep, not even for no time, which Linux makes 50
    microseconds: whoever sleeps looks as if it were at rest.
    """
    until = time.monotonic() + (RACE_WINDOW_SECONDS if len(delivery) < MAX_WIDENED_BYTES else 0.0)
    while time.monotonic() < until:
        yield_processor()
