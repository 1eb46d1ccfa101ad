"""Opens the nurseries and joins the channels; decides nothing.

They nest in the order of shutdown: the writer around the feeds.  Leaving ends the feeds, which
closes the inbox, and the writer commits what is in it under a deadline.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import trio

from reconciler.config import Account, Config
from reconciler.domain.facts import KeyNotice, Order, StreamNotice, Transaction
from reconciler.domain.spans import Stretch
from reconciler.feed.account import listen
from reconciler.feed.figures import Figures
from reconciler.feed.listener import Listener
from reconciler.feed.past import Past
from reconciler.feed.rest import open_rest
from reconciler.hop import Hop
from reconciler.inbox import Inbox, open_inbox
from reconciler.log import Logger
from reconciler.secret import Credentials
from reconciler.store.engine import Database
from reconciler.store.reads import Reads
from reconciler.world import World
from reconciler.writer import WriterFigures, write

DRAIN_SECONDS_MAX = 8
"""For the last commit.  systemd waits 90 s before it kills; who presses Ctrl-C does not."""


@dataclass(frozen=True, slots=True)
class Running:
    """What can be seen of a running daemon."""

    feeds: dict[str, Figures] = field(default_factory=dict)
    writer: WriterFigures = field(default_factory=WriterFigures)


class Record:
    """The record as a feed's `Past`: asked in a thread, on connections of its own."""

    def __init__(self, reads: Reads, hop: Hop) -> None:
        self._reads = reads
        self._hop = hop

    async def covered_until(self, account: str, stream: str) -> int | None:
        return await self._hop(self._reads.covered_until, account, stream)

    async def open_orders(self, account: str) -> list[Order]:
        return await self._hop(self._reads.open_orders, account)

    async def spans(self, account: str, stream: str) -> tuple[Stretch, ...]:
        return await self._hop(self._reads.spans, account, stream)

    async def unsettled(self, account: str) -> list[Transaction]:
        return await self._hop(self._reads.unsettled, account)

    async def refused_streams(self, account: str) -> list[StreamNotice]:
        return await self._hop(self._reads.refused_streams, account)

    async def used_up(self, account: str) -> KeyNotice | None:
        return await self._hop(self._reads.used_up, account)


@asynccontextmanager
async def open_daemon(
    config: Config,
    credentials: Mapping[str, Credentials],
    database: Database,
    world: World,
    log: Logger,
) -> AsyncIterator[Running]:
    """The daemon, for as long as the block lasts.

    What ends it from within, such as refused credentials or a bug in the writer, is raised in the
    block, in exception groups.
    """
    running = Running()
    inbox, outlet = open_inbox()
    async with (
        world.thread("writer") as writing,
        world.thread("reader") as reading,
        trio.open_nursery() as outer,
    ):
        outer.start_soon(
            partial(
                write,
                outlet,
                database,
                hop=writing,
                clock=world.clock,
                chance=world.chance,
                log=log,
                figures=running.writer,
            )
        )
        past = Record(Reads(database), reading)
        try:
            async with inbox, trio.open_nursery() as feeds:
                for account in config.accounts:
                    figures = running.feeds[account.name] = Figures(account.name)
                    feeds.start_soon(
                        _feed,
                        config,
                        account,
                        credentials[account.name],
                        past,
                        inbox,
                        world,
                        figures,
                        log.bind(account=account.name),
                    )
                yield running
                feeds.cancel_scope.cancel()
        finally:
            # The inbox is closed: the writer ends by itself when it has committed what is in it.
            outer.cancel_scope.deadline = trio.current_time() + DRAIN_SECONDS_MAX
    if outer.cancel_scope.cancelled_caught:
        # Nothing of it was acknowledged, so the next run reads it again.
        log.warning("daemon.undrained", seconds=DRAIN_SECONDS_MAX)


async def _feed(
    config: Config,
    account: Account,
    credentials: Credentials,
    past: Past,
    inbox: Inbox,
    world: World,
    figures: Figures,
    log: Logger,
) -> None:
    async with open_rest(world, config.exchange.rest, credentials, log) as rest:
        await listen(
            Listener(
                account=account.name,
                wallets=frozenset(account.wallets),
                markets=account.markets,
                ws_url=config.exchange.ws,
                rest=rest,
                past=past,
                inbox=inbox,
                world=world,
                figures=figures,
                log=log,
                ping_interval=config.feed.ping_interval,
                ping_timeout=config.feed.ping_timeout,
                backoff_min=config.feed.backoff_min,
                backoff_max=config.feed.backoff_max,
                since=config.backfill.since_moment(world.clock.now()),
                overlap=config.backfill.overlap,
                sweep=config.backfill.sweep,
                poll=config.reconcile.poll,
            )
        )
