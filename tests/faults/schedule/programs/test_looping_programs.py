"""Programs whose threads look again and again for what others do, compute for long, or catch whatever ends them."""

import pytest

from tests.support.scheduling.programs import Write, searched

CHAT = """
    import queue, socket, threading
    members, heard, box = [], [], queue.Queue()
    def tell(said):
        for member in list(members):
            try:
                member.sendall(b"ack" + said)
            except OSError:
                pass
    def listen(member):
        LISTENS
        members.remove(member)
        member.close()
    def deliver():
        DELIVERS
    threading.Thread(target=deliver, daemon=True).start()
    with socket.create_server(("", 9999)) as listener:
        while True:
            member, _ = listener.accept()
            members.append(member)
            threading.Thread(target=listen, args=(member,)).start()
"""

LISTENS = """
        while (said := member.recv(1024)) and said.strip() != b"quit":
            HEARS
"""

DELIVERS = {
    "a loop over what may be nothing": (
        "heard.append(said)",
        "while True:\n  for said in heard[:]: tell(heard.pop(0))",
    ),
    "a condition": ("heard.append(said)", "while members is not None:\n  if heard: tell(heard.pop(0))"),
    "a copy in a variable": ("heard.append(said)", "while 1:\n  new = heard[:]\n  if new: tell(heard.pop(0))"),
    "a queue that may be empty": ("box.put(said)", "while True:\n  if not box.empty(): tell(box.get())"),
    "a try": ("box.put(said)", "while True:\n  try: tell(box.get_nowait())\n  except queue.Empty: continue"),
}


def chat(hears: str, delivers: str = "pass", listens: str = LISTENS) -> str:
    body = delivers.replace("\n", "\n        ")
    return CHAT.replace("LISTENS", listens.strip()).replace("HEARS", hears).replace("DELIVERS", body)


@pytest.mark.parametrize(("hears", "delivers"), DELIVERS.values(), ids=DELIVERS)
def test_a_thread_that_looks_again_and_again_lets_the_others_go_on(hears: str, delivers: str, write: Write) -> None:
    folder = write(looks=chat(hears, delivers))
    for scenario in ("speak", "quit", "idle"):
        found = searched(f"{folder}/looks.py", scenario, 0)
        assert found.outcome is None
        assert found.whole


def test_a_thread_that_computes_for_long_is_not_taken_to_wait(write: Write) -> None:
    """No time passes meanwhile, so that nobody gives up waiting for what it says."""
    folder = write(computes=chat("number = 0\n            while number < 10_000: number += 1\n            tell(said)"))
    found = searched(f"{folder}/computes.py", "speak", 0)
    assert found.outcome is None


CATCHES = """
        failures = 0
        while True:
            try:
                tell(member.recv(1024))
            except KIND:
                failures += 1
"""


@pytest.mark.parametrize("kind", ["", "BaseException"])
def test_a_thread_that_catches_everything_and_goes_on_ends_with_the_run(kind: str, write: Write) -> None:
    """It does not take the end of a stream for leaving either."""
    folder = write(catches=chat("", listens=CATCHES.replace("except KIND", f"except {kind}".strip())))
    found = searched(f"{folder}/catches.py", "speak", 0)
    assert found.outcome is not None
    assert found.outcome.clause == "CHAT-10"


LOSES = """
    import queue, socketserver, threading
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            replies = queue.Queue()
            reader = threading.Thread(target=self.read, args=(replies,))
            reader.start()
            while reader.is_alive():
                try:
                    self.request.sendall(replies.get_nowait())
                except queue.Empty:
                    pass
        def read(self, replies):
            replies.put(self.request.recv(1024).strip().upper())
            self.request.recv(1024)
"""


def test_a_race_of_threads_that_look_again_and_again_is_found(write: Write) -> None:
    """The reply is lost if the reader ends before its handler looks again."""
    write(loses=LOSES)
    found = searched("loses:Handler", "hang-up", 1)
    assert found.outcome is not None
    assert found.outcome.clause == "ECHO-7"
    assert found.schedules < 1000
