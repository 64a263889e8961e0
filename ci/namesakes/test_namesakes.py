"""A project with packages called reference and faults, and with fixtures of the suite's names: all remain its own."""

import sys

import faults
import reference
from socketserver_reference.conformance import EchoConformance, Launched


def test_packages_are_the_projects_own():
    assert (reference.OWNER, faults.OWNER) == ("the project", "the project")


def test_fixtures_are_the_projects_own(play, explore, performer):
    assert (play, explore, performer) == ("the project's play", "the project's explore", "the project's performer")


class TestEcho(EchoConformance):
    """The checks have their own, in the same project."""

    target = Launched(f"{sys.executable} -m socketserver_reference serve echo --port {{port}}")
