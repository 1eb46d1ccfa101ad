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
from tests.grids import corners

PARTS = 12
"""So many tests share the questions among them, every run has two of them."""

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


async def be_away(stage: Stage) -> None:
    """The exchange is, for us; for others it goes on."""
    with stage.exchange.faults.outage(Answer(502, "<html>")):
        some_of_everything(stage)
        await trio.sleep(5)
        some_of_everything(stage)


async def is_right(stage: Stage, question: str) -> None:
    await trio.sleep(20)  # with a sweep
    verdict = await stage.verdict()
    found = [found for found in verdict.differences if "main" not in found]
    assert not found, f"at {question}: {found[:3]}"
    assert (stage.on.figures.bugs, stage.on.figures.unreadable) == (0, 0)


async def breaking_down_at(number: int, url: str) -> bool:
    """Whether the first session asked so many questions before it was live."""
    async with open_stage(url, markets=DEFAULT_MARKETS[:2]) as stage:
        for _ in range(3):
            stage.exchange.place(ACCOUNT, BUY)
        some_of_everything(stage)
        stage.network.at(number, lambda: stage.nursery.start_soon(be_away, stage))
        stage.nursery.start_soon(supervise, stage.on)
        await stage.on.figures.until_live()
        if len(stage.network.asked) <= number:
            return False
        await is_right(stage, f"question {number}, {stage.network.asked[number]}")
        return True


@pytest.mark.parametrize("part", corners([0, 3], range(PARTS)))
def test_at_whichever_question_all_breaks_down_nothing_is_lost(
    sqlite_template: bytes, tmp_path: Path, part: int
) -> None:
    for number in count(part, PARTS):
        path = tmp_path / f"{number}.db"
        path.write_bytes(sqlite_template)
        if not run(breaking_down_at, number, f"sqlite:///{path}"):
            assert number > 30
            break
        path.unlink()


@pytest.mark.parametrize("question", ["balanceMargin_request", "orders", "ping"])
def test_nor_while_it_is_live(sqlite_url: str, question: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, markets=DEFAULT_MARKETS[:2]) as stage:
            stage.exchange.place(ACCOUNT, BUY)
            stage.nursery.start_soon(supervise, stage.on)
            await stage.on.figures.until_live()
            some_of_everything(stage)
            stage.network.when(question, lambda: stage.nursery.start_soon(be_away, stage))
            await stage.on.figures.until_live(2)
            await is_right(stage, question)

    run(main)
