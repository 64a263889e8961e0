"""What real handlers use besides sockets and locks plays as it does in a real process."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from socketserver_faults.cli.main import main
from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual.network import Network
from tests.support.scheduling.programs import Write, searched
from tests.support.scheduling.virtual_threads import started
from tests.support.serving import ROOT

ECHO = """
    import atexit, concurrent.futures, importlib, io, json, logging, logging.config, logging.handlers, os, queue, sched
    import select, selectors, signal, socket, socketserver, sys, threading, time, _thread
    class Handler(socketserver.StreamRequestHandler):
        BUFFERED = 0
        wbufsize = BUFFERED
        def handle(self):
            try:
                PREPARE
                self.reply(self.connection.recv(1024).strip().upper())
            except Exception as error:
                self.reply(str(error).encode())
        def reply(self, text):
            self.connection.sendall(text)
    MORE
"""

IN_A_HANDLER = {
    "threads' own data": """
                class Own(threading.local):
                    def __init__(self, word): self.word = word
                own = Own("new")
                own.word = "mine"
                seen = []
                thread = threading.Thread(target=lambda: seen.append((own.word, hasattr(own, "other"))))
                own.other = 1
                thread.start(); thread.join()
                del own.other
                assert (own.word, seen, hasattr(own, "other")) == ("mine", [("new", False)], False), (own.word, seen)
    """,
    "a timer": """
                done = threading.Event()
                timer = threading.Timer(3, done.set)
                timer.start()
                other = threading.Timer(3, lambda: 1 / 0)
                other.start(); other.cancel()
                assert done.wait() and time.time() >= 3
    """,
    "a barrier": """
                barrier, seen = threading.Barrier(2), []
                thread = threading.Thread(target=lambda: seen.append(barrier.wait()))
                thread.start()
                seen.append(barrier.wait())
                thread.join()
                assert sorted(seen) == [0, 1]
                try: barrier.wait(1)
                except threading.BrokenBarrierError: seen.append("broken")
                assert seen[-1] == "broken"
    """,
    "a pool": """
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]
                    futures = [pool.submit(pow, 2, n) for n in range(3)]
                    assert sum(f.result() for f in concurrent.futures.as_completed(futures)) == 7
    """,
    "a pool that nobody shuts down": """
                pool = concurrent.futures.ThreadPoolExecutor()
                assert pool.submit(len, "abc").result() == 3
    """,
    "a scheduler of events": """
                events, seen = sched.scheduler(time.time, time.sleep), []
                events.enter(2, 1, seen.append, ("late",)); events.enter(1, 1, seen.append, ("early",))
                events.run()
                assert seen == ["early", "late"]
    """,
    "select": "assert select.select([], [self.connection], [], 5)[1] == [self.connection]",
    "selectors": """
                with selectors.DefaultSelector() as selector:
                    selector.register(self.connection, selectors.EVENT_READ)
                    assert selector.select()
    """,
    "names of hosts": """
                assert socket.gethostbyname(socket.gethostname()) == self.client_address[0]
                assert socket.getfqdn() == socket.gethostbyaddr("127.0.0.1")[0] == "localhost"
                assert socket.getaddrinfo("localhost", 80)[0][4] == ("127.0.0.1", 80)
                assert socket.getnameinfo(("127.0.0.1", 80), 0) == ("localhost", "80")
                assert socket.gethostbyname_ex("10.0.0.1")[2] == ["10.0.0.1"]
                try: socket.gethostbyname("nowhere.example")
                except socket.gaierror: pass
                else: raise AssertionError
                assert socket.inet_aton("1.2.3.4") and socket.getdefaulttimeout() is None
    """,
    "threads in the old way": """
                seen, lock = queue.Queue(), _thread.allocate_lock()
                _thread.start_new_thread(seen.put, (_thread.get_ident(),))
                assert seen.get() == threading.get_ident() and not lock.locked()
    """,
    "signals": """
                assert signal.SIGTERM and signal.getsignal(signal.SIGINT) == signal.SIG_DFL
                try: signal.signal(signal.SIGINT, print)
                except ValueError: pass
                else: raise AssertionError
    """,
    "folders": """
                from os.path import isdir
                os.makedirs("logs/of a run", exist_ok=True)
                with open(os.path.join("logs", "of a run", "log.txt"), "a") as file: file.write("line")
                assert isdir("logs") and os.listdir("logs/of a run") == ["log.txt"]
                os.replace("logs/of a run/log.txt", "log of a run.txt")
                assert os.path.exists("log of a run.txt") and os.path.getsize("log of a run.txt") == 4
                os.remove("log of a run.txt")
                assert not os.path.exists("log of a run.txt")
    """,
    "files": """
                for mode in ("w", "a", "a"):
                    with open("written by a run.txt", mode) as file:
                        print("line", file=file)
                assert open("written by a run.txt").read() == "line\\n" * 3
                with open("written by a run.txt", "rb+") as file:
                    file.write(b"L")
                assert open("written by a run.txt", "rb").read(4) == b"Line"
                for name, mode in (("written by a run.txt", "x"), ("no such file", "r+"), ("no such file", "r")):
                    try: open(name, mode)
                    except OSError: pass
                    else: raise AssertionError(mode)
    """,
    "sys": """
                assert sys.argv[1:] == [] and sys.modules[__name__].Handler is Handler and sys.stdin.isatty()
                sys.stdout.write("out\\n"); sys.stderr.buffer.write(b"err\\n"); print("x", file=sys.stderr)
                sys.setswitchinterval(1); sys.stdout.flush()
    """,
}

AT_IMPORT = {
    "a signal of the main thread": "signal.signal(signal.SIGINT, lambda *_: sys.exit(0))",
    "IPv6": """
    class Server(socketserver.ThreadingTCPServer):
        address_family = socket.AF_INET6
    def Handler(kind=Handler):
        server = Server(("::1", 0), kind)
        assert server.server_address[0] == "::1" and len(server.socket.getsockname()) == 4
        server.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return server
    """,
}


@pytest.mark.parametrize("part", IN_A_HANDLER.values(), ids=IN_A_HANDLER)
def test_a_part_of_the_library_plays_in_a_handler(part: str, write: Write) -> None:
    program = ECHO.replace("BUFFERED = 0", "pass").replace("BUFFERED", "0").replace("MORE", "pass")
    write(uses=program.replace("PREPARE", part.strip()))
    found = searched("uses:Handler", "ask")
    assert found.outcome is None, found.outcome.failure
    assert not Path("written by a run.txt").exists()
    assert not Path("logs").exists()


@pytest.mark.parametrize("part", AT_IMPORT.values(), ids=AT_IMPORT)
def test_a_part_of_the_library_plays_at_import(part: str, write: Write) -> None:
    program = ECHO.replace("BUFFERED = 0", "pass").replace("BUFFERED", "0").replace("PREPARE", "pass")
    write(uses=program.replace("MORE", part.strip()))
    assert searched("uses:Handler", "ask").outcome is None


def test_two_threads_may_use_one_buffered_file_of_a_socket(scheduler: Scheduler, virtual: Any) -> None:
    network = Network(scheduler, capacity=10)

    def main() -> None:
        server, client = network.pair("ann")
        file = server.makefile("wb")

        def write(letter: bytes) -> None:
            file.write(letter * 20)
            file.flush()

        def close() -> None:
            for writer in writers:
                writer.join()
            server.shutdown(2)

        writers = started(virtual, lambda: write(b"a"), lambda: write(b"b"))
        scheduler.spawn(close, "closer")
        lines = client.makefile("r", newline="\n")
        assert sorted(lines.read()) == ["a"] * 20 + ["b"] * 20
        both = client.makefile("rwb", 0)
        assert both.read(1) == b""
        for mode, buffering in (("x", None), ("r", 0)):
            with pytest.raises(ValueError, match=r"mode|binary"):
                client.makefile(mode, buffering)
        assert client.makefile("rwb").read() == b""

    story = scheduler.run(main)
    assert any("waits for the file of its socket" in event.what for event in story.events)


def test_what_a_program_logs_is_in_its_story(write: Write) -> None:
    part = """
                log = logging.getLogger("mine")
                handler = logging.handlers.RotatingFileHandler("x")
                handler.setFormatter(logging.Formatter()); log.setLevel("INFO"); log.addHandler(handler)
                logging.config.dictConfig({}); log.debug("hidden"); log.info("%s and %d", "shown", 1)
                logging.error("%(a)s", {"a": 2})
                assert log.isEnabledFor(logging.INFO) and log.getChild("x").getEffectiveLevel() == logging.INFO
                logging.getLogger().info("hidden"); logging.basicConfig(level=10); logging.debug("also")
                log.exception("100%"); logging.warning("connected", 7); assert log.hasHandlers()
                1 / 0
    """
    program = ECHO.replace("BUFFERED = 0", "pass").replace("BUFFERED", "0").replace("MORE", "pass")
    write(uses=program.replace("PREPARE", part.strip()))
    found = searched("uses:Handler", "ask")
    assert found.outcome is not None
    logged = [event.what for event in found.outcome.story.events if event.what.startswith("logs") and event.note]
    said = ["shown and 1", "2", "also", "100%", "connected (TypeError)"]
    assert logged[:5] == [f"logs {line!r}" for line in said]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("signal.alarm(1)", "signal.alarm"),
        ("select.EPOLLET", "does not model select.EPOLLET: leave it out"),
        ("sys.settrace(None)", "sys.settrace"),
        ("os.kill(os.getppid(), 0)", "os.kill"),
        ("import asyncio; asyncio.run(1)", "does not model asyncio.run: its tasks are"),
        ("socket.socket(socket.AF_UNIX).bind('x')", "no AF_UNIX, only AF_INET; serve AF_INET"),
        (
            "socket.socket(type=socket.SOCK_DGRAM).bind(('', 9999))",
            "no SOCK_DGRAM, only SOCK_STREAM; check an echo of datagrams",
        ),
        ("import pathlib; pathlib.Path('x').write_text('x')", "the program writes a real file (x): use open() and os"),
        ("import http.client; http.client.HTTPConnection('127.0.0.1', 1).connect()", "the program "),
        ("import tempfile; tempfile.mkdtemp()", "the program makes a folder"),
        ("import sqlite3; sqlite3.connect('x.db')", "the program opens a database (x.db): use one in memory"),
        ("import pathlib; pathlib.Path('/no/such').rename('/no/file')", "the program renames a file"),
        ("os.symlink('x', '/no/such')", "the program makes a link"),
        ("os.putenv('NAME', 'x')", "the program changes its real environment"),
    ],
)
def test_what_is_not_modelled_is_named(part: str, name: str, write: Write) -> None:
    program = ECHO.replace("BUFFERED = 0", "pass").replace("BUFFERED", "0").replace("MORE", "pass")
    write(uses=program.replace("PREPARE", part))
    with pytest.raises(NotModelled, match=re.escape(name)):
        searched("uses:Handler", "ask")


def test_what_is_done_outside_after_a_refusal_is_refused_too(write: Write) -> None:
    folder = write(
        cleans_up="""
            import pathlib, socketserver
            class Handler(socketserver.BaseRequestHandler):
                def handle(self):
                    try:
                        pathlib.Path("first.txt").write_text("x")
                    except:
                        pathlib.Path(__file__).with_suffix(".txt").write_text("x")
        """
    )
    with pytest.raises(NotModelled, match="writes a real file"):
        searched("cleans_up:Handler", "ask")
    assert not (folder / "cleans_up.txt").exists()


def test_a_module_that_is_compiled_while_the_program_runs_is_no_file_of_the_program(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "compiled"))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    program = ECHO.replace("BUFFERED = 0", "pass").replace("BUFFERED", "0").replace("MORE", "pass")
    write(imports=program.replace("PREPARE", "import colorsys"))
    assert searched("imports:Handler", "ask").outcome is None
    assert list((tmp_path / "compiled").rglob("colorsys.*.pyc"))


def test_to_ask_whether_a_name_is_there_is_no_use_of_it(write: Write) -> None:
    """The reply has a wrong byte, and that is told, not that `select.EPOLLET` is not modelled."""
    part = "assert not hasattr(select, 'EPOLLET') and getattr(select, 'kqueue', None) is None; self.reply(b'!')"
    program = ECHO.replace("BUFFERED = 0", "pass").replace("BUFFERED", "0").replace("MORE", "pass")
    write(uses=program.replace("PREPARE", part))
    found = searched("uses:Handler", "ask")
    assert found.outcome is not None


def test_what_only_reads_or_stays_in_memory_is_no_act_outside(write: Write) -> None:
    part = """
                import sqlite3, pathlib, colorsys
                sqlite3.connect(":memory:").close()
                assert pathlib.Path(__file__).read_text()
    """
    program = ECHO.replace("BUFFERED = 0", "pass").replace("BUFFERED", "0").replace("MORE", "pass")
    write(uses=program.replace("PREPARE", part.strip()))
    assert searched("uses:Handler", "ask").outcome is None


@pytest.mark.slow
def test_a_program_may_ask_for_the_temporary_folder(write: Write) -> None:
    """The first call in a process makes a file there and removes it, to see whether that can be done."""
    part = "import tempfile; assert os.path.isdir(tempfile.gettempdir())"
    program = ECHO.replace("BUFFERED = 0", "pass").replace("BUFFERED", "0").replace("MORE", "pass")
    folder = write(asks=program.replace("PREPARE", part))
    command = [sys.executable, "-m", "socketserver_faults", "schedule", "asks:Handler", "ask"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_the_page_of_what_plays_is_made_from_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["schedule", "--models"])
    assert end.value.code == 0
    assert capsys.readouterr().out == (ROOT / "faults" / "SCHEDULE.md").read_text()
