"""A sample project whose server is wrong."""

import sys

from socketserver_reference.conformance import ChatConformance, Launched


class TestBroken(ChatConformance):
    target = Launched(f"{sys.executable} shouting_server.py {{port}}")
