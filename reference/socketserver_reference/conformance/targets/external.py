"""A running server, at an address."""

import os
from dataclasses import dataclass

from socketserver_reference.address import Address, BadAddress
from socketserver_reference.conformance.targets.base import CannotCheck, DirectSite

MAX_START_TIMEOUT = 10.0
"""Most seconds for which the first client tries to connect: the server is said to run."""


@dataclass(frozen=True)
class Running:
    """A running server, at an address such as tcp://127.0.0.1:10007; the suite neither starts nor ends it."""

    address: Address | str

    def start(self, timeout: float) -> "RunningSite":
        try:
            address = Address.parse(self.address) if isinstance(self.address, str) else self.address
        except BadAddress as error:
            raise CannotCheck(str(error)) from None
        return RunningSite(address, min(timeout, MAX_START_TIMEOUT))

    def __str__(self) -> str:
        return str(self.address)


@dataclass
class RunningSite(DirectSite):
    """A server that the suite can neither restart nor observe from inside."""

    address: Address
    start_timeout: float = 0.0
    restartable = False

    def absence(self, why: str) -> str:
        return f"nothing to check at {self.address}: {why}; is the server running?"

    def restart(self) -> bool:
        return False

    def wait_idle(self) -> bool:
        """Yield the processor once: whether the server is idle cannot be observed."""
        os.sched_yield()
        return True

    def drain(self) -> None:
        self.wait_idle()

    def cpu_time(self) -> float | None:
        return None

    def exit_report(self) -> str:
        return ""

    def close(self) -> None:
        """Do nothing: the server goes on."""
