"""Network conditions: what a network does to what it carries, as data.

One `Conditions` is a list of numbers. Each field says what it counts, how much of it there may be, and what it does;
the options of the command line, their help and their refusals are made of that, so nothing is said twice. `link.py`
carries it out.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

Way = Literal["to-server", "to-client"]

WAYS: tuple[Way, ...] = get_args(Way)

MAX_HELD_BYTES = 256 * 1024
"""Bytes at most that the proxy holds of one direction of one connection."""


class BadConditions(ValueError):
    """No network behaves like that; the message says which number is wrong, and what would be right."""


@dataclass(frozen=True)
class Measure:
    """What a number counts: `unit` as help shows it, `words` as a refusal says it, and between what it must lie."""

    unit: str
    words: str
    least: float
    most: float
    kind: type[int] | type[float] = float

    def holds(self, value: object) -> bool:
        """Whether the value is such a number."""
        number = isinstance(value, int | self.kind) and not isinstance(value, bool)
        return number and self.least <= value <= self.most  # type: ignore[operator]  # it is a number


SECONDS = Measure("SECONDS", "a number of seconds from 0 to 3600", 0.0, 3600.0)
RATE = Measure("BYTES/S", "a number of bytes per second from 1 on", 1.0, 1e12)
PIECE = Measure("BYTES", f"a whole number of bytes from 1 to {MAX_HELD_BYTES}", 1, MAX_HELD_BYTES, int)
PLACE = Measure("BYTES", "a whole number of bytes from 0 on", 0, 2**63, int)
CHANCE = Measure("CHANCE", "a probability from 0 to 1", 0.0, 1.0)


def _measured(measure: Measure, help: str, default: float | None = 0.0, carries: str = "") -> Any:
    return field(default=default, metadata={"measure": measure, "help": help, "carries": carries})


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What happens on the way, each way of each connection; left alone, nothing does.

    A *segment* is what one recv() of the proxy returned, or the pieces that `split`, `coalesce` and `rate` make of it.
    `way` confines all of it to one direction. Raise BadConditions for numbers that cannot be.
    """

    delay: float = _measured(SECONDS, "how long everything is under way")
    jitter: float = _measured(SECONDS, "how much longer at most, drawn for each segment; the order stays")
    rate: float | None = _measured(
        RATE, "how much each way of a connection carries, in segments of at most 1460 bytes", None
    )
    stall_every: float = _measured(SECONDS, "how long it goes well between two stalls")
    stall_for: float = _measured(SECONDS, "how long nothing is carried then")
    split: int | None = _measured(PIECE, "pass segments on in pieces of at most that size", None, "streams")
    coalesce: float = _measured(SECONDS, "collect for so long, and pass it on as one segment", 0.0, "streams")
    coalesce_bytes: int | None = _measured(
        PIECE, "with --coalesce: pass on at once what has become so long", None, "streams"
    )
    half_close_after: int | None = _measured(
        PLACE, "send end of stream after so many bytes, and lose what follows", None, "streams"
    )
    reset_after: int | None = _measured(PLACE, "reset both sides after so many bytes", None, "streams")
    reset: float = _measured(CHANCE, "how likely it is, for each segment, that both sides are reset", 0.0, "streams")
    drop: float = _measured(CHANCE, "how likely a datagram is lost", 0.0, "datagrams")
    duplicate: float = _measured(CHANCE, "how likely it comes twice", 0.0, "datagrams")
    reorder: float = _measured(CHANCE, "how likely the next one overtakes it", 0.0, "datagrams")
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
                "--stall-every and --stall-for go together: how long it goes well, and how long it does not"
            )
        if self.coalesce_bytes is not None and not self.coalesce:
            raise BadConditions("--coalesce-bytes needs --coalesce: how long to collect at most")

    def __str__(self) -> str:
        set_ = [
            f"{flag(one.name)} {getattr(self, one.name)}"
            for one in fields(self)
            if getattr(self, one.name) != one.default
        ]
        return " ".join(set_) or "unimpaired"

    def check(self, *, datagrams: bool) -> None:
        """Raise BadConditions if this can only befall streams and datagrams are carried, or the other way round."""
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
        """Return when, from so many seconds after the beginning on, the network carries: then, or when a stall ends."""
        cycle = self.stall_every + self.stall_for
        into = seconds % cycle if self.stall_for else 0.0
        return seconds if into <= self.stall_every else seconds - into + cycle


UNIMPAIRED = Conditions()


def flag(name: str) -> str:
    """Return a field as the command line writes it."""
    return "--" + name.replace("_", "-")
