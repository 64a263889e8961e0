"""How `check` applies `--known FILE` and `--update-known`: read the list, mark the verdicts, update the list."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from socketserver_reference.conformance.results import known, known_file, report
from socketserver_reference.conformance.results.known_file import BadKnown
from socketserver_reference.conformance.results.verdicts import Verdict, mark, masked
from socketserver_reference.conformance.scenario.text import printable


class KnownFailures:
    """The list of one check, in one dialect; empty without --known.

    Raises BadKnown if the file is invalid or missing; with `update` it may be missing.
    """

    def __init__(self, file: Path | None, *, update: bool, dialect: str, default: bool) -> None:
        if update and file is None:
            raise BadKnown("--update-known brings a list up to date: say which by --known FILE")
        self.file = file
        self._update = update
        self._dialect = dialect
        self._mentioned = None if default else dialect
        self._all = self._read()

    def _read(self) -> list[known.Known]:
        if self.file is None or (self._update and not self.file.exists()):
            return []
        return known_file.read(self.file)

    def options(self) -> list[str]:
        """Return the list as an option of the pytest plugin."""
        return [f"--conformance-known={self.file}"] if self._all else []

    def elsewhere(self) -> list[str]:
        """Say which entries are not about this check's dialect."""
        others = [entry for entry in self._all if not entry.applies_to(self._dialect)]
        told = ", ".join(f"{entry.clause} ({printable(entry.dialect or '')})" for entry in others)
        return [f"known failures in other dialects, left alone: {told}"] if others else []

    def _marked(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        return mark(verdicts, [entry for entry in self._all if entry.applies_to(self._dialect)])

    def apply(self, verdicts: Sequence[Verdict], *, strict: bool, trouble: bool) -> tuple[list[Verdict], list[str]]:
        """Return the verdicts in the light of the list, updated if asked, and the messages about it.

        An incomplete check leaves the list as it is. Raises OSError if the list cannot be written, BadKnown if it has
        become invalid in the meantime.
        """
        marked = self._marked(verdicts)
        news = self._updated(marked, strict, trouble) if self._update else []
        marked = self._marked(verdicts)
        news += [known.stale_message(verdict.known, self.file) for verdict in marked if verdict.known and verdict.stale]
        if excused := masked(marked):
            news.append(f"not checked because of known failures: {', '.join(excused)}")
        return marked, news

    def _updated(self, marked: Sequence[Verdict], strict: bool, trouble: bool) -> list[str]:
        assert self.file is not None
        if trouble:
            return [f"{self.file} is left as it is: the checks did not end in order"]
        before = self._read()  # once more: it may have been edited while the checks ran
        failing = [verdict for verdict in marked if report.fails(verdict, strict)]
        after = known_file.updated(before, marked, failing, self._mentioned)
        known_file.update(self.file, after)
        self._all = self._read()
        changes = {
            "added": [entry.clause for entry in after if entry not in before],
            "removed": [entry.clause for entry in before if entry not in after],
        }
        told = "; ".join(f"{what} {', '.join(clauses)}" for what, clauses in changes.items() if clauses)
        return [f"{self.file}: {told or 'nothing to change'}"]
