"""The functions that users call: search the schedules of a program, or replay one.

`explore` is for a pytest file; `cli/schedule.py` does the same for a terminal.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from socketserver_faults.schedule.core.run import Choose
from socketserver_faults.schedule.exploration import story
from socketserver_faults.schedule.exploration.clearing import Clearing
from socketserver_faults.schedule.exploration.random_runs import random_choices, random_scenario
from socketserver_faults.schedule.exploration.replay import BadCode, Code, Deviations, checksum
from socketserver_faults.schedule.exploration.search import (
    REFUSALS,
    Bounds,
    Coverage,
    NoSuchOption,
    RunsDiffer,
    SearchResult,
    chooser,
    reduced,
    search,
    where_stories_part,
)
from socketserver_faults.schedule.world.fitting import protocol_spoken
from socketserver_faults.schedule.world.scenarios import SCENARIOS, NamedScenario
from socketserver_faults.schedule.world.subject import Subject, SubjectRefused, name_of, read
from socketserver_faults.schedule.world.world import ScheduleResult, World
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.confirm.cause import cause_of, is_doubtful
from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.scenario.steps import Step

RANDOM_NAME = re.compile(r"random-(\d{1,9})")
"""The name of a random scenario, with its seed."""

OWN_SCENARIO = "own"
"""The name of a scenario that `explore` receives as steps."""


class Race(AssertionError):
    """A program fails under a schedule; the message is the whole report."""


def scenarios_for(subject: Subject, name: str | None, dialect: Dialect = NOTE) -> dict[str, NamedScenario]:
    """Return the scenario of that name, or all for the subject's protocol whose clauses the dialect does not rule out,
    as they are played in it; raise SubjectRefused if there is none.
    """
    ruled_out = effects.not_applicable(dialect)
    if name is None:
        own = (scenario for scenario in SCENARIOS.values() if scenario.protocol == subject.protocol)
        return {scenario.name: scenario.in_dialect(dialect) for scenario in own if scenario.clause not in ruled_out}
    if subject.protocol == "chat" and (seed := RANDOM_NAME.fullmatch(name)):
        return {name: random_scenario(int(seed[1]))}
    if name not in SCENARIOS:
        raise SubjectRefused(f"{name!r} is no scenario: they are {', '.join(SCENARIOS)}")
    scenario = SCENARIOS[name]
    if scenario.protocol != subject.protocol:
        raise SubjectRefused(
            f"scenario {name!r} is for {scenario.protocol}, and {subject.name} serves {subject.protocol}"
        )
    if scenario.clause in ruled_out:
        raise SubjectRefused(f"scenario {name!r} is about {scenario.clause}: {ruled_out[scenario.clause]}")
    return {name: scenario.in_dialect(dialect)}


def protocol_of(name: str | None, dialect: Dialect) -> str:
    """Return the protocol that a scenario or a dialect is for; "" if both leave it open."""
    if name in SCENARIOS:
        return SCENARIOS[name].protocol
    if name is not None and RANDOM_NAME.fullmatch(name):
        return "chat"
    streams = [protocol for protocol in dialect.protocols if protocol in ("chat", "echo")]
    return streams[0] if len(streams) == 1 else ""


def meet(world: World, protocol: str) -> None:
    """Find out what protocol a user's own program speaks, if none is given; raise SpeaksOtherwise if it speaks none."""
    if world.subject.protocol not in world.dialect.protocols:
        raise SubjectRefused(f"{world.dialect.name} is no dialect of {world.subject.protocol}: see --dialect")
    if world.subject.loop:
        spoken = protocol_spoken(world, protocol or world.subject.protocol, given=bool(protocol))
        world.subject = replace(world.subject, protocol=spoken)


def search_schedules(world: World, scenarios: dict[str, NamedScenario], bounds: Bounds) -> SearchResult:
    """Search the schedules of the scenarios; without a bound on deviations, try to clear each."""
    plays = {
        name: (partial(world.play, scenario), scenario.deviations if bounds.deviations is None else bounds.deviations)
        for name, scenario in scenarios.items()
    }
    with Clearing(world) as clearing:
        clear = (
            None if bounds.deviations is not None else lambda name, *limits: clearing.clear(scenarios[name], *limits)
        )
        found = search(plays, bounds, clear)
        found.bounded = clearing.refused
    if found.outcome is not None:
        found.outcome = attributed(world, scenarios[found.scenario], found.deviations, found.outcome)
    return found


