"""The room's log: every delivery, in the one order that all members must see, and every way it may have come about.

A client sees bytes; the server saw chunks. For a settled utterance the two agree. For bursts they need not: TCP merges
and splits, speakers overtake each other, and a payload may itself contain `ack`. So the log keeps the bytes once, and
beside them the set of *hypotheses*: all the ways to cut them into deliveries so that every chunk is the next piece of
what some speaker sent. As long as one hypothesis is left, the server may be right; when none is left, it is wrong.

Total order (CHAT-13) costs nothing here: every member's stream must be a stretch of this one log.

This file decides what is legal; `stream_chat.py` says whose fault it is when it is not.
"""

from collections.abc import Set
from typing import NamedTuple

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.alignment import Possible
from socketserver_reference.conformance.oracles.pending import Pending
from socketserver_reference.conformance.scenario.text import common_prefix

MAX_HYPOTHESES = 2_000
"""Hypotheses considered for one extension, beyond one a byte; only utterances made to be ambiguous have more, and they
are then not judged.
"""


class Ambiguous(Exception):
    """There are too many hypotheses to follow."""


class ParseHypothesis(NamedTuple):
    """The log up to `position` is deliveries, which took so many bytes of each pending speaker in turn."""

    position: int
    taken: tuple[int, ...]


