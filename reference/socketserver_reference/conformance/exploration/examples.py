"""Opens the database in which Hypothesis keeps the examples that failed, and which several machines may share.

A run begins with what another has found: whatever process, job or machine it was.
"""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.targets.base import CannotCheck

REDIS = ("redis://", "rediss://", "unix://")
"""Beginnings of what names a Redis server; everything else is a directory."""


@contextmanager
def kept_at(where: str) -> Iterator[ExampleDatabase | None]:
    """Return the database there, until the end of the block, or None for none; raise CannotCheck if there can be none.

    One that fails later, inside the block, is NotChecked: what it would have told remains unknown.
    """
    if not where:
        yield None
    elif not where.startswith(REDIS):
        try:
            Path(where).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=where).close()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise CannotCheck(f"cannot write into {printable(where)}: {why}; name a directory for examples") from None
        yield DirectoryBasedExampleDatabase(where)
    else:
        try:
            from hypothesis.extra.redis import RedisExampleDatabase
            from redis import Redis
            from redis.exceptions import RedisError
        except ImportError:
            raise CannotCheck(f"{printable(where)} takes a package that is not here: pip install redis") from None
        try:
            server = Redis.from_url(where)
            server.ping()
        except (RedisError, ValueError) as error:
            raise CannotCheck(f"no database of examples at {printable(where)}: {printable(str(error))}") from None
        with closing(server):
            try:
                yield RedisExampleDatabase(server)
            except RedisError as error:
                raise NotChecked(f"the database of examples failed: {printable(str(error))}") from None
