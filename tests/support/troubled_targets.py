"""Targets of which a session cannot be sure: no other server is to be had, or the network may be to blame."""

from collections.abc import Mapping
from dataclasses import dataclass

from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.in_process import InProcess, InProcessSite
from tests.support.planted import Bug, Planted


@dataclass(frozen=True)
class Fragile(InProcess):
    """A target whose server cannot be renewed."""

    def start(self, timeout: float) -> "FragileSite":  # noqa: ARG002  # it listens already
        return FragileSite(self)


class FragileSite(InProcessSite):
    """A server that may be said to have died."""

    death = ""

    def restart(self) -> bool:
        raise CannotCheck("no more of them")

    def exit_report(self) -> str:
        return self.death


def fragile(bug: Bug | Planted) -> Fragile:
    return Fragile(bug.target().make)


class MeddlingSite(InProcessSite):
    """A server behind something that may do what it is blamed for, and hides one clause."""

    unobservable: Mapping[str, str] = {"CHAT-16": "nobody can see it"}

    def interference(self) -> str:
        return "the network did it"


@dataclass(frozen=True)
class Meddling(InProcess):
    def start(self, timeout: float) -> MeddlingSite:  # noqa: ARG002  # it listens already
        return MeddlingSite(self)
