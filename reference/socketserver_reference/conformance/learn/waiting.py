"""How long clients wait for a server: for an answer, for a greeting, and until nothing more comes.

Where the threads of a server can be observed, it has sent everything when they sleep; elsewhere only `timeout` seconds
of silence show that. An answer shows how fast the server is, so the silence after it may be shorter. A server that
polls sleeps before it answers: the longest time that it was seen to do so, up to a bound, is its `lag`, and the silence
lasts longer than that. Bytes that were not awaited show no lag: a server that says something every few seconds would
otherwise lengthen each silence until it says the next thing. Nor does a greeting: many that greet late answer at once.
"""

from socketserver_reference.conformance.learn.heartbeat import Heartbeat

IDLE_SILENCE = 0.005
"""Seconds of silence that suffice when the server is seen at rest: its last bytes are under way."""

MAX_PROMPT_LAG = 0.02
"""Seconds between rest and answer that are put down to this machine; after more, the server polls or waits."""

MAX_LAG = 1.0
"""Longest lag in seconds: inetd may sleep so long; a server that answers more slowly could lengthen every silence."""

LATE_ANSWERS = 150
"""Greetings and answers of a late server that are waited for, about; those that come together count as one."""

LAG_FACTOR = 3.0
"""The silence lasts so many times the lag of the server."""

MIN_SILENCE = 0.1
"""Least seconds of silence after an awaited answer, where the server's threads cannot be observed."""

MIN_AWAIT_TIMEOUT = 2.0
"""Least timeout in seconds for an answer: a server at rest may wake up by itself (inetd may sleep a second)."""

PROMPT_AWAIT_TIMEOUT = 0.5
"""The same timeout once a server that is seen at rest has answered without a lag."""

BRIEF_AWAIT_TIMEOUT = 0.1
"""The same timeout for what need not come."""


class WaitingTimes:
    """What is known of how late a server is."""

    def __init__(self, timeout: float, seen_idle: bool) -> None:
        self._timeout = timeout
        self._seen_idle = seen_idle
        self.lag = 0.0
        """The longest time in seconds for which the server was seen at rest before it answered."""
        self.greeting_lag: float | None = None
        """The same before it greeted; None before the first client has come."""
        self._greets_all = True
        self.answered = False
        """Whether anything has come from the server."""
        self.heartbeat = Heartbeat()

    @property
    def for_an_answer(self) -> float:
        """Seconds for an answer that may come."""
        prompt = self._seen_idle and self.answered
        return max(self._timeout, PROMPT_AWAIT_TIMEOUT if prompt else MIN_AWAIT_TIMEOUT, LAG_FACTOR * self.lag)

    @property
    def for_what_may_not_come(self) -> float:
        """Seconds for an answer that is not needed."""
        return max(BRIEF_AWAIT_TIMEOUT, LAG_FACTOR * self.lag) if self._seen_idle else self._timeout

    @property
    def greets_late(self) -> bool:
        """Whether the server was seen to greet late."""
        return (self.greeting_lag or 0.0) > MAX_PROMPT_LAG

    @property
    def longest_lag(self) -> float:
        """The longest time in seconds for which the server was seen at rest before it said anything."""
        return max(self.lag, self.greeting_lag or 0.0)

    @property
    def for_greeting(self) -> float:
        """Seconds for a greeting."""
        if self._greets_all:
            return max(MIN_AWAIT_TIMEOUT, LAG_FACTOR * (self.greeting_lag or 0.0))
        return self.for_what_may_not_come

    @staticmethod
    def between_pieces(lag: float) -> float:
        """Seconds for the next piece of what has come so late, if it has."""
        return LAG_FACTOR * lag if lag > MAX_PROMPT_LAG else 0.0

    def note_lag(self, rested: float) -> None:
        """Note that the server has sent awaited bytes after so many seconds at rest."""
        if self._seen_idle and rested > MAX_PROMPT_LAG:
            self.lag = max(self.lag, min(rested, MAX_LAG))

    def note_greeting(self, rested: float, *, came: bool, expected: bool) -> None:
        """Note that the server has greeted after so many seconds at rest, or that it has not."""
        if expected and not came:
            self._greets_all = False
        self.greeting_lag = max(self.greeting_lag or 0.0, min(rested, MAX_LAG) if came else 0.0)

    def lull(self, awaited: bool, after: float) -> float:
        """Return the seconds of silence to wait for, when the awaited bytes came after so many seconds."""
        if self._seen_idle:
            return max(IDLE_SILENCE, LAG_FACTOR * self.lag)
        return min(self._timeout, max(MIN_SILENCE, 10 * after)) if awaited else self._timeout
