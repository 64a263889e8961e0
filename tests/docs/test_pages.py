"""The site has a page, or a place, for everything that it promises to have; and no link of a page leads nowhere."""

import inspect
import json
import posixpath
import re
from pathlib import PurePosixPath
from typing import Any

import pytest

from docs.derive import clauses, essays, faults, manual, site
from socketserver_faults.cli import main as faults_command
from socketserver_reference import conformance
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.cli import main as reference_command
from socketserver_reference.cli import spec
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.dialects.keys import TABLES
from socketserver_reference.conformance.dialects.loader import bundled
from socketserver_reference.conformance.reports import json_report
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.runner.options import OPTIONS, SHARD

pytestmark = pytest.mark.xdist_group("the pages of the site")  # they are made once


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """All pages, without the drawings and stories that have to be played."""
    derived = (clauses.pages({}), faults.pages({}), manual.pages(), essays.pages())
    return {**site.written(), **{path: text for some in derived for path, text in some}}


def test_a_clause_without_a_title_and_a_reason_is_an_error_that_says_where_they_belong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clauses, "REASONS", {})
    with pytest.raises(LookupError, match=r"docs/clauses\.toml says neither a title of CHAT-7 nor why"):
        clauses.clause_page(CLAUSES["CHAT-7"], {})


@pytest.mark.slow
def test_every_clause_has_a_page_with_an_anchor_a_title_and_a_reason(pages: dict[str, str]) -> None:
    assert list(clauses.REASONS) == list(CLAUSES)
    for id in CLAUSES:
        page = pages[f"specification/{id}.md"]
        assert page.startswith(f"({id})=\n# {id}: ")
        assert clauses.REASONS[id]["why"] in page


def test_the_page_of_a_clause_has_its_code_its_checks_and_its_faults(pages: dict[str, str]) -> None:
    page = pages["specification/CHAT-7.md"]
    assert re.search(r"literalinclude\} .*/socketserver_reference/chat\.py\n:lines: \d+-\d+\n", page)
    for _, check in direct.checks(ChatConformance, "CHAT-7"):
        assert check in page
    for name in (name for id, _, name in spec.faults() if id == "CHAT-7"):
        assert f"(../faults/{name}.md)" in page
        assert f"<details><summary>{name}</summary>\n\n```diff\n--- socketserver" in page
    assert "| `node-chat` | The server MUST remove a member whose line is" in page
    assert "| `rfc862` | not asked: " in pages["specification/ECHO-4.md"]


def test_every_fault_has_a_page_with_its_story_and_its_difference(pages: dict[str, str]) -> None:
    names = {name for _, _, name in spec.faults()}
    assert len(names) > 80
    for name in names:
        page = pages[f"faults/{name}.md"]
        assert "**Seen.** " in page
        assert "```diff\n--- socketserver" in page
        assert f"[{name}]({name}.md)" in pages["faults/index.md"]
    assert "[The closed-request bug](../explanation/closed-request.md) explains every case" in re.sub(
        r"\s+", " ", pages["faults/closed-request.md"]
    )


@pytest.mark.parametrize("main", [reference_command, faults_command])
def test_every_command_has_a_page_with_all_its_options(pages: dict[str, str], main: Any) -> None:
    for name in main.COMMANDS:
        page = pages[f"reference/{main.PROGRAM}/{name}.md"]
        shown = manual.PROGRAMS[main.PROGRAM][1](name).format_usage()
        for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", shown)):
            assert re.search(rf"^\| .*`{option}[ `].* \|$", page, re.MULTILINE), f"{name} {option} has no row"


@pytest.mark.parametrize("program", manual.PROGRAMS)
def test_a_command_that_prints_the_schema_of_its_json_writes_json(program: str) -> None:
    names, parser = manual.PROGRAMS[program]
    for name in names:
        shown = parser(name).format_usage()
        assert "--json-schema" not in shown or "--json " in shown, f"{program} {name}"


