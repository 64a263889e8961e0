"""What is noted of the calls of `socketserver`: how a handler fails, who begins to serve, and who shuts down.

Next: `endless.py`.
"""

from collections.abc import Callable
from typing import Any

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.scheduler import Scheduler


def note_calls(
    library: Any, scheduler: Scheduler, begins_to_serve: Callable[[], object], shuts_down: Callable[[], object]
) -> None:
    """Let the library's base of all servers, a copy, note its calls."""
    finish_request, serve_forever = library.finish_request, library.serve_forever
    shutdown = library.shutdown

    def finish(server: Any, request: Any, client_address: Any) -> None:
        try:
            finish_request(server, request, client_address)
        except NotModelled as refusal:
            scheduler.give_up(refusal)
        except Exception as error:
            scheduler.note(f"fails with {type(error).__name__}: {error}")
            raise

    def serve(server: Any, poll_interval: float = 0.5) -> None:
        begins_to_serve()
        serve_forever(server, poll_interval)

    def shut_down(server: Any) -> None:
        shuts_down()
        shutdown(server)

    library.finish_request, library.serve_forever, library.shutdown = finish, serve, shut_down
    library.handle_error = lambda *_: None  # the story has the error
