"""`make pythons`: which interpreters it looks for. ci/targets runs it with this one, in a short form."""

import re
import sys
import tomllib

from tests.support.serving import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_version_that_the_project_claims_is_looked_for() -> None:
    claimed = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["project"]["classifiers"]))
    assert claimed[0] == PROJECT["project"]["requires-python"].removeprefix(">=")
    looked_for = PROJECT["tool"]["tox"]["env_list"]
    assert {*claimed} <= {*looked_for}
    assert {f"{sys.version_info.major}.{sys.version_info.minor}", "3.13t", "pypy3.11"} <= {*looked_for}
