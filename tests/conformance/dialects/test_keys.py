"""The table of keys, and all that is made of it: the printed list, the page, the JSON Schema, the defaults."""

import json
import tomllib

import jsonschema
import pytest

from socketserver_reference.cli.main import main
from socketserver_reference.conformance.dialects import key_list
from socketserver_reference.conformance.dialects.document import check
from socketserver_reference.conformance.dialects.keys import HANDSHAKE, TABLES, Key, Table
from socketserver_reference.conformance.dialects.loader import BUNDLED, BadDialect, read
from tests.support.dialects.refused_dialects import CHAT, REFUSED

SCHEMA = key_list.schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

KEYS = [pytest.param(table, key, id=f"{table.name}.{key.name}") for table in TABLES.values() for key in table.keys]

UNSEEN = ("occurs", "a field follows", "nothing says where", "every line", "more than fields", "matches any", "nan")
"""What is wrong within a template, which a JSON Schema does not see, and the number that JSON does not have."""

NEEDS = {
    "size": 'in = "fixed"',
    "pad": 'in = "fixed"\nsize = 100',
    "header": 'in = "length"',
    "header_counted": 'in = "length"',
    "parts": 'in = "length"\n[delivery]\ntemplate = "{sender}\\n{body}"',
    "requests": 'transform = "identity"',
    "framed": 'send = "{name}"',
    "farewell": 'word = "bye"',
}
"""Key -> what else its table needs to have."""


NECESSARY = ("protocol", "size")
"""Keys without which the rest of the document is not valid."""


def document(table: Table, key: Key) -> str:
    """Return a file that has this key, with the value of its example."""
    protocol = (table.applies(key))[0]
    lines = [f"{key.name} = {key_list.toml(key.example)}", NEEDS.get(key.name, "")]
    first = "" if key.name == "protocol" else f'protocol = "{protocol}"\n'
    return first + "\n".join([table.heading if table.name else "", *lines])


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_each_key_s_example_is_valid_and_says_something_else_than_its_default(table: Table, key: Key) -> None:
    text = document(table, key)
    dialect = read(text, "mine", "mine.toml")
    if table is not HANDSHAKE and key.name not in NECESSARY:
        without = text.replace(f"{key.name} = {key_list.toml(key.example)}", "")
        assert read(without, "mine", "mine.toml") != dialect, "loader.py does not read it"
    VALIDATOR.validate(tomllib.loads(text))
    assert key.example != key.default
    assert key.default is not None or key.without


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_each_key_is_refused_by_both_with_a_value_of_another_kind(table: Table, key: Key) -> None:
    text = f"{table.heading if table.name else ''}\n{key.name} = {{a = 1}}\n{NEEDS.get(key.name, '')}\n"
    text = ('protocol = "chat"\n' if key.name != "protocol" else "") + text
    if not {"chat"} & set(table.applies(key)):
        text = text.replace("chat", table.applies(key)[0])
    with pytest.raises(BadDialect, match=rf"\b{key.name} = "):
        read(text, "mine", "mine.toml")
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(tomllib.loads(text))


def test_the_schema_is_one_and_holds_for_the_bundled_dialects() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    files = [*BUNDLED.glob("*.toml")]
    assert files
    for file in files:
        VALIDATOR.validate(tomllib.loads(file.read_text()))


def refusal(document: dict[str, object]) -> str:
    """Return what is wrong with the keys of a document, one by one; "" for what is wrong with their combination."""
    try:
        check(document)
    except BadDialect as error:
        return str(error)
    return ""


def test_what_is_wrong_with_a_key_the_schema_refuses() -> None:
    found = [tomllib.loads(text) for text, key, _ in REFUSED if key != "is not TOML"]
    wrong = [(one, why) for one in found if (why := refusal(one)) and not any(reason in why for reason in UNSEEN)]
    assert len(wrong) > 50
    assert [one for one in wrong if VALIDATOR.is_valid(one[0])] == []


def test_the_printed_list_and_the_page_have_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects", "--keys"]) == 0
    printed = capsys.readouterr().out
    page = key_list.markdown()
    for table in TABLES.values():
        for key in table.keys:
            assert f"  {key.name}" in printed
            assert f"example:    {key.name} = " in printed
            assert f"| `{key.name}`" in page
    made = "socketserver-reference dialects --keys-markdown"
    assert (BUNDLED.parent / "KEYS.md").read_text() == page, f"not what this prints: {made}"


def test_the_command_prints_schema_and_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    assert main(["dialects", "--keys-markdown"]) == 0
    assert capsys.readouterr().out == key_list.markdown()
    assert main(["dialects", "rfc862", "--keys"]) == 2
    assert "leave out the name" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["dialects", "--keys", "--schema"])


def test_a_table_without_keys_changes_nothing() -> None:
    empty = "".join(f"{table.heading}\n" for table in TABLES.values() if table.name and table is not HANDSHAKE)
    plain = empty.replace("[echo]\n", "").replace("[datagrams]\n", "")
    assert read(CHAT + plain, "mine", "mine.toml") == read(CHAT, "mine", "mine.toml")
