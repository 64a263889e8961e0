"""A parser whose complaints are one line, and output that may stop being read."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line: what was wrong, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def read_or_not(run: Callable[[], int]) -> int:
    """Run a command; if whoever reads what it prints stops reading, as `head` does, end without a word, with 2."""
    try:
        code = run()
        sys.stdout.flush()  # now, not when it is too late to say anything about it
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return code
