"""What a fault of the catalogue is made of."""

import pytest

from socketserver_faults.catalogue.index import catalogue
from socketserver_faults.catalogue.registry import THEMES, Fault
from socketserver_reference.clauses import CLAUSES

FAULTS = list(catalogue().values())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_one_method_of_the_reference_and_a_story(fault: Fault) -> None:
    assert fault.theme in THEMES
    assert set(fault.breaks) <= set(CLAUSES)
    assert fault.method in dir(fault.base)
    changed = [line for line in fault.diff().splitlines()[3:] if line.startswith(("+", "-"))]
    assert changed
    assert sum(line.startswith("+") and line.strip("+ ") != "" for line in changed) <= 12
    summary, *parts = fault.story.split("\n\n")
    assert summary.endswith(".")
    assert "\n" not in summary
    assert [part.partition(":")[0] for part in parts] == ["Thought", "Seen", "Fixed"]
