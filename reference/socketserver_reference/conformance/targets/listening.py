"""What listens on this machine, and whose it is, as Linux tells in /proc: a server notices nothing of being looked at.

/proc/net has the sockets of all processes, each with the number of its inode; /proc/PID/fd has the inodes of one
process. A server is what was launched, and whatever that started: a command may well fork, or run another program.
"""

import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets import proc_files, processes

SEES_LISTENERS = os.access("/proc/net/unix", os.R_OK)
"""Whether this system tells what listens."""

PROC_FILES = {"tcp": ("tcp", "tcp6"), "udp": ("udp", "udp6"), "unix": ("unix",), "unix-datagram": ("unix",)}
"""Transport -> the files of /proc/net with its sockets."""

OPEN_STATES = {"tcp": "0A", "udp": "07"}
"""Transport -> the state in these files of a socket that takes connections, or datagrams from everywhere."""

UNIX_TYPES = {"0001": "unix", "0002": "unix-datagram"}
UNIX_ACCEPTING = 0x10000
"""Flag of a Unix socket that takes connections."""

WILDCARDS = ("0.0.0.0", "::")  # addresses to compare with; nothing is bound to them


@dataclass(frozen=True)
class ListeningSocket:
    """A socket that takes connections or datagrams."""

    address: Address
    inode: str

    def serves(self, wanted: Address) -> bool:
        """Whether clients that connect to the address reach this socket."""
        here = self.address
        if here.transport != wanted.transport:
            return False
        if wanted.path:  # a server may bind a relative path
            return os.path.basename(here.path) == os.path.basename(wanted.path) and os.path.exists(wanted.path)
        return here.port == wanted.port and (here.host in _hosts(wanted.host) or _is_wildcard(here, wanted))


@dataclass(frozen=True)
class Sight:
    """What is seen of a launched server and of the address where it is to listen."""

    listens: bool
    """Whether it listens there."""
    elsewhere: tuple[Address, ...] = ()
    """Where it listens, if not there, and if that was looked for."""
    taken: bool = False
    """Whether a process that it did not start listens there."""


def look(process: int, wanted: Address, *, elsewhere: bool = False) -> Sight | None:
    """Look whether a process below this one listens there, and, if asked, where else; None where that is not seen."""
    if not (SEES_LISTENERS and os.path.exists(f"/proc/{process}/task/{process}/children")):
        return None
    if not elsewhere and sockets_of(processes.processes_below(process)) == set():
        return Sight(False)  # without a look at the table, which may have the closed connections of a minute
    listening = [
        one for transport in PROC_FILES if elsewhere or transport == wanted.transport for one in listeners(transport)
    ]
    there = [one for one in listening if one.serves(wanted)]
    if not (there or elsewhere):
        return Sight(False)
    own = sockets_of(processes.processes_below(process))  # after the table: what listens belongs to a process
    if own is None:  # they are another user's
        return Sight(bool(there))
    if any(one.inode in own for one in there):
        return Sight(True)
    others = {one.address for one in listening if one.inode in own}
    return Sight(False, tuple(sorted(others, key=str)), bool(there))


def listeners(transport: str) -> Iterator[ListeningSocket]:
    """Yield all sockets of this machine that take connections or datagrams over the transport."""
    # Linux lists what listens over TCP before all connections, of which there may be those of a minute
    rows = proc_files.first_rows if transport == "tcp" else proc_files.rows
    text = f" {OPEN_STATES[transport]} " if transport in OPEN_STATES else ""
    for table in PROC_FILES[transport]:
        for columns in rows(f"/proc/net/{table}", text):
            found = _unix(columns) if table == "unix" else _internet(transport, columns)
            if found is not None and found.address.transport == transport:
                yield found


def sockets_of(those: Iterable[str]) -> set[str] | None:
    """Return the inodes of all sockets of these processes; None if some process does not let itself be looked at."""
    inodes: set[str] = set()
    for process in those:
        try:
            files = os.listdir(f"/proc/{process}/fd")
        except PermissionError:
            return None
        except OSError:  # it has ended
            continue
        for file in files:
            target = proc_files.link(f"/proc/{process}/fd/{file}")
            if target.startswith("socket:["):
                inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes


def _internet(transport: str, columns: list[str]) -> ListeningSocket:
    """Read a line of /proc/net/tcp or its like: number, local address, remote address, state, ..., inode."""
    host, port = proc_files.endpoint(columns[1])
    return ListeningSocket(Address(transport, host=host.removeprefix("::ffff:"), port=port), columns[9])


def _unix(columns: list[str]) -> ListeningSocket | None:
    """Read a line of /proc/net/unix: number, count, protocol, flags, type, state, inode and, if it has one, path."""
    transport = UNIX_TYPES.get(columns[4])
    accepts = transport == "unix-datagram" or int(columns[3], 16) & UNIX_ACCEPTING
    if transport is None or not accepts or len(columns) < 8:
        return None
    return ListeningSocket(Address(transport, path=" ".join(columns[7:])), columns[6])


def _hosts(host: str) -> set[str]:
    """Return the addresses that a host has."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return set()


def _is_wildcard(here: Address, wanted: Address) -> bool:
    """Whether a socket takes what comes to any address; one for IPv6 usually takes what comes over IPv4 as well."""
    return here.host in WILDCARDS and (here.family == socket.AF_INET6 or wanted.family == socket.AF_INET)
