"""The writer: what is acknowledged is durable, what is not is not lost, on both databases."""

import contextlib
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
import trio
from sqlalchemy import exc
from structlog.testing import LogCapture
from trio.testing import MockClock

from reconciler.clock import VirtualClock
from reconciler.domain.moments import MINUTE, SECOND
from reconciler.domain.words import Source
from reconciler.hop import Hop, T, Ts, inline, thread
from reconciler.inbox import (
    BATCHES_WAITING_MAX,
    Applied,
    Batch,
    Hold,
    Outlet,
    committed,
    open_inbox,
)
from reconciler.store.engine import Database, open_database
from reconciler.store.holders import take
from reconciler.store.migrate import upgrade
from reconciler.store.reads import Reads
from reconciler.store.retention import Retention
from reconciler.writer import FACTS_PER_COMMIT_MAX, WriterFigures, write
from tests.postgres import NoPostgres, postgres
from tests.running import run
from tests.store.samples import ACCOUNT, NOON, batch, deal, frame, journal, order, rows

ROOT = Path(__file__).parents[1]


class Bench:
    """A writer's surroundings, and what can be seen of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.figures = WriterFigures()
        self.captured = LogCapture()

    async def write(
        self, outlet: Outlet, hop: Hop = inline, retention: Retention | None = None
    ) -> None:
        log = structlog.wrap_logger(
            structlog.PrintLogger(),
            processors=[self.captured],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        )
        await write(
            outlet,
            self.database,
            hop,
            clock=VirtualClock(NOON),
            chance=random.Random(1),
            log=log,
            figures=self.figures,
            retention=retention,
        )

    @property
    def told(self) -> list[str]:
        return [entry["event"] for entry in self.captured.entries]

    @property
    def deal_ids(self) -> list[int]:
        return [known.deal_id for known in Reads(self.database).deals(ACCOUNT)]


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


def test_closing_the_channel_drains_it(bench: Bench) -> None:
    async def main() -> None:
        inbox, outlet = open_inbox()
        async with inbox:
            for n in range(BATCHES_WAITING_MAX):
                inbox.send_nowait(batch(deal(n)))
        await bench.write(outlet)

    run(main)
    assert bench.deal_ids == list(range(BATCHES_WAITING_MAX))
    assert (bench.figures.commits, bench.figures.deals) == (1, BATCHES_WAITING_MAX)


def test_what_has_gathered_is_one_commit_up_to_a_cap(bench: Bench) -> None:
    async def main() -> None:
        inbox, outlet = open_inbox()
        async with inbox:
            for first in range(0, 3 * FACTS_PER_COMMIT_MAX // 2, 500):
                inbox.send_nowait(batch(*map(deal, range(first, first + 500))))
        await bench.write(outlet)

    run(main)
    assert (bench.figures.commits, bench.figures.facts) == (2, 7500)


def test_a_batch_is_acknowledged_when_others_can_see_it_and_with_its_own_counts(
    bench: Bench,
) -> None:
    acks: list[tuple[int, int]] = []

    def ack(applied: Applied) -> None:
        acks.append((applied.deals, len(bench.deal_ids)))

    async def main() -> None:
        inbox, outlet = open_inbox()
        async with inbox:
            for facts in ([deal(1)], [deal(1), deal(2), deal(3)], []):
                arrived = batch(*facts, source=Source.QUERY)
                inbox.send_nowait(
                    Batch(
                        account=arrived.account,
                        source=arrived.source,
                        facts=arrived.facts,
                        ack=ack,
                    )
                )
        await bench.write(outlet)

    run(main)
    assert acks == [(1, 3), (2, 3), (0, 3)]


def test_the_journal_is_kept_within_its_limits(bench: Bench) -> None:
    async def main() -> None:
        inbox, outlet = open_inbox()
        async with trio.open_nursery() as nursery, inbox:
            nursery.start_soon(bench.write, outlet, inline, Retention(keep=MINUTE, size=1 << 20))
            for n in range(5):
                await committed(inbox, batch(frames=[frame(str(n))]))
            await trio.sleep(120)
            await committed(inbox, batch(deal(1)))

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert [row.seq for row in journal(bench.database)] == [5]


def test_a_journal_that_can_not_be_trimmed_now_is_trimmed_later(sqlite_url: str) -> None:
    bench = Bench(open_database(sqlite_url, busy_timeout=1000))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)

    async def main() -> None:
        inbox, outlet = open_inbox()
        async with trio.open_nursery() as nursery, inbox:
            nursery.start_soon(bench.write, outlet, inline, Retention(keep=MINUTE, size=0))
            await committed(inbox, batch(frames=[frame("1")]))
            await trio.sleep(120)

            def lock(_: Applied) -> None:
                other.execute("BEGIN IMMEDIATE")

            locked = replace(batch(frames=[frame("2")]), ack=lock)
            await inbox.send(locked)
            await trio.testing.wait_all_tasks_blocked()
            other.execute("ROLLBACK")
            assert [row.seq for row in journal(bench.database)] == [1, 2]
            await committed(inbox, batch(deal(1)))

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert [row.seq for row in journal(bench.database)] == [2]
    assert bench.figures.failures == 0


def test_it_writes_on_a_thread_of_its_own(bench: Bench) -> None:
    async def main() -> None:
        inbox, outlet = open_inbox()
        async with thread("writer") as hop, trio.open_nursery() as nursery, inbox:
            nursery.start_soon(bench.write, outlet, hop)
            for n in range(3):
                assert await committed(inbox, batch(deal(n))) == Applied(deals=1)

    run(main)
    assert bench.deal_ids == [0, 1, 2]
    assert bench.figures.commits == 3


def test_while_the_database_is_locked_the_batch_stays_in_hand(sqlite_url: str) -> None:
    bench = Bench(open_database(sqlite_url, busy_timeout=1000))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)

    async def main() -> None:
        inbox, outlet = open_inbox()
        async with trio.open_nursery() as nursery, inbox:
            nursery.start_soon(bench.write, outlet)
            await committed(inbox, batch(deal(1)))
            other.execute("BEGIN IMMEDIATE")
            nursery.start_soon(committed, inbox, batch(deal(2)))
            await trio.sleep(300)
            assert bench.deal_ids == [1]
            assert bench.figures.away_since == NOON
            assert 10 < bench.figures.failures < 30
            other.execute("ROLLBACK")
            await committed(inbox, batch(deal(3)))

    trio.run(main, clock=MockClock(autojump_threshold=0))
    other.close()
    assert bench.deal_ids == [1, 2, 3]
    assert bench.told == ["database.away", "database.back"]
    assert "locked by another process" in bench.captured.entries[0]["reason"]
    assert 300 * SECOND <= bench.captured.entries[1]["away_us"] <= 330 * SECOND
    assert bench.figures.away_since is None


def test_a_server_that_restarts_costs_no_fact() -> None:
    try:
        with postgres() as server:
            bench = Bench(open_database(server.url(server.create())))
            upgrade(bench.database)

            async def main() -> None:
                inbox, outlet = open_inbox()
                async with trio.open_nursery() as nursery, inbox:
                    nursery.start_soon(bench.write, outlet)
                    await committed(inbox, batch(deal(1)))
                    server.stop()
                    nursery.start_soon(committed, inbox, batch(deal(2)))
                    await trio.sleep(60)
                    assert bench.figures.failures > 1
                    server.start()
                    await committed(inbox, batch(deal(3)))

            trio.run(main, clock=MockClock(autojump_threshold=0))
            assert bench.deal_ids == [1, 2, 3]
            assert bench.told == ["database.away", "database.back"]
    except NoPostgres as reason:
        pytest.skip(str(reason))


def test_a_bug_ends_the_writer_and_leaves_the_record_as_it_was(bench: Bench) -> None:
    with bench.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE orders RENAME TO orders_elsewhere")
    acks: list[Applied] = []

    async def main() -> None:
        inbox, outlet = open_inbox()
        async with inbox:
            arrived = batch(deal(1), order(1))
            inbox.send_nowait(
                Batch(account=ACCOUNT, source=arrived.source, facts=arrived.facts, ack=acks.append)
            )
            with pytest.raises(exc.DBAPIError, match="orders"):
                await bench.write(outlet)
            with pytest.raises(trio.BrokenResourceError):
                await inbox.send(arrived)

    run(main)
    assert acks == []
    assert rows(bench.database, "SELECT * FROM v_deals") == []


def test_a_commit_under_way_is_finished_and_acknowledged_though_cancelled(bench: Bench) -> None:
    acks: list[Applied] = []
    under_way = trio.Event()

    async def slow(fn: Callable[[*Ts], T], /, *args: *Ts) -> T:
        await trio.lowlevel.checkpoint_if_cancelled()
        under_way.set()
        with trio.CancelScope(shield=True):
            await trio.sleep(1)
        return fn(*args)

    async def main() -> None:
        inbox, outlet = open_inbox()
        async with inbox, trio.open_nursery() as nursery:
            nursery.start_soon(bench.write, outlet, slow)
            for n in range(2):
                arrived = batch(deal(n))
                await inbox.send(
                    Batch(
                        account=ACCOUNT,
                        source=arrived.source,
                        facts=arrived.facts,
                        ack=acks.append,
                    )
                )
                await under_way.wait()
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert acks == [Applied(deals=1)]
    assert bench.deal_ids == [0]


def test_cancelling_does_not_wait_for_a_database_that_is_away(sqlite_url: str) -> None:
    bench = Bench(open_database(sqlite_url, busy_timeout=1000))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def main() -> None:
        inbox, outlet = open_inbox()
        await inbox.send(batch(deal(1)))
        with trio.move_on_after(100) as scope:
            await bench.write(outlet)
        assert scope.cancelled_caught
        inbox.close()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    other.close()
    assert bench.deal_ids == []


def test_what_a_former_holder_hands_over_is_refused_and_he_is_told_others_are_not(
    bench: Bench,
) -> None:
    told: list[str] = []

    def handed_over(deal_id: int, token: int) -> Batch:
        name = f"{deal_id} under {token}"
        return Batch(
            account=ACCOUNT,
            source=batch().source,
            facts=(deal(deal_id),),
            hold=Hold(token=token, lost=lambda: told.append(f"lost: {name}")),
            ack=lambda applied: told.append(f"committed: {name}"),
        )

    old = take(bench.database, ACCOUNT, name="one", now=NOON)
    new = take(bench.database, ACCOUNT, name="two", now=NOON)

    async def main() -> None:
        inbox, outlet = open_inbox()
        async with inbox:
            inbox.send_nowait(handed_over(1, old))
            inbox.send_nowait(handed_over(2, new))
            inbox.send_nowait(batch(deal(3), account="desk"))
        await bench.write(outlet)
        inbox, outlet = open_inbox()
        async with inbox:
            inbox.send_nowait(handed_over(4, old))
        await bench.write(outlet)

    run(main)
    assert told == [f"lost: 1 under {old}", f"committed: 2 under {new}", f"lost: 4 under {old}"]
    assert bench.deal_ids == [2]
    assert [known.deal_id for known in Reads(bench.database).deals("desk")] == [3]
    assert (bench.figures.commits, bench.figures.batches) == (1, 2)
    assert bench.told == ["batch.fenced"] * 2


KILLED = """
import random, sys
import structlog, trio
from reconciler.hop import thread
from reconciler.inbox import Batch, open_inbox
from reconciler.store.engine import open_database
from reconciler.world import SystemClock
from reconciler.writer import write
from tests.store.samples import ACCOUNT, batch, deal, order

