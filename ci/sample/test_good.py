"""A sample project's whole test file: the reference, as any server, started by a command."""

import sys

from socketserver_reference.conformance import ChatConformance, EchoConformance, Launched


class TestChat(ChatConformance):
    target = Launched(f"{sys.executable} -m socketserver_reference serve chat --port {{port}}")


class TestEcho(EchoConformance):
    target = Launched(f"{sys.executable} -m socketserver_reference serve echo --port {{port}}")
