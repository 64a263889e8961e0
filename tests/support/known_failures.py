"""What the tests of known failures share: a list of them, and what `check` says of it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from socketserver_faults.catalogue.index import find
from socketserver_reference.address import server_address
from socketserver_reference.clauses import CLAUSES
from tests.support.checking import Outcome
from tests.support.serving import TIMEOUT


@contextmanager
def serving_fault(name: str) -> Iterator[str]:
    """Serve a fault in a thread for the length of the block; yield its address."""
    server = find(name).make()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield str(server_address(server))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def entry(clause: str, reason: str = "on purpose", **more: object) -> str:
    return "\n[[known]]\n" + "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in {"clause": clause, "reason": reason, **more}.items()
    )


def last_lines(outcome: Outcome, count: int = 1) -> list[str]:
    return outcome.out.splitlines()[-count:]


CLAUSES_OF_CHATS = sum(clause.group == "CHAT" for clause in CLAUSES.values())

CONFORMS_BUT = f"conforms in 2 of {CLAUSES_OF_CHATS} clauses but for known failures: CHAT-8"
"""What is said of a chat that breaks CHAT-8 alone, as is known, if it is asked for that and another."""

QUICK = ("--timeout", TIMEOUT, "--only", "CHAT-8", "--only", "CHAT-2", "--examples", 0)
