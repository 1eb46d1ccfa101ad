"""Two daemons on one account and database: one works, the other waits and takes over."""

import json
import random
import signal
from io import StringIO
from pathlib import Path

import trio

from reconciler.domain.words import Phase
from reconciler.simulator.exchange import Exchange, Listener
from reconciler.simulator.life import live
from reconciler.simulator.server import serve
from reconciler.store.engine import open_database
from reconciler.store.holders import take
from reconciler.store.lock import open_locks
from reconciler.store.reads import Reads
from reconciler.world import real
from tests.cli.daemon import daemon, until_logged, write_config
from tests.desk import ACCOUNT, FUNDS, KEY, SECRET, open_desk, settled, until
from tests.grids import mostly_sqlite
from tests.running import run
from tests.store.samples import NOON
from tests.test_holding import lose


class Watched(Exchange):
    """Knows how many sessions have listened to an account at once."""

    def __init__(self) -> None:
        super().__init__(now=real().clock.now, seed=1)
        self.open_account(ACCOUNT, KEY, SECRET, FUNDS)
        self.listening: set[Listener] = set()
        self.most = 0

    def listen(self, account: str, listener: Listener) -> None:
        super().listen(account, listener)
        self.listening.add(listener)
        self.most = max(self.most, len(self.listening))

    def ignore(self, account: str, listener: Listener) -> None:
        super().ignore(account, listener)
        self.listening.discard(listener)


def logged(log: Path, event: str) -> list[dict[str, str]]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


@mostly_sqlite
def test_the_second_waits_and_takes_over_from_one_that_is_killed_and_one_that_stops(
    database_url: str, tmp_path: Path
) -> None:
    async def main() -> None:
        exchange = Watched()
        one, two, three = (tmp_path / f"{name}.log" for name in ("one", "two", "three"))
        async with serve(exchange) as server, trio.open_nursery() as nursery:
            config = write_config(tmp_path, server, database_url)
            traders = trio.CancelScope()

            async def trade() -> None:
                with traders:
                    await live(exchange, rate=30, chance=random.Random(1), accounts=[ACCOUNT])

            nursery.start_soon(trade)
            async with daemon(config, one) as first:
                await until_logged(one, "session.live")
                async with daemon(config, two) as second:
                    await until_logged(two, "account.waiting")
                    first.send_signal(signal.SIGKILL)
                    await until_logged(two, "session.live")
                    [waiting] = logged(two, "account.waiting")
                    assert f"pid {first.pid} since" in waiting["why"]
                    async with daemon(config, three) as third:
                        await until_logged(three, "account.waiting")
                        second.send_signal(signal.SIGTERM)
                        assert await second.wait() == 0
                        await until_logged(three, "session.live")
                        traders.cancel()
                        verdict = await settled(exchange, open_database(database_url))
                        assert verdict.is_equal, verdict.differences[:5]
                        third.send_signal(signal.SIGTERM)
                        assert await third.wait() == 0
            assert exchange.most == 1
            for log in (one, two, three):
                assert "Traceback" not in log.read_text()
                assert not logged(log, "batch.fenced")

    run(main, seconds=120)


def test_told_to_stop_while_it_waits_it_leaves_at_once(sqlite_url: str, tmp_path: Path) -> None:
    async def main() -> None:
        log = tmp_path / "log"
        locks = open_locks(open_database(sqlite_url))
        assert locks.acquire(ACCOUNT)
        config = write_config(tmp_path, None, sqlite_url)
        async with daemon(config, log) as process:
            await until_logged(log, "account.waiting")
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        [waiting] = logged(log, "account.waiting")
        assert "held by another process" in waiting["why"]
        locks.close()

    run(main)


def test_who_lost_his_lock_to_another_writes_nothing_more(database_url: str) -> None:
    """Noticed by a commit, or by the routine look at the lock, whichever comes first."""

    async def main() -> None:
        log = StringIO()
        database = open_database(database_url)
        locks = open_locks(database)
        async with open_desk(database_url, log_to=log) as desk:
            await desk.feed.until_live()
            lose(database)
            await until(lambda: locks.acquire(ACCOUNT))
            take(database, ACCOUNT, name="desk1 pid 7", now=NOON)
            desk.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            holder = "held by desk1 pid 7 since 2026-01-02T12:00:00.123456Z"
            await until(lambda: holder in log.getvalue())
            assert '"account.lost"' in log.getvalue()
            assert desk.feed.phase is Phase.WAITING
            assert Reads(database).deals(ACCOUNT) == []
            locks.close()
            await desk.feed.until_live(2)
            verdict = await desk.verdict()
            assert verdict.is_equal, verdict.differences
            assert verdict.deals == 1
            assert desk.feed.bugs == 0

    run(main, seconds=60)
