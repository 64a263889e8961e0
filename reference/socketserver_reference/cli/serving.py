"""The address to listen on, and serving there until a signal comes: for the reference's servers and for faults."""

import argparse
import os

from socketserver_reference.address import TRANSPORTS, Address, BadAddress, server_address
from socketserver_reference.cli.signals import Signals
from socketserver_reference.family import Refused
from socketserver_reference.lifecycle import Server

DEFAULT_HOST = "127.0.0.1"


DEFAULT_PORTS = {"echo": 9999, "chat": 10007, "overthreaded": 10007}


def add_address_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say where to listen."""
    parser.add_argument("--transport", choices=TRANSPORTS, help="transport of the server (default: tcp, if possible)")
    parser.add_argument("--host", help=f"for tcp and udp: the host to listen on (default: {DEFAULT_HOST})")
    parser.add_argument(
        "--port", help="for tcp and udp: the port, 0 for any (default: 9999 for echo, 10007 for the chats)"
    )
    parser.add_argument("--path", help="for unix and unix-datagram: the socket file, which must not exist yet")


def serve(server: Server, signals: Signals) -> int:
    """Print the address of a server, and serve until a signal comes; return the exit code."""
    with server:
        signals.stop(server)
        print(server_address(server), flush=True)
        server.serve_forever()
        signals.leave_next_to_system()
    return 0


def read_address(options: argparse.Namespace, default_port: int) -> Address:
    """Return the address that the options name; raise Refused if they name none."""
    transport = options.transport or "tcp"
    if transport.startswith("unix"):
        if options.host is not None or options.port is not None:
            raise Refused(f"--transport {transport} has no host and no port: use --path")
        if not options.path or not options.path.isprintable():
            raise Refused(f"--transport {transport} needs --path, a printable file name, not {options.path!r}")
        return Address(transport, path=os.path.abspath(options.path))
    if options.path is not None:
        raise Refused(f"--transport {transport} has no path: use --host and --port")
    host = DEFAULT_HOST if options.host is None else options.host
    port = default_port if options.port is None else read_port(options.port)
    try:
        return Address.parse(str(Address(transport, host=host, port=port)))
    except BadAddress:
        raise Refused(f"--host {host!r} is not a host: name one of this machine, such as {DEFAULT_HOST}") from None


def read_port(text: str) -> int:
    """Return the port; raise Refused if the text is not a number from 0 to 65535."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535:
        return int(text)
    raise Refused(f"--port {text!r} is not a port: choose one from 0 to 65535, 0 for any free one")
