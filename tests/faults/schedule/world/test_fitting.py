"""Programs that speak another dialect: played in theirs, and never taken for broken without it."""

from pathlib import Path

import pytest

from socketserver_faults.cli.main import main
from socketserver_faults.schedule.exploration.explore import explore
from socketserver_faults.schedule.world.fitting import SpeaksOtherwise
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_faults.schedule.world.subject import read as read_subject
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.scenario.steps import Connect, Say, Settle
from tests.servers import racy_chat
from tests.support.scheduling.programs import Write, searched

NAMES = """
    import queue, socketserver, threading
    boxes, lock = {}, threading.Lock()
    def write(sock, box):
        while data := box.get():
            sock.sendall(data)
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"name? ")
            name = self.rfile.readline().strip()
            box = queue.Queue()
            writer = threading.Thread(target=write, args=(self.request, box))
            writer.start()
            with lock:
                boxes[self] = box
            try:
                while line := self.rfile.readline(LONGEST):
                    with lock:
                        for other, its in boxes.items():
                            if other is not self:
                                its.put(name + b": " + line.strip() + b"\\n")
            except OSError:
                pass
            with lock:
                del boxes[self]
            box.put(b"")
            writer.join()
        def finish(self):
            pass
"""

DIALECT = """
    protocol = "chat"
    [framing]
    in = "line"
    [[handshake]]
    wait = "name? "
    send = "{name}\\n"
    [delivery]
    template = "{sender}: {body}"
    to_sender = "nothing"
    [quit]
    word = ""
    [bytes]
    white_space = "stripped"
    [limits]
    utterance = 100
    members = 5
"""

ECHO = """
    import socketserver
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            REPLY
"""


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["speak", "flood", "cut-off"])
def test_a_chat_in_another_dialect_is_played_within_its_limits(scenario: str, write: Write) -> None:
    """A longer line would be cut in two by this server, and a chunk is no line."""
    write(asks_for_names=NAMES.replace("LONGEST", "102"))
    dialect = read(DIALECT, "names", "names.toml")
    assert searched("asks_for_names:Handler", scenario, 0, dialect).outcome is None


def test_a_client_that_may_say_little_at_a_time_waits_until_it_was_read() -> None:
    text = 'protocol = "chat"\n[delivery]\ntemplate = "ack{body}"\n[limits]\nrate = "1/1"'
    with world_of(read_subject("tests.servers.racy_chat:Locked"), dialect=read(text, "slow", "slow.toml")) as world:
        story = world.play(SCENARIOS["quit"]).story
    assert any(event.note and str(Settle()).endswith(event.what) for event in story.events)


@pytest.mark.slow
def test_a_chat_in_another_dialect_is_not_taken_for_broken(write: Write) -> None:
    write(asks_for_names=NAMES.replace("LONGEST", ""))
    with pytest.raises(SpeaksOtherwise, match=r"another dialect than note, as a chat: .*read b'name\? ") as told:
        searched("asks_for_names:Handler", None)
    assert "learn its dialect (socketserver-reference learn chat" in str(told.value)


def test_each_protocol_that_was_tried_is_named(write: Write) -> None:
    """This one repeats what is said, and then keeps its client: whoever knows that it is an echo sees the bug."""
    reply = "self.request.sendall(self.request.recv(1024).strip().upper()); __import__('threading').Event().wait()"
    write(keeps=ECHO.replace("REPLY", reply))
    with pytest.raises(SpeaksOtherwise) as told:
        searched("keeps:Handler", None)
    assert ", as a chat: said b'does it fit', expected b'ackdoes it fit', read b'DOES IT FIT'; " in str(told.value)
    expected = "as an echo: expected ann reads b'HELLO', then end of stream, but ann reads b'HELLO', then nothing"
    assert f"; {expected}; add --learn" in str(told.value)
    found = searched("keeps:Handler", "request")
    assert found.outcome is not None
    assert found.outcome.clause == "ECHO-3"


@pytest.mark.slow
def test_a_program_that_sleeps_before_it_answers_in_another_dialect_is_not_taken_for_broken(write: Write) -> None:
    reply = "__import__('time').sleep(5); self.request.sendall(b'you said ' + self.request.recv(1024))"
    write(sleeps=ECHO.replace("REPLY", reply))
    with pytest.raises(SpeaksOtherwise, match=r"another dialect than note, as a chat: .*read b'you said "):
        searched("sleeps:Handler", None)


