"""`--learn` of programs that answer late, or let others wait: to wait costs virtual time alone."""

from types import SimpleNamespace

import pytest

from socketserver_faults.cli.main import main
from socketserver_faults.schedule.world import clients
from tests.support.scheduling.programs import Write

LONG = ("--seconds", "600")
"""A test waits for what is found, however busy the machine is."""

POLLS = """
    import queue, socket, threading, time
    said, members = queue.Queue(), []
    def spread():
        while True:
            time.sleep(SECONDS)
            while not said.empty():
                chunk = said.get()
                for member in list(members):
                    member.sendall(b"said: " + chunk)
    def serve(member):
        members.append(member)
        while chunk := member.recv(1024):
            said.put(chunk)
        members.remove(member)
    threading.Thread(target=spread, daemon=True).start()
    listener = socket.create_server(("", 7777))
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],)).start()
"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", ["0.01", "1", "5"])
def test_a_program_that_looks_now_and_then_is_learned_and_waited_for(
    seconds: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its answers to a name and to a word come together: it must not be thought to ask for names."""
    program = f"{write(polls=POLLS.replace('SECONDS', seconds))}/polls.py"
    assert main(["schedule", program, "greet", "--learn", "--deviations", "1", *LONG]) == 0
    out = capsys.readouterr().out
    assert '  template = "said: {body}"\n' in out
    assert "handshake" not in out


@pytest.mark.slow
def test_a_program_in_which_few_can_wait_while_one_says_its_name_is_learned(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    program = write(
        waits_for_names="""
        import socket, threading
        members = {}
        def serve(me):
            while chunk := me.recv(1024):
                for member in list(members):
                    member.sendall(members[me] + b"> " + chunk)
            del members[me]
        listener = socket.create_server(("", 7777), backlog=1)
        while True:
            member, _ = listener.accept()
            members[member] = member.recv(1024)
            threading.Thread(target=serve, args=(member,)).start()
    """
    )
    assert main(["schedule", f"{program}/waits_for_names.py", "greet", "--learn", "--deviations", "0", *LONG]) == 0
    assert '  template = "{sender}> {body}"\n' in capsys.readouterr().out


def test_what_the_scheduler_replaces_in_the_suite_must_be_there() -> None:
    module = SimpleNamespace(__name__="suite", TIMEOUT=1)
    clients.instead_of(module, TIMEOUT=2)
    assert module.TIMEOUT == 2
    with pytest.raises(AssertionError, match=r"suite has no {'TIMEOUTS'}"):
        clients.instead_of(module, TIMEOUTS=2)
