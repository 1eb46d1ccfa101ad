"""An account's work is done by one process at a time, and goes on when that one is gone."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from reconciler.clock import VirtualClock
from reconciler.holding import CHECK_SECONDS, POLL_SECONDS, Holding, open_holding
from reconciler.hop import inline
from reconciler.inbox import Hold
from reconciler.log import open_log
from reconciler.store.engine import Database, DatabaseAway, open_database
from reconciler.store.holders import AccountHeld
from tests.store.samples import ACCOUNT, NOON
from tests.store.test_lock import end_sessions


class Worker:
    """Works until it is stopped; knows under which tokens."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.hold: Hold | None = None
        """While at work."""
        self.done = trio.Event()

    def at_work(self) -> bool:
        return self.hold is not None

    async def __call__(self, hold: Hold) -> str:
        self.tokens.append(hold.token)
        self.hold = hold
        try:
            await self.done.wait()
        finally:
            self.hold = None
        return "done"


class Told(StringIO):
    """A log that can be asked."""

    def said(self, account: str = ACCOUNT) -> list[str]:
        return [str(line["event"]) for line in self.lines() if line["account"] == account]

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@asynccontextmanager
async def process(database: Database, name: str, log: StringIO) -> AsyncIterator[Holding]:
    clock = VirtualClock(NOON)
    logger = open_log(clock=clock, format_="json", to=log)
    async with open_holding(database, inline, name=name, clock=clock, log=logger) as holding:
        yield holding


def run(main: Callable[[], Awaitable[None]]) -> None:
    trio.run(main, clock=MockClock(autojump_threshold=0))


async def soon(holds: Callable[[], bool]) -> None:
    """Wait, in virtual time, for what must happen within seconds."""
    with trio.fail_after(10):
        while not holds():  # noqa: ASYNC110 - nobody announces it
            await trio.sleep(0.1)


def test_who_comes_second_says_so_once_waits_and_takes_over(database: Database) -> None:
    async def main() -> None:
        first, second, log = Worker(), Worker(), Told()
        async with trio.open_nursery() as nursery, process(database, "two pid 2", log) as two:
            async with process(database, "one pid 1", StringIO()) as one:
                nursery.start_soon(one.while_held, ACCOUNT, first)
                await trio.sleep(0.1)
                nursery.start_soon(two.while_held, ACCOUNT, second)
                await trio.sleep(60)
                assert first.at_work()
                assert second.tokens == []
                [waiting] = log.lines()
                assert waiting["event"] == "account.waiting"
                assert "held by one pid 1 since 2026-01-02T12:00:00" in str(waiting["why"])
                first.done.set()
            await soon(second.at_work)
            assert log.said() == ["account.waiting", "account.held"]
            assert second.tokens > first.tokens
            second.done.set()

    run(main)


def test_what_the_work_returns_is_returned_and_the_account_kept_until_the_end(
    database: Database,
) -> None:
    """What it handed over may not be committed yet."""

    async def main() -> None:
        worker = Worker()
        worker.done.set()
        async with process(database, "two", StringIO()) as two:
            async with process(database, "one", StringIO()) as one:
                assert await one.while_held(ACCOUNT, worker) == "done"
                with pytest.raises(AccountHeld):
                    await two.while_held(ACCOUNT, worker, patience=10)
            assert await two.while_held(ACCOUNT, worker, patience=10) == "done"

    run(main)


def test_two_accounts_are_independent(database: Database) -> None:
    async def main() -> None:
        theirs, held, waiting, log = Worker(), Worker(), Worker(), Told()
        async with (
            trio.open_nursery() as nursery,
            process(database, "one", StringIO()) as one,
            process(database, "two", log) as two,
        ):
            nursery.start_soon(one.while_held, ACCOUNT, theirs)
            await trio.sleep(0.1)
            nursery.start_soon(two.while_held, ACCOUNT, waiting)
            nursery.start_soon(two.while_held, "desk", held)
            await trio.sleep(30)
            assert held.at_work()
            assert not waiting.at_work()
            assert log.said("desk") == ["account.held"]
            assert log.said(ACCOUNT) == ["account.waiting"]
            nursery.cancel_scope.cancel()

    run(main)


def lose(database: Database) -> None:
    """What takes the locks from whoever has them."""
    if database.dialect.name == "sqlite":
        Path(f"{database.url.database}.lock").unlink()
    else:
        end_sessions(database)


def test_a_lost_lock_ends_the_work_at_once_and_it_is_begun_anew(database: Database) -> None:
    async def main() -> None:
        worker, log = Worker(), Told()
        async with trio.open_nursery() as nursery, process(database, "one", log) as one:
            nursery.start_soon(one.while_held, ACCOUNT, worker)
            await trio.sleep(1)
            lose(database)
            await trio.sleep(CHECK_SECONDS)
            assert not worker.at_work()
            await soon(worker.at_work)
            assert log.said() == ["account.held", "account.lost", "account.held"]
            first, second = worker.tokens
            assert first == second, "nobody else came in between: what is queued is still right"
            nursery.cancel_scope.cancel()

    run(main)


