"""What a server is known to say although it should not, as a notice: so that it hides nothing else."""

import re
from collections.abc import Iterable

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.template import BadTemplate, Template

MAX_PASSING_BYTES = 200
"""Longest text of which the like may pass."""

MAX_PASSING = 8
"""Most kinds of texts that may pass; a server that says more has no pattern."""


def passing(frame: bytes, dialect: Dialect, names: Iterable[bytes]) -> Template | None:
    """Return a notice that a frame is one of, and those that tell the same of other clients; None if there is none.

    In a stream nothing tells a notice from a delivery, nor where nothing marks the end of one.
    """
    if dialect.stream or dialect.framing_out.kind == "none" or len(frame) > MAX_PASSING_BYTES:
        return None
    body = dialect.template.body(frame)
    varying = b"|".join([*map(re.escape, sorted(names, key=len, reverse=True)), rb"[0-9][0-9.:]*"])
    try:
        said = re.sub(varying, b"{any}", frame if body is None else body).decode()
        form = "{body}" if body is None else re.sub(r"\{(?!body)\w*\}", "{any}", dialect.template.text)
        found = Template.parse(form.replace("{body}", said), "any")
    except (BadTemplate, UnicodeDecodeError):
        return None
    return found if re.search(r"\w", found.literal) and found.matches(frame) else None
