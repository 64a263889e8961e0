"""A command that serves, launched and ended whenever a fresh server is needed.

Whether it listens is seen from outside, as far as the system tells (`listening.py`): nothing connects to it before the
first client of a scenario.

If the command takes its port as an argument, each start gets another port. If its port is fixed, a start may have to
wait until the previous server's connections are gone; that wait and the total of all starts are bounded.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

from socketserver_reference.address import Address, BadAddress
from socketserver_reference.conformance.targets import ports, quiescence, time_wait
from socketserver_reference.conformance.targets.base import POLL_INTERVAL, CannotCheck, DirectSite
from socketserver_reference.conformance.targets.command import fill_in, has_placeholder, split_command
from socketserver_reference.conformance.targets.listening import Sight
from socketserver_reference.conformance.targets.notice import Notice
from socketserver_reference.conformance.targets.parting import PORTS_TO_FREE
from socketserver_reference.conformance.targets.ports import free_port
from socketserver_reference.conformance.targets.process import Launch
from socketserver_reference.conformance.targets.resources import DescriptorsLeft, Resources

START_TIMEOUT = 10.0
"""Least seconds that a launched command has until it must listen."""

MOVING_TIMEOUT = 2.0
"""Seconds after which a command that listens elsewhere, and did not before, is not awaited any more."""

PORT_FREE_TIMEOUT = 75.0
"""Seconds until a fixed port must be free again: closed connections hold it for 60 (Linux)."""

PORT_CLOSE_TIMEOUT = 10.0
"""Seconds until the fixed port of an ended command must be closed."""

TOTAL_START_TIMEOUT = 600.0
"""Seconds that all starts of one command may take together; after that it is not started again."""

MAX_NAMED_ADDRESSES = 3
"""Addresses that a message names at most."""


@dataclass(frozen=True)
class Launched:
    """A command that the suite starts without a shell, and ends with its children.

    `{host}`, `{port}` and `{path}` in the command become its address: a free port, or a path in a new directory. For a
    command with a fixed address, leave them out and give the address as `at`.
    """

    command: str
    at: Address | str | None = None
    transport: str | None = None

    @property
    def guessed_transport(self) -> str:
        """The transport over which it will be checked."""
        if self.at is not None:
            return self.at.transport if isinstance(self.at, Address) else self.at.partition("://")[0]
        return self.transport or ("unix" if "{path}" in self.command else "tcp")

    def start(self, timeout: float) -> "LaunchedSite":
        return LaunchedSite(self, timeout)

    def __str__(self) -> str:
        return self.command


class LaunchedSite(DirectSite):
    """One process after another, each at an address of its own where the command allows it."""

    restartable = True

    def __init__(self, target: Launched, timeout: float) -> None:
        self._target = target
        self._timeout = max(timeout, START_TIMEOUT)
        self._directory: str | None = None
        self._launch: Launch | None = None
        self._fixed: Address | None = None
        self._listened = False
        self._ever_listened = False
        self._idle_timeout = quiescence.IDLE_TIMEOUT
        self._computing = 0  # servers in a row that still computed when they were ended
        self._starts = 0
        self._spent = 0.0  # seconds, all starts together
        self._serve()

    def _serve(self) -> None:
        if self._spent > TOTAL_START_TIMEOUT:
            raise CannotCheck(f"its starts, {self._starts} so far, have taken {self._spent:.0f} s, which is too long")
        begun = time.monotonic()
        command = split_command(self._target.command)
        self._fixed = fixed_address(self._target, PORT_CLOSE_TIMEOUT if self._starts else 0.0)
        self._starts += 1
        try:
            if self._fixed is None:
                self._start_anywhere(command)
            else:
                self._start_at(self._fixed, command)
        finally:
            self._spent += time.monotonic() - begun

    def _start_anywhere(self, command: list[str]) -> None:
        """Launch the command at a free address; at another one if another program took that one meanwhile."""
        try:
            self._start(self._free_address(), command)
        except CannotCheck:
            if not ports.is_served(self.address):
                raise
            self._start(self._free_address(), command)

    def _start_at(self, fixed: Address, command: list[str]) -> None:
        """Launch the command, which brings its address; retry if its port was not free yet."""
        begun = time.monotonic()
        until = min(begun + PORT_FREE_TIMEOUT, self.deadline)
        while True:
            if ports.is_taken(fixed) and not ports.is_served(fixed):
                time_wait.end_all(fixed)
            is_taken = ports.is_taken(fixed)
            PORTS_TO_FREE.add(fixed.port)
            try:
                return self._start(fixed, command)
            except CannotCheck as error:
                if not is_taken:
                    raise
                if not ports.await_free(fixed, until):
                    raise CannotCheck(
                        f"{error}; {fixed} is still not free after {until - begun:.3g} s: let the server "
                        "set SO_REUSEADDR, or write {port} in its command"
                    ) from None

    def _start(self, address: Address, command: list[str]) -> None:
        """Launch the command and wait until it listens; end it if it does not."""
        self.address = address
        try:
            self._launch = Launch([fill_in(word, address) for word in command], yields=address.datagram)
            self._launch.wait_idle.timeout = self._idle_timeout
            self._await_listening()
        except BaseException:
            self.close()
            raise

    def _free_address(self) -> Address:
        """Return an address for the command to listen at."""
        transport = self._target.guessed_transport
        if transport.startswith("unix"):
            self._directory = tempfile.mkdtemp(prefix="served-")
            return Address(transport, path=os.path.join(self._directory, "socket"))
        return Address(transport, host="127.0.0.1", port=free_port())

    def _await_listening(self) -> None:
        """Wait until the command is seen to listen; return at once where that cannot be seen."""
        assert self._launch is not None
        begun = time.monotonic()
        with Notice(f"waiting until {self._target.command} listens at {self.address}") as notice:
            while (seen := self._launch.look(self.address)) is not None and not seen.listens:
                if self._launch.ended_within(POLL_INTERVAL):
                    raise CannotCheck(self.absence(self.exit_report()))
                waited = time.monotonic() - begun
                late = waited > self._timeout
                if late or (self._ever_listened and waited > MOVING_TIMEOUT):
                    seen = self._launch.look(self.address, elsewhere=True) or seen
                    late = late or bool(seen.elsewhere)
                if late:
                    raise CannotCheck(
                        f"{self._target.command!r} does not listen at {self.address} after "
                        f"{min(waited, self._timeout):.3g} s: {self._described(seen)}{self._launch.last_output()}"
                    )
                notice()
        self.start_timeout = self._timeout if seen is None else 0.0
        self._listened = self._ever_listened = True

    def _described(self, seen: Sight) -> str:
        """Return what is seen of a command that does not listen where it shall, and what would help."""
        if seen.elsewhere:
            where = f"it listens at {' and '.join(map(str, seen.elsewhere[:MAX_NAMED_ADDRESSES]))} instead"
            if self._ever_listened:  # so its address is where it was looked for
                return where
            other = next((one.transport for one in seen.elsewhere if not one.path and self._is_here(one)), "")
            remedy = f"its transport is {other}: --transport {other}" if other else "give that as the target"
            if not (self._fixed or other):
                mark = "{path}" if self.address.path else "{port}"
                remedy = f"write {mark} where the command takes its address; if it takes none, without it {remedy}"
            return f"{where} ({remedy})"
        if seen.taken:
            return "a process that it did not start listens there (start that server yourself, and give its address)"
        return "it runs but does not listen (if it needs longer to start, limits.start in a dialect says so)"

    def _is_here(self, address: Address) -> bool:
        """Whether the port of an address is that at which the command shall listen, so that it was taken."""
        return not self._fixed and address.port == self.address.port

    def absence(self, why: str) -> str:
        return f"{self._target.command!r} cannot be checked: {why}"

    def restart(self) -> bool:
        self.close()
        self._serve()
        return True

    def wait_idle(self) -> bool:
        return self._launch is None or self._launch.wait_idle()

    def note_flood(self) -> None:
        if self._launch is not None and self._launch.wait_idle.gave_up:
            self._idle_timeout = self._launch.wait_idle.timeout = quiescence.FLOODING_TIMEOUT

    def drain(self) -> None:
        self.wait_idle()

    def cpu_time(self) -> float | None:
        return self._launch.cpu_time() if self._launch is not None else None

    def resources(self) -> Resources | None:
        return self._launch.resources() if self._launch is not None else None

    def few_descriptors(self, spare: int) -> contextlib.AbstractContextManager[DescriptorsLeft] | None:
        return self._launch.few_descriptors(spare) if self._launch is not None else None

    def come_back(self, clients_leave: Callable[[], None]) -> str | None:
        address, command = self.address, split_command(self._target.command)
        if self._launch is None or address.transport != "tcp":
            return None
        self.close()
        clients_leave()
        if not time_wait.await_held(address):
            return None
        try:
            self._start(address, command)
        except CannotCheck as error:
            self._serve()
            return str(error).removeprefix(self.absence(""))
        finally:
            PORTS_TO_FREE.update([address.port] if self._fixed is not None else [])
        return ""

    def exit_report(self) -> str:
        return self._launch.exit_report() if self._launch is not None else ""

    def last_error(self) -> str:
        return self._launch.last_error() if self._launch is not None else ""

    def close(self) -> None:
        if self._launch is not None:
            self._computing = self._computing + 1 if self._launch.wait_idle.gave_up else 0
            if self._computing == quiescence.MAX_COMPUTING_SERVERS:
                self._idle_timeout = quiescence.FLOODING_TIMEOUT
            self._launch.close()
            self._launch = None
        if self._fixed is not None:
            PORTS_TO_FREE.discard(self._fixed.port)
        if self._directory is not None:
            shutil.rmtree(self._directory)
            self._directory = None
        if self._listened and self._fixed is not None and self._fixed.path:
            with contextlib.suppress(OSError):  # a killed server leaves its socket file, and then bind() fails
                os.unlink(self._fixed.path)
        self._listened = False


def fixed_address(target: Launched, wait: float = 0.0) -> Address | None:
    """Return the fixed address of a command, or None if it has placeholders; raise CannotCheck if it has neither, or
    if another server still listens there after `wait` seconds.
    """
    try:
        address = Address.parse(target.at) if isinstance(target.at, str) else target.at
    except BadAddress as error:
        raise CannotCheck(str(error)) from None
    if address is None:
        if not has_placeholder(target.command):
            raise CannotCheck(
                f"{target.command!r} does not say where to listen: write {{port}} or {{path}} in it, or give its "
                "address as the target"
            )
        return None
    if not ports.await_closed(address, time.monotonic() + wait):
        raise CannotCheck(f"another server already listens at {address}: end it, or let the command listen elsewhere")
    return address
