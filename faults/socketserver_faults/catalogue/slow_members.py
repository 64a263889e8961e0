"""What becomes of members that read slowly, or not at all.

One fault is missing, because no suite can see it from outside: **a backlog without bounds**. A server that queues
deliveries for a slow member in its own memory delays no client, drops nothing, and keeps every clause, until the
process has no memory left. Until then it looks like a server with large buffers, so there is no clause about it. Look
at the code instead: how much can one member make the server keep? In the reference, one send buffer of the kernel.
"""

import socket
from contextlib import suppress

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import Room
from socketserver_reference.lifecycle import StreamServer


@fault("CHAT-14")
class IgnoresShortSends(Room):
    """A member that took only part of a delivery is sent the next one all the same.

    Thought: send() sends. That it returns a number is a detail.

    Seen: a member that was slow for a moment reads a delivery that breaks off in the middle and continues as another
    one. It cannot make sense of what comes after.

    Fixed: send the rest before anything else, or cut the member off. sendall() does the first, and waits.
    """

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        super().offer(member, delivery)
        return True


@fault("CHAT-14")
class SkipsTheFull(Room):
    """A member whose buffer is full misses the delivery, and hears the next one for which there is room.

    Thought: a delivery that cannot be sent now is lost anyway, and the member may soon read again.

    Seen: a member that paused for a while reads on as if nothing had happened, but some of what was said is missing,
    and nothing says so. With long deliveries it hardly ever happens, because a part of one still fits and the member is
    cut off.

    Fixed: a member either reads everything, or its connection ends: cut it off at the first delivery that does not fit.
    """

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        try:
            sent = member.send(delivery, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return sent == len(delivery)


@fault("CHAT-15")
class WaitsForTheSlow(Room):
    """All members wait for the slowest one: the server sends under the lock, and its send blocks.

    Thought: sendall() takes care of short sends.

    Seen: one user suspends a client with Ctrl-Z. Some megabytes later the room stops for all members, without an error,
    until that client continues.

    Fixed: never wait for one client on behalf of another: send what fits, and cut off or queue, with a limit.
    """

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        try:
            member.sendall(delivery)
        except OSError:
            return False
        return True


@fault("CHAT-15")
class KeepsWhoIsCutOff(Room):
    """A member that is cut off stays in the set until its own handler notices.

    Thought: the handler of that member wakes up and takes it out; a speaker has no business there.

    Seen: nothing, with ten members. Then a network fails, and three hundred members that all spoke are gone at once.
    Their handlers first deliver what they said, each chunk to all three hundred, and each costs a send and a shutdown
    that both fail. The few members that stay wait for that a minute or more; with twice as many, for four.

    Fixed: the thread that finds that a member takes no delivery removes it at once.
    """

    def cut_off(self, member: socket.socket) -> None:
        with suppress(OSError):
            member.shutdown(socket.SHUT_RDWR)


@fault("CHAT-15", program="chat")
class CutsOffEarly(StreamServer):
    """A member is cut off when a few kilobytes wait for it.

    Thought: a small send buffer saves memory when there are many clients.

    Seen: a client that pauses for a second too long, or has a slow line, loses its connection.

    Fixed: give every member some room: here 64 KiB of deliveries may wait.
    """

    def prepare(self, request: socket.socket) -> None:
        super().prepare(request)
        request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)


@fault("CHAT-15", program="chat", transport="unix")
class SizesTcpBuffersOnly(StreamServer):
    """Over a Unix socket, a member is cut off when some hundred deliveries wait for it.

    Thought: bytes are bytes; a buffer that holds 64 KiB of them over TCP holds as many over a Unix socket.

    Seen: on the same machine, where connections are fastest, members that pause are cut off first. The kernel counts
    several hundred bytes for each delivery on a Unix socket, however short it is.

    Fixed: measure how many deliveries of which size a buffer holds, for each kind of socket, and size it for that.
    """

    def prepare(self, request: socket.socket) -> None:
        if request.family != socket.AF_UNIX:
            super().prepare(request)
