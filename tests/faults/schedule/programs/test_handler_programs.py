"""What is said of programs such as users write is right."""

import gc

import pytest

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.exploration.explore import meet, scenarios_for, search_schedules
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult
from socketserver_faults.schedule.world.subject import SubjectRefused, read
from socketserver_faults.schedule.world.worlds import world_of
from tests.support.scheduling.handler_programs import PROGRAMS, HandlerProgram
from tests.support.scheduling.programs import Write


def searched(program: HandlerProgram) -> SearchResult:
    with world_of(read(program.play, program.protocol), lines=program.lines) as world:
        meet(world, program.protocol)
        return search_schedules(world, scenarios_for(world.subject, program.scenario), Bounds(seconds=60))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * program.slow) for name, program in PROGRAMS.items()]
)
def test_the_verdict_on_a_program_is_right(name: str, write: Write) -> None:
    program = PROGRAMS[name]
    write(program=program.text)
    if program.verdict and "-" not in program.verdict:
        with pytest.raises((NotModelled, SubjectRefused), match=program.verdict):
            searched(program)
        return
    found = searched(program)
    gc.collect()  # files that a program has left open end now, and say nothing
    assert (found.outcome.clause if found.outcome else "") == program.verdict