class SegmentationParser:
    """See the module. Positions are absolute: they count the bytes of all deliveries since the beginning."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._text = bytearray()
        self.start = 0
        """The position of the first byte that is kept."""
        self._pending: dict[str, Pending] = {}
        self._together: dict[str, list[str]] = {}  # a speaker that stands for several who have gone -> all of them
        self._hypotheses = {ParseHypothesis(0, ())}
        self._boundaries = {0}  # positions at which some reading has a delivery end

    @property
    def end(self) -> int:
        """The position after the last byte that any member has read."""
        return self.start + len(self._text)

    def bytes_at(self, position: int, count: int) -> bytes:
        """Return up to so many bytes of the log."""
        begin = position - self.start
        return bytes(self._text[begin : begin + count])

    def boundaries(self, since: int, until: int) -> list[int]:
        """Return the positions in that range, both ends included, at which a delivery may begin or have ended."""
        here = (position for position in self._boundaries if since <= position <= until)
        return sorted(position for position in here if self._dialect.prefix.startswith(self._prefix_at(position)))

    def _prefix_at(self, position: int) -> bytes:
        return self.bytes_at(position, len(self._dialect.prefix))

    # What was said

    def say(self, who: str, data: bytes, settled: bool) -> None:
        """Note an utterance: from now on its delivery is legal."""
        if who not in self._pending:
            self._pending[who] = Pending()
            self._hypotheses = {ParseHypothesis(r.position, (*r.taken, 0)) for r in self._hypotheses}
        self._pending[who].add(self._dialect.sent(data), settled)

    def say_late(self, who: str, data: bytes) -> None:
        """Note what somebody said who has gone, before anything that the log is about: it may come, in part or not at
        all.
        """
        self.say(who, data, settled=False)
        self._pending[who].late = True
        self.lose(who)

    def doubt(self, who: str) -> None:
        """Note that what is pending from the speaker may come, in part or not at all."""
        if who in self._pending:
            self._pending[who].lossy = True

    def lose(self, who: str) -> None:
        """Note that the speaker has gone: the same, and it says no more."""
        self.doubt(who)
        if who in self._pending:
            self._take_together(who)

    def _take_together(self, who: str) -> None:
        """Let all who have gone and said nothing but one letter, in bursts, be one speaker.

        Which of them a delivery is of, nobody can tell, and to follow every way to read it would be too much where they
        are many. But whatever may come of what they said may come of as many letters by one.
        """
        gone = self._pending[who]
        letter = bytes(gone.data[:1])
        if any(settled for _, settled in gone.segments) or gone.data.count(letter) != len(gone.data):
            return
        all_of_them = f"whoever {'said' if gone.late else 'says'} {letter!r}"
        self._together.setdefault(all_of_them, []).append(who)
        names = list(self._pending)
        if all_of_them not in names:
            gone.letter = letter
            self._pending = {all_of_them if name == who else name: one for name, one in self._pending.items()}
            return
        self._pending[all_of_them].add(bytes(self._pending.pop(who).data), settled=False)
        one, other = names.index(all_of_them), names.index(who)

        def together(taken: list[int]) -> tuple[int, ...]:
            taken[one] += taken[other]
            return (*taken[:other], *taken[other + 1 :])

        self._hypotheses = {
            ParseHypothesis(hypothesis.position, together([*hypothesis.taken])) for hypothesis in self._hypotheses
        }

    def complete(self, who: str) -> bool:
        """Whether all that `who` said may have been delivered."""
        names = {who, *(one for one, several in self._together.items() if who in several)}
        return names.isdisjoint(self._pending) or self._all_delivered(names)

    def settled(self) -> bool:
        """Whether all that must be delivered may have been: all utterances but those of clients that have gone."""
        return self._all_delivered({who for who, waiting in self._pending.items() if not waiting.lossy})

    def _all_delivered(self, names: Set[str]) -> bool:
        lengths = [len(waiting.data) if who in names else None for who, waiting in self._pending.items()]
        return any(
            all(length in (None, taken) for taken, length in zip(hypothesis.taken, lengths, strict=True))
            for hypothesis in self._hypotheses
        )

    def outstanding(self) -> list[str]:
        """Return all pending speakers, including those that have gone; one, where several are taken for one."""
        return [self._together.get(who, [who])[-1] for who in self._pending]

    def waiting(self) -> list[bytes]:
        """Return, for each pending speaker, the bytes that no hypothesis takes for delivered."""
        least = [min(taken) for taken in zip(*(hypothesis.taken for hypothesis in self._hypotheses), strict=True)]
        return [bytes(one.data[taken:]) for taken, one in zip(least, self._pending.values(), strict=True)]

    def max_undelivered_bytes(self) -> int:
        """Return how many bytes of deliveries may still come of what was said: as many as when each byte is a chunk."""
        return len(self._dialect.delivery(b".")) * self._undelivered(late=True)

    def undelivered(self) -> int:
        """Return how many bytes of what was said, late words left out, may not have been delivered yet."""
        return self._undelivered(late=False)

    def _undelivered(self, *, late: bool) -> int:
        return max(
            sum(
                len(waiting.data) - taken
                for taken, waiting in zip(hypothesis.taken, self._pending.values(), strict=True)
                if late or not waiting.late
            )
            for hypothesis in self._hypotheses
        )

    def next_deliveries(self) -> list[bytes]:
        """Return the longest deliveries that may come next, the likeliest first."""
        likely = self._likeliest(self._hypotheses)
        pieces = [one.piece(taken, self._dialect.chunk)[0] for taken, one in self._waiting_after(likely)]
        return [self._dialect.delivery(piece) for piece in pieces if piece]

    def parting(self, data: bytes) -> tuple[int, list[Possible], list[Possible]]:
        """Return where, in the log with these bytes behind it, the first delivery begins that is not legal, or not
        whole; what could have come there, of each speaker; and what could have come only later.
        """
        self._text += data
        _, seen = self._follow()
        del self._text[len(self._text) - len(data) :]
        furthest = max(hypothesis.position for hypothesis in seen)
        likely = self._likeliest({hypothesis for hypothesis in seen if hypothesis.position == furthest})
        waiting = [one.dues(taken) for taken, one in self._waiting_after(likely)]
        return furthest, [dues[0] for dues in waiting if dues], [due for dues in waiting for due in dues[1:]]

    @staticmethod
    def _likeliest(hypotheses: set[ParseHypothesis]) -> ParseHypothesis:
        return max(hypotheses, key=lambda hypothesis: (sum(hypothesis.taken), hypothesis.position))

    def _waiting_after(self, hypothesis: ParseHypothesis) -> list[tuple[int, Pending]]:
        return list(zip(hypothesis.taken, self._pending.values(), strict=True))

    @property
    def read_until(self) -> int:
        """The position of the last certain end of a delivery: what follows it is not whole yet."""
        return max(hypothesis.position for hypothesis in self._hypotheses)

    # What was delivered

    def extend(self, data: bytes) -> bool:
        """Append bytes that a member read beyond the end; return False, and change nothing, if no reading is left."""
        self._text += data
        left, seen = self._follow()
        if not left:
            del self._text[-len(data) :]
            return False
        self._hypotheses = left
        self._boundaries.update(hypothesis.position for hypothesis in seen)
        self._drop_delivered()
        return True

    def allows(self, data: bytes) -> bool:
        """Whether `extend` would say yes; nothing changes."""
        self._text += data
        left, _ = self._follow()
        del self._text[-len(data) :]
        return bool(left)

    def _follow(self) -> tuple[set[ParseHypothesis], set[ParseHypothesis]]:
        """Return the hypotheses on the text as it now is that are still possible, and all that were met on the way."""
        left: set[ParseHypothesis] = set()
        seen: set[ParseHypothesis] = set()
        most = MAX_HYPOTHESES + self.end - min(hypothesis.position for hypothesis in self._hypotheses)
        todo: dict[int, set[ParseHypothesis]] = {}
        for hypothesis in self._hypotheses:
            todo.setdefault(hypothesis.position, set()).add(hypothesis)
        while todo:
            for hypothesis in self._best(todo.pop(min(todo))):
                seen.add(hypothesis)
                if len(seen) > most:
                    raise Ambiguous
                if hypothesis.position == self.end or self._may_grow(hypothesis):
                    left.add(hypothesis)
                for longer in self._next(hypothesis):
                    todo.setdefault(longer.position, set()).add(longer)
        return left, seen

    def _best(self, hypotheses: set[ParseHypothesis]) -> list[ParseHypothesis]:
        """Leave out hypotheses that took more of a speaker that has gone than another, and are otherwise the same.

        Whatever may follow one of them may follow the other.
        """
        lossy = [waiting.lossy for waiting in self._pending.values()]
        if not any(lossy) or len(hypotheses) == 1:
            return list(hypotheses)
        best: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        found = []
        for hypothesis in sorted(hypotheses, key=lambda hypothesis: sum(hypothesis.taken)):
            sure = tuple(taken for taken, gone in zip(hypothesis.taken, lossy, strict=True) if not gone)
            unsure = tuple(taken for taken, gone in zip(hypothesis.taken, lossy, strict=True) if gone)
            less = best.setdefault(sure, [])
            if not any(all(one <= other for one, other in zip(few, unsure, strict=True)) for few in less):
                less.append(unsure)
                found.append(hypothesis)
        return found

    def _tail(self, hypothesis: ParseHypothesis) -> bytes:
        """Return what follows the reading: enough for one delivery and the prefix of another."""
        longest = len(self._dialect.prefix) + self._dialect.chunk + len(self._dialect.prefix)
        return self.bytes_at(hypothesis.position, longest)

    def _may_grow(self, hypothesis: ParseHypothesis) -> bool:
        """Whether what follows the reading is the beginning of a delivery that has not come whole."""
        tail, prefix = self._tail(hypothesis), self._dialect.prefix
        if len(tail) < len(prefix):
            return prefix.startswith(tail) and any(
                len(waiting.data) > taken
                for taken, waiting in zip(hypothesis.taken, self._pending.values(), strict=True)
            )
        if not tail.startswith(prefix):
            return False
        payload = tail[len(prefix) :]
        return any(
            self._may_begin(payload, taken, waiting)
            for taken, waiting in zip(hypothesis.taken, self._pending.values(), strict=True)
        )

    def _may_begin(self, payload: bytes, taken: int, waiting: Pending) -> bool:
        """Whether a speaker's next chunk may be this and at least one byte more."""
        if waiting.lossy:
            return len(payload) < self._dialect.chunk and waiting.find(payload, taken, more=1) >= 0
        piece, _ = waiting.piece(taken, self._dialect.chunk)
        return len(payload) < len(piece) and piece.startswith(payload)

    def _next(self, hypothesis: ParseHypothesis) -> list[ParseHypothesis]:
        """Return the hypotheses that have one whole delivery more."""
        tail, prefix = self._tail(hypothesis), self._dialect.prefix
        if not tail.startswith(prefix):
            return []
        payload = tail[len(prefix) :]
        found = []
        for index, (taken, waiting) in enumerate(zip(hypothesis.taken, self._pending.values(), strict=True)):
            for length, end in self._chunks(payload, taken, waiting):
                offsets = (*hypothesis.taken[:index], end, *hypothesis.taken[index + 1 :])
                found.append(ParseHypothesis(hypothesis.position + len(prefix) + length, offsets))
        return found

    def _chunks(self, payload: bytes, taken: int, waiting: Pending) -> list[tuple[int, int]]:
        """Return how long a speaker's chunk at the beginning of the payload may be, and how much it takes then."""
        if waiting.lossy:
            lengths = self._lengths(payload, min(len(payload), self._dialect.chunk))
            places = [(length, waiting.find(payload[:length], taken)) for length in lengths]
            return [(length, at + length) for length, at in places if at >= 0]
        piece, whole = waiting.piece(taken, self._dialect.chunk)
        if whole:
            return [(len(piece), taken + len(piece))] if payload.startswith(piece) else []
        return [(length, taken + length) for length in self._lengths(payload, common_prefix(payload, piece))]

    def _lengths(self, payload: bytes, same: int) -> list[int]:
        """Return how many of that many bytes may be one chunk: after it comes the end, or another delivery."""
        prefix = self._dialect.prefix
        lengths = [same] if same and same == len(payload) else []
        at = payload.find(prefix, 1)
        while 0 < at <= same:
            lengths.append(at)
            at = payload.find(prefix, at + 1)
        for cut in range(1, len(prefix)):  # the payload may end in a part of the next prefix
            at = len(payload) - cut
            if 0 < at <= same and payload.endswith(prefix[:cut]):
                lengths.append(at)
        return lengths

    def _drop_delivered(self) -> None:
        """Forget the speakers whose every word is in the log, whichever way it is read."""
        for index, (who, waiting) in reversed(list(enumerate(self._pending.items()))):
            if all(hypothesis.taken[index] == len(waiting.data) for hypothesis in self._hypotheses):
                del self._pending[who]
                self._hypotheses = {
                    ParseHypothesis(r.position, r.taken[:index] + r.taken[index + 1 :]) for r in self._hypotheses
                }

    def forget(self, before: int) -> None:
        """Drop the bytes before a position; no client will be compared with them again."""
        before = max(self.start, min(before, *(hypothesis.position for hypothesis in self._hypotheses)))
        del self._text[: before - self.start]
        self.start = before
        self._boundaries = {position for position in self._boundaries if position >= before}
