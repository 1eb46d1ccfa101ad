"""Whatever a session was asking when everything broke down, nothing is lost."""

from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
import trio

from reconciler.domain.words import Wallet
from reconciler.feed.supervisor import supervise
from reconciler.simulator.faults import Answer
from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.records import Instruction, Side
from tests.feed.memory import ACCOUNT, Stage, open_stage, run

PARTS = 8
"""So many tests share the questions among them."""

BUY = Instruction(market="BTC_USDT", side=Side.BUY, amount=Decimal("0.001"), price=Decimal(20000))


def some_of_everything(stage: Stage) -> None:
    """Deals, orders that come and go, and balances that change for no such reason."""
    exchange = stage.exchange
    exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
    exchange.fill(ACCOUNT, "ETH_USDT", "sell", "0.25", "3000", role="maker")
    oldest = next(iter(exchange.engine.accounts[ACCOUNT].open_orders))
    exchange.cancel(ACCOUNT, "BTC_USDT", oldest)
    exchange.place(ACCOUNT, BUY)
    gone = exchange.place(ACCOUNT, BUY)
    exchange.cancel(ACCOUNT, "BTC_USDT", gone.order_id)
    exchange.transfer(ACCOUNT, "ETH", "7", Wallet.SPOT, Wallet.COLLATERAL)


async def breaking_down_at(number: int, url: str) -> bool:
    """Whether so many questions were asked before a session had proven all."""
    async with open_stage(url, markets=DEFAULT_MARKETS[:2]) as stage:
        for _ in range(101):  # more than a page
            stage.exchange.place(ACCOUNT, BUY)
        some_of_everything(stage)
        broke = trio.Event()

        async def is_away() -> None:
            with stage.exchange.faults.outage(Answer(502, "<html>")):
                some_of_everything(stage)
                broke.set()
                await trio.sleep(5)
                some_of_everything(stage)

        stage.network.at(number, lambda: stage.nursery.start_soon(is_away))
        stage.nursery.start_soon(supervise, stage.on)
        await stage.on.figures.until_live()
        await trio.sleep(20)  # a sweep
        if not broke.is_set():
            return False
        await stage.on.figures.until_live(stage.on.figures.sessions)
        await trio.sleep(90)
        verdict = await stage.verdict()
        found = [found for found in verdict.differences if "main" not in found]
        asked = stage.network.asked[number]
        assert not found, f"at question {number}, {asked}: {found[:3]}"
        assert (stage.on.figures.bugs, stage.on.figures.unreadable) == (0, 0)
        return True


@pytest.mark.parametrize("part", range(PARTS))
def test_at_whichever_question_all_breaks_down_nothing_is_lost(
    sqlite_template: bytes, tmp_path: Path, part: int
) -> None:
    for number in count(part, PARTS):
        path = tmp_path / f"{number}.db"
        path.write_bytes(sqlite_template)
        if not run(breaking_down_at, number, f"sqlite:///{path}"):
            assert number > 20
            break
        path.unlink()
