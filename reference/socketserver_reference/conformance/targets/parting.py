"""How a client closes without keeping the port of a server that will be started again.

The side that closes a TCP connection first keeps its port for a minute (TIME_WAIT), and a server that does not set
SO_REUSEADDR cannot listen there meanwhile. If that is the server, and its socket belongs to no process any more, a
reset by the client, which has read all, ends the connection at once, and no program can notice it.
"""

import socket
import struct

from socketserver_reference.conformance.targets import proc_files

ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds: close() resets

PORTS_TO_FREE: set[int] = set()
"""Ports of the launched servers that bring their own; their site adds and removes them."""

CLOSE_WAIT, FIN_WAIT2 = 8, "05"
"""States of TCP, as TCP_INFO and /proc/net/tcp have them: the other side has closed; it waits for this one to close."""

NO_INODE = "0"
"""In place of its inode: the socket belongs to no process."""


def frees_port(client: socket.socket, *, served: bool = True) -> bool:
    """Let `close()` reset a connection that would keep its server's port, if that goes unnoticed; return whether so.

    If it is not `served` any more, its server is about to be ended, and notices nothing in any case.
    """
    try:
        port = client.getpeername()[1]
        if port in PORTS_TO_FREE and client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == CLOSE_WAIT:
            ours = f":{client.getsockname()[1]:04X} {FIN_WAIT2} "
            rows = (row for table in ("tcp", "tcp6") for row in proc_files.rows(f"/proc/net/{table}", ours))
            if not served or any(row[1].endswith(f":{port:04X}") and row[9] == NO_INODE for row in rows):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                return True
    except OSError:  # it is not connected any more
        pass
    return False
