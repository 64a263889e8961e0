"""The log of a room: every order and segmentation that is legal, and none that is not."""

from random import Random
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.oracles import segmentation
from socketserver_reference.conformance.oracles.segmentation import Ambiguous, ParseHypothesis, SegmentationParser

STREAMS = st.lists(
    st.binary(min_size=1, max_size=12) | st.sampled_from([b"ack", b"ackack", b"a", b"ac", b"x" * 1500, b"kack"]),
    min_size=1,
    max_size=3,
)


def delivered(streams: dict[str, bytes], chance: Random) -> bytes:
    """Return the deliveries of these streams, cut and interleaved by chance."""
    left, text = dict(streams), b""
    while speakers := [who for who, stream in left.items() if stream]:
        who = chance.choice(speakers)
        size = chance.randint(1, min(1024, len(left[who])))
        text += b"ack" + left[who][:size]
        left[who] = left[who][size:]
    return text


def in_pieces(text: bytes, chance: Random) -> list[bytes]:
    pieces = []
    while text:
        size = chance.randint(1, len(text))
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def log_of(streams: dict[str, bytes]) -> SegmentationParser:
    log = SegmentationParser(NOTE)
    for who, stream in streams.items():
        log.say(who, stream, settled=False)
    return log


@pytest.mark.sweep
@given(parts=st.lists(STREAMS, min_size=1, max_size=3), seed=st.integers(0, 1 << 32))
@settings(deadline=None, derandomize=True)
def test_any_cut_any_order_and_any_reads_of_what_was_said_are_legal(parts: list[list[bytes]], seed: int) -> None:
    chance = Random(seed)
    streams = {f"m{index}": b"".join(part) for index, part in enumerate(parts)}
    log = log_of(streams)
    text = delivered(streams, chance)
    try:
        for piece in in_pieces(text, chance):
            assert log.allows(piece)
            assert log.extend(piece)
    except Ambiguous:
        return
    assert log.settled()
    assert log.end == len(text)
    assert all(log.complete(who) for who in streams)
    assert not log.allows(b"ack!")
    assert log.bytes_at(0, log.end) == text


@given(seed=st.integers(0, 1 << 32), at=st.integers(0, 200), byte=st.integers(1, 255))
@settings(deadline=None)
def test_a_changed_byte_is_refused_and_changes_nothing(seed: int, at: int, byte: int) -> None:
    streams = {"ann": b"".join(b"<%02d>" % count for count in range(10)), "ben": b"[nothing else]"}
    text = delivered(streams, Random(seed))
    at %= len(text) - 2  # the last ones may become the beginning of another delivery
    wrong = text[:at] + bytes([text[at] ^ byte]) + text[at + 1 :]
    log = log_of(streams)
    assert not log.extend(wrong)
    assert log.end == 0
    assert log.extend(text)


@given(seed=st.integers(0, 1 << 32), kept=st.integers(0, 40))
@settings(deadline=None)
def test_of_a_speaker_who_has_gone_any_part_may_come_in_order(seed: int, kept: int) -> None:
    chance = Random(seed)
    said = b"".join(b"<%02d>" % count for count in range(10))
    log = log_of({"ann": said, "ben": b"hello"})
    log.lose("ann")
    begin = chance.randint(0, 20)
    end = chance.randint(begin + 1, 40)
    assert log.extend(b"ack" + said[begin:end])
    assert not log.settled()
    assert log.extend(b"ackhello")
    assert log.settled()
    again = min(kept, begin)
    assert not log.extend(b"ack" + said[again : again + 4]) or end <= 36


def test_a_settled_utterance_is_one_chunk() -> None:
    log = SegmentationParser(NOTE)
    log.say("ann", b"hello", settled=True)
    assert not log.extend(b"ackhelack")
    assert log.extend(b"ackhe")
    assert log.next_deliveries() == [b"ackhello"]
    assert log.extend(b"llo")
    assert log.outstanding() == []


def test_a_burst_after_a_settled_utterance_is_another_chunk() -> None:
    log = SegmentationParser(NOTE)
    log.say("ann", b"one", settled=True)
    log.say("ann", b"two", settled=False)
    log.say("ann", b"three", settled=False)
    assert not log.allows(b"ackonetwo")
    assert log.extend(b"ackoneacktwothr")
    assert log.extend(b"eeack") is False
    assert log.extend(b"ee")


def test_a_delivery_longer_than_a_chunk_is_refused_even_of_who_has_gone() -> None:
    for lost in (False, True):
        log = log_of({"ann": b"x" * 3000})
        if lost:
            log.lose("ann")
        assert not log.allows(b"ack" + b"x" * 1025)
        assert log.extend(b"ack" + b"x" * 1024)
        assert log.extend(b"ack" + b"x" * 1024 + b"ack" + b"x" * 951)
        assert log.extend(b"x") is not False


def test_an_empty_delivery_is_refused() -> None:
    assert not log_of({"ann": b"hello"}).allows(b"ackackhello")


