"""`reconciler simulate` as a process: what it prints can be used, and what is wrong is said."""

import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.cli.daemon import ENVIRONMENT
from tests.running import run

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from reconciler.cli.main import main; main()", "simulate"]


@asynccontextmanager
async def simulating(*arguments: str | Path) -> AsyncIterator[tuple[dict[str, Any], str]]:
    """The configuration that it printed, and the address of its control endpoint."""
    process = await trio.lowlevel.open_process(
        [*COMMAND, "--port", "0", *map(str, arguments)],
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        cwd=ROOT,
    )
    assert process.stdout is not None
    said = ""
    try:
        while "# ready" not in said:
            piece = await process.stdout.receive_some()
            assert piece, said
            said += piece.decode()
        control = said.partition("# control endpoint: ")[2].partition("\n")[0]
        yield tomllib.loads(said), control
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        await process.stdout.aclose()


def test_it_prints_what_a_client_needs_and_records_what_happens(tmp_path: Path) -> None:
    record, script = tmp_path / "record.jsonl", tmp_path / "script.toml"
    script.write_text("[[steps]]\ndo = 'skew'\nseconds = 1\n")
    more = ("--warm-up", "300", "--accounts", "2", "--market", "BTC_USDT", "--market", "X_USDT=3")

    async def main() -> None:
        async with (
            simulating("--control-port", "0", "--record", record, "--script", script, *more) as (
                config,
                control,
            ),
            httpx.AsyncClient() as http,
        ):
            assert [account["name"] for account in config["accounts"]] == ["account-1", "account-2"]
            url = config["exchange"]["rest_url"]
            markets = (await http.get(f"{url}/api/v4/public/markets")).json()
            assert [market["name"] for market in markets] == ["BTC_USDT", "X_USDT"]
            assert (await http.get(control)).json()["markets"] == ["BTC_USDT", "X_USDT"]
            truth = (await http.get(f"{control}/truth/account-1")).json()
            assert truth["orders"]
        events = {json.loads(line)["event"] for line in record.read_text().splitlines()}
        assert {"OrderSeen", "BalanceMoved", "DeedDone"} <= events

    run(main)


def test_time_passes_faster_on_demand() -> None:
    async def main() -> None:
        async with (
            simulating("--speed", "100", "--rate", "0") as (config, _),
            httpx.AsyncClient() as http,
        ):
            url = f"{config['exchange']['rest_url']}/api/v4/public/time"
            first = (await http.get(url)).json()["time"]
            await trio.sleep(0.1)
            assert (await http.get(url)).json()["time"] - first >= 9

    run(main)


WRONG = {
    ("--market", "XRP"): "is no name of a market",
    ("--market", "BTC_USDT", "--market", "BTC_USDT"): "named twice",
    ("--script", "/nowhere.toml"): "No such file",
    ("--record", "/nowhere/at/all"): "No such file",
    ("--rate", "-1"): "-1",
    ("--host", "192.0.2.1"): "192.0.2.1",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_makes_no_sense_is_refused_in_words(arguments: tuple[str, ...]) -> None:
    async def main() -> None:
        ended = await trio.run_process(
            [*COMMAND, *arguments], check=False, capture_stderr=True, env=ENVIRONMENT, cwd=ROOT
        )
        assert ended.returncode == 2
        assert WRONG[arguments] in ended.stderr.decode()

    run(main)


def test_a_mistake_in_a_script_is_shown_with_its_place(tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text("[[rules]]\npoint = 'moon'\nact = 'html'\n")

    async def main() -> None:
        ended = await trio.run_process(
            [*COMMAND, "--script", str(script)],
            check=False,
            capture_stderr=True,
            env=ENVIRONMENT,
            cwd=ROOT,
        )
        assert ended.returncode == 2
        assert "'moon' - at `$.rules[0].point`" in ended.stderr.decode()

    run(main)
