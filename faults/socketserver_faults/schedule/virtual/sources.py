"""Where the source of a module is.

Next: `module_copies.py`.
"""

import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from itertools import chain
from typing import Any


def find_source(name: str, folders: Sequence[str] = ()) -> ModuleSpec | None:
    """Return where a module's Python source is, or None; unlike find_spec(), import no package.

    `folders` are searched before sys.path. A package without an `__init__` has no origin. A file may have a dot in its
    name.
    """
    parent = name.rpartition(".")[0]
    package = find_source(parent, folders) if parent else None
    if parent and package is None:
        files = (os.path.join(folder, f"{name}.py") for folder in folders)
        return next(
            (importlib.util.spec_from_file_location(name, file) for file in files if os.path.isfile(file)), None
        )
    path = package.submodule_search_locations if package else None
    here = PathFinder.find_spec(name, list(folders)) if not parent else None
    found = chain([here], (_find_spec(finder, name, path) for finder in sys.meta_path))
    spec = next((spec for spec in found if spec is not None and (spec.origin or spec.loader is None)), None)
    return spec if spec is not None and (spec.origin is None or spec.origin.endswith(".py")) else None


def _find_spec(finder: Any, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    try:
        return finder.find_spec(name, path)  # type: ignore[no-any-return]
    except KeyError:  # a package without an `__init__` in another: the library asks for the outer one, as imported
        return PathFinder.find_spec(name.rpartition(".")[2], list(path or ()))


def installed_in() -> tuple[str, ...]:
    """Return the folders of the standard library and of installed distributions."""
    packages = (*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("stdlib"))
    return tuple(os.path.join(os.path.realpath(folder), "") for folder in packages)
