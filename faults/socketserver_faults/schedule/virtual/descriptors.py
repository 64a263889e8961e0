"""The descriptors of a virtual process, and the open files that they refer to.

    descriptor, a number  -->  open file  -->  connection

close() frees the number at once, and the next socket that is opened gets it: the lowest free number. The open file
stays as long as a number refers to it or a system call uses it; a thread in such a call is not woken. Only then is the
connection closed, and the other end sees it.

Next: `kernel.py`.
"""

import errno
from collections.abc import Callable
from typing import Protocol

from socketserver_faults.schedule.core.footprints import READ, WRITE, Name
from socketserver_faults.schedule.virtual.connection import End, failure
from socketserver_faults.schedule.virtual.listener import Listener

FIRST_DESCRIPTOR = 3
"""The lowest number of a socket: 0, 1 and 2 are taken in every process."""

FIRST_DESCRIPTOR_OF_CLIENTS = 1000
"""The lowest number of a socket of the clients in a recorded run, where they share no numbers with the program."""


class Points(Protocol):
    """The scheduler, for sockets: a thread says what it is about to do, and other threads may go first."""

    @property
    def aborting(self) -> bool:
        """Whether the run is being torn down; then no operation waits or is a point."""

    @property
    def now(self) -> float:
        """Virtual seconds since the run began."""

    @property
    def recorded(self) -> bool:
        """Whether it is noted in this run what is touched; where it is not, to ask that costs less than to say it."""

    @property
    def recording(self) -> bool:
        """Whether it is noted what is touched; then each operation that may wait has a point where it does."""

    def touch(self, name: Name, how: int) -> None:
        """Note that a shared thing is touched."""

    def label(self) -> Name:
        """Return the name of a new thing."""

    def progress(self) -> None:
        """Note that the running thread does something: it is not just looking again."""

    def refuse_to_reduce(self, what: str) -> None:
        """Say what the program does, if it is noted what is touched, and this cannot be."""

    def point(self, what: str, ready: Callable[[], bool] | None = None, timeout: float | None = None) -> bool:
        """Announce that the running thread is about to do `what`, in the words of a story: "reads from ann".

        With `ready`, return once it is true or `timeout` virtual seconds have passed; the result is whether it is true.
        """


class OpenFile:
    """The open file that descriptors refer to."""

    def __init__(self, end: End | Listener, label: Name = None) -> None:
        self.label = label
        self.end = end
        self.nonblocking = False
        self.resets = False
        """Whether closing it is a reset: SO_LINGER of 0 s."""
        self.options: dict[tuple[int, int], int] = {}
        self.holders = 0
        self.accepted = False
        """Whether it is a connection that a listener accepted."""


class Descriptors:
    """The numbers that are in use, and what they refer to."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.recorded = points.recorded
        self._files: dict[int, OpenFile] = {}

    def file(self, number: int) -> OpenFile:
        """Return the open file of a descriptor."""
        file = self._files.get(number)
        if file is None:
            self.observe(number)
            raise failure(errno.EBADF)
        if self.recorded:
            self.points.touch((file.label, "descriptors"), READ)
        return file

    def __contains__(self, number: int) -> bool:
        self.observe(number)
        return number in self._files

    def observe(self, number: int) -> None:
        """Note that the number itself matters: which it is depends on all lower ones that were free."""
        if self.points.recording and number < FIRST_DESCRIPTOR_OF_CLIENTS:
            for lower in range(FIRST_DESCRIPTOR, number + 1):
                self.points.touch(("descriptor", lower), READ)

    def open(self, file: OpenFile, lowest: int = FIRST_DESCRIPTOR) -> int:
        """Return a descriptor for the file: the lowest free number."""
        number = lowest
        while number in self._files:
            self.points.touch(("descriptor", number), WRITE)  # matters only to who observes a number
            number += 1
        self.points.touch(("descriptor", number), WRITE)
        self._files[number] = file
        file.holders += 1
        return number

    def free(self, number: int) -> OpenFile:
        """Free the descriptor; return the file that it referred to."""
        file = self.file(number)
        self.points.touch(("descriptor", number), WRITE)
        self.points.touch((file.label, "descriptors"), WRITE)
        self.points.touch((file.label, "holders"), READ | WRITE)
        del self._files[number]
        return file
