"""The promise: after whatever happened, the database holds what the exchange did, exactly once."""

import io
import json
import random
from decimal import Decimal

import pytest
import trio
from sqlalchemy import text

from reconciler.domain.facts import KeyNotice
from reconciler.domain.moments import SECOND, from_datetime, iso
from reconciler.domain.money import canonical
from reconciler.simulator.faults import Point, Rule, Swallow
from reconciler.simulator.life import Traders, live
from reconciler.store.reads import Reads
from tests.desk import ACCOUNT, MARKETS, Desk, open_desk, until
from tests.grids import mostly_sqlite
from tests.postgres import postgres
from tests.running import run


def deals_of_the_view(desk: Desk) -> list[dict[str, object]]:
    with desk.database.reading() as connection:
        rows = connection.execute(text("SELECT * FROM v_deals ORDER BY order_id, deal_id"))
        return [dict(row._mapping) for row in rows]


def plain(value: object) -> object:
    """PostgreSQL's types as SQLite's text."""
    if isinstance(value, Decimal):
        return canonical(value)
    return iso(from_datetime(value)) if hasattr(value, "tzinfo") else value  # type: ignore[arg-type]


def test_six_hundred_deals_on_three_markets_are_in_the_view_once_to_the_last_digit(
    database_url: str,
) -> None:
    async def main() -> None:
        async with open_desk(database_url) as desk:
            await desk.feed.until_live()
            chance = random.Random(20)
            for number in range(600):
                cents = chance.randrange(10**6, 10**7)
                desk.exchange.fill(
                    ACCOUNT,
                    MARKETS[number % 3],
                    chance.choice(("buy", "sell")),
                    Decimal(chance.randrange(500, 10**4)).scaleb(-4),
                    Decimal(cents).scaleb(-2 if number % 3 < 2 else -4),
                    role=chance.choice(("maker", "taker")),
                    client_order_id=f"c-{number}" if number % 2 else "",
                )
                if number % 50 == 0:
                    await trio.lowlevel.checkpoint()
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences[:5]
            true = {
                (deal.order_id, deal.deal_id): deal for deal in desk.exchange.truth(ACCOUNT).deals
            }
            rows = deals_of_the_view(desk)
            assert len(rows) == len(true) == 600
            for row in rows:
                deal = true[row["order_id"], row["deal_id"]]  # type: ignore[index]
                base, quote = deal.market.split("_")
                assert {key: plain(value) for key, value in row.items() if key != "source"} == {
                    "account": ACCOUNT,
                    "deal_id": deal.deal_id,
                    "order_id": deal.order_id,
                    "market": deal.market,
                    "base_asset": base,
                    "quote_asset": quote,
                    "side": deal.side,
                    "role": deal.role,
                    "price": canonical(deal.price),
                    "amount": canonical(deal.amount),
                    "total": canonical(deal.total),
                    "fee": canonical(deal.fee),
                    "fee_asset": deal.fee_asset,
                    "client_order_id": deal.client_order_id or None,
                    "executed_at": iso(deal.executed_at),
                    "day": (iso(deal.executed_at))[:10],
                }
            assert desk.feed.bugs == 0
            assert desk.feed.unreadable == 0

    run(main, seconds=60)


@mostly_sqlite
def test_what_an_outage_hid_is_recovered_and_told_of_the_session(database_url: str) -> None:
    async def main() -> None:
        async with open_desk(database_url) as desk:
            await desk.feed.until_live()
            async with trio.open_nursery() as traders:
                traders.start_soon(_live, desk, 3)
                await until(lambda: desk.deals() > 50)
                with desk.exchange.faults.outage():
                    await until(lambda: desk.deals() > 100)
                await desk.feed.until_live(2)
                await until(lambda: desk.deals() > 150)
                traders.cancel_scope.cancel()
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences[:5]
            with desk.database.reading() as connection:
                sessions = connection.execute(
                    text("SELECT reason, recovered_deals FROM v_sessions ORDER BY session_id")
                ).all()
            assert sessions[0].reason is not None
            assert sessions[-1].recovered_deals > 0

    run(main)


async def _live(desk: Desk, seed: int, rate: float = 200) -> None:
    await live(desk.exchange, rate=rate, chance=random.Random(seed), accounts=[ACCOUNT])


@mostly_sqlite
def test_ten_cuts_under_trading_lose_nothing_and_double_nothing(database_url: str) -> None:
    async def main() -> None:
        async with open_desk(database_url) as desk:
            await desk.feed.until_live()
            async with trio.open_nursery() as traders:
                traders.start_soon(_live, desk, 4)
                chance = random.Random(10)
                for number in range(9):  # with the first, the ten tokens that a minute allows
                    await until(lambda: desk.deals() > 20 * number)  # noqa: B023 - awaited here
                    desk.exchange.faults.cut(how=chance.choice(("reset", 1001, 1011)))
                traders.cancel_scope.cancel()
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences[:5]
            assert desk.feed.bugs == 0

    run(main, seconds=120)


