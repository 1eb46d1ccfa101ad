"""A desk for tests: the simulated exchange and the whole daemon, joined by real sockets."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

import trio

from reconciler.alerts.hook import Hook
from reconciler.config import Account, Backfill, Config, Duration, Exchange, Feed, Reconcile
from reconciler.daemon import Running, open_daemon
from reconciler.domain.moments import MILLISECOND, SECOND
from reconciler.feed.figures import Figures
from reconciler.log import open_log
from reconciler.secret import Credentials, Secret
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.simulator.server import Server, serve
from reconciler.store.engine import Database, open_database
from reconciler.store.reads import Reads
from reconciler.verdict import Verdict, compare
from reconciler.world import real

ACCOUNT = "treasury"
KEY, SECRET = "k" * 32, "s" * 32
FUNDS = {"USDT": "10000000", "BTC": "200", "ETH": "3000", "SOL": "50000"}
MARKETS = ("BTC_USDT", "ETH_USDT", "SOL_USDT")


@dataclass(frozen=True)
class Desk:
    """What a test holds in its hands."""

    exchange: Simulated
    database: Database
    running: Running

    @property
    def feed(self) -> Figures:
        return self.running.feeds[ACCOUNT]

    def deals(self) -> int:
        """How many the account has made."""
        return len(self.exchange.truth(ACCOUNT).deals)

    async def verdict(self) -> Verdict:
        """The record against the truth, once equal; the last comparison if it never is."""
        return await settled(self.exchange, self.database)


async def settled(exchange: Simulated, database: Database, *, seconds: float = 30) -> Verdict:
    """Compare until equal, for as long as the last events may take to the disk."""
    reads, truth = Reads(database), exchange.truth(ACCOUNT)
    with trio.move_on_after(seconds):
        await until(lambda: compare(reads, ACCOUNT, truth).is_equal, pause=0.1)
    return compare(reads, ACCOUNT, truth)


async def until(holds: Callable[[], bool], *, pause: float = 0.03) -> None:
    """Wait for something that nobody announces; the test's own limit ends it."""
    while not holds():  # noqa: ASYNC110 - what is waited for has no event
        await trio.sleep(pause)


def open_exchange(*, is_business: bool = False) -> Simulated:
    """An exchange with one account that we know the key of."""
    exchange = Simulated(now=real().clock.now, seed=1)
    exchange.open_account(ACCOUNT, KEY, SECRET, FUNDS, is_business=is_business)
    return exchange


def config_for(server: Server, *, sweep: int = 60 * SECOND, **feed: Duration) -> Config:
    """As a user would write it, with pauses fit for a test."""
    return Config(
        exchange=Exchange(rest_url=server.rest_url, ws_url=server.ws_url),
        accounts=(Account(name=ACCOUNT),),
        feed=Feed(
            backoff_min=Duration(50 * MILLISECOND), backoff_max=Duration(SECOND // 2), **feed
        ),
        backfill=Backfill(since="1h", sweep=Duration(sweep)),
        reconcile=Reconcile(poll=Duration(SECOND // 2)),
    )


@asynccontextmanager
async def open_desk(
    database_url: str,
    *,
    exchange: Simulated | None = None,
    sweep: int = 60 * SECOND,
    log_to: TextIO | None = None,
    hooks: Sequence[Hook] = (),
    **feed: Duration,
) -> AsyncIterator[Desk]:
    """Exchange and daemon for as long as the block lasts."""
    world, database, exchange = real(), open_database(database_url), exchange or open_exchange()
    credentials = Credentials(key=Secret(KEY), secret=Secret(SECRET))
    log = open_log(clock=world.clock, format_="json", to=log_to)
    async with (
        serve(exchange) as server,
        open_daemon(
            config_for(server, sweep=sweep, **feed),
            {ACCOUNT: credentials},
            database,
            world,
            log,
            hooks,
        ) as running,
    ):
        yield Desk(exchange, database, running)
