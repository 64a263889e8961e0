"""Threads of the scheduler."""

from collections.abc import Callable
from typing import Any


def started(virtual: Any, *targets: Callable[[], object], **keywords: Any) -> list[Any]:
    threads = [virtual.Thread(target=target, **keywords) for target in targets]
    for thread in threads:
        thread.start()
    return threads
