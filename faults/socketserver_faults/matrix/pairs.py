"""Two faults at once, and one of them listed as known: the suite must still find the other.

Most faults override different methods, so two of them make one server. Of each pair one clause is listed, as in a file
of known failures. Then the checks of every other clause that the two break must find it broken. A check that the listed
clause makes impossible is *undecided*: such a run does not conform, so nothing is hidden. A clause that holds there is
*hidden*, and that is an error of the suite; unless its checks find it to hold without a list, too: then one bug undoes
the other, and the clause is *absent*.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import permutations
from socketserver import BaseServer

from socketserver_faults.catalogue.index import checkable, find
from socketserver_faults.catalogue.registry import Fault
from socketserver_faults.matrix.runner import CHECK_TIMEOUT, FAULT_TIMEOUT, each_in_its_process, quietly, target
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.runner import direct as directed


@dataclass
class PairResult:
    """What the suite finds in two faults at once with a clause of the first listed as known."""

    name: str
    found: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    seconds: float = 0.0
    died: str = ""
    """How the process that checked it ended, if it did not end in order."""

    @property
    def wrong(self) -> bool:
        """Whether a clause is hidden, or that is unknown."""
        return bool(self.hidden or self.died)


def on_the_wire(fault: Fault) -> list[str]:
    """Return the clauses that the fault breaks and that are decided over the network."""
    return [clause for clause in fault.breaks if CLAUSES[clause].group != "SRV"]


def can_be_composed(first: Fault, second: Fault) -> bool:
    """Whether the two make one server that has both bugs: they override different methods of one program."""
    alike = all(
        getattr(first, name) == getattr(second, name) for name in ("program", "transport", "concurrency", "promises")
    )
    return alike and first.method != second.method and not (first.own_process or second.own_process)


def compose(first: Fault, second: Fault) -> Fault:
    """Return a server with both bugs as a fault."""
    handlers = [fault.cls for fault in (first, second) if not issubclass(fault.cls, BaseServer)]
    cls = type("Both", tuple(handlers), {}) if handlers else first.cls
    mix_ins = tuple(dict.fromkeys((*first.mix_ins, *second.mix_ins)))
    return replace(first, name=f"{first.name}+{second.name}", cls=cls, mix_ins=mix_ins)


def pairs() -> list[str]:
    """Return the names of all pairs, `listed+other`: for each two clauses the first faults that can be composed."""
    chosen: dict[tuple[str, str], str] = {}
    for first, second in permutations(checkable().values(), 2):
        wire = [(listed, other) for listed in on_the_wire(first)[:1] for other in on_the_wire(second)]
        if can_be_composed(first, second):
            for two in wire:
                if two[0] not in second.breaks and two[1] not in first.breaks:
                    chosen.setdefault(two, f"{first.name}+{second.name}")
    return list(dict.fromkeys(chosen.values()))


def check_pair(name: str) -> PairResult:
    """List the first clause that the first fault breaks, and look for all others."""
    begun = time.monotonic()
    first, second = map(find, name.split("+"))
    both, listed = compose(first, second), on_the_wire(first)[0]
    result = PairResult(name)
    sought = [clause for clause in dict.fromkeys((*on_the_wire(first), *on_the_wire(second))) if clause != listed]
    with quietly():
        entries = [Known(listed, "on purpose")]
        kinds = _look_for(sought, both, entries)
        if hidden := [clause for clause, kind in kinds.items() if kind == "hidden"]:
            kinds |= dict.fromkeys(_shown_by_any_check(both, entries).intersection(hidden), "found")
            unlisted = _shown_by_any_check(both, [])
            kinds |= {clause: "absent" for clause in hidden if kinds[clause] == "hidden" and clause not in unlisted}
    for clause, kind in kinds.items():
        getattr(result, kind).append(clause)
    result.seconds = time.monotonic() - begun
    return result


def _look_for(sought: Iterable[str], both: Fault, entries: list[Known]) -> dict[str, str]:
    """Return for each clause what its checks make of it, with such a list of known failures."""
    with closing(directed.open_session(both.protocol, target(both), CHECK_TIMEOUT)) as session:
        directed.expect_failures(session, both.protocol, entries)
        return {clause: _kind(list(directed.play_all(session, both.protocol, clause)), clause) for clause in sought}


def _shown_by_any_check(both: Fault, entries: list[Known]) -> set[str]:
    """Return the clauses that all checks together find broken, with such a list of known failures."""
    with closing(directed.open_session(both.protocol, target(both), CHECK_TIMEOUT)) as session:
        directed.expect_failures(session, both.protocol, entries)
        outcomes = directed.play_all(session, both.protocol)
        return {violation.clause_id for outcome in outcomes for violation in directed.violations_of(outcome)}


def check_pairs(names: Iterable[str], jobs: int) -> Iterator[PairResult]:
    """Check pairs, each in a process of its own, `jobs` at a time; yield the results as they come."""
    return each_in_its_process(check_pair, PairResult, names, jobs, FAULT_TIMEOUT)


def _kind(outcomes: list[directed.CheckResult], clause: str) -> str:
    """Return what became of a clause: found, undecided or hidden."""
    seen: Iterator[str] = (one.clause_id for outcome in outcomes for one in directed.violations_of(outcome))
    if clause in seen:
        return "found"
    undecided = any(_is_undecided(outcome) for outcome in outcomes)
    return "undecided" if undecided else "hidden"


def _is_undecided(outcome: directed.CheckResult) -> bool:
    raised = outcome[2]
    if raised is None or isinstance(raised, NotApplicable):
        return False
    return isinstance(raised, NotChecked) or not (raised.spares or raised.unconfirmed)
