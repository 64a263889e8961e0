"""What a server does when the system refuses it something: a descriptor for the next client."""

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.lifecycle import StreamServer


@fault("ECHO-10", own_process=True)
class RetriesAtOnce(StreamServer):
    """When accept() fails for want of a descriptor, the loop calls it again at once.

    Thought: an error of accept() is the client's, who has gone again; `socketserver` ignores it, too.

    Seen: the client still waits, so the next accept() fails in the same way, some ten thousand times a second. All
    members are served, a little late; the machine gets hot, and the log fills the disk.

    Fixed: wait until a connection ends, or some time, before the next accept().
    """

    def wait_until_freed(self, error: Exception) -> None:
        pass


@fault("CHAT-19", program="chat", own_process=True)
class EndsWithoutDescriptors(StreamServer):
    """When accept() fails for want of a descriptor, the server ends.

    Thought: an error of accept() means that the listening socket is broken, and the server will be started again.

    Seen: one client too many, and everybody is thrown out. A person with a thousand connections ends the room whenever
    they like.

    Fixed: an error of accept() concerns one client. Leave it in the queue, and serve those who are there.
    """

    def wait_until_freed(self, error: Exception) -> None:  # noqa: ARG002 - the signature is the reference's
        self.stop()
