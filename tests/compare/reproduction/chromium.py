"""Headless Chromium for tests, over its DevTools pipe: what a page asks of the network, reports
and shows."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXECUTABLE = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)

ROOT = Path(__file__).parents[3]
AXE = next(
    (
        path
        for path in (
            Path(os.environ.get("AXE_CORE", "axe.min.js")),
            ROOT / "build/axe/node_modules/axe-core/axe.min.js",
        )
        if path.is_file()
    ),
    None,
)
"""The accessibility rules of axe-core, where they are installed (.ci/run does it)."""

_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)

# Chromium reads commands from descriptor 3 and answers on descriptor 4.
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execvp(sys.argv[3], sys.argv[3:])"
)


@dataclass
class Visit:
    """What happened while a page was open.

    Attributes
    ----------
    requests : list of str
        Addresses asked for, other than the page itself and data: addresses.
    errors : list of str
        Errors and warnings of the console and of the browser's log, and uncaught exceptions.
    """

    browser: Browser
    session: str
    address: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.command(method, parameters, self)

    def evaluate(self, expression: str) -> Any:
        result = self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def accessible(self, *roles: str) -> list[tuple[str, str]]:
        """Return (role, name) of the nodes of these roles in the accessibility tree, as a screen
        reader has it."""
        nodes = self.command("Accessibility.getFullAXTree")["nodes"]
        found = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if "role" in node
        ]
        return [(role, name) for role, name in found if role in roles]

    def axe(self) -> list[str]:
        """Return the serious and critical faults that axe-core finds, each with where it is."""
        assert AXE
        self.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
        found = self.evaluate("axe.run(document).then(found => JSON.stringify(found.violations))")
        return [
            f"{fault['id']}: {node['target']} {node['failureSummary']}"
            for fault in json.loads(found)
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]

    def hear(self, event: dict[str, Any]) -> None:
        what = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            url = what["request"]["url"]
            if url != self.address and not url.startswith("data:"):
                self.requests.append(url)
        elif event["method"] == "Runtime.exceptionThrown":
            self.errors.append(what["exceptionDetails"]["text"])
        elif event["method"] == "Runtime.consoleAPICalled" and what["type"] in (
            "error",
            "warning",
            "assert",
        ):
            self.errors.append(str([value.get("value") for value in what["args"]]))
        elif event["method"] == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.errors.append(what["entry"]["text"])


class Browser:
    """A running Chromium. Use `chromium()` to get one."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._buffer, self._count, self._loaded = b"", 0, set[str]()

    def command(
        self, method: str, parameters: dict[str, Any], visit: Visit | None = None
    ) -> dict[str, Any]:
        self._count += 1
        number = self._count
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if visit:
            message["sessionId"] = visit.session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self._hear(answer, visit)

    def _hear(self, event: dict[str, Any], visit: Visit | None) -> None:
        if event.get("method") == "Page.loadEventFired":
            self._loaded.add(event["sessionId"])
        if visit and "method" in event and event.get("sessionId") == visit.session:
            visit.hear(event)

    def _read(self, seconds: float = 60) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            ready = select.select([self._answers], [], [], max(0.0, until - time.monotonic()))[0]
            part = os.read(self._answers, 1 << 16) if ready else b""
            assert part, (
                "Chromium closed its pipe" if ready else f"Chromium said nothing for {seconds} s"
            )
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return dict(json.loads(message))

    def open(
        self, page: Path, *, width: int = 1200, height: int = 900, dark: bool = False
    ) -> Visit:
        """Open a page, wait until it is loaded, and return what happened."""
        target = self.command("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.command("Target.attachToTarget", {"targetId": target, "flatten": True})[
            "sessionId"
        ]
        visit = Visit(self, session, page.resolve().as_uri())
        for domain in ("Page", "Network", "Runtime", "Log", "Accessibility"):
            visit.command(f"{domain}.enable")
        visit.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        visit.command("Emulation.setEmulatedMedia", features=[scheme])
        visit.command("Page.navigate", url=visit.address)
        while session not in self._loaded:
            self._hear(self._read(), visit)
        visit.evaluate(
            "new Promise(done => setTimeout(done, 200))"
        )  # a request made late is a request
        return visit


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium with an empty profile and end it afterwards."""
    assert EXECUTABLE
    child_reads, we_write = os.pipe()
    we_read, child_writes = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        launch = [sys.executable, "-c", _LAUNCH, str(child_reads), str(child_writes), EXECUTABLE]
        process = subprocess.Popen(
            [*launch, *_SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(child_reads, child_writes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(child_reads)
        os.close(child_writes)
        browser = Browser(we_write, we_read)
        try:
            yield browser
            browser.command("Browser.close", {})
            process.wait(20)
        finally:
            os.close(we_write)
            os.close(we_read)
            if process.poll() is None:
                process.kill()
                process.wait()
