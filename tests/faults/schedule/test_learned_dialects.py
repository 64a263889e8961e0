"""`--learn`: the dialect of a program is learned on virtual sockets, before its schedules are searched."""

import re
from types import SimpleNamespace

import pytest

from socketserver_faults.cli import schedule
from socketserver_faults.cli.main import main
from socketserver_faults.schedule.exploration import explore
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult
from socketserver_faults.schedule.world import clients, learning
from socketserver_faults.schedule.world.clients import LearnedText
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_faults.schedule.world.world import World
from tests.support.scheduling.programs import Write

LONG = ("--seconds", "600")
"""A test waits for what is found, however busy the machine is."""

NAMED_CHAT = """
    import socketserver, threading
    members, lock = {}, threading.Lock()
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"your name? ")
            name = self.request.recv(1024).strip()
            with lock:
                members[self.request] = name
            try:
                while (said := self.request.recv(1024)) END:
                    if said.strip() == b"/bye":
                        break
                    with LOCK:
                        for member in list(members):
                            member.sendall(name + b"> " + said)
            except OSError:
                pass
            with lock:
                del members[self.request]
    if __name__ == "__main__":
        with socketserver.ThreadingTCPServer(("", 7777), Handler) as server:
            server.serve_forever()
"""


def named_chat(write: Write, **changes: str) -> str:
    """Return the file of a chat that asks for names."""
    text = NAMED_CHAT
    for old, new in {"END": "", "LOCK": "lock", **changes}.items():
        text = text.replace(old, new)
    return f"{write(named=text)}/named.py"


