"""Writes a file all at once: a reader finds the old content or the new, and no crash leaves half of it."""

import contextlib
import os
import tempfile
from pathlib import Path


def write(file: Path, content: bytes) -> None:
    """Replace the content of a file by way of a temporary file beside it; raise OSError if that fails.

    A symbolic link to it stays. What is no regular file, such as a terminal, is written as it is.
    """
    target = file.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".written-")
    try:
        with os.fdopen(descriptor, "wb") as beside:
            beside.write(content)
            beside.flush()
            os.fsync(beside.fileno())
        os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
