"""`reconciler simulate`: what it prints is a configuration, and it ends when it is told to."""

import json
import signal
import socket
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio

from reconciler.simulator.booth import logins
from tests.cli.calling import Call, Within, called
from tests.cli.daemon import ENVIRONMENT, command
from tests.running import run


@asynccontextmanager
async def simulator(*arguments: str | Path) -> AsyncIterator[tuple[trio.Process, str]]:
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
    tmp_path: Path, sqlite_url: str, within: Within
) -> None:
    async def main() -> None:
        async with simulator("--accounts", "2", "--rate", "50") as (_, said):
            config = tmp_path / "reconciler.toml"
            config.write_text(f'[database]\nurl = "{sqlite_url}"\n{said}')
            found = await called(within(config), "check")
            assert (found.code, found.err) == (0, ""), found.out
            # Lending is for business accounts.
            assert found.out.count("may make 17 of 20 calls") == 2

    run(main)


def test_interrupted_it_leaves_with_zero() -> None:
    async def main() -> None:
        async with simulator() as (process, said):
            url = tomllib.loads(said)["exchange"]["rest_url"]
            async with httpx.AsyncClient() as client:  # a connection that is kept alive
                assert (await client.get(f"{url}/api/v4/public/time")).status_code == 200
                process.send_signal(signal.SIGINT)
                with trio.fail_after(5):
                    assert await process.wait() == 0

    run(main)


KEY_OF_SEVEN = "d0be787100cefa3a776c1787045a4ee8"


def test_the_keys_follow_from_the_seed() -> None:
    """They are those of any other day and machine, so that a configuration can be kept."""

    async def main() -> None:
        async with simulator("--seed", "7") as (_, said):
            [account] = tomllib.loads(said)["accounts"]
            assert account["api_key"] == KEY_OF_SEVEN
            assert all(login.key != KEY_OF_SEVEN for login in logins(8, 3))

    run(main)


def test_it_prints_what_a_client_needs_and_records_what_happens(tmp_path: Path) -> None:
    record, script = tmp_path / "record.jsonl", tmp_path / "script.toml"
    script.write_text("[[steps]]\ndo = 'skew'\nseconds = 1\n")
    more = ("--warm-up", "300", "--accounts", "2", "--market", "BTC_USDT", "--market", "X_USDT=3")

    async def main() -> None:
        async with (
            simulator("--control-port", "0", "--record", record, "--script", script, *more) as (
                process,
                said,
            ),
            httpx.AsyncClient() as http,
        ):
            config = tomllib.loads(said)
            control = said.partition("# control endpoint: ")[2].partition("\n")[0]
            assert [account["name"] for account in config["accounts"]] == ["account-1", "account-2"]
            url = config["exchange"]["rest_url"]
            markets = (await http.get(f"{url}/api/v4/public/markets")).json()
            assert [market["name"] for market in markets] == ["BTC_USDT", "X_USDT"]
            assert (await http.get(control)).json()["markets"] == ["BTC_USDT", "X_USDT"]
            truth = (await http.get(f"{control}/truth/account-1")).json()
            assert truth["orders"]
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        events = {json.loads(line)["event"] for line in record.read_text().splitlines()}
        assert {"OrderSeen", "BalanceMoved", "DeedDone"} <= events

    run(main)


def test_time_passes_faster_on_demand() -> None:
    async def main() -> None:
        async with (
            simulator("--speed", "100", "--rate", "0") as (_, said),
            httpx.AsyncClient() as http,
        ):
            url = f"{tomllib.loads(said)['exchange']['rest_url']}/api/v4/public/time"
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


@pytest.fixture
def refused(within: Within) -> Call:
    """A simulator in this process, for what is refused before it begins."""
    return partial(within(None), "simulate", "--port", "0")


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_makes_no_sense_is_refused_in_words(arguments: tuple[str, ...], refused: Call) -> None:
    found = refused(*arguments)
    assert found.code == 2
    assert WRONG[arguments] in found.err


def test_a_port_in_use_is_one_line_and_two(refused: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = refused("--port", str(port))
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"reconciler: 127.0.0.1:{port}: ")
    assert found.err.count("\n") == 1


def test_a_mistake_in_a_script_is_shown_with_its_place(tmp_path: Path, refused: Call) -> None:
    script = tmp_path / "script.toml"
    script.write_text("[[rules]]\npoint = 'moon'\nact = 'html'\n")

    found = refused("--script", str(script))
    assert found.code == 2
    assert "'moon' - at `$.rules[0].point`" in found.err
