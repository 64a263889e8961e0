"""What an echo makes of a request: the one whose reply shows it."""

from socketserver_reference.conformance.dialects.dialect import TRANSFORMS
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect

REQUEST = b"  Otter Weasel-1  "
"""Letters in both cases between blanks: each transformation changes it in another way."""

AS_READ = (REQUEST, REQUEST.rstrip(), REQUEST.lstrip(), REQUEST.strip())
"""What servers make of it when they read it."""


def learn_transform(reply: bytes, why: str, learned: LearnedDialect) -> str:
    """Note the transformation that makes this reply of REQUEST, with nothing around it, and whether white space is lost
    besides; return its name, "" if none does.
    """
    for name, transform in TRANSFORMS.items():
        if transform(REQUEST) == reply:
            learned.learn("echo", "transform", name, why)
            return name
    for name, transform in TRANSFORMS.items():
        if transform(REQUEST.strip()) == reply.strip() and reply in transform(REQUEST):
            learned.learn("echo", "transform", name, why)
            learned.learn("bytes", "white_space", "stripped", why)
            return name
    return ""
