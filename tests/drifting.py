"""A record with a real drift in it: a feed in virtual time, on an exchange that takes money without
a word."""

import trio

from reconciler.feed.account import listen
from reconciler.store.engine import open_database
from tests.feed.memory import ACCOUNT, Stage, open_stage, run
from tests.store.samples import rows

SETTLED_SECONDS = 75
"""By then a difference is a drift: settle, a reading of every wallet and a sweep are over."""


def make_drift(url: str, amount: str = "-15") -> None:
    """Three deals, and then USDT that nobody explains."""

    async def main() -> None:
        async with open_stage(url) as stage:
            await settle_in(stage)
            for _ in range(3):
                stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            await trio.sleep(10)
            stage.exchange.phantom(ACCOUNT, "USDT", amount)
            await trio.sleep(SETTLED_SECONDS)

    run(main)
    assert rows(open_database(url), "SELECT state FROM v_drifts") == [("open",)]


async def settle_in(stage: Stage) -> None:
    """Listen until the balances of the start are verified."""
    stage.nursery.start_soon(listen, stage.on)
    await stage.on.figures.until_live()
    await trio.sleep(SETTLED_SECONDS)


def states(stage: Stage) -> list[tuple[object, ...]]:
    """Of each drift the state, the difference and the explanation, oldest first."""
    query = "SELECT state, difference, explanation FROM v_drifts ORDER BY drift_id"
    return [(row[0], str(row[1]), row[2]) for row in rows(stage.database, query)]
