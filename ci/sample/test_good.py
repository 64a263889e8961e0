"""A sample project's whole test file: the reference, as any server, started by a command."""

import sys

from reference.conformance import ChatConformance, EchoConformance, Launched


class TestChat(ChatConformance):
    target = Launched(f"{sys.executable} -m reference serve chat --port {{port}}")


class TestEcho(EchoConformance):
    target = Launched(f"{sys.executable} -m reference serve echo --port {{port}}")
