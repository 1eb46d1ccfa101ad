"""Each balance is proven by itself: one that a push touched is read again, and it alone."""

from decimal import Decimal

import trio

from reconciler.domain.words import Wallet
from reconciler.feed.balances import READINGS_MAX
from reconciler.feed.session import session
from reconciler.simulator.faults import Delay, Point, Rule
from tests.feed.memory import ACCOUNT, Stage, open_stage, run

QUESTION = "balanceSpot_request"
LATE = Rule(point=Point.REPLY, act=Delay(0.5), name=QUESTION, times=None)
"""The answer is as of the question, and what is pushed meanwhile overtakes it (trap 2)."""


async def live(stage: Stage) -> None:
    """A session that is live, and asks nothing for the moment."""
    stage.nursery.start_soon(session, stage.on)
    await stage.on.figures.until_live()
    await trio.sleep(30)
    stage.network.requests.clear()


def move(stage: Stage, asset: str, amount: str = "1") -> None:
    stage.exchange.transfer(ACCOUNT, asset, amount, Wallet.SPOT, Wallet.COLLATERAL)


def total(stage: Stage, asset: str) -> Decimal:
    [found] = [
        known.balance.total
        for known in stage.reads.balances(ACCOUNT)
        if known.wallet is Wallet.SPOT and known.balance.asset == asset
    ]
    return found


async def is_right(stage: Stage) -> bool:
    """Whether the streamed wallets are as at the exchange."""
    verdict = await stage.verdict()
    return not [found for found in verdict.differences if "main" not in found]


def test_only_what_a_push_touched_is_read_again(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            late = stage.exchange.faults.add(LATE)
            stage.network.when(QUESTION, lambda: move(stage, "ETH"))
            await trio.sleep(70)
            stage.exchange.faults.remove(late)
            assert stage.network.params_of(QUESTION)[:2] == [[], ["ETH"]]
            assert stage.on.figures.unproven == 0
            assert total(stage, "ETH") == 2999
            assert await is_right(stage)

    run(main)


def test_before_a_session_is_live_what_was_touched_is_read_until_it_is_not(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.faults.add(LATE)
            known: list[Decimal] = []
            stage.network.when(
                "deals_subscribe",
                lambda: stage.network.when(QUESTION, lambda: move(stage, "ETH")),
            )
            stage.network.when("orders", lambda: known.append(total(stage, "ETH")))
            stage.nursery.start_soon(session, stage.on)
            await stage.on.figures.until_live()
            assert stage.network.params_of(QUESTION)[:3] == [[], [], ["ETH"]]
            assert known == [2999]

    run(main)


def test_an_asset_that_every_reading_meets_with_a_push_stays_unproven_and_ends_nothing(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            late = stage.exchange.faults.add(LATE)
            stage.network.when(QUESTION, lambda: move(stage, "ETH"), times=READINGS_MAX)
            await trio.sleep(75)
            asked = stage.network.params_of(QUESTION)
            assert asked == [[], *[["ETH"]] * (READINGS_MAX - 1)]
            assert stage.on.figures.unproven == 1
            stage.exchange.faults.remove(late)
            await trio.sleep(70)
            assert stage.on.figures.unproven == 0
            assert stage.on.figures.sessions == 1
            assert await is_right(stage)

    run(main)


def test_a_reading_that_told_something_new_is_not_the_last_of_that_asset(sqlite_url: str) -> None:
    """It may be gone again before the exchange tells of it (PROTOCOL § 10.2, 19)."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)

            def there_and_back() -> None:
                """All within the moment in which the exchange is silent."""
                move(stage, "ETH", "5")
                stage.nursery.start_soon(back)

            async def back() -> None:
                await trio.sleep(0.1)
                stage.exchange.transfer(ACCOUNT, "ETH", "5", Wallet.COLLATERAL, Wallet.SPOT)

            stage.network.when("orders", lambda: move(stage, "ETH"))
            stage.network.when(QUESTION, there_and_back)
            await trio.sleep(70)
            asked = stage.network.params_of(QUESTION)
            assert asked[0] == []
            assert asked[1:] == [["ETH"]] * len(asked[1:])
            assert len(asked) >= 2
            assert total(stage, "ETH") == 2999
            assert await is_right(stage)

    run(main)


def test_a_quiet_account_is_read_once_a_turn(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            await trio.sleep(300)
            asked = stage.network.params_of(QUESTION)
            assert len(asked) <= 5
            assert asked == [[]] * len(asked)

    run(main)


def test_a_push_that_cannot_be_read_leaves_nothing_proven(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await live(stage)
            late = stage.exchange.faults.add(LATE)
            broken = (
                '{"id":null,"method":"balanceSpot_update","params":[{"ETH":{"available":"x"}}]}'
            )
            stage.network.when(QUESTION, lambda: stage.exchange.faults.send_raw(broken))
            await trio.sleep(70)
            stage.exchange.faults.remove(late)
            first, again = stage.network.params_of(QUESTION)[:2]
            assert first == []
            assert {"BTC", "ETH", "USDT"} <= set(again)
            assert stage.on.figures.unproven == 0

    run(main)
