"""Network conditions: delays, losses and changes of traffic, as data.

One `Conditions` is a list of numbers. Each field has its unit, its range and its effect; the options of the command
line, their help and their error messages are derived from these. `link.py` applies them.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

Way = Literal["to-server", "to-client"]

WAYS: tuple[Way, ...] = get_args(Way)

MAX_HELD_BYTES = 256 * 1024
"""Most bytes that the proxy holds for one direction of one connection."""


class BadConditions(ValueError):
    """Impossible conditions; the message says which number is wrong, and what would be right."""


@dataclass(frozen=True)
class Measure:
    """The unit of a number, as help shows it; its description, for error messages; and its range."""

    unit: str
    words: str
    least: float
    most: float
    kind: type[int] | type[float] = float

    def holds(self, value: object) -> bool:
        """Whether the value is a number in this range."""
        number = isinstance(value, int | self.kind) and not isinstance(value, bool)
        return number and self.least <= value <= self.most  # type: ignore[operator]  # it is a number


DURATION = Measure("SECONDS", "a number of seconds from 0 to 3600", 0.0, 3600.0)
BYTE_RATE = Measure("BYTES/S", "a number of bytes per second, 1 or more", 1.0, 1e12)
PIECE = Measure("BYTES", f"a whole number of bytes from 1 to {MAX_HELD_BYTES}", 1, MAX_HELD_BYTES, int)
PLACE = Measure("BYTES", "a whole number of bytes, 0 or more", 0, 2**63, int)
CHANCE = Measure("CHANCE", "a probability from 0 to 1", 0.0, 1.0)


def _measured(measure: Measure, help: str, default: float | None = 0.0, carries: str = "") -> Any:
    return field(default=default, metadata={"measure": measure, "help": help, "carries": carries})


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The conditions in each direction of each connection; by default, traffic passes unchanged.

    A *segment* is what one recv() of the proxy returned, or a piece that `split`, `coalesce` and `rate` make of it.
    `way` restricts them to one direction. Raise BadConditions for impossible numbers.
    """

    delay: float = _measured(DURATION, "delay of everything")
    jitter: float = _measured(DURATION, "most additional delay, random for each segment; the order is kept")
    rate: float | None = _measured(
        BYTE_RATE, "limit for each direction of a connection, in segments of at most 1460 bytes", None
    )
    stall_every: float = _measured(DURATION, "time between two stalls")
    stall_for: float = _measured(DURATION, "duration of a stall, in which nothing is passed on")
    split: int | None = _measured(PIECE, "pass segments on in pieces of at most this size", None, "streams")
    coalesce: float = _measured(
        DURATION, "collect what is sent in this time, and pass it on as one segment", 0.0, "streams"
    )
    coalesce_bytes: int | None = _measured(
        PIECE, "with --coalesce: pass on at once when so many bytes are collected", None, "streams"
    )
    half_close_after: int | None = _measured(
        PLACE, "send end of stream after so many bytes, and discard the rest", None, "streams"
    )
    reset_after: int | None = _measured(PLACE, "reset both sides after so many bytes", None, "streams")
    reset: float = _measured(CHANCE, "probability, for each segment, that both sides are reset", 0.0, "streams")
    drop: float = _measured(CHANCE, "probability that a datagram is lost", 0.0, "datagrams")
    duplicate: float = _measured(CHANCE, "probability that it arrives twice", 0.0, "datagrams")
    reorder: float = _measured(CHANCE, "probability that the next one overtakes it", 0.0, "datagrams")
    way: Literal["both"] | Way = "both"

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            measure = one.metadata.get("measure")
            if measure is not None and not (value is one.default or measure.holds(value)):
                raise BadConditions(f"{flag(one.name)} {value!r}: write {measure.words}")
        if self.way not in ("both", *WAYS):
            raise BadConditions(f"--way {self.way!r}: write both, {' or '.join(WAYS)}")
        if bool(self.stall_every) != bool(self.stall_for):
            raise BadConditions(
                "--stall-every and --stall-for go together: the time between stalls, and their duration"
            )
        if self.coalesce_bytes is not None and not self.coalesce:
            raise BadConditions("--coalesce-bytes needs --coalesce: the longest time to collect")

    def __str__(self) -> str:
        set_ = [
            f"{flag(one.name)} {getattr(self, one.name)}"
            for one in fields(self)
            if getattr(self, one.name) != one.default
        ]
        return " ".join(set_) or "unimpaired"

    def check(self, *, datagrams: bool) -> None:
        """Raise BadConditions for conditions of streams where datagrams are carried, and the reverse."""
        carried = "datagrams" if datagrams else "streams"
        for one in fields(self):
            only = one.metadata.get("carries")
            if only and only != carried and getattr(self, one.name) != one.default:
                raise BadConditions(
                    f"{flag(one.name)} is for {only}, and these addresses carry {carried}: leave it out"
                )

    def towards(self, way: Way) -> "Conditions":
        """Return the conditions in one direction."""
        return self if self.way in ("both", way) else UNIMPAIRED

    def open_from(self, seconds: float) -> float:
        """Return the first time, `seconds` after the beginning or later, that is not in a stall."""
        cycle = self.stall_every + self.stall_for
        into = seconds % cycle if self.stall_for else 0.0
        return seconds if into <= self.stall_every else seconds - into + cycle


UNIMPAIRED = Conditions()


def flag(name: str) -> str:
    """Return the option for a field."""
    return "--" + name.replace("_", "-")
