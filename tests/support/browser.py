"""A headless Chromium for tests that look at pages, driven through a pipe by its own DevTools protocol.

A driver would be one more program to install, of just the right version; the pipe needs none, nor a port, and breaks
when either end dies.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

TIMEOUT = 60.0
"""Seconds after which a test fails, instead of waiting for a browser that never answers."""

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)

MOVE = """import os, sys
os.nice(10)
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Makes two descriptors 3 and 4, which is where Chromium expects its pipes, and becomes Chromium: one that leaves the
processors to others, for it has dozens of threads, and nobody is in a hurry to see a page.
"""


class Browser:
    """One tab of a running browser, and what its page complained of since it was opened."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._read = b""
        self._last = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; return its result. What happens meanwhile is kept in `events`."""
        self._last += 1
        command = {"id": self._last, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while (message := self._message()).get("id") != self._last:
            self.events.append(message)
        assert "error" not in message, f"{method}: {message['error']}"
        result: dict[str, Any] = message["result"]
        return result

    def _message(self) -> dict[str, Any]:
        until = time.monotonic() + TIMEOUT
        while b"\0" not in self._read:
            readable, _, _ = select.select([self._answers], [], [], max(0.0, until - time.monotonic()))
            assert readable, "the browser does not answer"
            some = os.read(self._answers, 1 << 16)
            assert some, "the browser has ended"
            self._read += some
        message, _, self._read = self._read.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded

    def open(self, file: Path) -> None:
        """Open a page and wait until it has loaded."""
        self.events.clear()
        self.call("Page.navigate", url=file.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._message())

    def complaints(self) -> list[dict[str, Any]]:
        """Return what happened that never should: scripts, dialogs, errors, and whatever was asked of the network."""
        bad = ("Runtime.", "Log.", "Page.javascriptDialog")
        quiet = ("Runtime.executionContext",)
        return [
            event
            for event in self.events
            if (event["method"].startswith(bad) and not event["method"].startswith(quiet))
            or (
                event["method"] == "Network.requestWillBeSent"
                and event["params"]["request"]["url"] != event["params"]["documentURL"]
            )
        ]

    def look(self, width: int, height: int = 800, **features: str) -> None:
        """Look through a window of this size, in CSS pixels, with media features such as prefers_color_scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        asked = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=asked)

    def ask(self, expression: str) -> Any:
        """Evaluate JavaScript from outside the page; return its value, or that of the promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key: its name, its virtual key code, and the character it types, if any."""
        common: Mapping[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)


@contextmanager
def browser(directory: Path) -> Iterator[Browser]:
    """Run a browser for the length of the block, with a fresh profile below the directory; skip tests without one."""
    command = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if command is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    theirs, commands = os.pipe()
    answers, back = os.pipe()
    # Not 3 or 4 themselves, or moving the one would close the other.
    inner = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs, back)]
    for end in (theirs, back):
        os.close(end)
    mover = [sys.executable, "-I", "-S", "-c", MOVE, *map(str, inner)]
    process = subprocess.Popen(
        [*mover, command, *QUIET, f"--user-data-dir={directory}/profile"],
        pass_fds=inner,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for end in inner:
            os.close(end)
        yield Browser(commands, answers)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(commands)
        os.close(answers)
