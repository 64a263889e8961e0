"""Fetches servers of other projects, by name, for this checkout alone.

Debian packages are unpacked below build/, and never installed: no root is needed, no service starts at boot, and xinetd
and inetutils-inetd do not conflict. PyPI packages are this project's extra `interop`. A program that is on the machine
already is used. A server that cannot be fetched, or does not listen, is skipped, in one line with the reason.
"""

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.launched import Launched

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HOME = ROOT / "build" / "interop"
BIN = HOME / "bin"
PLACES = {"bin": BIN, "python": sys.executable, "servers": HERE / "servers"}
SYSTEM = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
"""The search path for programs: a user's PATH may not have the folders of daemons."""

LISTENING = 10.0
"""Seconds for a server to listen."""

INSTALL_TIMEOUT = 120.0
"""Seconds for one package to be fetched."""


class Missing(Exception):
    """A server cannot be used; the message is one line with the reason."""


def run(*command: str | Path) -> str:
    """Return the output of a command; raise Missing with its last line if it fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=INSTALL_TIMEOUT
        )
    except FileNotFoundError:
        raise Missing(f"there is no {command[0]} on this machine") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[0]} takes longer than {INSTALL_TIMEOUT:g} s") from None
    printed = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode:
        raise Missing(f"{' '.join(map(str, command[:2]))}: {(printed.splitlines() or ['no output'])[-1]}")
    return printed


@cache
def from_debian(package: str) -> None:
    """Put the program of the package's name into BIN: the machine's own, or one from the unpacked package."""
    program = BIN / package
    if os.access(program, os.X_OK):
        return
    BIN.mkdir(parents=True, exist_ok=True)
    program.unlink(missing_ok=True)
    if own := shutil.which(package, path=SYSTEM):
        program.symlink_to(own)
        return
    with tempfile.TemporaryDirectory(prefix="fetched-") as cache_of_apt:
        Path(cache_of_apt, "partial").mkdir()
        run(
            *("apt-get", "install", "--yes", "--quiet", "--download-only", "--no-install-recommends"),
            *("-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={cache_of_apt}", package),
        )
        for archive in Path(cache_of_apt).glob("*.deb"):
            run("dpkg-deb", "--extract", archive, HOME / package)
    unpacked = next((path for path in (HOME / package).glob(f"usr/*bin/{package}")), None)
    if unpacked is None:
        raise Missing(f"the package {package} holds no program of that name")
    libraries = sorted({str(path.parent) for path in (HOME / package).rglob("*.so*")})
    script = f'#!/bin/sh\nLD_LIBRARY_PATH={shlex.quote(":".join(libraries))} exec {shlex.quote(str(unpacked))} "$@"\n'
    program.write_text(script)
    program.chmod(0o755)


@cache
def from_pypi(package: str) -> None:
    """Install a package of the extra `interop` into this environment."""
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", f"{ROOT}[interop]")


def fill_in(text: str) -> str:
    """Return a command of servers.toml with the paths of this checkout; `{port}` stays."""
    for name, place in PLACES.items():
        text = text.replace(f"{{{name}}}", shlex.quote(str(place)))
    return text


def version(source: str) -> str:
    """Return the version of a program, as it prints it, or of a Python package."""
    if not re.search(r"[ {]", source):
        return importlib.metadata.version(source)
    printed = run(*shlex.split(fill_in(source)))
    found = re.search(r"\d+(\.\d+)+", printed)
    return found[0] if found else printed.splitlines()[0]


def install(server: Mapping[str, Any]) -> str:
    """Make a server available; return its version, or raise Missing."""
    if "program" in server and shutil.which(server["program"], path=SYSTEM) is None:
        raise Missing(f"there is no {server['program']} on this machine")
    if "apt" in server:
        from_debian(server["apt"])
    if "pip" in server:
        from_pypi(server["pip"])
    found = version(server["version"])
    try:
        Launched(fill_in(server["launch"]), transport=server.get("transports", ["tcp"])[0]).start(LISTENING).close()
    except CannotCheck as error:
        raise Missing(str(error)) from None
    return found
