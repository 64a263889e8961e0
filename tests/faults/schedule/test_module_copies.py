"""What the modules under test find in place of the real ones, and how they are copied."""

import importlib
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual import substitutes
from socketserver_faults.schedule.virtual.chance import Chance
from socketserver_faults.schedule.virtual.log import silent_logging
from socketserver_faults.schedule.virtual.module_copies import Modules
from socketserver_faults.schedule.virtual.network import Network
from socketserver_faults.schedule.virtual.paths import Paths
from socketserver_faults.schedule.virtual.process import Os, Output

PACKAGE = {
    "__init__.py": "from own_chat.rooms import Room\nfrom . import names\n",
    "names.py": "import os.path\nNAME = os.path.basename('x/room')\n",
    "rooms.py": "from .names import NAME\nfrom threading import *\nclass Room:\n    name, lock = NAME, Lock()\n",
    "broken.py": "import own_chat.names\nfrom own_chat import nothing\n",
    "handlers.py": "import own_chat.rooms\nprint('hello', end='', sep=None)\nimport asyncio, multiprocessing.pool\n",
    "plugins.py": "import importlib\nimport importlib.util\nassert importlib.util\n",
    "refused.py": "from asyncio import run\n",
}


@pytest.fixture
def scheduler() -> Any:
    with Scheduler() as scheduler:
        yield scheduler


