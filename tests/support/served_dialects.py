"""Dialects of chats in frames, of every kind: `dialects_served.py` serves them."""

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.loader import read

DIALECTS: dict[str, Dialect] = {
    name: read('protocol = "chat"\n' + text, name, name)
    for name, text in {
        "named": """
            [framing]
            in = "line"
            [[handshake]]
            wait = "Name? "
            send = "{name}\\n"
            [[handshake]]
            wait = "Hello {any}\\n"
            [delivery]
            template = "{sender}: {body}"
            to_sender = "nothing"
            notices = ["* {any} has come", "* {any} has gone"]
            [quit]
            word = "/quit"
            [bytes]
            handling = "replaced"
            white_space = "stripped"
            """,
        "prompting": """
            [framing]
            in = "line"
            newline = "\\r\\n"
            [delivery]
            template = "[{any}] <{sender}> {body}"
            to_sender = "you: {body}"
            prompts = ["> "]
            """,
        "lengths": """
            [framing]
            in = "length"
            header = "%04d"
            [delivery]
            template = "{body}"
            to_sender = "ok"
            """,
        "fixed": """
            [framing]
            in = "fixed"
            size = 400
            [delivery]
            template = "{sender}>{body}"
            [quit]
            word = ""
            """,
        "small": """
            [framing]
            in = "fixed"
            size = 32
            pad = "\\u0000"
            [delivery]
            template = "{body}"
            [quit]
            word = ""
            """,
        "chunks": """
            [framing]
            in = "chunk"
            [delivery]
            template = "<user{sender}> {body}"
            to_sender = "nothing"
            notices = ["<announce> {any}"]
            [quit]
            word = ""
            [bytes]
            handling = "escaped"
            [limits]
            chunk = 65536
            """,
        "two ends": """
            [framing]
            in = "line"
            newline_out = "\\r\\n\\r\\n"
            [[handshake]]
            wait = "Name? "
            send = "{name}\\n"
            [[handshake]]
            wait = "Room, red or blue? "
            send = "red\\n"
            [[handshake]]
            wait = "Hello {name}, {any} online\\r\\n"
            [delivery]
            template = "{sender}: {body} !"
            history = 5
            [commands]
            say = "SAY {body}"
            prefixes = ["/", "<join>"]
            [quit]
            word = "/quit"
            [bytes]
            carriage_return = "verbatim"
            """,
        "binary": """
            [framing]
            in = "length"
            header = "u32le"
            header_counted = true
            [[handshake]]
            wait = "who"
            send = "{name}"
            framed = true
            [delivery]
            template = "{sender}: {body}."
            notices = ["{any} came"]
            [limits]
            utterance = 1000
            """,
        "recv": """
            [[handshake]]
            wait = "Name: "
            send = "{name}"
            [delivery]
            template = "[{sender}] {body} *"
            prompts = ["{any} came. "]
            [quit]
            word = "/bye"
            line_end = false
            [limits]
            rate = "500/1"
            join_rate = "400/1"
            join_delay = 0.001
            """,
        "returns": """
            [framing]
            in = "line"
            newline_out = "\\n"
            [delivery]
            template = "{sender}: {body}\\r"
            notices = ["* {any} has come", "", "\\r"]
            """,
        "name first": """
            [framing]
            in = "length"
            header = "%-10d"
            parts = 2
            [[handshake]]
            send = "{name}"
            framed = true
            [delivery]
            template = "{sender}\\n{body}"
            to_sender = "nothing"
            notices = ["room\\n{any} is here"]
            [quit]
            word = ""
            """,
        "json": """
            [framing]
            in = "line"
            [delivery]
            template = '{"text": "{body}", "sender": "{sender}"}'
            to_sender = "nothing"
            notices = ['{"joined": "{any}"}', '{"left": "{any}"}']
            [bytes]
            handling = "escaped"
            """,
        "timed": """
            [framing]
            in = "line"
            [delivery]
            template = "<{sender}> {body} at {any}"
            to_sender = "sent: {body} ({any})"
            """,
        "objects": """
            [framing]
            in = "line"
            out = "none"
            [delivery]
            template = '{"text": "{body}", "sender": "{sender}", "at": "{any}"}'
            [bytes]
            handling = "escaped"
            """,
        "unmarked": """
            [framing]
            in = "line"
            out = "none"
            [delivery]
            template = "{sender}: {body}"
            prompts = ["{name} came."]
            """,
    }.items()
}
