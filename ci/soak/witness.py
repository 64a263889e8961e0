"""Two members who converse while crowds come and go: all that one says reaches both, once, whole, in order."""

import re
import socket
import threading
import time
from contextlib import suppress

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.client import Client, Unreachable

WORD_TIMEOUT = 300.0
"""Seconds until a word must have come: what is late is not lost (22 s, where others used the machine: the
"slowest word" of `make soak`)."""

PAUSE = 0.05
"""Seconds between two words, so that a room of thousands has time for others."""

WORD = re.compile(rb"(ack)?<(\d{8})>")
MARGIN = 13
"""Bytes at the end of what is read that may be a part of a word."""


class Witness(threading.Thread):
    """The conversation; `failure` says what was lost. `close` ends it."""

    def __init__(self, address: Address) -> None:
        super().__init__(daemon=True)
        self.words = 0
        self.slowest = 0.0
        self.failure = ""
        self._over = threading.Event()
        self._said = threading.Condition()
        self._pair: dict[str, Client] = {}
        try:
            for name in ("ann", "bert"):
                self._pair[name] = Client(address, WORD_TIMEOUT)
        except Unreachable:
            self._close_clients()
            raise
        self._unread = dict.fromkeys(self._pair, b"")

    def run(self) -> None:
        """Say one word after another, in turn."""
        while not self.failure and not self._over.wait(PAUSE):
            speaker = list(self._pair)[self.words % 2]
            begun = time.monotonic()
            self._pair[speaker].send(b"<%08d>" % self.words)
            problem = next(filter(None, map(self._hear, self._pair)), "")
            self.slowest = max(self.slowest, time.monotonic() - begun)
            with self._said:
                self.words += 1
                self.failure = "" if self._over.is_set() else problem
                self._said.notify_all()

    def _hear(self, name: str) -> str:
        """Read up to the word that was said last; return what is wrong, or ""."""
        until = time.monotonic() + WORD_TIMEOUT
        while not (found := WORD.search(self._unread[name])):
            self._unread[name] = self._unread[name][-MARGIN:]
            got = self._pair[name].receive()
            if isinstance(got, str) or got is None or time.monotonic() > until:
                how = got if isinstance(got, str) else f"not within {WORD_TIMEOUT:g} s"
                return f"{name} has not heard word {self.words} of the witness: {how}"
            self._unread[name] += got
        self._unread[name] = self._unread[name][found.end() :]
        if found.groups() != (b"ack", b"%08d" % self.words):
            return f"{name} has heard {found.group()!r} in place of word {self.words} of the witness"
        return ""

    def hears_more(self) -> None:
        """Wait until a word has come that was said after this call began, or until one is lost."""
        with self._said:
            least = self.words + 2
            self._said.wait_for(lambda: self.words >= least or bool(self.failure))

    def close(self) -> None:
        """End it."""
        self._over.set()
        for client in self._pair.values():
            with suppress(OSError):
                client.socket.shutdown(socket.SHUT_RDWR)  # ends a wait
        self.join()
        self._close_clients()

    def _close_clients(self) -> None:
        for client in self._pair.values():
            client.close()
