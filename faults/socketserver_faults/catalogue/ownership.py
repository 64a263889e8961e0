"""Who may close a request: its own handler, by returning, and nobody else. See also `closed_request.py`."""

import os
import socket
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import Room
from socketserver_reference.lifecycle import StreamServer


@fault("CHAT-15")
class ClosesWhoIsSlow(Room):
    """A speaker closes the socket of a member that is dead or slow.

    Thought: it does not work any more, so close it; close() ends a connection, after all.

    Seen: the slow member is not told. Its own handler sits in recv(), which close() does not wake and which keeps the
    connection alive: the member reads what it got, half a delivery perhaps, and then waits for ever for the rest or for
    the end. Its thread and its connection stay until it gives up by itself.

    Fixed: shutdown() ends the connection under whoever is using it and wakes them; then the owner closes. The closed
    request is the same mistake.
    """

    def cut_off(self, member: socket.socket) -> None:
        member.close()


@fault("CHAT-11", program="chat", own_process=True)
class ClosesTwice(StreamServer):
    """Soon after the start, a clean-up closes descriptors of ended connections once more, "to be sure".

    Thought: there was a leak of descriptors once. Closing what is closed already only fails, and that can be ignored.

    Seen: one client is cut off as it arrives. A descriptor is a small number, and the system gives the lowest free one
    to the next connection: the second close() hits that one. With threads that close twice at about the same time it
    happens now and then, and to anybody.

    Fixed: one owner, one close(). An error from a second one is the lucky case; ask who else closes instead of
    ignoring it.
    """

    numbers: tuple[int, ...] = ()

    def get_request(self) -> tuple[socket.socket, Any]:
        request, client_address = super().get_request()
        self.numbers += (request.fileno(),)
        if len(self.numbers) == 3 and request.fileno() in self.numbers[:-1]:
            os.close(request.fileno())
        return request, client_address
