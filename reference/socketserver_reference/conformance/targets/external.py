"""A server that somebody else runs, at an address."""

import os
from dataclasses import dataclass

from socketserver_reference.address import Address, BadAddress
from socketserver_reference.conformance.targets.base import Alone, CannotCheck
from socketserver_reference.conformance.targets.client import Unreachable, reach


@dataclass(frozen=True)
class Running:
    """A server that somebody else runs, at an address such as tcp://127.0.0.1:10007."""

    address: Address | str

    def start(self, timeout: float) -> "RunningSite":
        try:
            address = Address.parse(self.address) if isinstance(self.address, str) else self.address
        except BadAddress as error:
            raise CannotCheck(str(error)) from None
        try:
            reach(address, timeout)
        except Unreachable as error:
            raise CannotCheck(f"nothing to check at {address}: {error}; is the server running?") from None
        return RunningSite(address)

    def __str__(self) -> str:
        return str(self.address)


@dataclass
class RunningSite(Alone):
    """A server that can neither be renewed nor looked into."""

    address: Address
    renewable = False

    def renew(self) -> bool:
        return False

    def rest(self) -> None:
        """Let the server run for a moment: nothing tells when it has come to rest."""
        os.sched_yield()

    def calm(self) -> None:
        self.rest()

    def obituary(self) -> str:
        return ""

    def close(self) -> None:
        """Leave it alone."""
