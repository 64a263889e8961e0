"""The exit codes of `check` and `compare`."""

CONFORMS, VIOLATED, NOT_CHECKED, INTERRUPTED = 0, 1, 2, 130
"""The server conforms; it breaks a clause; it could not be checked; a signal ended the check."""
