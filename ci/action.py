"""Runs a composite action locally: action.py ACTION.yml [INPUT=VALUE ...].

Reads the file as the service does, refuses expressions that it could not resolve, and runs each step's script under
bash with the environment that the action and the service set. Prints the action's outputs, one a line. Exits as its
last step.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")

BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
"""How the service runs a step whose shell is bash."""


def resolve(text: str, known: Mapping[str, str]) -> str:
    """Return a text with the value of each expression in its place; exit if one has no value."""

    def value(found: re.Match[str]) -> str:
        if found.group(1) not in known:
            sys.exit(f"action.py: ${{{{ {found.group(1)} }}}} names nothing; there are {', '.join(known)}")
        return known[found.group(1)]

    return EXPRESSION.sub(value, text)


def read_inputs(action: Mapping[str, Any], given: list[str]) -> dict[str, str]:
    """Return the inputs of a user; exit if one is unknown or missing."""
    named = dict(one.split("=", 1) for one in given)
    for name in named:
        if name not in action["inputs"]:
            sys.exit(f"action.py: {name} is no input; there are {', '.join(action['inputs'])}")
    inputs = {}
    for name, about in action["inputs"].items():
        if about.get("required") and name not in named:
            sys.exit(f"action.py: the input {name} is missing")
        inputs[f"inputs.{name}"] = named.get(name, str(about.get("default", "")))
    return inputs


def play(step: Mapping[str, Any], known: dict[str, str], directory: Path) -> int:
    """Run a step; add its outputs to `known`, and return its exit status."""
    assert step["shell"] == "bash"
    files = {name: directory / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.touch()
    script = directory / "step.sh"
    script.write_text(resolve(step["run"], known))
    environment = {name: resolve(str(value), known) for name, value in step.get("env", {}).items()}
    status = subprocess.run(
        [*BASH, str(script)],
        cwd=resolve(step.get("working-directory", "."), known),
        env={**os.environ, **{name: str(file) for name, file in files.items()}, "RUNNER_TEMP": str(directory)}
        | environment,
        check=False,
    ).returncode
    for line in files["GITHUB_OUTPUT"].read_text().splitlines():
        name, value = line.split("=", 1)
        known[f"steps.{step['id']}.outputs.{name}"] = value
    return status


def main(file: Path, given: list[str]) -> int:
    action = yaml.safe_load(file.read_text())
    assert {"name", "description", "inputs", "runs"} <= set(action)
    assert action["runs"]["using"] == "composite"
    known = {**read_inputs(action, given), "github.action_path": str(file.parent.resolve())}
    with tempfile.TemporaryDirectory(prefix="action-") as directory:
        for step in action["runs"]["steps"]:
            status = play(step, known, Path(directory))
            if status:
                break
        for name, output in action["outputs"].items():
            print(f"{name}={resolve(output['value'], known)}")
        print(Path(directory, "github_step_summary").read_text(), end="")
        verdicts = Path(resolve(action["outputs"]["junit"]["value"], known))
        assert status == 2 or verdicts.stat().st_size, "there is no JUnit XML"
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