def attributed(
    world: World, scenario: NamedScenario, deviations: Deviations, outcome: ScheduleResult
) -> ScheduleResult:
    """Return a failure, counted against the clause that it depends on, as `check` does.

    It is asked without deviations, so that says nothing of a failure that needs some.
    """
    failure = outcome.failure
    if failure is None or deviations or not is_doubtful(failure):
        return outcome

    def shows(steps: list[Step]) -> bool:
        seen = world.play(replace(scenario, steps=tuple(steps))).failure
        return seen is not None and seen.shape == failure.shape

    clause = cause_of(failure, scenario.steps, world.dialect, shows)
    return replace(outcome, failure=failure.of(clause)) if clause != failure.clause_id else outcome


def search_random(world: World, count: int, first: int = 0) -> SearchResult:
    """Play `count` random scenarios, each under a random schedule, with seeds from `first` on; stop at a failure.

    The schedule that fails is then reduced to as few deviations as possible.
    """
    if world.subject.protocol != "chat":
        raise SubjectRefused(
            f"random scenarios are for a chat, and {world.subject.name} serves {world.subject.protocol}"
        )
    begun = time.monotonic()
    coverage = Coverage(0, [0])
    found = SearchResult({"random": coverage})
    for seed in range(first, first + count):
        scenario = random_scenario(seed)
        outcome = world.play(scenario, random_choices(seed))
        coverage.levels[0] += 1
        coverage.unjudged += not outcome.judged
        if outcome.failure is not None:
            found.scenario = scenario.name
            found.deviations, found.outcome = reduced(partial(world.play, scenario), outcome)
            break
    found.seconds = time.monotonic() - begun
    return found


def code_of(found: SearchResult, *, lines: bool) -> Code:
    """Return the code that replays a failure."""
    assert found.outcome is not None
    return Code.of(found.scenario, found.deviations, found.outcome.story, lines=lines)


MAX_FURTHER_DEVIATIONS = 1
"""Deviations at most with which all scenarios are searched for other clauses, once one fails: none where one is as many
as are ever tried, as those scenarios are long.
"""


def further_failures(
    world: World, scenarios: dict[str, NamedScenario], found: SearchResult, bounds: Bounds
) -> Iterator[SearchResult]:
    """Yield failures of other clauses: one broken clause hides no other.

    What a clause that is known to be broken explains as well is no evidence against another. In the end, raise
    the refusal of a scenario that cannot be judged.
    """

    def explained(outcome: ScheduleResult) -> bool:
        failure = outcome.failure
        return failure is not None and not known.isdisjoint({failure.clause_id, *failure.candidates})

    def play(scenario: NamedScenario, choose: Choose) -> ScheduleResult:
        outcome = world.play(scenario, choose)
        return replace(outcome, failure=None) if explained(outcome) else outcome

    assert found.outcome is not None
    known = {found.outcome.clause}
    until = time.monotonic() + bounds.seconds - found.seconds
    refused: dict[str, Exception] = {}
    for level in range(MAX_FURTHER_DEVIATIONS + 1):
        for name, scenario in scenarios.items():
            left = until - time.monotonic()
            most = scenario.deviations if bounds.deviations is None else bounds.deviations
            if left <= 0 or level > most or (level and level == scenario.deviations) or name in refused:
                continue
            try:
                result = search({name: (partial(play, scenario), level)}, Bounds(level, bounds.schedules, left))
            except REFUSALS as why:
                refused[name] = why
                continue
            if result.outcome is None:
                continue
            result.outcome = attributed(world, scenario, result.deviations, result.outcome)
            if not explained(result.outcome):
                known.add(result.outcome.clause)
                yield result
    for refusal in refused.values():
        raise refusal


