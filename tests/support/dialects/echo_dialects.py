"""The dialects that echoes are served in: see `tests/servers/dialect_echoes.py`."""

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.loader import read

DIALECTS: dict[str, Dialect] = {
    name: read('protocol = "echo"\n' + text, name, name)
    for name, text in {
        "everything": '[echo]\ntransform = "identity"\nrequests = "many"',
        "lines": '[framing]\nin = "line"\nnewline = "\\r\\n"\n[echo]\ntransform = "lower"\nrequests = "many"',
        "stripped lines": '[framing]\nin = "line"\n[echo]\nrequests = "many"',
        "greeting": '[echo]\ntransform = "upper"\nrequests = "many"\ngreeting = "It is {any}\\n"',
        "backwards": '[echo]\ntransform = "reverse"',
        "each backwards": '[echo]\ntransform = "reverse"\nrequests = "many"',
        "each stripped": '[echo]\nrequests = "many"',
        "one at most": '[limits]\nutterance = 100\n[echo]\ntransform = "lower"',
        "greets and quits": """
            [framing]
            in = "line"
            newline_out = "\\r\\n"
            [quit]
            word = "quit"
            farewell = "bye\\r\\n"
            [echo]
            transform = "identity"
            requests = "many"
            greeting = "say quit to leave\\r\\n"
            """,
        "words around": '[echo]\ntransform = "identity"\nrequests = "many"\nreply = "you said: {body}.."',
        "counted lines": """
            framing.in = "line"
            [echo]
            transform = "identity"
            requests = "many"
            reply = "{any}: {body}"
            """,
        "one counted": '[echo]\nreply = "reply {any}, at {any}> {body}"',
        "numbered lines": """
            framing.in = "line"
            [echo]
            transform = "upper"
            requests = "many"
            reply = "{body} {any}"
            """,
        "one numbered": '[echo]\nreply = "{body} [{any}]"',
        "two replies": """
            [framing]
            in = "length"
            out = "line"
            header = "u16be"
            [echo]
            transform = "identity"
            requests = "many"
            reply = "got it\\n{body}"
            """,
        "one in words": '[echo]\nreply = "{body}!"\n[limits]\nutterance = 500',
        "one replaced": '[bytes]\nhandling = "replaced"\n[echo]\ntransform = "identity"',
    }.items()
}

DATAGRAMS: dict[str, Dialect] = {
    "counted": read(
        'protocol = "datagram"\n[echo]\nreply = "{any} {body}"\n[datagrams]\nlargest = 4000', "counted", ""
    ),
    "numbered": read(
        """protocol = "datagram"\n[datagrams]\nlargest = 4000\n[echo]\nreply = '{"said": "{body}", "number": {any}}'""",
        "numbered",
        "",
    ),
    "small": read('protocol = "datagram"\n[datagrams]\nlargest = 500\nempty = "ignored"', "small", "small"),
    "large": read('protocol = "datagram"\n[echo]\ntransform = "identity"\n[datagrams]\nlargest = 65507', "large", ""),
}
