"""`socketserver-faults proxy`: a hostile network between any client and any server, until Ctrl-C or SIGTERM.

The first line on stdout is the address it listens at, as clients and `check` take it, printed once they can connect.
The log goes to stderr: a line for each connection, for each injected event, and for the end of the connection. It has
numbers and addresses, never a byte of the traffic, and it never delays traffic. Exit codes: 0 after either signal, 2
for addresses or conditions that are impossible, with one line that says why.
"""

import argparse
import sys
from dataclasses import fields
from typing import Any

from socketserver_faults.network.conditions import WAYS, BadConditions, Conditions, flag
from socketserver_faults.network.proxy import Proxy
from socketserver_faults.network.relay import CannotCarry
from socketserver_reference.address import Address, BadAddress
from socketserver_reference.cli import log_handler
from socketserver_reference.cli.signals import stopped_by_signals

PROXY_LOG_FORMAT = "%(asctime)s %(message)s"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `proxy`."""
    parser.add_argument(
        "listen", help="address for clients: tcp://host:port, udp://host:port or unix:///path; port 0 for any free port"
    )
    parser.add_argument("target", help="address of the server")
    for kind, title in (("", "over any transport"), ("streams", "over tcp and unix"), ("datagrams", "over udp")):
        group = parser.add_argument_group(title)
        for one in fields(Conditions):
            if one.metadata.get("carries") == kind:
                group.add_argument(flag(one.name), metavar=one.metadata["measure"].unit, help=one.metadata["help"])
    parser.add_argument(
        "--way", choices=("both", *WAYS), default="both", help="the direction that is affected (default: both)"
    )
    parser.add_argument(
        "--seed",
        default="0",
        metavar="N",
        help="seed of the random numbers: the same seed gives the same run (default: 0)",
    )
    log_handler.add_arguments(parser)
    parser.epilog = (
        "Without options, traffic passes unchanged. SECONDS, BYTES/S and CHANCE may have decimals: --delay 0.01."
    )


def run(options: argparse.Namespace) -> int:
    """Run the proxy until a signal; return the exit code."""
    try:
        proxy = Proxy(
            Address.parse(options.listen),
            Address.parse(options.target),
            read_conditions(options),
            read_seed(options.seed),
        )
    except (BadAddress, BadConditions, CannotCarry) as refused:
        print(f"socketserver-faults proxy: {refused}", file=sys.stderr)
        return 2
    with log_handler.logging_to(sys.stderr, options.log_level, PROXY_LOG_FORMAT), stopped_by_signals() as signals:
        signals.stop(proxy)
        try:
            print(proxy.address, flush=True)
            proxy.serve()
        finally:
            proxy.close()
    return 0


def read_conditions(options: argparse.Namespace) -> Conditions:
    """Return the conditions that the options describe; raise BadConditions if they are impossible."""
    given: dict[str, Any] = {"way": options.way}
    for one in fields(Conditions):
        text = getattr(options, one.name)
        if text is not None and "measure" in one.metadata:
            given[one.name] = read_number(one.metadata["measure"].kind, text)
    return Conditions(**given)


def read_number(kind: type[int] | type[float], text: str) -> int | float | str:
    """Return the number, or the text if it is none: Conditions then says what would be right."""
    try:
        return kind(text)
    except ValueError:
        return text


def read_seed(text: str) -> int:
    """Return the seed; raise BadConditions if it is not a whole number."""
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    raise BadConditions(f"--seed {text!r}: write a whole number, 0 or more")
