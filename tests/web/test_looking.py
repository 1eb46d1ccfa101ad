"""Looks are shared, fresh, and never waited for without an end."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import pytest
import trio
import trio.testing

from reconciler.clock import VirtualClock
from reconciler.hop import Hop, inline
from reconciler.store.engine import Database, open_database
from reconciler.web.looking import FRESH_S, Looking
from reconciler.world import real
from tests.running import run
from tests.store.samples import ACCOUNT, NOON, apply, batch, deal

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Counting:
    """A hop that counts, and may do something before the call."""

    def __init__(self, instead: Callable[[], Awaitable[None]] | None = None) -> None:
        self.calls = 0
        self.instead = instead

    async def __call__(self, fn: Callable[[*Ts], T], /, *args: *Ts) -> T:
        self.calls += 1
        if self.instead is not None:
            await self.instead()
        return await inline(fn, *args)


@pytest.fixture
def record(sqlite_url: str) -> Database:
    database = open_database(sqlite_url)
    apply(database, batch(deal(1)))
    return database


def looking_at(database: Database, hop: Hop, **limits: float) -> Looking:
    return Looking(database, [ACCOUNT], hop, VirtualClock(NOON), **limits)


def in_virtual_time(main: Callable[[], Awaitable[None]]) -> None:
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_all_who_ask_at_once_share_one_read_and_the_next_sees_what_is_new(record: Database) -> None:
    async def main() -> None:
        hop = Counting()
        looking = looking_at(record, hop)
        seen: list[int] = []

        async def ask() -> None:
            seen.append((await looking.newest()).record.accounts[ACCOUNT].status.deals)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(looking.run)
            async with trio.open_nursery() as askers:
                for _ in range(20):
                    askers.start_soon(ask)
            assert (hop.calls, seen) == (1, [1] * 20)
            apply(record, batch(deal(2)))
            await ask()
            assert (hop.calls, seen[-1]) == (1, 1)
            await trio.sleep(FRESH_S)
            await ask()
            assert (hop.calls, seen[-1]) == (2, 2)
            nursery.cancel_scope.cancel()

    in_virtual_time(main)


def test_a_database_that_hangs_is_told_of_with_what_was_seen_before(record: Database) -> None:
    async def main() -> None:
        hop = Counting()
        looking = looking_at(record, hop)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(looking.run)
            await looking.newest()
            hop.instead = trio.sleep_forever
            await trio.sleep(1)
            look = await looking.newest()
            assert look.trouble == "the database has not answered for 5 seconds"
            assert look.record.accounts[ACCOUNT].status.deals == 1
            nursery.cancel_scope.cancel()

    in_virtual_time(main)


def test_who_gives_up_leaves_the_read_to_others(record: Database) -> None:
    async def main() -> None:
        hop = Counting()
        looking = looking_at(record, hop)
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(0):
                await looking.newest()
            nursery.start_soon(looking.run)
            assert (await looking.newest()).trouble == ""
            nursery.cancel_scope.cancel()

    in_virtual_time(main)


def test_a_bug_is_raised_where_somebody_asked_and_the_next_look_is_a_new_one(
    record: Database,
) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def main() -> None:
        hop = Counting(fail)
        looking = looking_at(record, hop)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(looking.run)
            with pytest.RaisesGroup(ZeroDivisionError):
                await looking.newest()
            hop.instead = None
            assert (await looking.newest()).trouble == ""
            nursery.cancel_scope.cancel()

    in_virtual_time(main)


def test_a_query_that_takes_too_long_is_stopped(postgres_url: str) -> None:
    async def main() -> None:
        database = open_database(postgres_url)
        apply(database, batch(deal(1)))
        async with real().thread("web") as hop, trio.open_nursery() as nursery:
            looking = looking_at(database, hop, read_s=0.3, wait_s=20)
            nursery.start_soon(looking.run)
            with database.writing() as other:
                other.exec_driver_sql("LOCK TABLE deals IN ACCESS EXCLUSIVE MODE")
                assert "canceling statement" in (await looking.newest()).trouble
            look = await looking.newest()
            while look.trouble:
                look = await looking.newest()
            assert look.record.accounts[ACCOUNT].status.deals == 1
            nursery.cancel_scope.cancel()

    run(main)


ENDLESS = """
CREATE VIEW deals AS WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
SELECT 1 AS account_id, x AS executed_at FROM n
"""


def test_an_endless_query_of_sqlite_is_stopped_and_when_we_leave_at_once(record: Database) -> None:
    async def main() -> None:
        with record.writing() as other:
            other.exec_driver_sql("DROP TABLE deals")
            other.exec_driver_sql(ENDLESS)
        async with real().thread("web") as hop:
            for read_s in (0.2, 600):
                looking = looking_at(record, hop, read_s=read_s, wait_s=0.5)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(looking.run)
                    trouble = (await looking.newest()).trouble
                    nursery.cancel_scope.cancel()
                assert ("took too long" if read_s < 1 else "has not answered") in trouble

    run(main)


def test_leaving_waits_no_longer_for_a_query_than_it_may_take(postgres_url: str) -> None:
    async def main() -> None:
        database = open_database(postgres_url)
        apply(database, batch(deal(1)))
        with database.writing() as other:
            other.exec_driver_sql("LOCK TABLE deals IN ACCESS EXCLUSIVE MODE")
            async with real().thread("web") as hop, trio.open_nursery() as nursery:
                looking = looking_at(database, hop, read_s=0.3)
                nursery.start_soon(looking.run)
                nursery.start_soon(looking.newest)
                await trio.sleep(0.1)
                nursery.cancel_scope.cancel()

    run(main)


def test_a_file_that_is_no_database_any_more_is_told_of(record: Database) -> None:
    async def main() -> None:
        looking = looking_at(record, inline)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(looking.run)
            await looking.newest()
            Path(str(record.url.database)).write_bytes(b"no database" * 100)  # noqa: ASYNC240
            await trio.sleep(1)
            look = await looking.newest()
            assert "restore a backup" in look.trouble
            nursery.cancel_scope.cancel()

    in_virtual_time(main)