def confirm(world: World, scenarios: dict[str, NamedScenario], found: SearchResult, *, lines: bool) -> None:
    """Replay a failure in another virtual process, where addresses are others; raise RunsDiffer if it differs there.

    If nothing fails, raise SubjectRefused if of a scenario no schedule could be judged.
    """
    if found.outcome is None:
        _refuse_unjudged([name for name, one in found.covered.items() if one.schedules and not one.judged])
        return
    scenario = scenarios.get(found.scenario) or random_scenario(int(found.scenario.rpartition("-")[2]))
    code = code_of(found, lines=lines)
    with world_of(world.subject, lines=lines, dialect=world.dialect) as other:
        with suppress(BadCode):
            again = replay_schedule(other, scenario, code)
            if again.clause == found.outcome.clause:
                return
        raise RunsDiffer(where_stories_part(found.outcome.story, other.scheduler.story))


def _refuse_unjudged(names: Sequence[str]) -> None:
    """Raise SubjectRefused if there are scenarios of which no schedule could be judged: that is no success."""
    if names:
        why = "what the clients read may have come about in too many ways"
        raise SubjectRefused(f"nothing could be judged: in {', '.join(names)}, {why}")


def replay_schedule(world: World, scenario: NamedScenario, code: Code) -> ScheduleResult:
    """Play a schedule again; raise BadCode if the code belongs to another program, SubjectRefused if it is unjudged."""
    stranger = f"{code} belongs to another program than {world.subject.name}, or to another version of it or of Python"
    try:
        outcome = world.play(scenario, chooser(code.deviations))
    except NoSuchOption as error:
        raise BadCode(f"{stranger}: {error}") from None
    if checksum(outcome.story) != code.checksum:
        raise BadCode(f"{stranger}: its checksum is {checksum(outcome.story)} here")
    _refuse_unjudged([] if outcome.judged else [scenario.name])
    return attributed(world, scenario, code.deviations, outcome)


def explore(
    handler: type[Any] | Callable[[], Any] | str,
    scenario: str | Sequence[Step] | None = None,
    *,
    deviations: int | None = None,
    seconds: float = 30.0,
    lines: bool = False,
    replay: str = "",
    dialect: Dialect = NOTE,
) -> SearchResult:
    """Play a handler class under its schedules; raise Race, an AssertionError, with the first that fails.

    `handler` is at the top level of a module that can be imported; it may also be a function without arguments that
    returns a server of `socketserver`, or a name as `schedule` takes it: "chat.py", say. `scenario` is the name of one,
    or steps of the suite; the default is all scenarios for its protocol in the `dialect`. For at most `seconds`, one
    schedule of each class of equivalent ones is tried; where that is not possible, all with up to two deviations are,
    in some scenarios up to one or three. With `deviations`, all with up to so many are tried. With `replay`, a code,
    only that schedule is played. The result says what was covered; its `whole` is true if that is all.
    """
    __tracebackhide__ = True  # what pytest shows is the race
    named = scenario if isinstance(scenario, str) else None
    protocol = protocol_of(named, dialect)
    subject = read(handler if isinstance(handler, str) else name_of(handler), protocol)
    with one_processor(os.getpid()), world_of(subject, lines=lines, dialect=dialect) as world:
        if scenario is None or isinstance(scenario, str):
            meet(world, protocol)
            scenarios = scenarios_for(world.subject, named, dialect)
        else:
            steps, spoken = tuple(scenario), world.subject.protocol
            scenarios = {OWN_SCENARIO: NamedScenario(OWN_SCENARIO, "the given steps", "", steps, spoken, "abrupt")}
        if replay:
            found = _replay(world, scenarios, Code.parse(replay))
        else:
            found = search_schedules(world, scenarios, Bounds(deviations, seconds=seconds))
            confirm(world, scenarios, found, lines=lines)
    if found.outcome is not None:
        raise Race("\n".join(story.report_lines(found, _again(found, lines=lines))))
    return found


def _replay(world: World, scenarios: dict[str, NamedScenario], code: Code) -> SearchResult:
    if code.scenario not in scenarios:
        raise BadCode(f"{code} is for the scenario {code.scenario!r}, which is not among {', '.join(scenarios)}")
    outcome = replay_schedule(world, scenarios[code.scenario], code)
    return SearchResult({}, 0.0, code.scenario, code.deviations, outcome if outcome.failure else None)


def _again(found: SearchResult, *, lines: bool) -> str:
    return f'explore(..., replay="{code_of(found, lines=lines)}")'
