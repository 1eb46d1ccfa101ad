"""The daemon as users run it serves its pages, says where, and leaves at once."""

import json
import signal
from pathlib import Path

import httpx
import trio

from reconciler.simulator.server import serve
from tests.cli.daemon import daemon, until_logged, write_config
from tests.desk import open_exchange
from tests.running import run


def test_a_run_tells_where_its_page_is_and_leaves_while_somebody_looks(
    sqlite_url: str, tmp_path: Path
) -> None:
    async def main() -> None:
        log = tmp_path / "log"
        async with serve(open_exchange()) as server:
            config = write_config(tmp_path, server, sqlite_url, listen="127.0.0.1:0")
            async with daemon(config, log) as process:
                await until_logged(log, "web.listening")
                address = next(
                    line["address"]
                    for line in map(json.loads, log.read_text().splitlines())
                    if line["event"] == "web.listening"
                )
                async with httpx.AsyncClient(
                    base_url=f"http://{address}", trust_env=False
                ) as client:
                    while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110
                        await trio.sleep(0.05)
                    page = await client.get("/")
                    assert "treasury" in page.text
                    process.send_signal(signal.SIGTERM)
                    assert await process.wait() == 0
        assert "web.bug" not in log.read_text()

    run(main, seconds=60)
