"""The pages of a whole daemon, beside the simulated exchange, through an outage."""

from typing import Any

import trio

from reconciler.config import Http
from reconciler.domain.moments import iso
from reconciler.log import open_log
from reconciler.web.serving import Web, open_web
from reconciler.world import real
from tests.desk import ACCOUNT, open_desk
from tests.running import run
from tests.web.asking import ANY_PORT, Answer, get


async def _until(web: Web, path: str, status: int) -> Answer:
    while (answer := await get(web, path)).status != status:  # noqa: ASYNC110
        await trio.sleep(0.02)
    return answer


async def _newer_than(web: Web, moment: str) -> Any:
    """The status as of a look at the record after that."""
    while (status := (await get(web, "/api/status")).json)["database"]["as_of"] < moment:  # noqa: ASYNC110
        await trio.sleep(0.05)
    return status


def test_readiness_ends_with_an_outage_and_comes_back_with_the_backfill(database_url: str) -> None:
    async def main() -> None:
        world = real()
        async with (
            open_desk(database_url) as desk,
            open_web(
                Http(listen=ANY_PORT),
                desk.running,
                desk.database,
                world,
                open_log(clock=world.clock, level="error"),
            ) as web,
        ):
            assert web is not None
            await _until(web, "/readyz", 200)
            with desk.exchange.faults.outage():
                answer = await _until(web, "/readyz", 503)
                assert answer.text.startswith(f"{ACCOUNT}: ")
                assert (await get(web, "/healthz")).text == "ok\n"
                desk.exchange.fill(ACCOUNT, "BTC_USDT", "sell", "0.25", "41000")
            await _until(web, "/readyz", 200)
            # Ready is not said before what was missed is committed.
            status = await _newer_than(web, iso(world.clock.now()))
            [account] = status["accounts"]
            assert (account["phase"], account["recovered_deals"]) == ("live", 1)
            assert (account["record"]["deals"], account["record"]["open_gaps"]) == (1, 0)
            assert status["ready"] is True

    run(main, seconds=60)