def test_a_deal_that_the_stream_swallowed_is_found_by_a_sweep_and_counted(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_desk(sqlite_url, sweep=2 * SECOND) as desk:
            await desk.feed.until_live()
            desk.exchange.faults.add(Rule(point=Point.FRAME, act=Swallow(), name="deals_update"))
            desk.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences
            # Counted when the whole pass is through, not with the row.
            await until(lambda: desk.feed.swept["deals"] == 1)
            assert [row["source"] for row in deals_of_the_view(desk)] == ["sweep"]

    run(main, seconds=60)


GARBAGE: dict[str, str | bytes] = {
    "invalid JSON": "{",
    "not even text": b"\xff\xfe\x00",
    "NaN": '{"id":null,"method":"balanceSpot_update",'
    '"params":[{"BTC":{"available":"NaN","freeze":"0"}}]}',
    "deep nesting": '{"method":"deals_update","params":' + "[" * 50_000 + "]" * 50_000 + "}",
    "an unknown method": '{"id":null,"method":"surprise_update","params":[1]}',
    "a number beyond any limit": '{"id":null,"method":"deals_update",'
    '"params":[1,1e999999999,"BTC_USDT",1,"1","1","0","",1,1,"BTC"]}',
    "a reply to nobody": '{"id":999999,"result":"pong","error":null}',
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_counted_kept_and_logged_and_the_daemon_goes_on(
    sqlite_url: str, kind: str
) -> None:
    async def main() -> None:
        log = io.StringIO()
        async with open_desk(sqlite_url, log_to=log) as desk:
            await desk.feed.until_live()
            assert desk.exchange.faults.send_raw(GARBAGE[kind]) == 1
            desk.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences
            assert (desk.feed.sessions, desk.feed.unreadable, desk.feed.bugs) == (1, 1, 0)
            with desk.database.reading() as connection:
                [row] = connection.execute(text("SELECT * FROM v_quarantine")).all()
            assert row.account == ACCOUNT
            assert row.reason
            events = [json.loads(line) for line in log.getvalue().splitlines()]
            assert [
                event["reason"] for event in events if event["event"] == "frame.unreadable"
            ] == [row.reason]

    run(main)


def test_a_deal_with_a_twelfth_element_is_read_and_the_surplus_counted(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_desk(sqlite_url) as desk:
            await desk.feed.until_live()
            desk.exchange.faults.send_raw(
                '{"id":null,"method":"deals_update","params":[77,1751974316.281914,"BTC_USDT",88,'
                '"40000","0.5","0.0005","",2,2,"BTC","extra"]}'
            )
            await until(lambda: bool(deals_of_the_view(desk)))
            assert desk.feed.surplus == 1
            assert desk.feed.unreadable == 0

    run(main)


def test_a_frame_of_ten_megabytes_ends_the_session_but_not_the_daemon(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_desk(sqlite_url) as desk:
            await desk.feed.until_live()
            desk.exchange.faults.send_raw('"' + "x" * 10_000_000 + '"')
            await desk.feed.until_live(2)
            assert "1009" in desk.feed.last_reason
            desk.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences
            assert desk.feed.bugs == 0

    run(main)


@mostly_sqlite
def test_what_the_key_uses_up_is_on_record_for_the_next_daemon(database_url: str) -> None:
    async def main() -> None:
        known: list[KeyNotice] = []
        for number in (1, 2):
            async with open_desk(database_url) as desk:
                await desk.feed.until_live()
                used_up = Reads(desk.database).used_up(ACCOUNT)
                assert used_up is not None
                assert len(used_up.tokens) == number
                known.append(used_up)
        assert known[0].nonce < known[1].nonce

    run(main)


def test_a_database_that_goes_away_is_waited_for_and_nothing_is_missing() -> None:
    async def main(url: str, stop: object, start: object) -> None:
        async with open_desk(url) as desk:
            await desk.feed.until_live()
            traders = Traders(desk.exchange, chance=random.Random(5), accounts=[ACCOUNT])
            await traders.burst(100)
            stop()  # type: ignore[operator]
            await traders.burst(100)
            await until(lambda: desk.running.writer.away_since is not None)
            start()  # type: ignore[operator]
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences[:5]
            assert desk.running.writer.failures > 0

    with postgres() as server:
        from reconciler.store.engine import open_database
        from reconciler.store.migrate import upgrade

        url = server.url(server.create())
        upgrade(open_database(url))
        run(main, url, server.stop, server.start, seconds=60)
