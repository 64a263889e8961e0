"""The part of a scheduler that virtual sockets ask, where nobody records what they touch."""


class Unrecorded:
    """A base for `Points` of tests."""

    recorded = recording = False

    def touch(self, name: object, how: int) -> None:
        """Do nothing."""

    def label(self) -> object:
        """Return no name."""

    def progress(self) -> None:
        """Nothing."""

    def refuse_to_reduce(self, what: str) -> None:
        """Refuse nothing."""
