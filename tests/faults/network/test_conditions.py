"""What becomes of words under some conditions, decided without sockets; and conditions that cannot be."""

import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketserver_faults.network import MAX_HELD_BYTES, UNIMPAIRED, BadConditions, CannotCarry, Conditions, Proxy
from socketserver_faults.network.link import MAX_SEGMENT_BYTES, DatagramLink, SeededRandom, StreamLink
from socketserver_reference.address import Address

QUICKLY = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


ROUGH = Conditions(delay=0.25, jitter=0.5, rate=1000.0, stall_every=2.0, stall_for=1.0, split=10, coalesce=0.125)


def rng(conditions: Conditions, seed: int = 0) -> SeededRandom:
    return SeededRandom(conditions, seed, 1, "to-server")


Arrival = tuple[float, Any]


def flow(link: StreamLink, said: list[tuple[float, bytes]]) -> list[Arrival]:
    """Say each of these after a pause in seconds, then half-close; return when what arrives."""
    now, arrived = 0.0, list[Arrival]()

    def arrive(until: float) -> None:
        while link.due <= until:
            at = link.due
            while (item := link.next(at)) is not None:
                arrived.append((at, item))
                if isinstance(item, bytes):
                    link.sent(len(item))

    for pause, data in said:
        now += pause
        arrive(now)
        link.take(data, now)
    link.end("end of stream", now)
    arrive(sys.float_info.max)
    return arrived


SAID = st.lists(st.tuples(st.floats(0, 3), st.binary(min_size=1, max_size=50)), max_size=10)


@QUICKLY
@given(said=SAID, seed=st.integers(0, 5))
def test_under_rough_conditions_everything_arrives_in_order_in_pieces_and_late(
    said: list[tuple[float, bytes]], seed: int
) -> None:
    held: list[float] = []
    arrived = flow(StreamLink(rng(ROUGH, seed), 0.0, held.append), said)
    segments = [item for _, item in arrived[:-1]]
    assert b"".join(segments) == b"".join(data for _, data in said)
    assert arrived[-1][1] == "end of stream"
    assert all(len(segment) <= ROUGH.split for segment in segments if ROUGH.split)
    times = [time for time, _ in arrived]
    assert times == sorted(times)
    assert all(time % 3.0 <= 2.0 + 1e-6 or time % 3.0 >= 3.0 - 1e-6 for time in times), "it stalls for 1 s after 2 s"
    length = sum(len(segment) for segment in segments)
    assert times[-1] >= sum(pause for pause, _ in said) + ROUGH.delay
    assert not said or times[-1] >= said[0][0] + ROUGH.coalesce + ROUGH.delay + length / 1000.0 - 1e-6
    assert max(held) <= times[-1]


@QUICKLY
@given(said=SAID)
def test_the_same_seed_makes_the_same_jitter(said: list[tuple[float, bytes]]) -> None:
    one, other = (flow(StreamLink(rng(Conditions(jitter=1.0), 1), 0.0), said) for _ in range(2))
    assert one == other
    assert len(said) < 2 or one != flow(StreamLink(rng(Conditions(jitter=1.0), 2), 0.0), said)


def test_collecting_ends_with_the_time_or_the_size() -> None:
    link = StreamLink(rng(Conditions(coalesce=2.0, coalesce_bytes=6)), 0.0)
    said = [(0.0, b"one"), (1.0, b"two"), (1.0, b"three"), (1.0, b"!"), (5.0, b"four")]
    assert flow(link, said) == [(1.0, b"onetwo"), (3.0, b"three!"), (8.0, b"four"), (8.0, "end of stream")]


def test_a_limited_rate_keeps_an_utterance_whole_and_lets_a_stream_flow() -> None:
    said = [(0.0, b"u" * 1024), (0.0, b"s" * (2 * MAX_SEGMENT_BYTES + 100))]
    arrived = flow(StreamLink(rng(Conditions(rate=1024.0)), 0.0), said)
    assert [len(item) for _, item in arrived[:-1]] == [1024, MAX_SEGMENT_BYTES, MAX_SEGMENT_BYTES, 100]
    bytes_by_then = [round(1024 * time) for time, _ in arrived]
    assert bytes_by_then == [
        1024,
        1024 + MAX_SEGMENT_BYTES,
        1024 + 2 * MAX_SEGMENT_BYTES,
        1124 + 2 * MAX_SEGMENT_BYTES,
        1124 + 2 * MAX_SEGMENT_BYTES,
    ]


def test_a_reset_of_the_sender_comes_after_its_end_of_stream_and_its_words() -> None:
    link = StreamLink(rng(Conditions(delay=1.0)), 0.0)
    link.take(b"words", 0.0)
    link.end("end of stream", 0.0)
    link.end("reset", 0.5)
    link.take(b"too late", 0.6)
    assert link.next(1.0) == b"words"
    link.sent(5)
    assert link.next(1.0) == "end of stream"
    assert link.next(1.0) is None
    assert link.next(1.5) == "reset"


def test_a_reset_by_chance_is_a_matter_of_the_place_alone() -> None:
    def ends_at(*pieces: int) -> int:
        link = StreamLink(rng(Conditions(reset=0.02, split=10), 3), 0.0)
        *segments, (_, how) = flow(link, [(0.0, b"x" * piece) for piece in pieces])
        link.end("reset", 1.0)
        assert (how, link.due) == ("cut", float("inf"))
        return sum(len(segment) for _, segment in segments)

    assert 0 < ends_at(2000) < 2000
    assert ends_at(2000) == ends_at(*[10] * 200) == ends_at(500, 1500)


