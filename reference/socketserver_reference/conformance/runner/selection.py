"""Which clauses a run is about, and which checks and explorations it plays for them.

Chosen are the clauses that `--only` and `--profile` name, or all. A run plays the checks that decide a chosen clause,
and the explorations that can break one. It reports the chosen clauses, and those of the other profile that it sees
broken, unless `--only` leaves them out.
"""

from collections.abc import Iterable

from socketserver_reference.clauses import CLAUSES, Profile
from socketserver_reference.conformance.runner.options import Options

EXPLORATIONS: dict[str, Profile] = {"test_explore_politely": "basic", "test_explore_abruptly": "hardened"}
"""The name of an exploration -> its profile."""

UNEXPLORED = (
    "CHAT-16",
    "CHAT-17",
    "CHAT-18",
    "CHAT-19",
    "CHAT-20",
    "CHAT-21",
    "CHAT-22",
    "ECHO-8",
    "ECHO-9",
    "ECHO-10",
    "ECHO-11",
    "ECHO-12",
)
"""Clauses that no exploration can break: it measures neither lag nor growth nor rest, brings no crowd, limits no
descriptors, starts no server again at its port, is never silent for long, and asks an echo one client at a time.
"""


def chosen(options: Options, groups: Iterable[str]) -> list[str]:
    """Return the clauses of these groups that a run is about."""
    return [id for id in tellable(options, groups) if options.profile in (None, CLAUSES[id].profile)]


def tellable(options: Options, groups: Iterable[str]) -> list[str]:
    """Return the clauses of these groups whose violation a run reports."""
    of_groups = {*groups}
    ids = [clause.id for clause in CLAUSES.values() if clause.group in of_groups]
    return [id for id in ids if not options.only or id in options.only]


def plays(options: Options, groups: Iterable[str], name: str, clause: str | None) -> bool:
    """Whether a run plays the check or exploration of this name; a check decides a clause."""
    ids = chosen(options, groups)
    if clause is not None:
        return clause in ids
    if name not in EXPLORATIONS:
        return True
    profile = EXPLORATIONS[name]
    breakable = {CLAUSES[id].profile for id in ids if id not in UNEXPLORED}
    if options.examples == 0 or options.profile not in (None, profile):
        return False
    return bool(breakable) if profile == "hardened" else "basic" in breakable
