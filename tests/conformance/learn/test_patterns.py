"""What `learn` makes of what was heard: patterns, framing, and a file in which nothing does harm."""

import tomllib

import pytest

from socketserver_reference.conformance.dialects.framing import BINARY_HEADERS, Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, comment, quoted, text
from socketserver_reference.conformance.learn.first_contact import PROBED_HEADERS
from socketserver_reference.conformance.learn.framing import ObservedDelivery, understand
from socketserver_reference.conformance.learn.patterns import apart, beside, endings, literal, notices, reader, template


def test_words_are_compared_and_not_characters() -> None:
    heads = {"ann": [b"127.0.0.1:40512> "] * 2, "ben": [b"127.0.0.1:40528> "] * 2}
    assert template(beside(heads, "")) == "127.0.0.1:{sender}> "
    assert template(beside(heads, "127.0.0.1")) == "{sender}> "


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("annさんが入室しました", "{name}さんが入室しました"),
        ("10:39分 ann", "{any}分 {name}"),
        ("annika came", "annika came"),
    ],
)
def test_a_name_ends_where_letters_of_another_script_begin(told: str, read: str) -> None:
    assert template(reader(name="ann")(told.encode())) == read


def test_labels_of_different_length_are_found() -> None:
    heads = {"ann": [b"at 12:01 Ann the First: ", b"at 12:02 Ann the First: "], "ben": [b"at 12:03 Ben: "] * 2}
    assert template(beside(heads, "")) == "at {any} {sender}: "


@pytest.mark.parametrize(
    ("clock", "before"),
    [
        ("2026-11-30 10:39:57 ", "{any} {any} "),
        ("2026-11-30 10:39:57.123 ", "{any} {any} "),
        ("2026-11-30T10:39:57 ", "{any} "),
        ("[2026-11-30 10:39:57] ", "[{any}] "),
        ("10:39 ", "{any} "),
        ("1796039232 ", "{any} "),
        ("1796039232.39|", "{any}|"),
        ("[30/11/2026 10:39:57] ", "[{any}] "),
        ("[11/30/2026, 10:39:57 PM] ", "[{any}] "),
        ("[10:39 AM] ", "[{any}] "),
        ("11/30/26:10:39:57 ", "{any} "),
        ("30.11.2026 10:39:57 ", "{any} {any} "),
        ("[Mon Nov 30 10:39:57 2026] ", "[{any}] "),
        ("[10.0.0.127] ", "[10.0.0.127] "),
    ],
)
def test_no_part_of_the_time_belongs_to_the_label(clock: str, before: str) -> None:
    found = template(beside({who: [f"{clock}{who}: ".encode()] * 2 for who in ("ann", "ben")}, ""))
    assert found == f"{before}{{sender}}: "
    later = f"{clock}ann: hello".replace("39", "40").encode()
    assert Template.parse(f"{found}{{body}}", "any", "sender", "body").label(later, b"hello") == b"ann"


@pytest.mark.parametrize(
    ("clock", "behind"),
    [
        (" 2026-11-30 10:39:57", " {any} {any}"),
        (" (2026-11-30 10:39:57)", " ({any})"),
        ('", "time": "30/11/2026 10:39:57"}', '", "time": "{any}"}'),
        (' at "11/30/2026, 10:39:57 PM"', ' at "{any}"'),
        (" 2026-11-30T10:39:57.5+01:00", " {any}"),
    ],
)
def test_no_part_of_the_time_belongs_to_the_words_before_it(clock: str, behind: str) -> None:
    found = template(beside({who: [f" says {who}{clock}".encode()] * 2 for who in ("ann", "ben")}, "", behind=True))
    assert found == f" says {{sender}}{behind}"
    later = f"hello says ann{clock}".replace("39", "40").encode()
    assert Template.parse(f"{{body}}{found}", "any", "sender", "body").label(later, b"hello") == b"ann"


def test_a_name_is_the_label_without_what_the_server_puts_before_it() -> None:
    assert template(beside({"ann": [b"<userann> "], "ben": [b"<userben> "]}, "")) == "<user{sender}> "
    assert template(beside({"ann": [b"<user7> "], "ben": [b"<user12> "]}, "")) == "<user{sender}> "
    assert template(beside({"ann": [b"<annx> "], "ben": [b"<benx> "]}, "")) == "<{sender}> "
    assert template(beside({"ann": [b"<the1ann> "], "ben": [b"<the2ben> "]}, "")) == "<{sender}> "