def test_if_somebody_came_in_between_the_token_is_another(database: Database) -> None:
    async def main() -> None:
        ours, theirs = Worker(), Worker()
        async with trio.open_nursery() as nursery, process(database, "one", StringIO()) as one:
            nursery.start_soon(one.while_held, ACCOUNT, ours)
            await trio.sleep(1)
            lose(database)
            async with process(database, "two", StringIO()) as two:
                nursery.start_soon(two.while_held, ACCOUNT, theirs)
                await soon(theirs.at_work)
                await trio.sleep(30)
                assert not ours.at_work()
                theirs.done.set()
            await soon(ours.at_work)
            first, second = ours.tokens
            assert first < theirs.tokens[0] < second
            nursery.cancel_scope.cancel()

    run(main)


def test_a_holder_that_a_commit_refused_tries_anew(database: Database) -> None:
    """As happens if the lock's server forgets it, and somebody else comes."""

    async def main() -> None:
        worker, log = Worker(), Told()
        async with trio.open_nursery() as nursery, process(database, "one", log) as one:
            nursery.start_soon(one.while_held, ACCOUNT, worker)
            await trio.sleep(0.1)
            refused = worker.hold
            assert refused is not None
            refused.lost()
            refused.lost()
            await trio.sleep(0.1)
            assert not worker.at_work()
            await soon(worker.at_work)
            refused.lost()
            await trio.sleep(10)
            assert worker.at_work(), "what is long over loses nothing"
            assert log.said() == ["account.held", "account.lost", "account.held"]
            assert log.lines()[1]["why"] == "somebody else has taken it"
            nursery.cancel_scope.cancel()

    run(main)


def test_patience_ends_with_who_holds_it(database: Database) -> None:
    async def main() -> None:
        worker = Worker()
        async with (
            trio.open_nursery() as nursery,
            process(database, "one pid 1", StringIO()) as one,
            process(database, "two pid 2", StringIO()) as two,
        ):
            nursery.start_soon(one.while_held, ACCOUNT, worker)
            await trio.sleep(0.1)
            began = trio.current_time()
            with pytest.raises(AccountHeld, match="account treasury is held by one pid 1 since"):
                await two.while_held(ACCOUNT, Worker(), patience=10)
            assert 10 <= trio.current_time() - began <= 11
            nursery.cancel_scope.cancel()

    run(main)


def test_a_database_that_is_away_is_waited_for(sqlite_url: str) -> None:
    database = open_database(sqlite_url)

    in_the_way = Path(f"{database.url.database}.lock")
    in_the_way.mkdir()

    async def main() -> None:
        worker, log = Worker(), Told()
        async with trio.open_nursery() as nursery, process(database, "one", log) as one:
            with pytest.raises(DatabaseAway, match="Is a directory"):
                await one.while_held(ACCOUNT, worker, patience=10)
            nursery.start_soon(one.while_held, ACCOUNT, worker)
            await trio.sleep(10)
            assert log.said() == ["account.waiting"] * 2
            in_the_way.rmdir()  # noqa: ASYNC240 - as fast as it gets
            await soon(worker.at_work)
            nursery.cancel_scope.cancel()

    run(main)


def test_an_error_of_the_work_is_raised_as_it_is(database: Database) -> None:
    async def fail(hold: Hold) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        async with process(database, "one", StringIO()) as one:
            with pytest.raises(ZeroDivisionError):
                await one.while_held(ACCOUNT, fail)

    run(main)


def test_who_waits_can_be_stopped_at_any_time(database: Database) -> None:
    async def main() -> None:
        async with (
            trio.open_nursery() as nursery,
            process(database, "one", StringIO()) as one,
            process(database, "two", StringIO()) as two,
        ):
            nursery.start_soon(one.while_held, ACCOUNT, Worker())
            await trio.sleep(0.1)
            for moment in (0, 0.5, POLL_SECONDS, 3.3):
                before = trio.current_time()
                with trio.move_on_after(moment) as scope:
                    await two.while_held(ACCOUNT, Worker())
                assert scope.cancelled_caught
                assert trio.current_time() - before == pytest.approx(moment)
            nursery.cancel_scope.cancel()

    run(main)


def test_a_duty_is_done_by_one_process_and_is_no_account(database: Database) -> None:
    async def main() -> None:
        log = Told()
        async with process(database, "second", log) as second, trio.open_nursery() as nursery:
            async with process(database, "first", log) as first, trio.open_nursery() as one:
                at_work: list[str] = []

                async def work(name: str) -> None:
                    at_work.append(name)
                    await trio.sleep_forever()

                one.start_soon(first.while_on_duty, "alerts", partial(work, "first"))
                await trio.sleep(1)
                nursery.start_soon(second.while_on_duty, "alerts", partial(work, "second"))
                await trio.sleep(10 * POLL_SECONDS)
                assert at_work == ["first"]
                one.cancel_scope.cancel()
            await trio.sleep(2 * POLL_SECONDS)
            assert at_work == ["first", "second"]
            nursery.cancel_scope.cancel()
        assert log.lines() == []
        with database.reading() as connection:
            assert connection.exec_driver_sql("SELECT * FROM accounts").all() == []

    trio.run(main, clock=MockClock(autojump_threshold=0))