POSTED = st.lists(st.tuples(st.floats(0, 0.1), st.binary(max_size=3)), max_size=20)


@QUICKLY
@given(posted=POSTED, seed=st.integers(0, 5))
def test_datagrams_arrive_as_their_fates_say(posted: list[tuple[float, bytes]], seed: int) -> None:
    link = DatagramLink(rng(Conditions(drop=0.2, duplicate=0.2, reorder=0.3, jitter=0.2), seed), 0.0)
    now, due, in_order, passed, arrived = 0.0, Counter[bytes](), True, list[bytes](), list[bytes]()
    for pause, data in posted:
        now += pause
        fates = link.take(data, now)
        due[data] += 0 if "drop" in fates else 2 if "duplicate" in fates else 1
        in_order = in_order and "reorder" not in fates
        passed += [] if "drop" in fates else [data]
    while link.due < float("inf"):
        at = link.due
        while (datagram := link.next(at)) is not None:
            arrived.append(datagram)
    assert Counter(arrived) == +due
    assert link.size == 0
    if in_order:
        expected = iter(arrived)
        assert all(data in expected for data in passed)


def test_a_datagram_is_overtaken_by_the_next_but_does_not_wait_for_ever() -> None:
    link = DatagramLink(rng(Conditions(reorder=1.0)), 0.0)
    assert link.take(b"first", 0.0) == link.take(b"second", 0.01) == ["reorder"]
    assert link.next(0.02) is None
    assert [link.next(1.0) for _ in range(3)] == [b"first", b"second", None]
    link = DatagramLink(rng(Conditions(reorder=0.5), 3), 0.0)
    fates = [link.take(b"%d" % count, 0.0) for count in range(2)]
    assert fates == [["reorder"], []]
    assert [link.next(0.0) for _ in range(3)] == [b"1", b"0", None]


def test_datagrams_that_there_is_no_room_for_are_lost() -> None:
    link = DatagramLink(rng(Conditions(delay=1.0)), 0.0)
    fates = [link.take(b"x" * 60000, 0.0) for _ in range(5)]
    assert fates == [[], [], [], [], ["no room"]]
    assert link.size <= MAX_HELD_BYTES


# Numbers that cannot be


@pytest.mark.parametrize(
    ("numbers", "refusal"),
    [
        ({"delay": -1.0}, "--delay -1.0: write a number of seconds from 0 to 3600"),
        ({"jitter": float("nan")}, "--jitter nan: write a number of seconds from 0 to 3600"),
        ({"rate": 0.0}, "--rate 0.0: write a number of bytes per second, 1 or more"),
        ({"split": 1.5}, "--split 1.5: write a whole number of bytes from 1 to 262144"),
        ({"split": True}, "--split True: write a whole number"),
        ({"reset": 2}, "--reset 2: write a probability from 0 to 1"),
        ({"drop": "often"}, "--drop 'often': write a probability from 0 to 1"),
        ({"reset_after": -1}, "--reset-after -1: write a whole number of bytes, 0 or more"),
        ({"stall_for": 1.0}, "--stall-every and --stall-for go together"),
        ({"coalesce_bytes": 10}, "--coalesce-bytes needs --coalesce"),
        ({"way": "up"}, "--way 'up': write both, to-server or to-client"),
    ],
    ids=str,
)
def test_conditions_that_cannot_be_is_refused_in_one_line(numbers: dict[str, Any], refusal: str) -> None:
    with pytest.raises(BadConditions) as refused:
        Conditions(**numbers)
    assert str(refused.value).startswith(refusal)
    assert "\n" not in str(refused.value)


def test_conditions_are_told_as_its_options() -> None:
    assert str(UNIMPAIRED) == "unimpaired"
    assert str(Conditions(delay=0.5, split=1, way="to-client")) == "--delay 0.5 --split 1 --way to-client"


@pytest.mark.parametrize(
    ("listen", "target", "conditions", "refusal"),
    [
        ("tcp://127.0.0.1:0", "udp://127.0.0.1:9", UNIMPAIRED, "carries streams and udp://127.0.0.1:9 datagrams"),
        ("unix-datagram:///x", "udp://127.0.0.1:9", UNIMPAIRED, "a sender of Unix datagrams waits instead"),
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:0", UNIMPAIRED, "is no address of a server: name the port"),
        ("tcp://127.0.0.1:0", "tcp://no-such-host.invalid:9", UNIMPAIRED, "cannot be found"),
        ("tcp://192.0.2.1:0", "tcp://127.0.0.1:9", UNIMPAIRED, "choose an address of this machine, and port 0 for any"),
        ("unix:///no-such-directory/x", "tcp://127.0.0.1:9", UNIMPAIRED, "choose a path that does not exist yet"),
        ("udp://127.0.0.1:0", "udp://127.0.0.1:9", Conditions(split=1), "--split is for streams"),
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:9", Conditions(drop=0.5), "--drop is for datagrams"),
    ],
)
def test_what_cannot_be_carried_is_refused_in_one_line(
    listen: str, target: str, conditions: Conditions, refusal: str
) -> None:
    with pytest.raises((CannotCarry, BadConditions)) as refused:
        Proxy(Address.parse(listen), Address.parse(target), conditions)
    assert refusal in str(refused.value)
    assert "\n" not in str(refused.value)
