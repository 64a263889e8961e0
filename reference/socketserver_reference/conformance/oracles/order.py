"""One order for all: whether what every member heard, each in its own order, can be parts of one."""


class Order:
    """A graph of utterances, by number: an edge from each to what somebody heard next."""

    def __init__(self) -> None:
        self._after: dict[int, set[int]] = {}
        self._last: dict[str, int] = {}
        self.broken = False
        """Whether two members have heard the same things in two orders."""

    def clear(self) -> None:
        """Forget all: everybody has heard everything, so whatever comes next comes after it for all."""
        self._after.clear()
        self._last.clear()

    def follows(self, who: str, number: int) -> bool:
        """Note that this is what somebody heard next; False if others have heard it before the last."""
        last = self._last.get(who)
        self._last[who] = number
        if last is None:
            return True
        if number in self._after.get(last, ()):  # somebody else has heard the two in this order
            return True
        if self._leads(number, last):
            self.broken = True
            return False
        self._after.setdefault(last, set()).add(number)
        return True

    def _leads(self, one: int, other: int) -> bool:
        """Whether somebody, or some together, heard one before the other."""
        todo, seen = [one], {one}
        while todo:
            at = todo.pop()
            if at == other:
                return True
            for further in self._after.get(at, ()):
                if further not in seen:
                    seen.add(further)
                    todo.append(further)
        return False