async def main(url, first):
    inbox, outlet = open_inbox()
    async with thread("writer") as hop, trio.open_nursery() as nursery:
        nursery.start_soon(
            lambda: write(outlet, open_database(url), hop, clock=SystemClock(),
                          chance=random.Random(1), log=structlog.get_logger())
        )
        for n in range(first, first + 100_000):
            arrived = batch(deal(n), deal(n - 1), order(n))
            await inbox.send(
                Batch(account=ACCOUNT, source=arrived.source, facts=arrived.facts,
                      ack=lambda applied, n=n: print(n, flush=True))
            )

trio.run(main, sys.argv[1], int(sys.argv[2]))
"""


def test_whoever_is_killed_has_kept_what_it_acknowledged(sqlite_url: str) -> None:
    """kill -9 at random moments; the next one begins a little before the end and goes on."""
    chance = random.Random(20260102)
    database = open_database(sqlite_url)
    acknowledged = 0
    for _ in range(4):
        first = max(1, acknowledged - 20)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, sqlite_url, str(first)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        line = ""
        for _ in range(chance.randint(1, 400)):
            line = process.stdout.readline()
            assert line, process.stderr.read()
        process.kill()
        rest, _ = process.communicate(timeout=30)
        acknowledged = int([line, *rest.split()][-1])
        found = [known.deal_id for known in Reads(database).deals(ACCOUNT)]
        assert found == list(range(max(found) + 1)), "each once, and none missing"
        assert max(found) >= acknowledged
        orders = [known.order_id for known in Reads(database).orders(ACCOUNT)]
        assert orders == list(range(1, max(found) + 1)), "a commit is all or nothing"
    with contextlib.closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
