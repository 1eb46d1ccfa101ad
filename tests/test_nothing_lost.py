"""Nothing is lost: the whole daemon over real sockets, through whatever happens to it.

Each test ends with `proven`: the record equals the exchange's truth row by row, no documented limit
was exceeded, and the frames that were kept make the same record once more.  What needs minutes is
in `soak`.
"""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import trio
from sqlalchemy import update

from reconciler.config import Duration
from reconciler.domain.moments import DAY, MINUTE, SECOND
from reconciler.domain.words import Phase, Wallet
from reconciler.simulator.acts import AnyAct, Cut, Delay, Point, Rule, Swallow, Truncate
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.simulator.life import live
from reconciler.simulator.past import live_through, past_of
from reconciler.simulator.server import serve
from reconciler.store.engine import Database, open_database
from reconciler.store.frames import opened
from reconciler.store.reads import Reads
from reconciler.store.schema import frames
from reconciler.world import real
from tests.cli.daemon import daemon, until_logged, write_config
from tests.desk import ACCOUNT, KEY, SECRET, Desk, open_desk, until
from tests.grids import mostly_sqlite
from tests.proving import BUY, proven, proven_record, some_of_everything, told_again
from tests.running import run
from tests.store.samples import journal, rows

API = "/api/v4"
DEALS, ORDERS = f"{API}/trade-account/executed-history", f"{API}/trade-account/order/history"
TOKEN = f"{API}/profile/websocket_token"


def whenever_a_fault_strikes(exchange: Simulated, act: Callable[[], object]) -> list[str]:
    """Do `act` just before; the names of the occasions, as they come."""
    struck: list[str] = []

    def told(rule: Rule, account: str | None, name: str | None) -> None:
        struck.append(f"{rule.point} {name or ''}".strip())
        act()

    exchange.faults.told = told
    return struck


# Cuts

STAGES = (
    (Point.CONNECTION, None),
    (Point.HANDSHAKE, None),
    (Point.ANSWER, TOKEN),
    (Point.CALL, "authorize"),
    (Point.REPLY, "authorize"),
    (Point.REPLY, "balanceSpot_request"),
    (Point.CALL, "deals_subscribe"),
    (Point.REPLY, "ordersPending_subscribe"),
    (Point.CALL, "ordersExecuted_subscribe"),
)
"""In the order of a session: each is struck by another one, which came so far."""


def test_cut_at_every_stage_of_a_session_under_trading_nothing_is_lost(database_url: str) -> None:
    async def main() -> None:
        async with open_desk(database_url, sweep=2 * SECOND) as desk:
            await desk.feed.until_live()
            faults = desk.exchange.faults
            struck = whenever_a_fault_strikes(
                desk.exchange, lambda: some_of_everything(desk.exchange)
            )
            for point, name in STAGES:
                faults.add(Rule(point=point, act=Cut(), name=name))
            # In the middle of a page the call is cut, and then the session that waits for it.
            for path in (DEALS, ORDERS):
                faults.add(Rule(point=Point.ANSWER, act=Cut(), name=path))
            async with trio.open_nursery() as traders:
                traders.start_soon(_live, desk, 3)
                faults.cut()
                await until(lambda: not faults.rules)
                faults.cut(how=1011)
                await desk.feed.until_live(desk.feed.sessions + 1)
                traders.cancel_scope.cancel()
            assert len(struck) == len(STAGES) + 2
            assert desk.feed.sessions >= len(STAGES)
            await proven(desk)

    run(main, seconds=120)


async def _live(desk: Desk, seed: int) -> None:
    await live(desk.exchange, rate=60, chance=random.Random(seed), accounts=[ACCOUNT])


