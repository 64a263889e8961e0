"""The family as a table: what each class of socketserver can and cannot serve, for `spec --family`."""

import socketserver

from socketserver_reference.address import TRANSPORTS
from socketserver_reference.family import CONCURRENCIES, LIBRARY_NAMES, PROGRAMS, refusal

LAYOUT = "{:<15}{:<13}{:<32}{:<26}{}"


def family_table() -> str:
    """Return a row for each transport and concurrency: its class, what that serves and cannot serve, and why."""
    notes: dict[str, int] = {}  # reason -> number of its footnote

    def row(transport: str, concurrency: str) -> str:
        name = CONCURRENCIES[concurrency].prefix + LIBRARY_NAMES[transport]
        known = name if hasattr(socketserver, name) else f"({name})"
        serves, refuses = [], []
        for program in PROGRAMS.values():
            if reason := refusal(program, transport, concurrency):
                refuses.append(f"{program.name} [{notes.setdefault(reason, len(notes) + 1)}]")
            else:
                serves.append(program.name)
        return LAYOUT.format(transport, concurrency, known, ", ".join(serves) or "nothing", ", ".join(refuses)).rstrip()

    rows = [row(transport, concurrency) for transport in TRANSPORTS for concurrency in CONCURRENCIES]
    return "\n".join(
        [
            LAYOUT.format("transport", "concurrency", "class in socketserver", "serves", "does not serve"),
            *rows,
            "",
            *(f"{concurrency:<11}{kind.character}" for concurrency, kind in CONCURRENCIES.items()),
            "",
            *(f"[{number}] {reason}" for reason, number in notes.items()),
            "(Name): the socketserver of this Python has no such class; the servers here are composed without it.",
        ]
    )
