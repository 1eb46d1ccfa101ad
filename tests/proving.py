"""What every test of "nothing lost" ends with: the record is the truth, and its frames prove it."""

from decimal import Decimal

import trio

from reconciler.replay.run import replay
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.simulator.records import Instruction, Side, Wallet
from reconciler.store.engine import Database
from reconciler.store.reads import Reads
from reconciler.wire.replay import facts_of
from tests.desk import ACCOUNT, Desk, settled, until
from tests.papers import unequal
from tests.replay.telling import said

BUY = Instruction(market="BTC_USDT", side=Side.BUY, amount=Decimal("0.001"), price=Decimal(20000))


def some_of_everything(exchange: Simulated) -> None:
    """Two deals, an order that stays and one that goes, money that moves on paper and without."""
    exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
    exchange.fill(ACCOUNT, "ETH_USDT", "sell", "0.25", "3000", role="maker")
    exchange.place(ACCOUNT, BUY)
    gone = exchange.place(ACCOUNT, BUY)
    exchange.cancel(ACCOUNT, "BTC_USDT", gone.order_id)
    exchange.transfer(ACCOUNT, "ETH", "7", Wallet.SPOT, Wallet.COLLATERAL)
    exchange.deposit(ACCOUNT, "USDT", "3")
    exchange.withdraw(ACCOUNT, "USDT", "2")


async def proven(desk: Desk, *, seconds: float = 30) -> None:
    """Nothing is lost, doubled or wrong, no limit was exceeded, and no bug met."""
    await proven_record(desk.exchange, desk.database, seconds=seconds)
    assert (desk.feed.bugs, desk.feed.unreadable) == (0, 0)


async def proven_record(exchange: Simulated, database: Database, *, seconds: float = 30) -> None:
    """The same of a record that another process made."""
    reads = Reads(database)
    verdict = await settled(exchange, database, seconds=seconds)
    assert verdict.is_equal, verdict.differences[:5]
    with trio.move_on_after(seconds):
        # No stream tells of papers: they come with a sweep.
        await until(lambda: not unequal(reads, ACCOUNT, exchange.truth(ACCOUNT)), pause=0.2)
    papers = unequal(reads, ACCOUNT, exchange.truth(ACCOUNT))
    assert not papers, papers[:5]
    assert exchange.limits.exceeded == ()
    assert told_again(database) == []


def told_again(database: Database) -> list[str]:
    """Where the journal is damaged, and where the record is not what its frames make it."""
    [report] = replay(database, facts_of).accounts
    damage = [f"row {found.seq}: {found.problem}" for found in report.damage]
    assert report.is_whole or damage
    return damage + list(said(report))
