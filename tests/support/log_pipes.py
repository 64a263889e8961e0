"""What the tests of the log share: the pipe that a server logs to, and what a log accounts for."""

import os
import re
import select
from contextlib import suppress

from tests.support.serving import LONG_TIMEOUT

BEGINS = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", re.MULTILINE)
LEFT_OUT = re.compile(r" log (\d+) lines left out: ")


def accounted(text: str) -> int:
    """Return how many lines a log accounts for: those that it has, and those that it says were left out."""
    told = LEFT_OUT.findall(text)
    return len(BEGINS.findall(text)) - len(told) + sum(map(int, told))


class Pipe:
    """The pipe that a server logs to."""

    def __init__(self) -> None:
        self.end, self.entrance = os.pipe()

    def fill(self) -> None:
        """Leave no room for a single byte; what fills it are empty lines."""
        os.set_blocking(self.entrance, False)  # for all that have this entrance, so not for longer
        for size in (65536, 1):
            with suppress(BlockingIOError):
                while True:
                    os.write(self.entrance, b"\n" * size)
        os.set_blocking(self.entrance, True)

    def read(self) -> bytes:
        """Return what comes next, b"" at the end."""
        assert select.select((self.end,), (), (), LONG_TIMEOUT)[0], "nothing more is logged"
        return os.read(self.end, 65536)

    def read_until(self, lines: int) -> str:
        """Return what comes until so many lines are accounted for."""
        text = ""
        while accounted(text) < lines:
            text += self.read().decode()
        return text

    def read_all(self) -> str:
        """Return what there is, and what comes before the end: when the server has ended."""
        self.shut()
        return b"".join(iter(self.read, b"")).decode()

    def shut(self) -> None:
        """Close the entrance, which a server that was started has as well."""
        os.close(self.entrance)
        self.entrance = -1

    def leave(self) -> None:
        """Close the end that is read."""
        os.close(self.end)
        self.end = -1

    def close(self) -> None:
        for descriptor in (self.end, self.entrance):
            if descriptor != -1:
                os.close(descriptor)
