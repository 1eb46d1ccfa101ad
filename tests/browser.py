"""A real browser for tests: headless Chromium, spoken to in its own protocol over a WebSocket.

Knows pages as people do: what is on them, how wide they are, what they complain of.  Skips where no
Chromium is installed.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ANSWER_BYTES_MAX = 32 << 20
START_S = 0.05
START_ATTEMPTS_MAX = 400


class Complaint(AssertionError):
    """What the page, or the browser about it, complained of."""


class Tab:
    """One page in the browser."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._arrived = trio.Condition()
        self.complaints: list[str] = []
        """Violations of the content security policy, exceptions, and lines of the console."""

    async def listen(self) -> None:
        """Takes what the browser says, for ever."""
        while True:
            said = json.loads(await self._socket.get_message())
            if "id" in said:
                async with self._arrived:
                    self._answers[said["id"]] = said
                    self._arrived.notify_all()
            else:
                self._note(said["method"], said["params"])

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol, and its result."""
        self._number += 1
        number = self._number
        await self._socket.send_message(
            json.dumps({"id": number, "method": method, "params": params})
        )
        async with self._arrived:
            while number not in self._answers:
                await self._arrived.wait()
        answer = self._answers.pop(number)
        if "error" in answer:
            raise Complaint(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def go(self, url: str) -> None:
        """Load a page, to the end."""
        await self.ask("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def run(self, expression: str) -> Any:
        """What a piece of JavaScript is worth on the page."""
        answer = await self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise Complaint(str(answer["exceptionDetails"].get("exception", answer)))
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until it is true on the page; the test's own limit ends it."""
        while not await self.run(f"!!({expression})"):  # noqa: ASYNC110 - pages announce nothing
            await trio.sleep(0.05)

    async def look(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Through a window of this size, in this theme."""
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", features=[theme])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(str(params["args"]))
            case "Audits.issueAdded":
                self.complaints.append(json.dumps(params["issue"]))
            case _:
                pass


def find() -> str:
    """The browser's program.  Skips where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium here")


@contextmanager
def browser() -> Iterator[int]:
    """A browser; the port of its protocol."""
    program = find()
    with tempfile.TemporaryDirectory(prefix="browser.", ignore_cleanup_errors=True) as home:
        command = [
            program,
            "--headless=new",
            "--remote-debugging-port=0",
            "--remote-allow-origins=*",
            f"--user-data-dir={home}",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-extensions",
        ]
        if os.geteuid() == 0:
            command.append("--no-sandbox")
        process = subprocess.Popen(
            [*command, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield _port_of(Path(home) / "DevToolsActivePort", process)
        finally:
            process.kill()
            process.wait()


def _port_of(file: Path, process: subprocess.Popen[bytes]) -> int:
    """What it has written there once it listens."""
    for _ in range(START_ATTEMPTS_MAX):
        lines = file.read_text().split() if file.exists() else []
        if len(lines) == 2:
            return int(lines[0])
        if process.poll() is not None:
            break
        time.sleep(START_S)
    pytest.skip("Chromium does not start here")


@asynccontextmanager
async def open_tab(port: int) -> AsyncIterator[Tab]:
    """An empty page in the browser, for as long as the block lasts."""
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client:
        target = (await client.put("/json/new?about:blank")).json()
        url = target["webSocketDebuggerUrl"]
        async with (
            open_websocket_url(url, max_message_size=ANSWER_BYTES_MAX) as socket,
            trio.open_nursery() as nursery,
        ):
            tab = Tab(socket)
            nursery.start_soon(tab.listen)
            for domain in ("Page", "Runtime", "Log", "Audits"):
                await tab.ask(f"{domain}.enable")
            yield tab
            nursery.cancel_scope.cancel()
        await client.get(f"/json/close/{target['id']}")
