"""Targets: how they are named, started and ended."""

import os
import random
import shlex
import socket
import socketserver
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets import in_process, notice, ports, processes, quiescence
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.client import Client
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.ports import free_port
from socketserver_reference.conformance.targets.process import Launch
from socketserver_reference.echo import EchoHandler
from socketserver_reference.family import PROGRAMS, make_server
from tests.support.checking import bad
from tests.support.serving import TIMEOUT

BURNING = 0.2
"""Seconds of processor time."""


def burn() -> None:
    """Use the processor for a while."""
    until = time.thread_time() + BURNING
    while time.thread_time() < until:
        pass


class Burning(EchoHandler):
    def handle(self) -> None:
        burn()
        super().handle()


@pytest.mark.slow
def test_the_processor_time_of_a_server_in_this_process_is_not_that_of_its_clients() -> None:
    program = replace(PROGRAMS["echo"], connection_handler=Burning)
    with closing(InProcess(partial(make_server, program, Address("tcp", "127.0.0.1"))).start(TIMEOUT)) as site:
        before = site.cpu_time()
        assert before is not None
        burn()
        between = site.cpu_time()
        assert between is not None
        assert between - before < BURNING / 2
        with Client(site.address, TIMEOUT) as one:
            one.send(b"hello")
            assert one.receive() == b"HELLO"
        after = site.cpu_time()
        assert after is not None
        assert after - between >= BURNING


def test_the_processor_time_of_a_command_is_seen_as_long_as_it_runs() -> None:
    burning = "import os, sys, time\nwhile time.process_time() < 0.05: pass\nos.execv(sys.argv[1], sys.argv[1:])"
    command = shlex.join([sys.executable, "-c", burning, *shlex.split(bad("well-behaved"))])
    site = Launched(command).start(TIMEOUT)
    with closing(site):
        assert (site.cpu_time() or 0.0) > 0.0
        running = Running(site.address).start(TIMEOUT)
        assert running.cpu_time() is None
    assert site.cpu_time() is None


def test_a_port_is_not_free_while_anything_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "PORTS", range(port, port + 1))
        monkeypatch.setattr(random.SystemRandom, "sample", lambda _self, ports, _count: list(ports))
        with pytest.raises(CannotCheck, match=f"no free port on 127.0.0.1 among a hundred tried from {port} to {port}"):
            free_port()


def test_waiting_for_a_port_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = iter([True, True, False])
    monkeypatch.setattr(ports, "is_taken", lambda _: next(taken))
    monkeypatch.setattr(ports, "PORT_POLL_INTERVAL", 0.0)
    monkeypatch.setattr(notice, "UNTOLD_SECONDS", 1e-9)
    assert ports.await_free(Address("tcp", "127.0.0.1", 9), time.monotonic() + TIMEOUT)
    assert capsys.readouterr().err == (
        "waiting until tcp://127.0.0.1:9 is free: closed connections of the last server hold it for a minute "
        "(TIME_WAIT), and it does not set SO_REUSEADDR\n"
    )


def test_targets_are_named_as_a_report_names_them() -> None:
    assert str(Running("tcp://127.0.0.1:1")) == "tcp://127.0.0.1:1"
    assert str(Launched("serve {port}")) == "serve {port}"
    assert str(InProcess(lambda: make_server("echo", Address("tcp", "127.0.0.1")))) == "in process"


@pytest.mark.parametrize("wrong", [Running("nowhere"), Launched("cat", at="nowhere")])
def test_a_target_with_a_wrong_address_cannot_be_checked(wrong: Running | Launched) -> None:
    with pytest.raises(CannotCheck, match="'nowhere' is not an address"):
        wrong.start(1)


def test_a_server_that_ends_by_itself_is_known_to_have() -> None:
    site = InProcess(lambda: make_server("echo", Address("tcp", "127.0.0.1"))).start(1)
    assert site.exit_report() == ""
    site.server.shutdown()
    site._thread.join()
    assert site.exit_report() == "serve_forever() ended by itself"
    assert site.restart()
    assert site.exit_report() == ""
    site.close()


def test_the_last_error_that_a_launched_server_prints_is_told(tmp_path: Path) -> None:
    script = tmp_path / "complain.py"
    script.write_text(
        "import socket, sys\nprint('ready\\nValueError: no port\\ngoes on', flush=True)\n"
        "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nwhile 1: s.accept()"
    )
    site = Launched(f"{sys.executable} {script} {{port}}").start(5)
    while not site.last_error():  # a thread reads what it prints
        time.sleep(0.01)
    assert site.last_error() == "ValueError: no port"
    site.close()
    assert site.last_error() == ""


