"""The attributes of an object of a watched program, as its code gets them from vars().

Next: `shared_objects.py`.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any, Protocol


class Touches(Protocol):
    """What notes that attributes are used: see `shared_objects.py`."""

    def hasattr(self, thing: Any, name: str) -> bool: ...
    def store(self, thing: Any, name: str) -> Any: ...
    def delete(self, thing: Any, *name: str) -> Any: ...
    def compare(self, thing: Any) -> Any: ...


class Attributes(MutableMapping[str, Any]):
    """The attributes of an object, as vars() returns them: each is touched by its name."""

    def __init__(self, shared: Touches, thing: Any) -> None:
        self._shared, self._thing = shared, thing

    def __getitem__(self, name: str) -> Any:
        self._shared.hasattr(self._thing, name)
        return vars(self._thing)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        vars(self._shared.store(self._thing, name))[name] = value

    def __delitem__(self, name: str) -> None:
        del vars(self._shared.delete(self._thing, name))[name]

    def __iter__(self) -> Iterator[str]:
        self._shared.compare(self._thing)
        return iter(list(vars(self._thing)))

    def __len__(self) -> int:
        return len(list(iter(self)))
