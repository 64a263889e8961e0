"""`socketserver-faults list | show | serve`: read about the faults, and try them."""

import argparse
import sys
from collections.abc import Iterator

from socketserver_faults.catalogue.index import Unknown, catalogue, find
from socketserver_faults.catalogue.registry import THEMES, Fault
from socketserver_reference.address import server_address
from socketserver_reference.cli import log_handler, serving
from socketserver_reference.cli.signals import stopped_by_signals
from socketserver_reference.family import Refused

NAME_COLUMNS = 30
"""Width of the column of names."""


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `list`."""
    parser.add_argument(
        "clauses", nargs="*", metavar="CLAUSE", help="list only the faults that break one of these clauses"
    )


def run_list(options: argparse.Namespace) -> int:
    """Print one line for each fault; return the exit code."""
    faults = list(catalogue().values())
    broken = {clause for fault in faults for clause in fault.breaks}
    for clause in options.clauses:
        if clause not in broken:
            print(f"socketserver-faults list: no fault breaks {clause!r}; clauses look like CHAT-7", file=sys.stderr)
            return 2
    if options.clauses:
        faults = [fault for fault in faults if set(fault.breaks) & set(options.clauses)]
    print("\n".join(_listed(faults)))
    return 0


def _listed(faults: list[Fault]) -> Iterator[str]:
    for theme, about in THEMES.items():
        members = [fault for fault in faults if fault.theme == theme]
        if members:
            yield f"{theme}: {about}"
        for fault in members:
            yield f"  {fault.name:<{NAME_COLUMNS}} {', '.join(fault.breaks)}"
            yield f"  {'':<{NAME_COLUMNS}} {fault.summary}"


def add_show_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `show`."""
    parser.add_argument("name", help="the fault's name, as `list` prints it")


def run_show(options: argparse.Namespace) -> int:
    """Print all about one fault: clauses, story, and its method beside the reference's; return the exit code."""
    try:
        fault = find(options.name)
    except Unknown as unknown:
        print(f"socketserver-faults show: {unknown}", file=sys.stderr)
        return 2
    kind = f"{fault.concurrency} {fault.program} over {fault.transport}"
    promised = "" if fault.promises == fault.concurrency else f", which promises to be {fault.promises}"
    print(f"{fault.name}: {', '.join(fault.breaks)} ({kind}{promised})\n\n{fault.story}\n\n{fault.diff()}")
    return 0


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `serve`: those of the reference's that a fault does not determine."""
    parser.add_argument("name", help="the fault's name, as `list` prints it")
    serving.add_address_arguments(parser)
    log_handler.add_arguments(parser)


def run_serve(options: argparse.Namespace) -> int:
    """Serve a fault until a signal comes; return the exit code."""
    try:
        fault = find(options.name)
        options.transport = options.transport or fault.transport
        server = fault.make(serving.read_address(options, serving.DEFAULT_PORTS[fault.program]))
    except (Unknown, Refused) as error:
        print(f"socketserver-faults serve: {error}", file=sys.stderr)
        return 2
    with log_handler.logging_to(sys.stderr, options.log_level, forks=fault.concurrency == "forking"):
        if fault.own_process:  # it may never let go of its connections, so a signal ends it as it ends any process
            with server:
                print(server_address(server), flush=True)
                server.serve_forever()
        with stopped_by_signals() as signals:
            return serving.serve(server, signals)