def test_a_colour_that_varies_with_the_speaker_is_its_label() -> None:
    heads = {"ann": [b"\x1b[32m\x1b[1m"], "ben": [b"\x1b[91m\x1b[22m"], "cal": [b"\x1b[35m\x1b[2m"]}
    assert template(beside(heads, "")) == "\x1b[{sender}m"
    heads = {"ann": [b"\x1b[32mann\x1b[0m: "], "ben": [b"\x1b[91mben\x1b[0m: "]}
    assert template(beside(heads, "")) == "\x1b[{sender}\x1b[0m: "
    heads = {"ann": [b"\x1b[32mann: "], "ben": [b"\x1b[32mben: "]}
    assert template(beside(heads, "")) == "\x1b[32m{sender}: "


def test_lines_of_one_kind_make_one_template() -> None:
    lines = [
        b"already here: nobody.",
        b"already here: ann, ben.",
        b"ann is here",
        b"ben is here",
        b"already here: ann.",
    ]
    assert notices(lines, ["ann", "ben"]) == ["already here: {any}.", "{any} is here"]


def test_texts_that_came_in_a_row_are_taken_apart() -> None:
    assert apart(["{any} joined!", "{any} joined!{any} left!", " joined! joined! left!{any} left!"]) == [
        "{any} joined!",
        "{any} left!",
    ]
    assert apart(["> ", "{any} is here> ", "> > "]) == ["> ", "{any} is here> "]
    assert apart([]) == []


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (b"{body} and {sender}", "{any} and {any}"),
        (b"{not a field}", "{not a field}"),
        (b"\xff\xfe{}\xff", "{any}"),
        (b"\xff a \xff b \xff c \xff.", "{any} a {any}."),
        ("\xe9".encode(), "\xe9"),
    ],
)
def test_what_a_template_cannot_say_is_anything(data: bytes, written: str) -> None:
    assert literal(data) == written
    assert template(reader()(data)) == written


def test_a_number_that_counts_something_else_is_no_length() -> None:
    def heard(*data: bytes) -> str:
        texts = (b"otter", b"wolverine")
        found = [ObservedDelivery("ann", "ben", text, one) for text, one in zip(texts, data, strict=True)]
        return understand(found, Framing()).framing.kind

    assert heard(b"   5otter", b"   9wolverine") == "length"
    assert heard(b"   5otter\n", b"   9wolverine\n") == "line"
    assert heard(b"otter     ", b"wolverine ") == "fixed"
    assert heard(b"otter", b"wolverine") == "none"


def test_a_file_holds_nothing_but_printable_characters() -> None:
    learned = LearnedDialect()
    learned.learn("delivery", "template", '\x1b"\\\n\r\t\x7f\xe9\U0001f600{body}', "why\nnot \x1b[31m" + "word " * 40)
    learned.learn("delivery", "template", "later {body}", "it is so")
    learned.learn("", "about", '\x1b"\\\n\r\t\x7f\xe9\U0001f600', "why\nnot \x1b[31m" + "word " * 40, sure=True)
    learned.learn("limits", "gap", 0, "unknown", sure=False)
    learned.exchange(send=("{name}\n", "a name"))
    written = text(learned, ["a header"])
    assert all(line.isprintable() and len(line) <= 120 for line in written.split("\n"))
    document = tomllib.loads(written)
    assert document["about"] == '\x1b"\\\n\r\t\x7f\xe9\U0001f600'
    assert document["delivery"] == {"template": "later {body}"}
    assert document["limits"] == {}
    assert document["handshake"] == [{"send": "{name}\n"}]


def test_long_things_are_quoted_in_part() -> None:
    assert quoted(b"x" * 61) == repr(b"x" * 60) + "..."
    assert comment("a\nb") == "# a\\nb"


def test_texts_that_nothing_ends_are_told_apart_by_their_last_word_if_those_are_few() -> None:
    told = [b"ann has come in!", b"ben has come in!", b"ann has gone out.", b"ben has gone out."]
    assert endings(told, [], ["ann", "ben"]) == ["{any} has come in!", "{any} has gone out."]
    told = [b"the user ann has come!", b"the user ben has come!", b"the user ann has gone.", b"the user ben has gone."]
    assert endings(told, [], ["ann", "ben"]) == ["the user {any} has come!", "the user {any} has gone."]
    many = [b"it is %s now %s" % (word, word) for word in (b"one", b"two", b"six", b"ten")]
    assert endings(many, []) == ["it is {any} now {any}"]
    assert endings([b"> ", b"7 here", b"8 here"], []) == ["> ", "{any} here"]


def test_a_length_is_not_taken_for_a_wider_one_that_frames_of_no_bytes_make_of_it() -> None:
    tried = [Framing("length", header=header) for header in PROBED_HEADERS if header in BINARY_HEADERS]
    for served in tried:

        def repeated(said: bytes, served: Framing = served) -> bytes:
            frames = b""
            while (cut := served.cut(said)) is not None:
                frames, said = frames + served.put(cut[0]), said[cut[1] :]
            return frames

        fitting = [one for one in tried if repeated(one.put(b"otter")) == one.put(b"otter")]
        assert fitting[0] == served