@pytest.mark.slow
def test_a_program_is_played_in_the_dialect_that_was_learned(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", named_chat(write), "greet", "--learn", *LONG]) == 0
    out = capsys.readouterr().out
    for line in ('wait = "your name? "', 'template = "{sender}> {body}"', 'word = "/bye"'):
        assert f"  {line}\n" in out
    assert "and none fails\n" in out


@pytest.mark.slow
def test_each_attempt_meets_the_program_anew(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """When somebody has left, this one lets nobody in any more."""
    program = named_chat(
        write,
        **{
            "members, lock = {}": "gone, members, lock = [], {}",
            "def handle(self):": "def handle(self):\n            if gone: return",
            "    del members": "    gone.append(members.pop(self.request)); return\n                del members",
        },
    )
    assert main(["schedule", program, "greet", "--learn", "--deviations", "0", *LONG]) == 0
    out = capsys.readouterr().out
    for line in ('in = "chunk"', 'handling = "verbatim"'):
        assert f"  {line}\n" in out


@pytest.mark.slow
def test_a_program_that_floods_is_learned_and_told(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever leaves makes this one flood the room, for ever."""
    program = named_chat(write, **{"END": "is not None", "+ said)": "+ (said or bytes(4000)))"})
    assert main(["schedule", program, "greet", "--learn", "--deviations", "0", *LONG]) == 1
    out = capsys.readouterr().out
    assert '  template = "{sender}> {body}"\n' in out
    assert "\nCHAT-10: " in out
    assert "\nexpected: the server takes the end of ann's stream for leaving\n" in out
    assert re.search(r"^observed: its end is read \d{3,} times$", out, re.M)


@pytest.mark.parametrize("scenario", [True, False], ids=["scenario", "all"])
@pytest.mark.parametrize("server", ["Threading", ""], ids=["threads", "one after another"])
def test_an_echo_that_reads_the_end_for_ever_is_learned_and_told(
    server: str, scenario: bool, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(
        sticky=f"""
        import socketserver
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                while True:
                    self.request.sendall(self.request.recv(1024))
        with socketserver.{server}TCPServer(("", 7777), Handler) as server:
            server.serve_forever()
    """
    )
    named = ["request"] if scenario else []
    assert main(["schedule", f"{folder}/sticky.py", *named, "--learn", "--deviations", "0", *LONG]) == 1
    out = capsys.readouterr().out
    assert '  transform = "identity"\n' in out
    assert re.search(r"^ECHO-3: .*\n.* ann's stream for leaving\nobserved: its end is read \d{3,} times$", out, re.M)


@pytest.mark.slow
@pytest.mark.usefixtures("untraced")
def test_what_was_not_understood_is_told(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """No dialect is spoken in hexadecimal digits."""
    folder = write(
        hexadecimal="""
        import socketserver
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                while said := self.request.recv(1024):
                    self.request.sendall(said.hex().encode())
    """
    )
    assert main(["schedule", f"{folder}/hexadecimal.py:Handler", "--learn", *LONG]) == 2
    told = capsys.readouterr().err
    assert "as an echo: echo.transform: cannot tell: b'  Otter Weasel-1  ' came back as b'20204f7" in told
    assert "as a chat: not even by 1000 clients; " in told


@pytest.mark.slow
def test_a_failure_is_played_again_in_the_dialect_that_is_learned_again(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    program = named_chat(write, LOCK="threading.Lock()", **{"list(members)": "members"})
    assert main(["schedule", program, "quit", "--learn", *LONG]) == 1
    again = re.search(r"^again: socketserver-faults (.*)$", capsys.readouterr().out, re.M)
    assert again is not None
    assert again[1].split()[:3] == ["schedule", program, "--learn"]
    assert main(again[1].split()) == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["chat", "--learn"], "--learn is for a program of your own: the dialect of chat is known"),
        (["--learn", "--dialect", "ncat-broker"], "--learn and --dialect both say how the program speaks"),
        (["--learn", "--dialect", "ncat-broker", "--replay", "join:0~7d2484"], "--learn and --dialect both say"),
    ],
)
def test_a_dialect_that_is_known_is_not_learned(
    arguments: list[str], why: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    program = [] if "chat" in arguments else [named_chat(write)]
    assert main(["schedule", *program, *arguments]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.slow
def test_what_cannot_be_learned_is_told_for_both_protocols(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(
        silent="""
        import socketserver
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                while self.request.recv(1024): pass
    """
    )
    assert main(["schedule", f"{folder}/silent.py:Handler", "--learn", *LONG]) == 2
    line = capsys.readouterr().err.splitlines()[-1]  # before it, a slow machine says what it is learning
    assert re.search(r"the dialect of \S*silent.py:Handler cannot be learned, as a chat: .*; as an echo: ", line)


def test_a_program_that_ends_is_no_server_to_learn_from(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    program = named_chat(write, **{"server.serve_forever()": "server.handle_request()"})
    assert main(["schedule", program, "--learn", *LONG]) == 2
    assert "cannot be learned, as a chat: " in capsys.readouterr().err


def test_a_program_whose_other_threads_go_on_has_not_ended(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(
        goes_on="""
        import socket, threading
        def serve():
            while True:
                client, _ = listener.accept()
                client.close()
        listener = socket.create_server(("", 9999))
        threading.Thread(target=serve).start()
    """
    )
    assert main(["schedule", f"{folder}/goes_on.py", "--learn", *LONG]) == 2
    told = capsys.readouterr().err
    assert "cannot be learned" in told
    assert "it ends" not in told


def test_what_a_program_does_not_speak_after_all_is_not_taken_for_learned(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        tells="""
            import socketserver
            class Handler(socketserver.BaseRequestHandler):
                def handle(self):
                    self.request.sendall(self.request.recv(1024) + b" has joined")
        """
    )
    monkeypatch.setattr(World, "learn", lambda _, protocol, *__: (f'protocol = "{protocol}"\n', ()))
    assert main(["schedule", "tells:Handler", "ask", "--learn", *LONG]) == 2
    assert re.search(r"cannot be learned.* ann reads b'hello has joined', by what was learned", capsys.readouterr().err)


SHOUTS = """
    import socketserver
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(self.request.recv(1024).strip().upper())
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the command and of those that learn."""
    made = SimpleNamespace(now=0.0)
    made.monotonic = lambda: made.now
    for module in (schedule, clients):
        monkeypatch.setattr(module, "time", made)
    return made


def test_learning_counts_among_the_seconds(
    write: Write, monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    searched: list[float] = []

    def learn(*_: object) -> str:
        clock.now += 4.0
        return ""

    def search(_: object, __: object, bounds: Bounds) -> SearchResult:
        searched.append(bounds.seconds)
        return SearchResult({})

    monkeypatch.setattr(learning, "learn_dialect", learn)
    monkeypatch.setattr(explore, "search_schedules", search)
    write(shouts=SHOUTS)
    assert main(["schedule", "shouts:Handler", "request", "--learn", "--seconds", "10"]) == 0
    assert searched == [6.0]


def test_learning_ends_when_the_time_is_up(
    write: Write, clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    def monotonic() -> float:
        clock.now += 1.0
        return float(clock.now)

    clock.monotonic = monotonic
    write(shouts=SHOUTS)
    assert main(["schedule", "shouts:Handler", "request", "--learn", "--seconds", "10"]) == 2
    assert "cannot be learned, as an echo: the time is up (see --seconds)\n" in capsys.readouterr().err


@pytest.mark.slow
def test_a_chat_that_cannot_be_learned_is_not_taken_for_an_echo(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name comes back in one form, and all that is said later in another."""
    folder = write(
        welcomes="""
        import socketserver
        members = {}
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                name = self.request.recv(1024)
                members[self.request] = name
                self.request.sendall(b"welcome " + name)
                while said := self.request.recv(1024):
                    for member in list(members):
                        member.sendall(name + b"> " + said)
                del members[self.request]
    """
    )
    program = f"{folder}/welcomes.py:Handler"
    learn = World.learn

    def only_echoes(world: World, protocol: str, until: float) -> LearnedText:
        if protocol == "chat":
            raise SubjectRefused("nothing was understood")
        return learn(world, protocol, until)

    monkeypatch.setattr(World, "learn", only_echoes)
    assert main(["schedule", program, "--learn", *LONG]) == 2
    told = capsys.readouterr().err
    assert "as a chat: nothing was understood; as an echo: echo.transform: cannot tell" in told


LACKS_A_NOTICE = """
protocol = "chat"
[framing]
in = "chunk"
out = "chunk"
[[handshake]]
wait = "your name? "
send = "{name}"
[delivery]
template = "[{sender}] {body}"
"""


def test_a_dialect_that_does_not_hold_for_a_second_member_is_not_learned(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said of those who come stands before what they say."""
    says = "[other.sendall(name + b' is here. ') for other in members]; members[self.request] = name"
    program = named_chat(write, **{"members[self.request] = name": says, 'name + b"> "': 'b"[" + name + b"] "'})
    monkeypatch.setattr(World, "learn", lambda *_: LearnedText(LACKS_A_NOTICE, ()))
    assert main(["schedule", program, "speak", "--learn", *LONG]) == 2
    told = capsys.readouterr().err
    assert re.search(r"as a chat: expected ann .*, but ann reads b'ben is here\. \[ben\] .*, by what was learned", told)
