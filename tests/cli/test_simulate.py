"""`reconciler simulate`: what it prints is a configuration, and it ends when it is told to."""

import signal
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio

from tests.cli.daemon import ENVIRONMENT, command, ended
from tests.running import run


@asynccontextmanager
async def simulator(*arguments: str) -> AsyncIterator[tuple[trio.Process, str]]:
    """A running one, and what it printed until it was ready."""
    process = await trio.lowlevel.open_process(
        command("simulate", "--port", "0", *arguments), stdout=-1, env=ENVIRONMENT
    )
    try:
        assert process.stdout is not None
        said = b""
        while b"# ready" not in said:
            more = await process.stdout.receive_some()
            assert more, "it ended"
            said += more
        yield process, said.decode()
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        assert process.stdout is not None
        await process.stdout.aclose()


def test_what_it_prints_is_a_configuration_that_passes_the_check(
    tmp_path: Path, sqlite_url: str
) -> None:
    async def main() -> None:
        async with simulator("--accounts", "2", "--rate", "50") as (_, said):
            config = tmp_path / "reconciler.toml"
            config.write_text(f'[database]\nurl = "{sqlite_url}"\n{said}')
            found = await ended("check", "--config", config)
            assert (found.code, found.err) == (0, ""), found.out
            assert found.out.count("may make all 7 calls") == 2

    run(main)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_leaves_with_zero(number: signal.Signals) -> None:
    async def main() -> None:
        async with simulator() as (process, said):
            url = tomllib.loads(said)["exchange"]["rest_url"]
            async with httpx.AsyncClient() as client:  # a connection that is kept alive
                assert (await client.get(f"{url}/api/v4/public/time")).status_code == 200
                process.send_signal(number)
                with trio.fail_after(5):
                    assert await process.wait() == 0

    run(main)


def test_the_keys_follow_from_the_seed() -> None:
    async def keys(seed: str) -> list[dict[str, str]]:
        async with simulator("--seed", seed) as (_, said):
            return list(tomllib.loads(said)["accounts"])

    async def main() -> None:
        assert await keys("7") == await keys("7") != await keys("8")

    run(main)


def test_a_port_in_use_is_one_line_and_two() -> None:
    async def main() -> None:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with listener:
            port = listener.socket.getsockname()[1]
            found = await ended("simulate", "--port", str(port))
        assert (found.code, found.out) == (2, "")
        assert found.err.startswith(f"reconciler: 127.0.0.1:{port}: ")
        assert found.err.count("\n") == 1

    run(main)
