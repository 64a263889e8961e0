"""What a program imports, and how, is what it would find in a real process."""

import pytest

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.world.subject import SubjectRefused
from tests.support.scheduling.programs import Write, searched

EVERYTHING = """
    from multiprocessing import *
    from socket import *
    from select import *
    from threading import *
    from time import *
    from random import *
    from os import *

    def serve(conn):
        sleep(uniform(0, 1) * 0)
        conn.sendall(conn.recv(1024).strip().upper())
        assert getpid() and getenv("HOME", "x") and recv_and_lock.acquire()
        USES
        recv_and_lock.release()
        conn.close()

    recv_and_lock = Lock()
    listener = socket(AF_INET, SOCK_STREAM)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    listener.bind(("", 9999))
    listener.listen(5)
    while True:
        select([listener], [], [])
        conn, address = listener.accept()
        Thread(target=serve, args=(conn,)).start()
"""


def test_a_program_that_imports_everything_from_modules(write: Write) -> None:
    folder = write(everything=EVERYTHING.replace("USES", "pass"))
    assert searched(f"{folder}/everything.py", "ask").outcome is None


@pytest.mark.parametrize(
    ("uses", "name"),
    [
        ("socketpair()", "the virtual socket module has no socketpair"),
        ("Process(target=print)", "does not model multiprocessing.Process: processes share"),
        ("settrace.x", "does not model threading.settrace"),
        ("class Own(Process): pass", "does not model multiprocessing.Process"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name_though_everything_was_imported(
    uses: str, name: str, write: Write
) -> None:
    folder = write(everything=EVERYTHING.replace("USES", uses))
    with pytest.raises(NotModelled, match=name):
        searched(f"{folder}/everything.py", "ask")


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        ("self.request.clsoe()", "'socket' object has no attribute 'clsoe'"),
        ("socket.INADDR_ALL", "module 'socket' has no attribute 'INADDR_ALL'"),
        ("time.clock()", "module 'time' has no attribute 'clock'"),
    ],
)
def test_a_name_that_a_real_module_lacks_is_an_error_of_the_program(mistake: str, error: str, write: Write) -> None:
    write(
        mistaken=f"""
            import socket, socketserver, time
            class Handler(socketserver.BaseRequestHandler):
                def handle(self):
                    data = self.request.recv(1024)
                    self.request.sendall(data.strip().upper())
                    try:
                        {mistake}
                    except AttributeError as error:
                        print(error)
                        self.request.sendall(b"!")
        """
    )
    found = searched("mistaken:Handler", "ask")
    assert found.outcome is not None
    assert f"prints {error!r}" in [event.what for event in found.outcome.story.events]


PACKAGE = {
    "chats/rooms/first.py": "from . import second\nWORD = second.word()\n",
    "chats/rooms/second.py": "from . import first\ndef word():\n    return str(first.__name__)\n",
    "chats/rooms/lacking.py": "import no_such_module\n",
    "chats/rooms/asks.py": "from . import lacking\n",
    "chats/rooms/relative.py": "from .first import WORD\n",
    "chats/rooms/serving.py": """
import socketserver
from chats.rooms import first
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(1024).strip().upper())
        assert first.WORD == "chats.rooms.first"
socketserver.ThreadingTCPServer(("", 9999), Handler).serve_forever()
""",
}


@pytest.fixture
def package(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders without an `__init__`, of which the outer one is the working folder's."""
    folder = write()
    (folder / "chats" / "rooms").mkdir(parents=True)
    for name, text in PACKAGE.items():
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)


@pytest.mark.usefixtures("package")
def test_modules_in_folders_in_folders_that_import_each_other() -> None:
    assert searched("chats.rooms.serving", "ask").outcome is None


@pytest.mark.usefixtures("package")
def test_a_module_that_lacks_another_is_not_said_to_be_lacking_itself() -> None:
    with pytest.raises(SubjectRefused, match="ModuleNotFoundError: No module named 'no_such_module'"):
        searched("chats.rooms.asks", "ask")


@pytest.mark.usefixtures("package")
def test_a_file_of_a_package_is_to_be_named_as_a_module() -> None:
    with pytest.raises(SubjectRefused, match=r"name it as `python -m` does: chats\.rooms\.relative\)"):
        searched("chats/rooms/relative.py", "ask")
    with pytest.raises(SubjectRefused, match="it ends \\(its arguments"):  # it serves nothing
        searched("chats.rooms.relative", "ask")
