"""Names of modules in strings, each list of which has one home: every one of them is a module that there is."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, version
from pathlib import Path
from types import ModuleType

import pytest

from socketserver_faults import schedule
from socketserver_faults.schedule.virtual.sources import find_source
from socketserver_reference import conformance
from socketserver_reference.cli import main as reference_command
from socketserver_reference.cli.main import COMMANDS
from socketserver_reference.cli.report_files import FORMATS
from socketserver_reference.conformance.results import report
from tests.support.serving import ROOT


def test_every_name_of_the_suite_has_a_home() -> None:
    assert list(conformance._HOMES) == conformance.__all__


@pytest.mark.parametrize("package", [conformance, schedule], ids=lambda package: str(package.__name__))
def test_every_public_name_is_found_by_python_and_by_type_checkers_in_the_same_module(package: ModuleType) -> None:
    source = ast.parse(Path(str(package.__file__)).read_text())
    (for_checkers,) = (node for node in source.body if isinstance(node, ast.If))
    imports = [node for node in for_checkers.body if isinstance(node, ast.ImportFrom)]
    typed = {alias.name: node.module for node in imports for alias in node.names}
    assert {name: getattr(package, name).__module__ for name in package.__all__} == typed


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_a_report_is_written_by_a_module(name: str) -> None:
    assert callable(import_module(f"socketserver_reference.conformance.reports.{FORMATS[name][1]}").write)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_a_report_is_told_in_the_documents_and_tested(name: str) -> None:
    assert f"`--{name} FILE`" in (ROOT / "docs/how-to/check.md").read_text()
    module = FORMATS[name][1].rpartition(".")[2]
    tests = [file.read_text() for file in (ROOT / "tests/conformance/reports").glob("test_*.py")]
    assert [test for test in tests if re.search(rf"import .*\b{module}\b", test)], f"no test there imports {module}"


def test_every_text_that_looks_like_the_name_of_a_module_is_one() -> None:
    files = [file for folder in ("reference", "faults", "docs", "ci") for file in (ROOT / folder).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)]
    names = {str(node.value) for node in nodes if re.fullmatch(r"socketserver_\w+(\.\w+)+", str(node.value))}
    assert len(names) > 10
    assert [name for name in sorted(names) if not find_source(name)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_module(name: str) -> None:
    assert callable(import_module(f"socketserver_reference.cli.{name}").run)


def test_the_entry_points_are_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = [*project["scripts"].values(), *project["entry-points"]["pytest11"].values()]
    assert len(points) == 3
    for point in points:
        assert EntryPoint("", point, "").load()


@pytest.mark.parametrize("package", ["socketserver_reference", "socketserver_faults"])
def test_a_command_says_its_version(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        import_module(f"{package}.cli.main").main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"socketserver-reference {version('socketserver-reference')}, Python 3.")


def test_where_nothing_is_installed_a_command_says_that_in_place_of_its_version(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(SystemExit):
        reference_command.main(["--version"])
    assert capsys.readouterr().out.startswith("no-such-distribution (not installed), Python 3.")


def test_no_test_module_imports_another() -> None:
    imported = re.compile(r"^ *(?:from|import) tests\b(?!\.(?:support|servers)\b)", re.MULTILINE)
    assert [str(file) for file in (ROOT / "tests").rglob("*.py") if imported.search(file.read_text())] == []


def test_the_tests_that_a_docstring_names_are_there() -> None:
    sources = [file for package in ("reference", "faults") for file in (ROOT / package).rglob("*.py")]
    named = {path for file in sources for path in re.findall(r"tests/[\w/]+\.py", file.read_text())}
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


MAX_FILE_LINES = 350

MAX_FOLDER_MODULES = 20


def test_no_file_is_long_and_no_folder_is_full() -> None:
    files = [file for part in ("reference", "faults", "tests", "ci") for file in (ROOT / part).rglob("*.py")]
    long = [str(file) for file in files if len(file.read_text().splitlines()) > MAX_FILE_LINES]
    assert long == [], f"split what has more than {MAX_FILE_LINES} lines"
    sizes = Counter(file.parent for file in files if file.name != "__init__.py")
    full = [str(folder) for folder, modules in sizes.items() if modules > MAX_FOLDER_MODULES]
    assert full == [], f"give what has more than {MAX_FOLDER_MODULES} modules a folder inside"


def defined() -> Iterator[tuple[str, str, str]]:
    """Yield each class and each constant of a module that is a number: its name, its place, and its value."""
    for package in ("reference", "faults"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.parse(file.read_text()).body:
                place = str(file.relative_to(ROOT))
                if isinstance(node, ast.ClassDef):
                    yield node.name, place, place
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    number = ast.unparse(node.value)
                    if re.fullmatch(r"[\d.*+ -]+", number):
                        yield node.targets[0].id, place, str(eval(number))


def test_the_name_of_a_class_or_a_number_means_one_thing() -> None:
    meanings: dict[str, dict[str, str]] = {}
    for name, place, value in defined():
        if place != "faults/socketserver_faults/tutorial.py":  # its programs are named as the reference's
            meanings.setdefault(name, {})[value] = place
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}
