"""The over-threaded chat: each handler starts a worker thread, and must wait for it.

The threading server runs each handler in a thread already, so a worker gains nothing. But many programs have one, and
break the rule of a request's life (SRV-3)::

    process_request
      finish_request
        RequestHandlerClass(request, client_address, server)
          __init__:  setup()  handle()  finish()       all three inside the constructor
      shutdown_request                                 when the constructor has returned:
        request.shutdown(SHUT_WR), request.close()     the request is closed, even if a thread uses it

**The closed-request bug**: handle starts the worker and returns. finish removes the client from the room, the request
is closed while the worker uses it, and the client reads end of stream straight after connecting. The worker fails with
EBADF (on Windows: "not a socket"), or not at all, for a client that soon leaves. `socketserver-faults show
closed-request` explains every case, and `demo` plays it.

**The fix** is one line: join the worker before handle returns, so that close() comes when no thread uses the request.

Next: `lifecycle.py`, how servers begin and end.
"""

import logging
import threading

from socketserver_reference.chat import ChatHandler

log = logging.getLogger(__name__)


class OverthreadedChatHandler(ChatHandler):
    """The chat with its receive-decide-deliver loop in a worker thread."""

    def handle(self) -> None:
        """Start the worker and wait for its end."""
        try:
            worker = self.start_worker()
        except RuntimeError as error:  # the system allows no more threads
            log.warning("%r cannot be served: %s", self.client_address, error)
            return
        # [SRV-3] not before the worker has ended
        self.wait_for(worker)

    def start_worker(self) -> threading.Thread:
        """Start a daemon thread, like the handler's, that talks to the client."""
        worker = threading.Thread(target=self.talk, name=f"{threading.current_thread().name} worker", daemon=True)
        worker.start()
        return worker

    def wait_for(self, worker: threading.Thread) -> None:
        """Return when the worker has ended; a hang-up wakes it."""
        worker.join()

    def talk(self) -> None:
        """Receive, decide, deliver, until the client leaves: handle of the plain chat."""
        super().handle()
