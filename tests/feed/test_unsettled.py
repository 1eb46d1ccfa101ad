"""What may still change is looked for until it is settled, however deep it lies."""

from decimal import Decimal

import pytest
import trio

from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND
from reconciler.domain.words import CANCELED, CONFIRMING, FROZEN, PENDING, SUCCESS, Source
from reconciler.feed.backfill import backfill
from reconciler.feed.rest import ExchangeAway
from reconciler.feed.unsettled import look_up_unsettled
from reconciler.simulator import transactions as sim
from reconciler.simulator.acts import Answer, Point, Rule
from tests.feed.history import TRANSACTIONS, asked, reader_of, sweep
from tests.feed.memory import ACCOUNT, Stage, open_stage, run

ONE = Decimal(1)


def expect(stage: Stage, asset: str = "BTC") -> str:
    """A deposit that waits for confirmations; its id."""
    treasury = stage.exchange.engine.treasury
    return stage.exchange.told(treasury.expect_deposit(ACCOUNT, asset, ONE)).transaction_id


def advance(stage: Stage, transaction_id: str, status: int) -> None:
    treasury = stage.exchange.engine.treasury
    stage.exchange.told(treasury.advance(ACCOUNT, transaction_id, status))


async def bury(stage: Stage, count: int = 60) -> None:
    """Other deposits come after it."""
    for _ in range(count):
        stage.exchange.deposit(ACCOUNT, "BTC", ONE)
        await trio.sleep(10)


def status(stage: Stage, transaction_id: str) -> str:
    [found] = [
        known
        for known in stage.reads.transactions(ACCOUNT)
        if known.transaction_id == transaction_id
    ]
    return found.status


def test_a_deposit_that_succeeds_after_weeks_is_found_deep_in_the_list(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            late = expect(stage)
            await bury(stage)
            await backfill(stage.on, Source.BACKFILL)
            assert status(stage, late) == CONFIRMING
            advance(stage, late, sim.ORIGIN_UNKNOWN)
            await trio.sleep(21 * DAY / SECOND)
            await bury(stage)
            advance(stage, late, sim.ORIGIN_CHECKED)
            advance(stage, late, sim.SUCCESS)
            await backfill(stage.on, Source.BACKFILL)
            assert status(stage, late) == SUCCESS

            stage.network.said.clear()
            await trio.sleep(DAY / SECOND)
            await sweep(stage.on)
            assert not [body for body in asked(stage, TRANSACTIONS) if "ticker" in body]

    run(main, virtual_days=40)


def test_withdrawals_are_followed_too(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await bury(stage, 3)
            treasury = stage.exchange.engine.treasury
            ids = [
                stage.exchange.told(treasury.request_withdrawal(ACCOUNT, "BTC", ONE)).transaction_id
                for _ in range(2)
            ]
            await trio.sleep(200)
            await backfill(stage.on, Source.BACKFILL)
            assert [status(stage, id_) for id_ in ids] == [PENDING, PENDING]
            await trio.sleep(HOUR / SECOND)
            for id_, end in zip(ids, (sim.SUCCESS, sim.CANCELED), strict=True):
                advance(stage, id_, end)
            await sweep(stage.on)
            assert [status(stage, id_) for id_ in ids] == [SUCCESS, CANCELED]

    run(main)


def test_one_that_hangs_is_asked_for_ever_more_seldom(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            late = expect(stage)
            advance(stage, late, sim.FROZEN)
            await bury(stage)

            async def questions(hours: int, *, every: int) -> int:
                stage.network.said.clear()
                for _ in range(hours * 60 // every):
                    await trio.sleep(every * MINUTE / SECOND)
                    await look_up_unsettled(reader_of(stage, "transactions"), stage.on.now())
                return len(asked(stage, TRANSACTIONS))

            await backfill(stage.on, Source.BACKFILL)
            young = await questions(1, every=1)
            await trio.sleep(10 * DAY / SECOND)
            old = await questions(5, every=5)
            assert status(stage, late) == FROZEN
            assert young >= 20
            assert 2 <= old <= 4

    run(main, virtual_days=20)


def test_a_balance_in_doubt_and_a_question_in_vain_are_reasons_to_ask_at_once(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            late = expect(stage)
            await bury(stage)
            await backfill(stage.on, Source.BACKFILL)
            await trio.sleep(21 * DAY / SECOND)
            away = Rule(
                point=Point.REQUEST, act=Answer(500), name=f"/api/v4/{TRANSACTIONS}", times=5
            )
            stage.exchange.faults.add(away)
            with pytest.raises(ExchangeAway):
                await look_up_unsettled(reader_of(stage, "transactions"), stage.on.now())
            for is_in_doubt, times in ((False, 1), (False, 0), (True, 1), (True, 1)):
                await trio.sleep(MINUTE / SECOND)
                stage.on.figures.doubts = int(is_in_doubt)
                stage.network.said.clear()
                await look_up_unsettled(reader_of(stage, "transactions"), stage.on.now())
                assert bool(asked(stage, TRANSACTIONS)) == bool(times)
            assert status(stage, late) == CONFIRMING

    run(main, virtual_days=40)


def test_one_that_the_list_does_not_have_any_more_is_told_and_stops_nothing(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            late = expect(stage)
            await bury(stage)
            await backfill(stage.on, Source.BACKFILL)
            del stage.exchange.engine.accounts[ACCOUNT].papers.transactions[late]
            await trio.sleep(HOUR / SECOND)
            await sweep(stage.on)
            assert status(stage, late) == CONFIRMING
            [told] = stage.logged("transaction.unaccounted")
            assert (told["kind"], told["asset"], told["count"]) == ("deposit", "BTC", 1)
            assert stage.reads.covered_until(ACCOUNT, "mining") is None
            assert stage.reads.covered_until(ACCOUNT, "transactions")

    run(main)
