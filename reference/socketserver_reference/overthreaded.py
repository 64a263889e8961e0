"""The over-threaded chat: every handler hands its work to one thread more, and must wait for it.

The threading server runs each handler in a thread already, so a worker per handler buys nothing. People write it all
the same, and learn the one rule that the life of a request obeys (SRV-3)::

    process_request
      finish_request
        RequestHandlerClass(request, client_address, server)
          __init__:  setup()  handle()  finish()       all three inside the constructor
      shutdown_request                                 the moment the constructor returns:
        request.shutdown(SHUT_WR), request.close()     the request is gone, whoever else may be using it

**The closed-request bug.** Start a worker in handle and return without waiting. handle is over at once, finish takes
the client out of the room, and the request is closed under the worker. The client reads end of stream straight after
connecting. What the *worker* sees depends on where it was:

- It had not reached recv() yet: OSError, EBADF, and `fileno()` is -1. Windows words it WSAENOTSOCK, "an operation was
  attempted on something that is not a socket", by which the bug is usually known.
- It was blocked in recv() and the client speaks: close() wakes nobody, so recv() even returns the client's bytes. The
  client's send seemed to succeed as well. But no ack ever comes: the way back is closed (EBADF for whoever tries it).
- It was blocked in recv() and the client closes: recv() returns b"", the worker ends cleanly, and the bug hides.
- It was blocked in recv() with a timeout set, so really in poll() first: EBADF, at once or when the client speaks next.

Where the worker takes the client out of the room, as in programs that keep add and remove beside recv, all but the
third leave a closed socket among the members, and the next one to speak fails on it: one bug, another victim. Here
finish takes it out, so the members are always in order, and a test has to ask "did my own ack arrive?" to see
anything.

**The fix** is one line: join the worker before handle returns. close() then comes when nobody uses the request any
more. It is the same rule that makes the room call shutdown(), not close(), on a member it cuts off.

What is deliberately left out: a reason to do this. Exceptions of the worker do not reach `socketserver` but
`threading.excepthook`; with the join, the connection ends all the same.

Next: `lifecycle.py`, how servers begin and end.
"""

import threading

from socketserver_reference.chat import ChatHandler


class OverthreadedChatHandler(ChatHandler):
    """The chat with its receive-decide-deliver loop in a worker thread."""

    def handle(self) -> None:
        """Start the worker and stay until it has ended."""
        worker = self.start_worker()
        # [SRV-3] the request is closed as soon as handle returns, so not before the worker has done with it
        self.wait_for(worker)

    def start_worker(self) -> threading.Thread:
        """Let a thread talk to the client. A daemon, as its handler's thread is: no process waits for it at exit."""
        worker = threading.Thread(target=self.talk, name=f"{threading.current_thread().name} worker", daemon=True)
        worker.start()
        return worker

    def wait_for(self, worker: threading.Thread) -> None:
        """Return when the worker has ended: hanging up on the client wakes it, so that is never far away."""
        worker.join()

    def talk(self) -> None:
        """Receive, decide, deliver until the client leaves: what handle does in the plain chat."""
        super().handle()
