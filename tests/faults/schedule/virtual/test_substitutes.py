"""What programs find in place of modules of the library can be called as the real things are."""

import inspect
import selectors
import socket
import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual.network import Network
from socketserver_faults.schedule.virtual.substitutes import substitutes

MODULES = ("threading", "time", "selectors", "signal", "os", "atexit", "datetime", "socket", "select")


@pytest.fixture
def found() -> Iterator[dict[str, Any]]:
    with Scheduler() as scheduler:
        network = Network(scheduler)
        yield substitutes(scheduler, lambda: network)


def names(call: Any) -> set[str] | None:
    """Return the names of the parameters that can be given by name; None if any can, or none is known."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY} - {"self"}


def calls(name: str, real: Any, ours: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield a call, and those of the methods if it is a class."""
    yield name, real, ours
    if isinstance(real, type) and isinstance(ours, type):
        for method in dir(ours):
            if not method.startswith("_") and callable(getattr(real, method, None)):
                yield f"{name}.{method}", getattr(real, method), getattr(ours, method)


@pytest.mark.parametrize("module", MODULES)
def test_what_is_modelled_takes_the_names_of_parameters_that_the_real_one_takes(
    module: str, found: dict[str, Any]
) -> None:
    library = import_module(module)
    pairs = [
        one
        for name, ours in vars(found[module]).items()
        if not name.startswith("_") and callable(ours) and (real := getattr(library, name, ours)) is not ours
        for one in calls(name, real, ours)
    ]
    assert pairs
    wrong = {
        name: lacking
        for name, real, ours in pairs
        if (taken := names(ours)) is not None and (lacking := (names(real) or set()) - taken)
    }
    assert not wrong


def test_locks_and_sockets_take_the_names_of_parameters_that_the_real_ones_take(found: dict[str, Any]) -> None:
    kinds = ("Lock", "RLock", "Condition", "Event", "Semaphore", "Barrier")
    made = [(getattr(threading, kind), getattr(found["threading"], kind)) for kind in kinds]
    pairs = [(real(1), ours(1)) if real is threading.Barrier else (real(), ours()) for real, ours in made]
    with socket.socket() as real:
        for one, other in [*pairs, (real, found["socket"].socket())]:
            for name in dir(other):
                if not name.startswith("_") and callable(getattr(one, name, None)):
                    taken = names(getattr(other, name))
                    assert taken is None or (names(getattr(one, name)) or set()) <= taken, name


def test_a_selector_is_told_by_name_what_to_watch(found: dict[str, Any]) -> None:
    server = found["socket"].create_server(("", 0))
    with found["selectors"].DefaultSelector() as selector:
        key = selector.register(fileobj=server, events=selectors.EVENT_READ, data="x")
        assert selector.get_key(fileobj=server) == key