def test_closing_a_launched_server_twice_is_once_enough(tmp_path: Path) -> None:
    listening = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nwhile 1: s.accept()"
    script = tmp_path / "listen.py"
    script.write_text(listening)
    site = Launched(f"{sys.executable} {script} {{port}}").start(5)
    site.wait_idle()
    assert site.exit_report() == ""
    site.close()
    site.close()
    site.wait_idle()
    assert site.exit_report() == ""


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has this policy")
@pytest.mark.parametrize("yields", [True, False])
def test_a_command_that_yields_takes_no_processor_from_the_checker(yields: bool) -> None:
    own = os.sched_getscheduler(0)
    launch = Launch(["sleep", "600"], yields=yields)
    assert os.sched_getscheduler(launch._supervisor.pid) == (os.SCHED_BATCH if yields else own)
    launch.close()
    assert os.sched_getscheduler(0) == own


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has this policy")
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_launched_server_of_datagrams_yields(transport: str) -> None:
    serve = f"{sys.executable} -m socketserver_reference serve echo --quiet --transport {transport} --port {{port}}"
    with closing(Launched(serve, transport=transport).start(TIMEOUT)) as site:
        assert site._launch is not None
        policy = os.sched_getscheduler(site._launch._supervisor.pid)
    assert policy == (os.SCHED_BATCH if transport == "udp" else os.sched_getscheduler(0))


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has this policy")
def test_a_system_that_allows_no_other_policy_starts_a_command_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", mock.Mock(side_effect=PermissionError))
    launch = Launch(["sleep", "600"], yields=True)
    launch.close()
    assert launch._supervisor.returncode is not None


def test_a_supervisor_that_is_stopped_is_killed_and_so_is_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.targets.process.GRACE_PERIOD", 0.05)
    launch = Launch(["sleep", "600"])
    while not (below := list(processes.processes_below(launch._supervisor.pid))[1:]):
        assert not launch.ended_within(0.01)
    launch._supervisor.send_signal(19)  # SIGSTOP: it hears nothing any more
    launch.close()
    assert launch._supervisor.returncode == -9
    assert {quiescence.state(f"/proc/{process}") for process in below} <= {"Z", ""}


def test_a_server_in_this_process_that_does_not_end_is_left_to_the_end_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(in_process, "STOP_TIMEOUT", 0.01)
    may_end = threading.Event()

    class Endless(socketserver.TCPServer):
        def shutdown(self) -> None:
            may_end.wait()
            super().shutdown()

    site = InProcess(lambda: Endless(("127.0.0.1", 0), socketserver.BaseRequestHandler)).start(1.0)
    site.close()
    assert site.exit_report() == ""
    may_end.set()
    site._thread.join()
    for thread in threading.enumerate():
        if thread.name == "end":
            thread.join()


@pytest.mark.slow
def test_servers_are_waited_for_less_once_one_floods(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Launched(bad("silent")).start(TIMEOUT)) as site:
        waiters = []
        for idle, bound in ((True, TIMEOUT), (False, 0.0)):
            monkeypatch.setattr(processes.ServerWaiter, "looks_idle", lambda _, idle=idle: idle)
            assert site._launch is not None
            site._launch.wait_idle.timeout = bound
            site.wait_idle()
            site.note_flood()
            site.restart()
            waiters.append(site._launch.wait_idle.timeout)
        assert waiters == [quiescence.IDLE_TIMEOUT, quiescence.FLOODING_TIMEOUT]


@pytest.mark.slow
def test_servers_are_waited_for_less_once_several_in_a_row_still_computed_when_they_were_ended() -> None:
    with closing(Launched(bad("silent")).start(TIMEOUT)) as site:
        waited = []
        for computes in (True, True, False, True, True, True):
            assert site._launch is not None
            site._launch.wait_idle._timeouts = int(computes)
            site.restart()
            waited.append(site._launch.wait_idle.timeout)
        assert waited == [*[quiescence.IDLE_TIMEOUT] * 5, quiescence.FLOODING_TIMEOUT]


def test_so_is_a_server_in_this_process() -> None:
    program = PROGRAMS["echo"]
    with closing(InProcess(partial(make_server, program, Address("tcp", "127.0.0.1"))).start(TIMEOUT)) as site:
        site.note_flood()
        assert site.wait_idle.timeout == quiescence.IDLE_TIMEOUT
        site.wait_idle._timeouts = 1
        site.note_flood()
        assert site.wait_idle.timeout == quiescence.FLOODING_TIMEOUT
