"""What was said and heard, subject by subject, for those who want to see where a conclusion comes from."""

from collections import deque
from dataclasses import dataclass, field

from socketserver_reference.conformance.reports.learning import Chapter
from socketserver_reference.conformance.reports.story import MAX_EVENT_BYTES, MAX_STORY_EVENTS, StoryEvent, events
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending, Transcript


@dataclass
class _Pages:
    """The first and the last events about one subject."""

    first: list[StoryEvent] = field(default_factory=list)
    last: deque[StoryEvent] = field(default_factory=lambda: deque(maxlen=MAX_STORY_EVENTS))
    left_out: int = 0
    steps: int = 0

    def add(self, event: StoryEvent) -> None:
        if len(self.first) < MAX_STORY_EVENTS:
            self.first.append(event)
            return
        self.left_out += len(self.last) == MAX_STORY_EVENTS
        self.last.append(event)

    def events(self) -> tuple[StoryEvent, ...]:
        gap = [StoryEvent("skips", (), f"{self.left_out} events are left out")] if self.left_out else []
        return (*self.first, *gap, *self.last)


class ConversationJournal:
    """The conversations with one server, bounded however much it sends."""

    def __init__(self) -> None:
        self._pages: dict[str, _Pages] = {}
        self._subject = ""

    def begin(self, subject: str) -> None:
        """Note that what follows is about this."""
        self._subject = subject

    def fresh(self, how: str) -> None:
        """Note that another attempt begins."""
        if self._subject in self._pages:
            self._now.add(StoryEvent("skips", (), how))

    def did(self, who: str, does: str, data: bytes = b"") -> None:
        """Note what a client did."""
        now = self._now
        now.steps += 1
        said = f" {show(data)}" if data else ""
        now.add(StoryEvent(does, (who,), f"{who} {does}{said}", now.steps, data[:MAX_EVENT_BYTES], len(data)))

    def read(self, who: str, data: bytes) -> None:
        """Note what a client read."""
        self._now.add(StoryEvent("reads", (who,), f"{who} reads {show(data)}", None, data[:MAX_EVENT_BYTES], len(data)))

    def ended(self, who: str, how: Ending) -> None:
        """Note how the stream of a client ended."""
        self._now.add(StoryEvent("ends" if how == "eof" else "breaks", (who,), f"{who} reads {ENDINGS[how]}"))

    def played(self, transcript: Transcript) -> None:
        """Note a conversation that was judged."""
        for event in events(transcript):
            self._now.add(event)

    @property
    def _now(self) -> _Pages:
        return self._pages.setdefault(self._subject, _Pages())

    def chapters(self) -> list[Chapter]:
        """Return the conversations so far."""
        return [Chapter(subject, pages.events()) for subject, pages in self._pages.items()]
