"""The reference pages: commands and options, the keys of dialects, the JSON report, pytest, and the public names."""

import argparse
import inspect
import json
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from docs.derive.markdown import docstring, escaped, fence, table
from socketserver_faults import network, schedule
from socketserver_faults.cli import main as faults_command
from socketserver_faults.network import Conditions, Through
from socketserver_faults.schedule.virtual import models
from socketserver_reference import conformance
from socketserver_reference.cli import main as reference_command
from socketserver_reference.conformance.dialects import key_list, loader
from socketserver_reference.conformance.dialects.example import conversation
from socketserver_reference.conformance.reports import json_schema
from socketserver_reference.conformance.runner.options import OPTIONS, SHARD


def _of_faults(name: str) -> argparse.ArgumentParser:
    """Return the parser of a command of `socketserver-faults`."""
    actions = faults_command.build_parser()._actions
    found: argparse.ArgumentParser = next(action.choices[name] for action in actions if action.dest == "command")  # type: ignore[index]  # the parsers by their names
    return found


PROGRAMS: dict[str, tuple[Sequence[str], Callable[[str], argparse.ArgumentParser]]] = {
    reference_command.PROGRAM: (list(reference_command.COMMANDS), reference_command.build_command_parser),
    faults_command.PROGRAM: (list(faults_command.COMMANDS), _of_faults),
}
"""Program -> its commands, and the function that makes the parser of one."""

PREFIX = "--conformance-"
"""What the options of the pytest plugin begin with."""


def command_page(program: str, command: str) -> str:
    """Return the page of a command, from its parser."""
    parser = PROGRAMS[program][1](command)
    name = f"{program} {command}"
    formatter = argparse.HelpFormatter(name)
    lines = [
        f"({program}-{command})=\n# {name}",
        escaped(parser.description or ""),
        fence(parser.format_usage().removeprefix("usage: "), "text"),
    ]
    actions = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    for heading, options in (("Arguments", False), ("Options", True)):
        rows = [
            (_spelled(action), escaped(formatter._expand_help(action)))
            for action in actions
            if bool(action.option_strings) is options
        ]
        if rows:
            lines += [f"## {heading}", table((heading.lower().rstrip("s"), "what it does"), rows)]
    return "\n\n".join(lines) + "\n"


def _spelled(action: argparse.Action) -> str:
    """Return an argument as it is written on a command line."""
    value = argparse.HelpFormatter("")._format_args(action, _metavar(action)) if action.nargs != 0 else ""
    return ", ".join(f"`{name}{f' {value}' if value else ''}`" for name in action.option_strings) or f"`{value}`"


def _metavar(action: argparse.Action) -> str:
    if action.choices is not None and action.metavar is None:
        return f"{{{','.join(map(str, action.choices))}}}"
    return action.dest.upper() if action.option_strings else action.dest


def commands_page() -> str:
    """Return the page that lists the commands."""
    lines = ["# Commands", "Two programs; each command has `--help`, which says what its page here says."]
    for program, purposes in (
        (reference_command.PROGRAM, reference_command.COMMANDS),
        (faults_command.PROGRAM, {name: purpose for name, (purpose, _) in faults_command.COMMANDS.items()}),
    ):
        rows = [(f"[{name}]({program}/{name}.md)", escaped(purpose)) for name, purpose in purposes.items()]
        lines += [f"## {program}", table(("command", "purpose"), rows)]
    pages = "\n".join(f"{program}/{name}" for program, (names, _) in PROGRAMS.items() for name in names)
    lines.append(f"```{{toctree}}\n:hidden:\n:titlesonly:\n\n{pages}\n```")
    return "\n\n".join(lines) + "\n"


def pytest_page() -> str:
    """Return the page of the pytest plugin's options."""
    rows = [
        (f"`{PREFIX}{option.name}{f' {_value(option)}' if _value(option) else ''}`", escaped(option.help))
        for option in (*OPTIONS, SHARD)
    ]
    return "\n\n".join(
        [
            "# Options of the pytest plugin",
            "The plugin comes with the package. Its options are those of `check`, with a prefix, and one for shards; a "
            "test class says the rest, see [how to check from pytest](../how-to/pytest.md).",
            table(("option", "what it does"), rows),
        ]
    )


