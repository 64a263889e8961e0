"""The tests of a group run in one worker, whichever modules they are in."""

import ast

from tests.support.grouping import group_of, scope
from tests.support.serving import ROOT


def test_every_module_that_names_a_group_is_in_it() -> None:
    for file in (ROOT / "tests").rglob("test_*.py"):
        source = file.read_text(encoding="utf-8")
        named = {
            call.args[0].value
            for call in ast.walk(ast.parse(source) if "xdist_group" in source else ast.Module([], []))
            if isinstance(call, ast.Call)
            and ast.unparse(call.func) == "pytest.mark.xdist_group"
            and isinstance(call.args[0], ast.Constant)
        }
        assert {group_of(str(file.relative_to(ROOT)))} == (named or {None})


def test_a_group_is_one_unit_of_work_and_so_is_every_other_test() -> None:
    one, other = (f"tests/conformance/reports/{name}.py::test" for name in ("test_page", "test_page_use"))
    assert scope(one) == scope(other) == "browser"
    assert scope("tests/ci/test_grouping.py::one") != scope("tests/ci/test_grouping.py::other")
