"""Only its own handler may close a request, by returning. See also `closed_request.py`."""

import os
import socket
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import Room
from socketserver_reference.lifecycle import StreamServer


@fault("CHAT-15")
class ClosesWhoIsSlow(Room):
    """The handler of a speaker closes the socket of a member that is dead or slow.

    Thought: the connection does not work any more, so close it: close() ends a connection, after all.

    Seen: the slow member does not notice. Its own handler waits in recv(), which close() does not wake and which keeps
    the connection alive. So the member reads what was sent before, perhaps half a delivery, then waits for ever for
    more or for end of stream. Its thread and connection stay until it leaves.

    Fixed: call shutdown(). It ends the connection and wakes the handler that uses it; that handler then closes. The
    closed-request bug is the same mistake.
    """

    def cut_off(self, member: socket.socket) -> None:
        member.close()


@fault("CHAT-11", program="chat", own_process=True)
class ClosesTwice(StreamServer):
    """Soon after the start, the server closes the descriptor of an ended connection once more, "to be sure".

    Thought: there was a descriptor leak once. A second close() only fails, and that can be ignored.

    Seen: one client loses its connection as it arrives. A descriptor is a small number, and the system gives the lowest
    free one to the next connection: the second close() hits that one. With threads that close twice at about the same
    time, this happens now and then, to any client.

    Fixed: give each descriptor one owner and one close(). An error from a second one is the lucky case: do not ignore
    it, find out what else closes.
    """

    numbers: tuple[int, ...] = ()

    def get_request(self) -> tuple[socket.socket, Any]:
        request, client_address = super().get_request()
        self.numbers += (request.fileno(),)
        if len(self.numbers) == 3 and request.fileno() in self.numbers[:-1]:
            os.close(request.fileno())
        return request, client_address