def _value(option: Any) -> str:
    return option.metavar or "|".join(option.choices or ())


def keys_page() -> str:
    """Return the page of the keys of a dialect file."""
    return key_list.markdown().replace("[keys.py](keys.py)", "the table that reads them") + (
        "\nThe same as a [JSON Schema](dialect.schema.json) for editors.\n"
    )


def schemas() -> Iterator[tuple[str, str]]:
    """Yield the JSON Schemas that pages link to: path and text."""
    yield "reference/dialect.schema.json", json.dumps(key_list.schema(), indent=2) + "\n"
    yield "reference/report.schema.json", json.dumps(json_schema.schema(), indent=2) + "\n"


def dialects_page() -> str:
    """Return the page of the bundled dialects."""
    lines = [
        "# Bundled dialects",
        "Each was verified against the named servers, and is a file to copy from. `socketserver-reference dialects "
        "NAME` prints the same.",
    ]
    for name, dialect in loader.bundled().items():
        lines += [f"## {name}", escaped(f"{dialect.about}. For {' and '.join(dialect.protocols)}.")]
        lines += [fence("\n".join(conversation(dialect)))] if name != "note" else []
        if path := loader.source(name):
            lines.append(f"<details><summary>The file</summary>\n\n{fence(loader.text_of(path), 'toml')}\n\n</details>")
    return "\n\n".join(lines) + "\n"


def json_page() -> str:
    """Return the page of the JSON report, from its schema."""
    lines = [
        "# The JSON report",
        "Keys are added, never removed or given another meaning; otherwise `format` counts on. The same as a [JSON "
        "Schema](report.schema.json), which `check --json-schema` prints.",
    ]
    for name, about in json_schema.schema()["$defs"].items():
        lines.append(f"## {name}\n\n{escaped(about['description'][:1].upper() + about['description'][1:])}.")
        lines.append(table(("key", "meaning"), _keys(about)))
    return "\n\n".join(lines) + "\n"


def _keys(about: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys of an object and their meanings, those of objects in it included."""
    for key, value in about["properties"].items():
        among = f"; one of {', '.join(map(str, value['enum']))}" if "enum" in value and key != "id" else ""
        yield f"`{prefix}{key}`", escaped(value["description"] + among)
        inner = value.get("items", value)
        if "properties" in inner:
            yield from _keys(inner, f"{prefix}{key}.")


def scheduler_models_page() -> str:
    """Return the page of what plays under the scheduler."""
    return "\n".join(models.lines()) + "\n"


PUBLIC: dict[str, tuple[Any, Sequence[str]]] = {
    "socketserver_reference.conformance": (conformance, conformance.__all__),
    "socketserver_faults.schedule": (schedule, schedule.__all__),
    "socketserver_faults.network": (network, [Through.__name__, Conditions.__name__]),
}
"""Module -> the names in it that users import."""


def api_page() -> str:
    """Return the page of the public names, from their docstrings."""
    return "\n\n".join(["# Public names", *_names()]) + "\n"


def _names() -> Iterator[str]:
    for module, (home, names) in PUBLIC.items():
        yield f"## {module}"
        for name in names:
            thing = getattr(home, name)
            own = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
            home_of = import_module(thing.__module__)
            text = own if own and not own.startswith(("See the module", f"{name}(")) else home_of.__doc__ or ""
            yield f"### {name}"
            yield fence(f"{name}{_signature(thing)}", "python")
            yield docstring(inspect.cleandoc(text), level=4)


def _signature(thing: Any) -> str:
    try:
        found = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    return (
        ""
        if found in ("()", "(*args, **kwargs)", "(*args: object, **kwargs: object)")
        else re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", found)
    )


def pages() -> Iterator[tuple[str, str]]:
    """Yield the pages of the reference that are derived: path and text."""
    yield "reference/commands.md", commands_page()
    for program, (names, _) in PROGRAMS.items():
        for name in names:
            yield f"reference/{program}/{name}.md", command_page(program, name)
    yield "reference/pytest.md", pytest_page()
    yield "reference/dialect-keys.md", keys_page()
    yield "reference/dialects.md", dialects_page()
    yield "reference/json.md", json_page()
    yield "reference/scheduler.md", scheduler_models_page()
    yield "reference/api.md", api_page()