def test_a_bundled_dialect_that_fits_is_named(write: Write) -> None:
    reply = "while chunk := self.request.recv(1024): self.request.sendall(chunk)"
    one_by_one = "\n    def serve():\n        return socketserver.TCPServer(('', 0), Handler)"
    write(repeats=ECHO.replace("REPLY", reply) + one_by_one)
    for program in ("repeats:Handler", "repeats:serve"):
        with pytest.raises(SpeaksOtherwise, match=r"try --dialect .*rfc862"):
            searched(program, None)


def test_a_bundled_dialect_in_which_others_hear_what_is_said_is_not_named(write: Write) -> None:
    """Its members hear their own words; in that of `ncat-broker` they do not."""
    write(
        repeats_to_all="""
        import socketserver
        members = []
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                members.append(self.request)
                while chunk := self.request.recv(1024):
                    for member in members:
                        member.sendall(chunk)
                members.remove(self.request)
    """
    )
    with pytest.raises(SpeaksOtherwise) as told:
        searched("repeats_to_all:Handler", None)
    assert "ncat-broker" not in str(told.value)
    assert "rfc862" not in str(told.value)  # an echo says nothing to others


def test_an_echo_in_no_known_dialect_is_told_how_to_be_learned_as_one(write: Write) -> None:
    reply = "[self.request.sendall(line + b'.') for line in self.request.makefile('rb')]"
    write(adds=ECHO.replace("REPLY", reply))
    with pytest.raises(SpeaksOtherwise, match=r"learn echo tcp://"):
        searched("adds:Handler", None)
    write(by_lines=ECHO.replace("REPLY", reply.replace(" + b'.'", "")))
    with pytest.raises(SpeaksOtherwise, match=r"learn echo tcp://"):
        searched("by_lines:Handler", None)


def test_an_echo_is_known_without_naming_a_scenario(write: Write) -> None:
    write(shouts=ECHO.replace("REPLY", "self.request.sendall(self.request.recv(1024).strip().upper())"))
    found = searched("shouts:Handler", None)
    assert found.outcome is None
    assert list(found.covered) == ["request", "ask", "hang-up"]


def test_a_program_that_speaks_the_dialect_and_has_a_bug_is_searched(write: Write) -> None:
    write(acknowledges=ECHO.replace("REPLY", "self.request.sendall(b'ack' + self.request.recv(1024))"))
    found = searched("acknowledges:Handler", "greet", 0)
    assert found.outcome is None  # it says so much, and leaves then
    found = searched("acknowledges:Handler", None, 0)
    assert found.outcome is not None


PRINTS = """
            try: int(said)
            except ValueError: __import__('traceback').print_exc()"""


@pytest.mark.parametrize(
    ("does", "why"), [("", ""), ("; int(said)", ", by ValueError: .*: b'ann.*'"), (PRINTS, ", by ValueError: .*")]
)
def test_a_program_that_hangs_up_without_a_word_is_taken_for_a_chat_only_if_it_is_named(
    write: Write, does: str, why: str
) -> None:
    write(hangs_up=ECHO.replace("REPLY", f"said = self.request.recv(1024){does}"))
    with pytest.raises(SpeaksOtherwise, match=rf"hangs up on who speaks, without a word{why}: .*; no other program"):
        searched("hangs_up:Handler", None)
    found = searched("hangs_up:Handler", "greet")
    assert found.outcome is not None
    assert found.outcome.clause == "CHAT-2"


def test_steps_of_ones_own_in_a_dialect() -> None:
    dialect = read('protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "> {body}"', "arrows", "x")
    with pytest.raises(AssertionError, match="expected: ann reads b'> hi"):
        explore(racy_chat.Locked, [Connect("ann"), Say("ann", b"hi")], dialect=dialect, deviations=0)


def test_a_scenario_about_a_clause_that_the_dialect_rules_out_is_not_played() -> None:
    text = 'protocol = "chat"\n[delivery]\ntemplate = "ack{body}"\n[waived]\nCHAT-15 = "it waits"'
    dialect = read(text, "waives", "waives.toml")
    found = searched("tests.servers.racy_chat:Locked", None, 0, dialect)
    assert not {"stall", "flood", "cut-off"} & set(found.covered)
    with pytest.raises(SubjectRefused, match="scenario 'flood' is about CHAT-15: it waits"):
        searched("tests.servers.racy_chat:Locked", "flood", 0, dialect)