def test_every_option_that_a_written_page_or_the_readme_names_is_one(pages: dict[str, str]) -> None:
    known = {f"--conformance-{option.name}" for option in (*OPTIONS, SHARD)}
    for names, parser in manual.PROGRAMS.values():
        known |= {option for name in names for option in re.findall(r"--[a-z-]+", parser(name).format_help())}
    written = {**{path: pages[path] for path in site.written()}, "README.md": (clauses.ROOT / "README.md").read_text()}
    named = {path: set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text)) for path, text in written.items()}
    assert {path: options - known for path, options in named.items() if options - known} == {}


def test_every_option_of_pytest_every_key_and_every_public_name_has_its_place(pages: dict[str, str]) -> None:
    for option in (*OPTIONS, SHARD):
        assert f"`--conformance-{option.name}" in pages["reference/pytest.md"]
    for table in TABLES.values():
        for key in table.keys:
            assert f"| `{key.name}`" in pages["reference/dialect-keys.md"]
    for name in bundled():
        assert f"\n## {name}\n" in pages["reference/dialects.md"]
    for name in conformance.__all__:
        assert f"\n### {name}\n" in pages["reference/api.md"]


def test_every_key_of_the_json_report_is_told(pages: dict[str, str]) -> None:
    keys = set(re.findall(r'^ +"(\w+)": ', inspect.getsource(json_report), re.MULTILINE))
    assert len(keys) > 30
    assert [key for key in sorted(keys) if not re.search(rf"`([\w.]+\.)?{key}`", pages["reference/json.md"])] == []


def test_the_figures_of_the_record_are_shown_with_their_date_their_machine_and_their_versions(
    pages: dict[str, str],
) -> None:
    text = essays.FIGURES.read_text(encoding="utf-8")
    record = json.loads(text)
    page = pages["explanation/figures.md"]
    for name in ("measured", "version", "beside", "python", "system", "processors", "figures"):
        assert record["machine"][name]
        assert f"\n- {name}: " in page
    assert set(record["tables"]) == {"rooms", "echoes", "crowds", "checks", "schedules", "ratios"}
    for name, rows in record["tables"].items():
        assert f"\n| {' | '.join(record['heads'][name].values())} |\n" in page
        assert rows
    tables = [*record["tables"].values(), json.loads(essays.ERROR_RATES.read_text())["tables"]["rates"]]
    assert page.count("\n| ") == sum(2 + len(rows) for rows in tables)
    assert not re.search(r"/(home|root|tmp|usr|work)\b", text)


def test_the_error_rates_of_the_record_are_shown_and_each_that_is_not_zero_has_its_cause(pages: dict[str, str]) -> None:
    record = json.loads(essays.ERROR_RATES.read_text())
    page = pages["explanation/figures.md"].partition("## Wrong verdicts")[2]
    assert f"\n| {' | '.join(record['heads']['rates'].values())} |\n" in page
    wrong = {row["what"] for row in record["tables"]["rates"] if row["wrong"] and row["what"] != "all faults"}
    assert {cause.partition(":")[0] for cause in record["causes"]} == wrong
    assert all(f"\n- {cause.partition(':')[0]}: " in page for cause in record["causes"])


def test_no_link_of_a_page_leads_nowhere(pages: dict[str, str]) -> None:
    there = {*pages, *(path for path, _ in manual.schemas())}
    dead = []
    for path, text in pages.items():
        prose = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)", prose):
            home = PurePosixPath(path).parent
            if "://" not in target and posixpath.normpath(str(home / target)) not in there:
                dead.append(f"{path}: {target}")
    assert dead == []


def test_a_written_page_has_its_numbers(pages: dict[str, str]) -> None:
    assert f"{len(CLAUSES)} numbered clauses" in pages["index.md"]
    assert not [path for path in site.written() if re.search(r"\{\{(?!checkout)", pages[path])]