def test_bytes_before_a_position_that_nobody_needs_are_forgotten() -> None:
    log = SegmentationParser(NOTE)
    for word in (b"one", b"two"):
        log.say("ann", word, settled=True)
        assert log.extend(b"ack" + word)
    log.forget(6)
    assert log.bytes_at(6, 6) == b"acktwo"
    assert log.boundaries(0, 12) == [6, 12]
    assert log.end == 12
    log.forget(0)
    assert log.bytes_at(6, 6) == b"acktwo"


def test_the_words_of_who_has_gone_do_not_cross_what_it_was_heard_to_have_settled() -> None:
    log = SegmentationParser(NOTE)
    log.say("ann", b"one", settled=True)
    log.say("ann", b"two", settled=False)
    log.lose("ann")
    log.lose("nobody")
    assert not log.allows(b"acknetw")
    assert log.allows(b"acktwo")
    assert log.extend(b"ackne")
    assert log.max_undelivered_bytes() == 12
    log.say("ben", b"hi", settled=True)
    assert sorted(log.next_deliveries()) == [b"ackhi", b"acktwo"]


def test_two_who_have_gone_leave_the_fewest_readings() -> None:
    log = log_of({"ann": b"b" * 500, "ben": b"b" * 500})
    log.lose("ann")
    log.lose("ben")
    for _ in range(20):
        assert log.extend(b"ack" + b"b" * 20)
    assert not log.allows(b"ackc")


def test_too_many_hypotheses_are_not_judged() -> None:
    log = log_of(dict.fromkeys(("ann", "ben", "cal"), b"ack" * 100))
    with mock.patch.object(segmentation, "MAX_HYPOTHESES", 5), pytest.raises(Ambiguous):
        log.extend(b"ack" * 100)


def test_of_readings_that_differ_in_the_words_of_who_has_gone_those_that_took_the_fewest_are_followed() -> None:
    log = log_of({"ann": b"aa", "ben": b"bb", "cal": b"cc"})
    every = {ParseHypothesis(9, taken) for taken in ((1, 0, 1), (0, 1, 1), (1, 1, 1), (2, 0, 1), (2, 2, 2))}
    assert set(log._best(every)) == every
    log.lose("ann")
    log.lose("ben")
    assert set(log._best(every)) == {ParseHypothesis(9, taken) for taken in ((1, 0, 1), (0, 1, 1), (2, 2, 2))}


LETTERS = st.lists(st.integers(1, 6), min_size=1, max_size=3)


@pytest.mark.slow
@given(gone=LETTERS, kept=st.integers(0, 3), seed=st.integers(0, 1 << 32))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_whatever_comes_of_several_who_have_gone_is_legal_and_not_more_than_they_said(
    gone: list[int], kept: int, seed: int
) -> None:
    chance = Random(seed)
    streams = {f"x{count}": b"." * size for count, size in enumerate(gone)} | {"ann": b"#" * kept}
    log = log_of({**streams, "ben": b"?"})
    text = delivered({who: stream[: chance.randint(0, len(stream))] for who, stream in streams.items()}, chance)
    before = text[: text.find(b"ack", chance.randint(0, len(text)))]  # some of it comes before they have gone
    assert log.extend(before)
    for who in chance.sample(list(streams), len(streams)):
        log.lose(who)
    assert log.extend(text[len(before) :])
    assert log.extend(b"ack?")
    assert not log.allows(b"ack" + b"." * (sum(gone) + 1 - text.count(b".")))
    assert not log.allows(b"ack.#")


def test_a_crowd_that_has_gone_is_judged_at_once() -> None:
    crowd = {f"x{count}": b"." * 65536 for count in range(96)}
    log = log_of(crowd)
    for who in crowd:
        log.lose(who)
    assert log.outstanding() == ["x95"]
    assert not log.complete("x0")
    assert [one.letter for one in log._pending.values()] == [b"."]  # so nobody looks for a word in all of it
    for _ in range(64 * 96):
        assert log.extend(b"ack" + b"." * 1024)
    assert log.outstanding() == []
    assert log.complete("x0")
    assert not log.allows(b"ack.")


def test_who_has_gone_and_said_anything_else_is_judged_alone() -> None:
    log = log_of({"ann": b"...", "ben": b"...!", "cal": b"..."})
    log.say("dan", b"...", settled=True)
    for who in ("ann", "ben", "cal", "dan"):
        log.lose(who)
    assert sorted(log.outstanding()) == ["ben", "cal", "dan"]
    log.say("ann", b"...", settled=False)
    log.doubt("ann")  # it may go on
    assert sorted(log.outstanding()) == ["ann", "ben", "cal", "dan"]
    log.lose("ann")
    assert not log.allows(b"ack!ack!")
    assert log.allows(b"ack!ack..ack........ack.ack.")
    assert not log.allows(b"ack" + b"." * 16)