def test_what_is_no_dialect_here_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    datagram = tmp_path / "datagram.toml"
    datagram.write_text('protocol = "datagram"')
    for name, message in (
        ("nowhere", "no dialect is named 'nowhere'"),
        (str(datagram), "it is one of datagrams"),
        ("node-echo", "node-echo is no dialect of chat"),
    ):
        assert main(["schedule", "chat", "--dialect", name]) == 2
        line = capsys.readouterr().err
        assert message in line
        assert line.count("\n") == 1


NAMED_ONE_BY_ONE = """
    import socket, threading
    members = []
    def serve(member):
        while said := member.recv(1024):
            for other in members:
                if HEARS:
                    other.sendall(b"ack" + said)
    listener = socket.create_server(("", 5000))
    while True:
        member, _ = listener.accept()
        GREET
        members.append(member)
        threading.Thread(target=serve, args=(member,)).start()
"""


def test_a_program_that_waits_for_names_says_nothing_and_is_not_taken_for_broken(write: Write) -> None:
    """It takes the first words of clients for their names."""
    named = NAMED_ONE_BY_ONE.replace("GREET", "name = member.recv(100)")
    write(takes_names=named.replace("HEARS", "other is not member"))
    with pytest.raises(SpeaksOtherwise, match=r"read nothing; .*add --learn"):
        searched("takes_names", None)


def test_a_program_that_takes_the_first_words_for_a_name_is_not_taken_for_broken(write: Write) -> None:
    named = """
        import socketserver
        members = {}
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                members[self.request] = self.request.recv(1024)
                while chunk := self.request.recv(1024):
                    for member in list(members):
                        member.sendall(b"ack" + chunk)
                del members[self.request]
    """
    write(takes_a_name=named)
    with pytest.raises(SpeaksOtherwise, match=r"then b'\\r\\n', expected b'ackdoes it fit', read b'ack\\r\\n'"):
        searched("takes_a_name:Handler", None)


def test_a_program_that_says_nothing_because_it_has_failed_is_told_with_the_error(write: Write) -> None:
    failing = NAMED_ONE_BY_ONE.replace("GREET", "open('no such list.txt')").replace("HEARS", "True")
    failing = failing.replace("members = []", "members = []; threading.Thread(target=input).start()")  # it goes on
    write(fails=failing)
    with pytest.raises(SpeaksOtherwise, match=r"; it ends by FileNotFoundError: .*: 'no such list.txt'; add --learn"):
        searched("fails", None)


def test_a_program_whose_handlers_fail_is_told_with_their_last_error(write: Write) -> None:
    counts = """
        import socketserver
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    self.wfile.write(b"%d\\n" % (int(line) + 1))
    """
    write(counts=counts)
    with pytest.raises(SpeaksOtherwise, match=r"reads nothing; its last error is ValueError: invalid .*; add --learn"):
        searched("counts:Handler", None)


def test_a_program_that_is_slow_beyond_measure_is_not_judged(write: Write) -> None:
    drips = """
        import socketserver, time
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                while said := self.request.recv(1024):
                    for one in b"ack" + said:
                        time.sleep(20)
                        self.request.sendall(bytes([one]))
    """
    write(drips=drips)
    with pytest.raises(
        SubjectRefused, match=r"drips:Handler cannot be judged: the server is slow: ann had not read all"
    ):
        searched("drips:Handler", None)


@pytest.mark.parametrize(
    ("name", "advice"),
    [("note", "; add --learn; or run it"), ("learned", "has just been started"), ("lines", "in place of --dialect")],
)
def test_what_has_been_tried_is_not_advised_again(name: str, advice: str, write: Write) -> None:
    write(silent=ECHO.replace("REPLY", "self.request.sendall(b'?' + self.request.recv(1024))"))
    text = 'protocol = "chat"\n[delivery]\ntemplate = "says {body}"'
    dialect = NOTE if name == "note" else read(text, name, "mine.toml")
    with pytest.raises(SpeaksOtherwise) as told:
        searched("silent:Handler", None, dialect=dialect)
    assert advice in str(told.value)
    assert ("add --learn" in str(told.value)) == (name == "note")


def test_a_program_that_says_nothing_because_its_threads_wait_for_each_other_is_searched(write: Write) -> None:
    locked = NAMED_ONE_BY_ONE.replace("GREET", "lock = threading.Lock(); lock.acquire()")
    write(keeps_its_lock=locked.replace("HEARS", "lock.acquire()"))
    found = searched("keeps_its_lock", None, 0)
    assert found.outcome is not None
    assert found.outcome.clause == "CHAT-2"
