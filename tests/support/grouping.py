"""Which tests run in one worker, after each other, since they share what is costly to make.

pytest-xdist 3.8 writes the group of a test into its id, but pytest 9.2 overlooks that: each worker would make a browser
and pages of its own.
"""

import re
from functools import cache
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.serving import ROOT

MARK = re.compile(r'^ *(?:pytestmark = )?pytest\.mark\.xdist_group\("([^"]+)"\)', re.MULTILINE)


def scheduling(config: pytest.Config, log: object) -> Any:
    """Return what gives the tests of all modules with the same group to one worker, and every other test to any."""
    made = LoadScopeScheduling(config, log)
    made._split_scope = scope
    return made


def scope(nodeid: str) -> str:
    """Return the group of a test, or the test alone."""
    return group_of(nodeid.partition("::")[0]) or nodeid


@cache
def group_of(file: str) -> str | None:
    """Return the group of the tests of a module."""
    found = MARK.search((ROOT / file).read_text(encoding="utf-8"))
    return found[1] if found else None
