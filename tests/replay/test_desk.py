"""What the whole daemon keeps of a lively minute proves its record, and holds no secret."""

import random
from decimal import Decimal

import trio

from reconciler.replay.run import replay
from reconciler.simulator.faults import Point, Rule, Swallow
from reconciler.simulator.life import Traders
from reconciler.simulator.pursuits import Pursuit
from reconciler.simulator.records import Wallet
from reconciler.store.frames import opened
from reconciler.wire.replay import facts_of
from tests.desk import ACCOUNT, Desk, open_desk
from tests.replay.telling import said
from tests.running import run
from tests.store.samples import journal, rows


async def trade(desk: Desk, traders: Traders) -> None:
    for _ in range(20):
        traders.step()
    await trio.lowlevel.checkpoint()


def kept(desk: Desk) -> list[bytes]:
    """What every frame said and answered."""
    return [
        one.asked.encode() + one.text
        for row in journal(desk.database)
        for batch in opened(row)
        for one in batch
    ]


def test_what_a_daemon_keeps_makes_its_record_whatever_happened(database_url: str) -> None:
    async def main() -> None:
        async with open_desk(database_url) as desk:
            faults = desk.exchange.faults
            traders = Traders(
                desk.exchange,
                chance=random.Random(7),
                accounts=[ACCOUNT],
                pursuits=[Pursuit.ORDERS],
            )
            move, treasury = desk.exchange.transfer, desk.exchange.engine.treasury
            move(ACCOUNT, "USDT", Decimal(100), Wallet.SPOT, Wallet.MAIN)
            code = desk.exchange.told(treasury.create_code(ACCOUNT, "USDT", Decimal(5))).code
            for _ in range(10):
                await trade(desk, traders)
            await desk.feed.until_live()
            for name in ("deals_update", "ordersPending_update", "balanceSpot_update"):
                faults.add(Rule(point=Point.FRAME, act=Swallow(), name=name))
            faults.send_raw("<html>")
            await trade(desk, traders)
            with faults.outage():
                await trade(desk, traders)
            await desk.feed.until_live(2)
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences[:5]
            [report] = replay(desk.database, facts_of).accounts
            assert (report.damage, said(report)) == ([], [])
            assert report.is_whole
            codes = rows(desk.database, "SELECT amount FROM movements WHERE kind = 'code'")
            assert [str(amount) for (amount,) in codes] == ["-5"]
            # Whoever knows a code has its money, and whoever knows a token hears the account.
            assert not [text for text in kept(desk) if code.encode() in text]
            assert not [text for text in kept(desk) if b"websocket_token" in text]

    run(main, seconds=60)
