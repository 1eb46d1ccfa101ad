"""Our own pipeline with nothing replaced: link, decoder, inbox, writer, store.

Only the session is left out, since the server at the other end speaks no dialect: it answers one
request and then pushes.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from bench import mix
from reconciler.daemon import Record
from reconciler.domain.facts import Deal, Market, Order
from reconciler.domain.moments import HOUR, SECOND
from reconciler.domain.words import Wallet
from reconciler.feed.figures import Figures
from reconciler.feed.link import open_link
from reconciler.feed.listener import Listener
from reconciler.feed.rest import open_rest
from reconciler.feed.websocket import LinkLost
from reconciler.hop import Hop, T, Ts
from reconciler.inbox import Batch, Hold, open_inbox
from reconciler.log import open_log
from reconciler.secret import Credentials, Secret
from reconciler.store.engine import Database, open_database
from reconciler.store.facts import Facts
from reconciler.store.holders import take
from reconciler.store.migrate import upgrade
from reconciler.store.reads import Reads
from reconciler.wire import frames
from reconciler.world import real
from reconciler.writer import WriterFigures, write

ACCOUNT = "treasury"


def sqlite(folder: str) -> Database:
    """A migrated SQLite database in a folder of its own."""
    path = Path(folder) / "record.db"
    path.write_bytes(_migrated())
    return open_database(f"sqlite:///{path}")


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        prepare(open_database(f"sqlite:///{path}"))
        return path.read_bytes()


def prepare(database: Database) -> None:
    """Migrates it, and lists the markets: a deal is posted once its market and order are known."""
    upgrade(database)
    listed = [
        Market(name=name, base_asset=base, quote_asset=quote, kind="spot")
        for name in mix.MARKETS
        for base, _, quote in [name.partition("_")]
    ]
    with database.writing() as connection:
        Facts(database.dialect).markets(connection, listed)


class Stopwatch:
    """Implements Hop around another: notes on the writing thread, when a commit returns, how old
    the deals and orders in it are (microseconds)."""

    def __init__(self, hop: Hop) -> None:
        self._hop = hop
        self.lags: list[int] = []

    async def __call__(self, fn: Callable[[*Ts], T], /, *args: *Ts) -> T:
        def timed() -> T:
            result = fn(*args)
            self._note(args, time.time_ns() // 1000)
            return result

        return await self._hop(timed)

    def _note(self, args: tuple[object, ...], now: int) -> None:
        for batches in args:
            if isinstance(batches, list):
                for batch in batches:
                    assert isinstance(batch, Batch)
                    self.lags.extend(now - at for at in map(_time, batch.facts) if at)


def _time(fact: object) -> int | None:
    match fact:
        case Deal(executed_at=at):
            return at
        case Order(updated_at=at):
            return at
    return None


async def pipeline(
    url: str, database: Database, watch: Callable[[Hop], Hop] = lambda hop: hop
) -> WriterFigures:
    """Takes all that the server pushes; returns when it has closed and everything is committed."""
    async with listening(database, url, watch=watch) as (on, figures):
        try:
            async with open_link(on) as link:
                await link.ask(frames.authorize("token"))
                await trio.sleep_forever()
        except* LinkLost:
            pass
    return figures


@asynccontextmanager
async def listening(
    database: Database,
    ws_url: str = "",
    rest_url: str = "",
    watch: Callable[[Hop], Hop] = lambda hop: hop,
    past: int = HOUR,
) -> AsyncIterator[tuple[Listener, WriterFigures]]:
    """A listener whose facts a writer takes, and whose record begins so far (µs) in the `past`;
    leaving the block ends when all is committed."""
    world = real()
    log = open_log(clock=world.clock, level="error", to=StringIO())
    inbox, outlet = open_inbox()
    figures = WriterFigures()
    token = take(database, ACCOUNT, name=world.name, now=world.clock.now())
    hold = Hold(token=token, lost=lambda: None)
    credentials = Credentials(key=Secret("k" * 32), secret=Secret("s" * 32))
    async with (
        world.thread("writer") as hop,
        world.thread("reader") as reading,
        open_rest(world, rest_url, credentials, log) as rest,
        trio.open_nursery() as nursery,
    ):
        writing = partial(write, hop=watch(hop), clock=world.clock, chance=world.chance, log=log)
        nursery.start_soon(partial(writing, outlet, database, figures=figures))
        async with inbox:
            yield (
                Listener(
                    account=ACCOUNT,
                    wallets=frozenset(Wallet),
                    markets=(),
                    ws_url=ws_url,
                    rest=rest,
                    past=Record(Reads(database), reading),
                    inbox=inbox,
                    hold=hold,
                    world=world,
                    figures=Figures(ACCOUNT),
                    log=log,
                    ping_interval=HOUR,
                    ping_timeout=HOUR,
                    backoff_min=SECOND,
                    backoff_max=SECOND,
                    since=world.clock.now() - past,
                    overlap=0,
                    sweep=HOUR,
                    poll=HOUR,
                ),
                figures,
            )
