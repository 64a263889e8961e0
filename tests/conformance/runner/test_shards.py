"""Checks in several processes, and on several machines: the verdicts are the same, and each is reached once."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.checking import PLUGIN

SUBJECTS = """
from socketserver_faults.catalogue.index import find
from socketserver_reference.address import Address
from socketserver_reference.conformance import ChatConformance, EchoConformance, InProcess
from socketserver_reference.family import make_server

class TestEcho(EchoConformance):
    target = InProcess(lambda: make_server("echo", Address("tcp", "127.0.0.1")))

class TestBroken(ChatConformance):
    target = InProcess(find("strips-white-space").make)

def test_of_another_kind():
    pass
"""


def verdicts(pytester: pytest.Pytester, *options: str) -> dict[str, str]:
    """Run the tests of two servers; return of each its outcome, and the first line of the reason."""
    file = Path("verdicts.xml")
    pytester.runpytest_subprocess(
        *PLUGIN, "--conformance-profile=basic", "--conformance-examples=2", f"--junitxml={file}", *options
    )
    found = {}
    for case in ElementTree.parse(file).iter("testcase"):
        outcome = next((f"{one.tag}: {one.get('message', '').partition(chr(10))[0]}" for one in case), "passed")
        found[f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"] = outcome
    return found


@pytest.mark.slow
def test_the_verdicts_of_several_processes_are_those_of_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_both=SUBJECTS)
    alone = verdicts(pytester, "-n", "0")
    assert verdicts(pytester, "-n", "2") == alone
    # A worker elsewhere gets the files first, into a directory of its own.
    remote = (f"--tx=2*popen//python={sys.executable}//chdir={pytester.mkdir('there')}", f"--rsyncdir={pytester.path}")
    assert verdicts(pytester, "--dist=load", *remote) == alone
    kinds = {outcome.partition(":")[0] for outcome in alone.values()}
    assert kinds == {"passed", "failure", "skipped"}
    assert any("CHAT-3: the server MUST" in outcome for outcome in alone.values())


def names(pytester: pytest.Pytester, *options: str) -> list[str]:
    """Return the names of the tests that would run."""
    result = pytester.runpytest_inprocess(*PLUGIN, "--collect-only", "-q", *options)
    return [line for line in result.outlines if "::" in line]


@pytest.mark.parametrize("chosen", [(), ("-k", "chunk or another"), ("--conformance-only=CHAT-2",)])
def test_each_test_is_in_one_shard(chosen: tuple[str, ...], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_both=SUBJECTS)
    everything = names(pytester, *chosen)
    shards = [names(pytester, *chosen, f"--conformance-shard={part}/3") for part in (1, 2, 3)]
    assert sorted(name for shard in shards for name in shard) == sorted(everything)
    sizes = [len(shard) for shard in shards]
    assert max(sizes) - min(sizes) <= 1
    assert all(shard == [name for name in everything if name in shard] for shard in shards)


@pytest.mark.slow
def test_a_shard_is_the_same_in_every_process(pytester: pytest.Pytester) -> None:
    """Of the workers of pytest-xdist too, which collect for themselves."""
    pytester.makepyfile(test_both="import pytest\n@pytest.mark.parametrize('n', range(7))\ndef test_it(n): pass\n")
    result = pytester.runpytest_subprocess(*PLUGIN, "-n", "2", "--conformance-shard=1/2")
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize("wrong", ["3/2", "0/2", "two", "1/", "-1/2", "1/2/3", "1/²"])
def test_what_is_no_part_is_refused(wrong: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*PLUGIN, f"--conformance-shard={wrong}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*'{wrong}' is no part such as 1/4, the first of four"])


MATRIX = "socketserver_faults.matrix.collected"


@pytest.mark.slow
def test_the_kill_matrix_is_tests_too_and_a_fault_with_other_clauses_fails_its_own(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        from dataclasses import replace
        from socketserver_faults.catalogue.index import CATALOGUE, find
        CATALOGUE["strips-white-space"] = replace(find("strips-white-space"), breaks=("CHAT-5",))
        """
    )
    chosen = ("--pyargs", MATRIX, "-k", "strips-white-space or replies-twice", "-n", "2")
    ran = [pytester.runpytest_subprocess(*PLUGIN, *chosen, f"--conformance-shard={part}") for part in ("1/2", "2/2")]
    counted = [{name: run.parseoutcomes().get(name, 0) for name in ("passed", "failed")} for run in ran]
    assert {name: sum(one[name] for one in counted) for name in ("passed", "failed")} == {"passed": 1, "failed": 1}
    told = "strips-white-space should break CHAT-5, but no directed scenario shows it"
    assert any(told in line for run in ran for line in run.outlines)