@mostly_sqlite
def test_one_flipped_byte_of_what_was_kept_is_named(database_url: str) -> None:
    async def main() -> None:
        async with open_desk(database_url, sweep=2 * SECOND) as desk:
            some_of_everything(desk.exchange)
            await desk.feed.until_live()
            some_of_everything(desk.exchange)
            await proven(desk)

    run(main)
    database = open_database(database_url)
    kept = journal(database)
    row = kept[len(kept) // 2]
    place = len(row.body) // 2
    flipped = row.body[:place] + bytes([row.body[place] ^ 1]) + row.body[place + 1 :]
    with database.writing() as connection:
        changed = update(frames).where(frames.c.seq == row.seq).values(body=flipped)
        connection.execute(changed)
    assert told_again(database)[0] == f"row {row.seq}: it was changed after it was written"


# Silence


@mostly_sqlite
def test_what_is_swallowed_in_silence_is_found_by_the_next_sweep_and_counted(
    database_url: str,
) -> None:
    async def main() -> None:
        async with open_desk(database_url, sweep=6 * SECOND) as desk:
            await desk.feed.until_live()
            silence = Rule(point=Point.FRAME, act=Swallow(), times=None)
            desk.exchange.faults.add(silence)
            desk.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            desk.exchange.place(ACCOUNT, BUY)
            desk.exchange.transfer(ACCOUNT, "ETH", "7", Wallet.SPOT, Wallet.COLLATERAL)
            await proven(desk)
            # Counted when the whole pass is through, not with the row.
            lost = {"deals": 1, "orders": 2, "balances": 4}
            await until(lambda: +desk.feed.swept == lost)
            for view in ("v_deals", "v_orders"):
                found = rows(desk.database, f"SELECT DISTINCT source FROM {view}")
                assert found == [("sweep",)]
            assert desk.feed.sessions == 1

    run(main, seconds=60)


# The hole

SUBSCRIPTIONS = (
    "balanceSpot_subscribe",
    "balanceMargin_subscribe",
    "deals_subscribe",
    "ordersPending_subscribe",
    "ordersExecuted_subscribe",
)


@mostly_sqlite
def test_what_happens_between_question_and_confirmation_is_recorded_on_each_channel(
    database_url: str,
) -> None:
    """Once while the confirmation is on its way, and again just before the subscription works."""

    async def main() -> None:
        async with open_desk(database_url) as desk:
            struck = whenever_a_fault_strikes(
                desk.exchange, lambda: some_of_everything(desk.exchange)
            )
            for name in SUBSCRIPTIONS:
                late = Rule(point=Point.REPLY, act=Delay(0.1), name=name)
                desk.exchange.faults.add(late)
            await desk.feed.until_live()
            assert struck == [f"reply {name}" for name in SUBSCRIPTIONS]
            await proven(desk)

    run(main)


# Much at once


@mostly_sqlite
def test_thousands_missed_in_one_outage_are_read_while_the_newest_are_heard(
    database_url: str,
) -> None:
    async def main() -> None:
        async with open_desk(database_url) as desk:
            await desk.feed.until_live()
            exchange = desk.exchange

            def trade() -> int:
                return exchange.fill(ACCOUNT, "ETH_USDT", "buy", "0.01", "3000").deal_id

            with exchange.faults.outage():
                exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000", parts=500)
                for number in range(1500):
                    trade()
                    if number % 100 == 0:
                        await trio.lowlevel.checkpoint()
            struck = whenever_a_fault_strikes(exchange, trade)
            slow = Rule(point=Point.ANSWER, act=Delay(0.1), name=DEALS, times=None)
            exchange.faults.add(slow)
            await until(lambda: len(struck) >= 2)
            newest = trade()
            await until(lambda: (newest, "stream") in heard(desk))
            assert desk.feed.phase is Phase.SUBSCRIBED
            await desk.feed.until_live(2)
            exchange.faults.remove(slow)
            await proven(desk)
            in_a_second = Counter(d.executed_at // SECOND for d in exchange.truth(ACCOUNT).deals)
            assert max(in_a_second.values()) >= 500
            assert desk.feed.recovered_deals >= 2000

    run(main, seconds=60)


def heard(desk: Desk) -> set[tuple[object, ...]]:
    return set(rows(desk.database, "SELECT deal_id, source FROM v_deals"))


# An exchange in a bad mood

MOODS: tuple[tuple[Point, AnyAct | str], ...] = (
    (Point.REQUEST, "rate-limited"),
    (Point.REQUEST, "stale-nonce"),
    (Point.REQUEST, "edge-limited"),
    (Point.REQUEST, "bad-gateway"),
    (Point.ANSWER, "broken"),
    (Point.ANSWER, "maintenance"),
    (Point.ANSWER, "html"),
    (Point.ANSWER, "empty"),
    (Point.ANSWER, "not-a-success"),
    (Point.ANSWER, Truncate(100)),
    (Point.ANSWER, Cut()),
)


@mostly_sqlite
@pytest.mark.parametrize("path", [TOKEN, DEALS])
def test_whatever_is_answered_instead_is_recovered_from_within_all_limits(
    database_url: str, path: str
) -> None:
    async def main() -> None:
        async with open_desk(database_url, sweep=2 * SECOND) as desk:
            struck = whenever_a_fault_strikes(
                desk.exchange, lambda: some_of_everything(desk.exchange)
            )
            # Of a token, each answer but a refusal uses up one of ten a minute.
            moods = MOODS if path == DEALS else MOODS[:7]
            for point, act in moods:
                desk.exchange.faults.add(Rule(point=point, act=act, name=path))
            await until(lambda: not desk.exchange.faults.rules)
            await desk.feed.until_live(desk.feed.sessions)
            assert len(struck) == len(moods)
            await proven(desk)

    run(main, seconds=120)


@mostly_sqlite
def test_a_half_open_connection_is_given_up_for_the_lack_of_an_answer(database_url: str) -> None:
    async def main() -> None:
        half = Duration(SECOND // 2)
        async with open_desk(database_url, ping_interval=half, ping_timeout=half) as desk:
            await desk.feed.until_live()
            assert desk.exchange.faults.stall() > 0
            some_of_everything(desk.exchange)
            await desk.feed.until_live(2)
            assert "ping" in desk.feed.last_reason
            await proven(desk)

    run(main)


# A long past


@mostly_sqlite
def test_half_a_year_is_read_once_though_the_reader_is_killed_twice(
    database_url: str, tmp_path: Path
) -> None:
    exchange = Simulated(now=real().clock.now, seed=1)
    exchange.open_account(ACCOUNT, KEY, SECRET, is_business=True)
    live_through(exchange, past_of(175, 2_000), [ACCOUNT], seed=5)
    log, database = tmp_path / "log", open_database(database_url)
    reads = Reads(database)
    proofs: list[tuple[int, int]] = []

    async def main() -> None:
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, database_url, since="180d")
            slow = Rule(point=Point.ANSWER, act=Delay(0.2), name=DEALS, times=None)
            exchange.faults.add(slow)
            for _ in range(2):
                before = deals_of(database)
                async with daemon(config, log):
                    await until(lambda: deals_of(database) > before + 300, pause=0.05)  # noqa: B023
                    await until(
                        lambda: reads.covered_until(ACCOUNT, "deals") is not None, pause=0.05
                    )
                # The block kills it.
                covered = reads.covered_until(ACCOUNT, "deals")
                assert covered is not None
                proofs.append((len(journal(database)), covered))
            exchange.faults.remove(slow)
            async with daemon(config, log):
                await until_logged(log, "session.live")
                await proven_record(exchange, database)
            assert "Traceback" not in log.read_text()

    run(main, seconds=120)
    asked = [windows(database, first, last) for first, last in pieces(proofs)]
    assert all(0 < until - since <= 31 * DAY for part in asked for since, until in part)
    for (_, covered), part in zip(proofs, asked[1:], strict=True):
        # From the proof on, less the overlap and the seconds that windows are rounded by.
        assert min(since for since, _ in part) >= covered - MINUTE - 2 * SECOND


def deals_of(database: Database) -> int:
    [(count,)] = rows(database, "SELECT count(*) FROM deals")
    assert isinstance(count, int)
    return count


def pieces(proofs: list[tuple[int, int]]) -> list[tuple[int, int | None]]:
    """The rows of the journal by the process that wrote them."""
    ends = [end for end, _ in proofs]
    return list(zip([0, *ends], [*ends, None], strict=True))


def windows(database: Database, first: int, last: int | None) -> list[tuple[int, int]]:
    """Which times of the deals were asked for, as these rows of the journal tell."""
    found = []
    for row in journal(database)[first:last]:
        for frame in (frame for batch in opened(row) for frame in batch):
            if frame.asked.startswith('{"call":"deals_history"'):
                asked = msgspec.json.decode(frame.asked)
                until = asked.get("endDate", row.recorded_at // SECOND + 1)
                found.append((asked["startDate"] * SECOND, until * SECOND))
    return found
