"""Reads the files of /proc, in which Linux tells of its processes: what has ended, or cannot be seen, is empty."""

import os
import socket
import struct
from itertools import islice, takewhile
from pathlib import Path

READ_BYTES = 65536
"""Bytes to read of a file about one thread: more than any of these files has."""

ONE_READ_BYTES = 2048
"""Bytes up to which a file comes in one read(): Linux gives a long one in parts, a page each."""

LINE_BYTES = 512
"""The same for a file that is one line: to read it takes a third less time."""


def read(file: str, most: int = READ_BYTES) -> str:
    """Return the text of a file about one thread, or "" if there is none."""
    try:
        opened = os.open(file, os.O_RDONLY)
    except OSError:  # the thread has ended, or this system has no /proc
        return ""
    try:  # os.read(): a file object would cost more than the rest of a look
        text = os.read(opened, most)
        while len(text) > ONE_READ_BYTES and len(text) < most and (more := os.read(opened, most - len(text))):
            text += more
        return text.decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(opened)


def rows(table: str, text: str = "") -> list[list[str]]:
    """Return the rows with that text of a table about the whole machine, without its head, each as its columns."""
    try:
        lines = Path(table).read_bytes().decode("utf-8", "replace").splitlines()
    except OSError:  # this system has none
        return []
    return [line.split() for line in lines[1:] if text in line]


def endpoint(text: str) -> tuple[str, int]:
    """Return the host and the port of a column of /proc/net/tcp or its like: hexadecimal digits, word by word."""
    host, _, port = text.partition(":")
    words = struct.pack(f"={len(host) // 8}I", *(int(host[at : at + 8], 16) for at in range(0, len(host), 8)))
    return socket.inet_ntop(socket.AF_INET if len(words) == 4 else socket.AF_INET6, words), int(port, 16)


def first_rows(table: str, text: str) -> list[list[str]]:
    """Return the rows with that text of a table in which these come first: the rest, which may be long, is not read."""
    try:
        with open(table, encoding="utf-8", errors="replace") as opened:
            return [line.split() for line in takewhile(lambda line: text in line, islice(opened, 1, None))]
    except OSError:
        return []


def listed(directory: str) -> list[str]:
    """Return the names in a directory, or none if there is no such directory."""
    try:
        return os.listdir(directory)
    except OSError:
        return []


def link(file: str) -> str:
    """Return what the link names, or "" if there is no such link."""
    try:
        return os.readlink(file)
    except OSError:
        return ""
