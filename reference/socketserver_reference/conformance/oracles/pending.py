"""What one speaker of a chat has said and no member has heard for certain."""

from dataclasses import dataclass, field

from socketserver_reference.conformance.oracles.alignment import Possible


@dataclass
class Pending:
    """What one speaker sent and the log does not hold for certain, in segments: settled utterances, or streams cut
    anyhow.

    What is `lossy` comes from a client that has gone: any part of it may never be delivered.
    """

    data: bytearray = field(default_factory=bytearray)
    segments: list[tuple[int, bool]] = field(default_factory=list)  # where each ends, whether it is settled
    utterances: list[int] = field(default_factory=list)  # where each ends
    lossy: bool = False
    late: bool = False  # said before anything that the log is about
    letter: bytes = b""  # the one byte that a lossy speaker said over and over, and nothing else

    def add(self, data: bytes, settled: bool) -> None:
        """Append an utterance."""
        self.data += data
        self.utterances.append(len(self.data))
        if self.segments and not settled and not self.segments[-1][1]:
            self.segments.pop()
        self.segments.append((len(self.data), settled))

    def piece(self, taken: int, limit: int) -> tuple[bytes, bool]:
        """Return the next chunk, as long as it may be, and whether it must be all of that; b"" if there is none."""
        for end, settled in self.segments:
            if end > taken:
                return bytes(self.data[taken : min(end, taken + limit)]), settled
        return b"", False

    def dues(self, taken: int) -> list[Possible]:
        """Return what is left of it, the settled utterances and the bursts between them."""
        found, begin = [], 0
        for end, settled in self.segments:
            since = max(begin, taken)
            ends = [place - since for place in (0, *self.utterances)]
            if since < end:
                before = bytes(self.data[begin:since])
                found.append(Possible(bytes(self.data[since:end]), not settled or self.lossy, before, ends, self.lossy))
            begin = end
        return found

    def find(self, chunk: bytes, taken: int, *, more: int = 0) -> int:
        """Return where, at the earliest, a lossy speaker may have said this and so many bytes more; -1 for nowhere.

        Only the earliest place matters: whatever may come after a later one may come after it as well.
        """
        begin = taken
        if self.letter:  # there may be megabytes of it
            return taken if taken + len(chunk) + more <= len(self.data) and not chunk.strip(self.letter) else -1
        for end, _ in self.segments:
            at = self.data.find(chunk, begin, end - more)
            if at >= 0:
                return at
            begin = max(begin, end)
        return -1
