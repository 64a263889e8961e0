"""All faults by name, theme by theme."""

import difflib

from socketserver_faults.catalogue import (
    closed_request,
    datagrams,
    delivery,
    echoing,
    ending,
    keeping,
    leaving,
    membership,
    ownership,
    requests,
    serving,
    slow_members,
    system,
)
from socketserver_faults.catalogue.registry import CATALOGUE, Fault

THEME_MODULES = (
    closed_request,
    ownership,
    membership,
    delivery,
    slow_members,
    leaving,
    requests,
    serving,
    ending,
    keeping,
    system,
    echoing,
    datagrams,
)
"""The modules with faults, in the order of their themes."""


class Unknown(Exception):
    """No fault has that name; the message suggests similar names."""


def catalogue() -> dict[str, Fault]:
    """Return all faults by name, theme by theme."""
    return {
        fault.name: fault
        for module in THEME_MODULES
        for fault in CATALOGUE.values()
        if fault.cls.__module__ == module.__name__
    }


def find(name: str) -> Fault:
    """Return the fault of that name; raise Unknown if there is none."""
    faults = catalogue()
    if name not in faults:
        close = difflib.get_close_matches(name, faults, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(close)}?" if close else "`socketserver-faults list` lists all"
        raise Unknown(f"{name!r} is no fault of the catalogue: {hint}")
    return faults[name]


def checkable() -> dict[str, Fault]:
    """Return the faults that the suite must find: all but those that only the scheduler can find."""
    return {name: fault for name, fault in catalogue().items() if not fault.scheduler_only}
