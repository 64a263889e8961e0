"""A program is all of its modules, however they are spread, and its own order of things is the same in every run."""

from typing import Any

import pytest

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.serials import SERIALS, Serials
from socketserver_faults.schedule.virtual import substitutes
from socketserver_faults.schedule.virtual.module_copies import Modules
from socketserver_faults.schedule.virtual.network import Network
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import SubjectRefused, read
from socketserver_faults.schedule.world.worlds import world_of
from tests.support.scheduling.programs import Write, searched

BASE = """
    import socketserver
    class Base(socketserver.BaseRequestHandler):
        def reply(self, data):
            self.request.sendall(data)
"""

ROOM = """
    import threading
    members, lock = [], threading.Lock()
    def say(chunk):
        with lock:
            for member in list(members):
                member.reply(b"ack" + chunk)
"""

CHAT = """
    import sibling_room
    from sibling_base import Base
    class Handler(Base):
        def handle(self):
            with sibling_room.lock:
                sibling_room.members.append(self)
            while (chunk := self.request.recv(1024)) and chunk.strip() != b"quit":
                sibling_room.say(chunk)
            with sibling_room.lock:
                sibling_room.members.remove(self)
"""

ECHO = """
    import socketserver, threading
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(self.request.recv(1024).strip().upper())
            BODY
    server = socketserver.ThreadingTCPServer(("", 9999), Handler)
"""


def test_a_program_whose_classes_lock_and_members_lie_in_modules_beside_it(write: Write) -> None:
    write(sibling_base=BASE, sibling_room=ROOM, sibling_chat=CHAT)
    found = searched("sibling_chat:Handler", "greet", 1)
    assert found.outcome is None
    assert found.schedules > 10  # one for each operation on the lock, too


def test_lines_of_modules_beside_a_handler_are_points_too(write: Write) -> None:
    write(sibling_base=BASE, sibling_room=ROOM, sibling_chat=CHAT)
    with world_of(read("sibling_chat:Handler"), lines=True) as world:
        story = world.play(SCENARIOS["greet"]).story
    places = {event.what.partition(":")[0] for event in story.events if ".py:" in event.what}
    assert places == {"sibling_chat.py", "sibling_room.py", "sibling_base.py"}


def test_a_server_that_a_module_beside_it_makes(write: Write) -> None:
    write(beside=ECHO.replace("BODY", "pass"), makes="from beside import server\ndef make():\n    return server\n")
    assert searched("makes:make", "ask").outcome is None
    assert searched("beside:server", "ask").outcome is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    ["self.server.shutdown()", "threading.Thread(target=self.server.shutdown).start()"],
    ids=["direct", "beside"],
)
def test_a_handler_that_calls_shutdown_goes_on_once_the_loop_has_seen_it(body: str, write: Write) -> None:
    write(shuts_its_server=ECHO.replace("BODY", body))
    found = searched("shuts_its_server:Handler", "ask", 1)
    assert found.outcome is None
    assert found.whole


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "SystemExit", "GeneratorExit"])
def test_a_handler_that_raises_what_is_no_exception_ends_alone(raised: str, write: Write) -> None:
    write(raises=ECHO.replace("BODY", f"raise {raised}"))
    assert searched("raises:Handler", "ask").outcome is None


def test_a_handler_that_needs_the_programs_own_server_is_no_bug(write: Write) -> None:
    needs = "self.server.members.append(self.request); self.request.sendall"
    write(needs=ECHO.replace("BODY", "pass").replace("self.request.sendall", needs))
    with pytest.raises(NotModelled, match=r"uses self\.server\.members, which .*needs:make_server"):
        searched("needs:Handler", "ask")
    asks = "getattr(self.server, 'members', 1); self.request.sendall"
    write(asks=ECHO.replace("BODY", "pass").replace("self.request.sendall", asks))
    assert searched("asks:Handler", "ask").outcome is None


def test_what_is_not_modelled_is_told_even_if_the_program_catches_it(write: Write) -> None:
    text = ECHO.replace("self.request.sendall", "threading.settrace(print)\n            self.request.sendall")
    caught = text.replace("BODY", "pass").replace("def handle(self):", "def handle(self):\n          try:")
    write(catches=caught.replace("pass", "pass\n          except Exception: pass"))
    with pytest.raises(NotModelled, match=r"threading\.settrace"):
        searched("catches:Handler", "ask")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class Handler(socketserver.DatagramRequestHandler): pass", "Handler serves datagrams"),
        ("Handler = socketserver.UDPServer.__new__(socketserver.UDPServer)", "Handler serves datagrams"),
        ("def Handler(port): pass", "must be a function without arguments: missing a required argument: 'port'"),
        ("socketserver.TCPServer(('', 0), None).serve_forever()", "serves while it is imported"),
    ],
)
def test_what_cannot_be_played_is_refused(text: str, message: str, write: Write) -> None:
    write(unplayable=f"import socketserver\n{text}")
    with pytest.raises(SubjectRefused, match=message):
        searched("unplayable:Handler", "ask")


# The order of things


def loaded(text: str, write: Write) -> Any:
    write(ordered=text)
    SERIALS.begin()
    with Scheduler() as scheduler:
        network = Network(scheduler)
        return Modules(substitutes.substitutes(scheduler, lambda: network)).load("ordered")


def test_objects_of_the_program_are_ordered_by_when_they_were_first_asked(write: Write) -> None:
    text = """
        import threading
        class Plain: pass
        class Slotted(object): __slots__ = ()
        class Failure(Exception): pass
        class Derived(Plain): pass
        kinds = [Plain, Slotted, Failure, Derived, threading.Lock, threading.Thread, threading.Event] * 3
        things = [kind() for kind in kinds]
        hashes = [hash(thing) for thing in things]
        ids = [id(thing) for thing in things]
        shown = repr(things[0])
    """
    module = loaded(text, write)
    assert module.hashes == list(range(1, 22))
    assert module.ids == [0x7F0000000000 + 16 * number for number in range(1, 22)]
    assert module.shown == "<ordered.Plain object at 0x7f0000000010>"
    assert [hash(thing) for thing in module.things] == module.hashes


def test_classes_with_a_hash_of_their_own_or_another_kind_keep_it(write: Write) -> None:
    text = """
        import abc, enum, typing, dataclasses
        class Text(str): pass
        class Equal:
            def __eq__(self, other): return True
        class Kind(type): pass
        class Made(metaclass=Kind): pass
        class Colour(enum.Enum): RED = 1
        class Shape(typing.Protocol): pass
        class Base(abc.ABC): pass
        class Other(metaclass=abc.ABCMeta): pass
        @dataclasses.dataclass(frozen=True)
        class Frozen: x: int
        @dataclasses.dataclass
        class Loose: x: int
    """
    module = loaded(text, write)
    assert hash(module.Text("x")) == hash("x")
    assert module.Equal.__hash__ is module.Loose.__hash__ is None
    assert hash(module.Frozen(1)) == hash(module.Frozen(1))
    assert module.Made.__hash__ is object.__hash__
    assert module.Base.__hash__ is module.Other.__hash__ is not object.__hash__


def test_a_number_belongs_to_one_object_even_if_another_gets_its_address() -> None:
    serials = Serials()
    seen = set()
    for _ in range(100):
        seen.add(serials.of(type("Plain", (), {})()))
    assert seen == set(range(1, 101))
    assert serials.of(None) == serials.of(None) == 101
