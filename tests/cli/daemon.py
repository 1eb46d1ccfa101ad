"""The daemon as users run it: a process with a configuration file, beside a test's exchange."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from reconciler.simulator.server import Server
from tests.desk import ACCOUNT, KEY, SECRET, until

ENVIRONMENT = {name: value for name, value in os.environ.items() if name[:11] != "RECONCILER_"}


def write_config(folder: Path, server: Server | None, database_url: str, **changes: str) -> Path:
    """A configuration file as the README shows it, with pauses fit for a test."""
    rest_url = server.rest_url if server else "http://127.0.0.1:1"
    ws_url = server.ws_url if server else "ws://127.0.0.1:1/ws"
    file = folder / "reconciler.toml"
    file.write_text(f"""
[database]
url = "{database_url}"
[exchange]
rest_url = "{rest_url}"
ws_url = "{ws_url}"
[[accounts]]
name = "{ACCOUNT}"
api_key = "{changes.get("key", KEY)}"
api_secret = "{changes.get("secret", SECRET)}"
[feed]
backoff_min = "50ms"
backoff_max = "500ms"
[backfill]
since = "{changes.get("since", "1h")}"
[reconcile]
poll = "500ms"
[http]
listen = "{changes.get("listen", "")}"
{changes.get("more", "")}
""")
    return file


def command(*arguments: str | Path) -> list[str]:
    """The console script of this environment."""
    return [str(Path(sys.executable).with_name("reconciler")), *map(str, arguments)]


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str


async def ended(*arguments: str | Path, **environment: str) -> Ended:
    """Run a command to its end."""
    process = await trio.run_process(
        command(*arguments),
        check=False,
        capture_stdout=True,
        capture_stderr=True,
        env={**ENVIRONMENT, **environment},
    )
    return Ended(process.returncode, process.stdout.decode(), process.stderr.decode())


@asynccontextmanager
async def daemon(config: Path, log: Path, **environment: str) -> AsyncIterator[trio.Process]:
    """`reconciler run` until the block ends; killed if it still runs then."""
    with log.open("ab") as file:
        process = await trio.lowlevel.open_process(
            command("run", "--config", config),
            stderr=file,
            stdout=file,
            env={**ENVIRONMENT, **environment},
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            with trio.CancelScope(shield=True):
                await process.wait()


async def until_logged(log: Path, event: str, times: int = 1) -> None:
    """Wait until the daemon has logged an event so many times."""
    await until(lambda: log.exists() and log.read_text().count(f'"event": "{event}"') >= times)
