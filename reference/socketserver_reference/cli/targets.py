"""The targets and the dialect that a command line names."""

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any

from socketserver_reference.address import Address, BadAddress
from socketserver_reference.cli.options import CommandError
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.loader import BadDialect, spoken


def read_dialect(options: argparse.Namespace, targets: Mapping[str, Any]) -> Dialect:
    """Return the dialect to check in; raise CommandError if it does not exist, or is for another protocol."""
    if options.protocol == "family" and options.dialect not in ("", "note"):
        raise CommandError("--dialect says how a server speaks, but family checks the classes of this Python")
    try:
        found = [spoken(options.dialect or "note", each, any_segmentation=options.any_segmentation) for each in targets]
    except BadDialect as error:
        raise CommandError(f"--dialect {options.dialect}: {error}") from None
    return found[0] if found else spoken("note", "chat", any_segmentation=False)


def find_targets(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Return the name of the server to check, and for each conformance class that checks it a target."""
    if options.protocol == "family":
        if options.target or options.launch or options.transport:
            raise CommandError("family checks the socketserver classes of this Python and takes no target")
        return "every class of the reference", {}
    if options.launch is None and options.target is None:
        return embedded(options.protocol, options.transport)
    try:
        address = Address.parse(options.target) if options.target else None
    except BadAddress as error:
        raise CommandError(str(error)) from None
    if address is not None and options.transport not in (None, address.transport):
        raise CommandError(f"--transport {options.transport} contradicts the target {address}")
    from socketserver_reference.conformance.targets.external import Running
    from socketserver_reference.conformance.targets.launched import Launched

    if options.launch is not None:
        target: Any = Launched(options.launch, address, options.transport)
        transport = target.guessed_transport
    else:
        assert address is not None
        target, transport = Running(address), address.transport
    return str(target), {conformance_protocol(options.protocol, transport): target}


def embedded(protocol: str, transport: str | None) -> tuple[str, dict[str, Any]]:
    """Return the reference as targets in this process; the echo has one over connections and one over datagrams."""
    from socketserver_reference.conformance.targets.in_process import InProcess
    from socketserver_reference.conformance.targets.ports import anywhere
    from socketserver_reference.family import make_server

    transports = [transport] if transport else ["tcp", "udp"] if protocol == "echo" else ["tcp"]
    name = f"the reference in this process, over {' and '.join(transports)}"
    made = {one: InProcess(partial(make_server, protocol, anywhere(one)), name=name) for one in transports}
    return name, {conformance_protocol(protocol, one): target for one, target in made.items()}


def conformance_protocol(protocol: str, transport: str) -> str:
    """Return the name of the conformance class for a protocol over a transport; raise CommandError if there is none."""
    datagram = Address(transport).datagram
    if datagram and protocol == "chat":
        raise CommandError(f"a chat needs connections, and {transport} has none: check it over tcp or unix")
    return "datagram" if datagram else protocol