@pytest.fixture
def modules(scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Modules:
    """A virtual process that has a package of its own."""
    (tmp_path / "own_chat").mkdir()
    for name, text in PACKAGE.items():
        (tmp_path / "own_chat" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    network = Network(scheduler)
    return Modules(substitutes.substitutes(scheduler, lambda: network), ["own_chat"], said.append)


said: list[str] = []


def test_a_package_is_copied_with_what_it_imports_and_each_run_has_its_own(modules: Modules) -> None:
    said.clear()
    handlers = modules.load("own_chat.handlers")
    assert said == ["prints 'hello'"]
    room = handlers.own_chat.rooms.Room
    assert room is modules.load("own_chat").Room
    assert (room.name, repr(room.lock)) == ("room", "<lock>")
    modules.forget()
    assert modules.load("own_chat.rooms").Room is not room
    assert "own_chat.rooms" not in sys.modules


def test_a_module_that_a_program_imports_by_its_name_is_copied_too(modules: Modules) -> None:
    importlib = modules.load("own_chat.plugins").importlib
    assert importlib.import_module(".rooms", "own_chat") is modules.load("own_chat.rooms")
    assert importlib.import_module("json") is sys.modules["json"]


CHANGES = """
import contextlib, io, os, sys, traceback
def change():
    with contextlib.redirect_stdout(io.StringIO()) as kept:
        print("kept")
    sys.stdout, sys.own = kept, 1
    os.environ["OWN"] = "1"
    try:
        1 / 0
    except ZeroDivisionError:
        traceback.print_exc()
    return kept.getvalue(), os.getenv("OWN"), os.getenv("NONE", "2")
"""


def test_what_a_program_changes_in_sys_and_os_is_forgotten_and_no_other_process_sees_it(
    modules: Modules, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own_chat" / "changes.py").write_text(CHANGES)
    system, own = modules.load("sys"), modules.load("os")
    assert modules.load("own_chat.changes").change() == ("kept\n", "1", "2")
    assert said[-1] == "prints 'ZeroDivisionError: division by zero'"
    assert capsys.readouterr() == ("", "")
    assert "OWN" not in os.environ
    modules.forget()
    assert (hasattr(system, "own"), isinstance(system.stdout, Output)) == (False, True)
    assert own.getenv("OWN") is None


def test_what_a_package_does_not_have_is_not_found_and_leaves_no_half_of_a_module(modules: Modules) -> None:
    for _ in range(2):
        with pytest.raises(ImportError, match="nothing"):
            modules.load("own_chat.broken")
    with pytest.raises(ModuleNotFoundError, match=r"no Python source for module 'own_chat\.missing'"):
        modules.load("own_chat.missing")


def test_what_would_wait_behind_the_schedulers_back_is_refused_when_it_is_used(modules: Modules) -> None:
    processes = modules.load("own_chat.handlers").multiprocessing
    with pytest.raises(NotModelled, match=r"does not model multiprocessing\.pool"):
        processes.pool  # noqa: B018 - looking is enough
    with pytest.raises(NotModelled, match=r"does not model asyncio\.run"):
        modules.load("own_chat.refused")


def test_a_copied_module_is_not_the_real_one_and_any_other_is(modules: Modules) -> None:
    assert modules.load("queue") is not sys.modules["queue"]
    assert modules.load("json.decoder") is sys.modules["json.decoder"]
    assert (
        modules.load("socketserver_faults.schedule.exploration.search")
        is sys.modules["socketserver_faults.schedule.exploration.search"]
    )


def test_a_package_of_the_process_keeps_its_own_modules_when_one_is_copied(modules: Modules) -> None:
    own = importlib.import_module("socketserver_reference.conformance.driver.stage")
    assert modules.load("socketserver_reference.conformance.driver.stage") is not own
    assert importlib.import_module("socketserver_reference.conformance.driver").stage is own


def test_the_suite_is_shared_even_if_the_program_under_test_is_of_the_reference(scheduler: Scheduler) -> None:
    network = Network(scheduler)
    modules = Modules(substitutes.substitutes(scheduler, lambda: network), ["socketserver_reference"])
    assert modules.load("socketserver_reference.conformance.scenario.steps") is importlib.import_module(
        "socketserver_reference.conformance.scenario.steps"
    )


def test_the_virtual_clock(scheduler: Scheduler) -> None:
    clock = substitutes.time_of(scheduler)

    def main() -> None:
        clock.sleep(61)
        assert 61 < clock.monotonic() < 62
        assert 61 < clock.time_ns() / 1e9 < 62
        assert clock.strftime("%H:%M") == "00:01"
        assert clock.ctime() == time.asctime(time.gmtime(61))
        assert clock.localtime() == clock.gmtime() == time.gmtime(61)
        assert clock.asctime() == clock.asctime(clock.localtime(61)) == clock.ctime()
        assert clock.mktime(clock.strptime(clock.ctime())) == 61
        assert (clock.timezone, clock.altzone, clock.daylight) == (0, 0, 0)
        assert clock.tzname == ("UTC", "UTC")
        with pytest.raises(NotModelled, match=r"time\.clock_settime"):
            clock.clock_settime(0, 0)

    scheduler.run(main)


def test_an_os_that_cannot_reach_out(scheduler: Scheduler) -> None:
    network = Network(scheduler)
    virtual: Any = Os(lambda: network.kernel, Chance(scheduler.touch), Paths(scheduler.touch), scheduler.touch)

    def main() -> None:
        server, _ = network.pair("ann")
        virtual.close(server.fileno())
        with pytest.raises(OSError, match="Bad file descriptor"):
            server.send(b"x")

    scheduler.run(main)
    assert virtual.getcwd() == os.getcwd()
    for name in ("fork", "read", "execv", "system"):
        with pytest.raises(NotModelled, match=rf"does not model os\.{name}"):
            getattr(virtual, name)()


def test_a_socket_module_is_that_of_the_run(scheduler: Scheduler) -> None:
    networks = [Network(scheduler), Network(scheduler)]
    module = substitutes.socket_of(lambda: networks[-1])
    assert module.socket is networks[1].module.socket
    networks.pop()
    assert module.socket is networks[0].module.socket
    assert not hasattr(module, "__wrapped__")


def test_logging_that_says_nothing() -> None:
    quiet: Any = silent_logging(lambda _: None, [])
    assert isinstance(quiet, ModuleType)
    quiet.getLogger("x").exception("never %s", "said")
    quiet.warning("neither")
    assert quiet.getLogger().isEnabledFor(quiet.INFO) is False
