"""What failed once is kept, in a directory or by a Redis server, and comes first in the next exploration."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.exploration import campaign
from socketserver_reference.conformance.exploration.examples import kept_at
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import CannotCheck
from tests.support.checking import Checker
from tests.support.planted import Bug


class RepeatsLongWords(ChatHandler):
    def deliver(self, chunk: bytes) -> None:
        super().deliver(chunk)
        if len(chunk) > 200:
            super().deliver(chunk)


BROKEN = Bug("chat", RepeatsLongWords)
TOO_FEW = 1
"""Runs that find nothing by themselves."""


def found(database: str, with_seed: int, examples: int, *, bug: Bug = BROKEN, kept_as: str = "test_mine") -> str:
    """Explore; return the clause that was found broken, or ""."""
    with closing(open_session("chat", bug.target(), 3.0)) as session:
        how: dict[str, Any] = {"examples": examples, "with_seed": with_seed, "database": database, "kept_as": kept_as}
        try:
            explore(session, Record(["CHAT"]), "chat", "basic", **how)
        except Violation as violation:
            return violation.clause_id
    return ""


@pytest.fixture(autouse=True)
def _shrink_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "SHRINK_BUDGET", 2.0)


def finds_again(database: str) -> None:
    """What one run has found, another of the same server finds at once, until it is mended."""
    assert not found(database, with_seed=1, examples=TOO_FEW)
    assert found(database, with_seed=0, examples=5) == "CHAT-4"
    assert found(database, with_seed=1, examples=TOO_FEW) == "CHAT-4"
    assert not found(database, with_seed=1, examples=TOO_FEW, kept_as="test_other")
    assert found(database, with_seed=1, examples=TOO_FEW) == "CHAT-4"
    assert not found(database, with_seed=1, examples=TOO_FEW, bug=Bug("chat"))


@pytest.mark.slow
def test_what_failed_is_kept_in_a_directory(tmp_path: Path) -> None:
    finds_again(str(tmp_path / "examples"))


@pytest.fixture
def redis() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A Redis server of its own, at a Unix socket."""
    pytest.importorskip("redis")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no Redis is installed")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "redis.sock")
        told = ["--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", directory]
        with subprocess.Popen([program, *told], stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                assert any("ready to accept connections" in line.lower() for line in server.stdout)
                yield f"unix://{path}", server
            finally:
                server.kill()


@pytest.mark.slow
def test_what_failed_is_kept_by_a_redis_server(redis: tuple[str, subprocess.Popen[str]]) -> None:
    finds_again(redis[0])


def test_a_database_that_fails_meanwhile_leaves_open_what_it_would_have_told(
    redis: tuple[str, subprocess.Popen[str]],
) -> None:
    url, server = redis

    def used() -> None:
        with kept_at(url) as database:
            assert database is not None
            database.save(b"key", b"value")
            assert list(database.fetch(b"key")) == [b"value"]
            server.kill()
            server.wait()
            list(database.fetch(b"key"))

    with pytest.raises(NotChecked, match="the database of examples failed: "):
        used()


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("redis://127.0.0.1:1/0", "no database of examples at redis://127.0.0.1:1/0: "),
        ("redis://127.0.0.1:one", "no database of examples at redis://127.0.0.1:one: "),
        ("redis://\x1b[2J:1", "no database of examples at redis://\\x1b[2J:1: "),
        ("unix:///nowhere\n", "no database of examples at unix:///nowhere\\n: "),
        ("{}/file/examples", "cannot write into {}/file/examples: "),
    ],
)
def test_what_is_no_database_is_refused_before_anything_is_checked(
    where: str, told: str, check: Checker, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    line = check.refusal("chat", "--only=CHAT-1", "--examples=0", f"--database={where.format(tmp_path)}")
    assert told.format(tmp_path) in line


def test_without_its_package_no_redis_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "hypothesis.extra.redis", raising=False)
    with pytest.raises(CannotCheck, match="pip install redis"), kept_at("redis://127.0.0.1:1/0"):
        pass


def test_without_a_database_nothing_is_kept() -> None:
    with kept_at("") as database:
        assert database is None
