"""The kill matrix as tests, one for each fault, for pytest's own ways to share work:

pytest --pyargs socketserver_faults.matrix.collected -n 4 --conformance-shard 1/2
"""

import pytest

from socketserver_faults.catalogue.index import checkable
from socketserver_faults.matrix.runner import check_in_processes


@pytest.mark.parametrize("name", list(checkable()))
def test_a_fault_breaks_its_clauses_and_no_others(name: str) -> None:
    (result,) = check_in_processes([name], jobs=1)
    if mismatches := result.mismatches():
        pytest.fail("\n".join(mismatches), pytrace=False)
