"""Templates: who said something, and what."""

from itertools import pairwise
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketserver_reference.conformance.dialects.template import Template


def test_a_template_tells_who_said_something() -> None:
    template = Template.parse("[{any}] {sender}: {body}!", "any", "sender", "body")
    assert template.label(b"[12:30] bob: hello!", b"hello") == b"bob"
    assert template.label(b"[12:30] bob: hello!", b"hell") is None
    assert template.label(b"12:30 bob: hello!", b"hello") is None
    assert Template("{body}").label(b"hello", b"hello") == b""
    assert Template("{sender} ({sender}): {body}").label(b"a (b): hi", b"hi") is None
    assert Template("{sender} ({sender}): {body}").label(b"a (a): hi", b"hi") == b"a"
    around = Template("{sender}: {body}, says {sender}")
    assert around.label(b"ann: hi, says ann", b"hi") == b"ann"
    assert around.label(b"ann: hi, says ben", b"hi") is None
    assert around.body(b"ann: hi, says ben") is None


def test_a_template_is_found_in_what_has_come() -> None:
    wait = Template.parse("Hello {any}!\n", "any")
    assert wait.after(b"* welcome\nHello bob") is None
    assert wait.after(b"* welcome\nHello bob!\n> ") == 21
    assert Template("{sender}: {body}").find(b"bob: hello ann: hi", b"hello") == 10
    assert Template("> {body}").find(b"x hello> hello", b"hello") == 0
    assert Template("{body}").matches(b"any\nthing")
    assert not wait.matches(b"Hello\n")


def test_a_template_with_a_known_body_is_found_whole_or_in_part() -> None:
    form = Template("<{sender}> {body}!")
    assert [form.place(b"what <7> hi!", b"hi", sender) for sender in (b"7", None, b"8")] == [(5, 12), (5, 12), (0, 0)]
    begun = [b"<", b"<7> ", b"<7> hi", b"<9", b"<9> h", b"hi", b"<7\n"]
    assert [form.may_go_on(data, b"hi", b"7") for data in begun] == [True, True, True, False, False, False, False]
    assert [form.may_go_on(data, b"hi", None) for data in begun] == [True, True, True, True, True, False, False]


def test_a_template_is_filled_in_as_far_as_is_known() -> None:
    assert Template("{sender}: {body}").fill(body=b"hi", sender=b"bob") == b"bob: hi"
    assert Template("{sender}: {body}").fill(body=b"hi") == b"{sender}: hi"
    assert Template("I am {name}\n").fill(name=b"bob") == b"I am bob\n"
    assert Template("{any}, {any} left").parts == [b"", b", ", b" left"]


PLAIN = st.text(ascii_letters + "0123456789", min_size=1, max_size=8)
MARKS = st.text('<>()|: "{,', min_size=1, max_size=3)
WORDS = st.text(ascii_letters + " '\u00e9", max_size=20)


@given(
    before=st.lists(st.tuples(MARKS, PLAIN), max_size=2),
    behind=st.lists(st.tuples(MARKS, PLAIN), max_size=2),
    who=st.sampled_from([0, -1]),
    body=WORDS,
    end=MARKS | st.just(""),
    other=WORDS,
)
def test_what_a_server_fills_in_is_found_again_before_a_body_and_behind_it(
    before: list[tuple[str, str]], behind: list[tuple[str, str]], who: int, body: str, end: str, other: str
) -> None:
    values = [value for _, value in (*before, *behind)]
    sender = values[who] if values else ""
    fields = ["{any}"] * len(values)
    if values:
        fields[who] = "{sender}"
    head = "".join(field + mark for field, (mark, _) in zip(fields, before, strict=False))
    tail = "".join(mark + field for field, (mark, _) in zip(fields[len(before) :], behind, strict=True))
    form = Template(head + "{body}" + tail + end)
    read = (
        "".join(value + mark for mark, value in before) + body + "".join(mark + value for mark, value in behind) + end
    )
    data, said = read.encode(), body.encode()
    assert form.label(data, said) == sender.encode()
    assert form.body(data) == said
    assert form.matches(data)
    assert form.sender(data) == (sender.encode() if values else None)
    assert body.endswith(other) or form.label(data, other.encode()) is None
    assert form.place(data, said, sender.encode()) == (0, len(data)) or form.open_ended
    assert form.find(data + b"~", said) == len(data) or form.open_ended
    assert all(
        form.may_go_on(data[:size], said, label) for size in range(len(data)) for label in (sender.encode(), None)
    )


def test_a_hostile_line_is_matched_in_bounded_time() -> None:
    notice = Template.parse("a{any}a{any}b", "any")
    assert not notice.matches(b"a" * 4000 + b"c")  # 4000 to the third power would be never
    assert notice.after(b"a" * 16000) is None
    behind = Template.parse("{body} ({any}) ({any})", "any", "body")
    assert behind.body(b"x (" * 30_000 + b")") is None
    assert behind.body(b"x (" * 30_000 + b"1) (2)") == b"x (" * 29_999 + b"x"


def test_a_name_is_letters_and_digits_and_a_reader_s_own_can_be_filled_in() -> None:
    came = Template.parse("{name} came.", "any", "name")
    assert [came.prefix(data) for data in (b"ann47 came.hi", b"hi ann came.", b" came.", b"ann came")] == [11, 0, 0, 0]
    assert came.named(b"ben").text == "ben came."
    assert Template.parse("{name}, {any}: ", "any", "name").prefix(b"ann, 3: x") == 8
    assert came.unknown == 1


COUNTED = Template("{any} at {any}> {body}!")
DUE = COUNTED.fill(body=b"hello") + COUNTED.fill(body=b"12 at 3")
CAME = b"1 at noon> hello!2 at night> 12 at 3!"


@given(st.sets(st.integers(1, len(CAME) - 1)))
def test_what_a_dialect_does_not_say_is_put_back_however_it_comes(cuts: set[int]) -> None:
    known, held = b"", b""
    for begin, end in pairwise([0, *sorted(cuts), len(CAME)]):
        more, held = COUNTED.put_back(DUE, len(known), held + CAME[begin:end])
        known += more
        assert DUE.startswith(known)
    assert (known, held) == (DUE, b"")


@pytest.mark.parametrize("came", [b"1\n at", b"1" * 5000, b"1\n at noon> hello!", b"1" * 5000 + b" at noon> hello!"])
def test_a_line_end_or_too_much_is_not_what_a_dialect_leaves_open(came: bytes) -> None:
    assert COUNTED.put_back(DUE, 0, came) == (came, b"")


def test_what_is_not_due_stays_as_it_came() -> None:
    assert COUNTED.put_back(DUE, 0, b"1 at noon> hullo!2") == (b"{any} at {any}> hullo!2", b"")
    assert COUNTED.put_back(DUE, len(DUE), b"3 at noon") == (b"3 at noon", b"")
    assert Template("{body}").put_back(b"{any}", 0, b"5") == (b"5", b"")
