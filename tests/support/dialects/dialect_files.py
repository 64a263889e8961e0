"""Dialects by a few lines of their files."""

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.loader import read


def chat(text: str = "") -> Dialect:
    return read('protocol = "chat"\n' + text, "mine", "mine")


def echo(text: str = "", protocol: str = "echo") -> Dialect:
    return read(f'protocol = "{protocol}"\n' + text, "mine", "mine")


LINES = '[framing]\nin = "line"\n'
SILENT = LINES + '[delivery]\ntemplate = "{sender}: {body}"\nto_sender = "nothing"\n'
WORDED = '[echo]\ntransform = "identity"\nrequests = "many"\nreply = "> {body}"\n'
