"""Opens the nurseries and joins the channels; decides nothing.

They nest in the order of shutdown: the right to write around the alerts, these around the writer,
the writer around the feeds.  Leaving ends the feeds, which closes the inbox, the writer commits
what is in it under a deadline, what that tells gets a last chance to be heard, and then another
process may have the accounts.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import trio

from reconciler.alerts.dispatcher import open_alerts
from reconciler.alerts.figures import AlertFigures
from reconciler.alerts.hook import Hook
from reconciler.clock import steady
from reconciler.config import Account, Config, Reconcile
from reconciler.domain.facts import KeyNotice, Order, StreamNotice, Transaction
from reconciler.domain.money import amount
from reconciler.domain.spans import Stretch
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures
from reconciler.feed.key import reserving
from reconciler.feed.listener import Listener
from reconciler.feed.past import Past
from reconciler.feed.renewal import Keyring, listen_renewed
from reconciler.feed.rest import Common, Rest, open_rest
from reconciler.feed.supervisor import until_all_are_refused
from reconciler.health import stuck
from reconciler.holding import Holding, open_holding
from reconciler.hop import Hop, Watched
from reconciler.inbox import Hold, Inbox, open_inbox
from reconciler.log import Logger
from reconciler.pulse import Pulse
from reconciler.reconcile.rules import Rules
from reconciler.secret import Credentials
from reconciler.store.engine import Database
from reconciler.store.reads import Reads
from reconciler.store.retention import Retention
from reconciler.world import World
from reconciler.writer import WriterFigures, write

T = TypeVar("T")

DRAIN_SECONDS_MAX = 8
"""For the last commit.  systemd waits 90 s before it kills; who presses Ctrl-C does not."""


@dataclass(frozen=True, slots=True)
class Running:
    """What can be seen of a running daemon."""

    feeds: dict[str, Figures] = field(default_factory=dict)
    writer: WriterFigures = field(default_factory=WriterFigures)
    alerts: AlertFigures = field(default_factory=AlertFigures)
    loops: dict[str, Pulse] = field(default_factory=dict)
    """What else must get on, by name; see `health.py`."""


class Record:
    """The record as a feed's `Past`: asked in a thread, on connections of its own."""

    def __init__(self, reads: Reads, hop: Hop) -> None:
        self._reads = reads
        self._hop = hop

    async def covered_until(self, account: str, stream: str) -> int | None:
        return await self._hop(self._reads.covered_until, account, stream)

    async def open_orders(self, account: str) -> list[Order]:
        return await self._hop(self._reads.open_orders, account)

    async def unknown_orders(self, account: str, until: int) -> list[int]:
        return await self._hop(self._reads.unknown_orders, account, until)

    async def coverage(self, account: str) -> Mapping[str, tuple[Stretch, ...]]:
        return await self._hop(self._reads.coverage, account)

    async def unsettled(self, account: str) -> list[Transaction]:
        return await self._hop(self._reads.unsettled, account)

    async def refused_streams(self, account: str) -> list[StreamNotice]:
        return await self._hop(self._reads.refused_streams, account)

    async def used_up(self, account: str) -> KeyNotice | None:
        return await self._hop(self._reads.used_up, account)


class Office:
    """What the feeds of one process share: the inbox with a writer behind it, the record as their
    past, and the right to write."""

    def __init__(
        self,
        config: Config,
        credentials: Mapping[str, Credentials],
        past: Past,
        inbox: Inbox,
        holding: Holding,
        world: World,
        log: Logger,
        running: Running,
    ) -> None:
        self._config = config
        self._credentials = credentials
        self._past = past
        self._inbox = inbox
        self._holding = holding
        self._world = world
        self._common = Common.of(world, keys=len(config.accounts))
        self._log = log
        self.running = running

    async def attend(
        self,
        account: Account,
        work: Callable[[Listener], Awaitable[T]],
        *,
        patience: float = math.inf,
    ) -> T:
        """What `work` returns for the account, once this process holds it.

        Raises what `Holding.while_held` raises.
        """
        figures = self.running.feeds[account.name]
        log = self._log.bind(account=account.name)

        async def held(hold: Hold) -> T:
            figures.tell(Phase.CONNECTING)
            try:
                async with self._rest(account, hold, log) as rest:
                    return await work(self._listener(account, rest, hold, figures, log))
            finally:
                figures.tell(Phase.WAITING)

        return await self._holding.while_held(account.name, held, patience=patience)

    def _rest(self, account: Account, hold: Hold, log: Logger) -> AbstractAsyncContextManager[Rest]:
        return open_rest(
            self._world,
            self._config.exchange.rest,
            self._credentials[account.name],
            log,
            common=self._common,
            recall=partial(self._past.used_up, account.name),
            reserve=reserving(self._inbox, account.name, hold),
        )

    def _listener(
        self, account: Account, rest: Rest, hold: Hold, figures: Figures, log: Logger
    ) -> Listener:
        config = self._config
        return Listener(
            account=account.name,
            wallets=frozenset(account.wallets),
            markets=account.markets,
            ws_url=config.exchange.ws,
            rest=rest,
            past=self._past,
            inbox=self._inbox,
            hold=hold,
            world=self._world,
            figures=figures,
            log=log,
            ping_interval=config.feed.ping_interval,
            ping_timeout=config.feed.ping_timeout,
            backoff_min=config.feed.backoff_min,
            backoff_max=config.feed.backoff_max,
            since=config.backfill.since_moment(self._world.clock.now()),
            overlap=config.backfill.overlap,
            sweep=config.backfill.sweep,
            poll=config.reconcile.poll,
        )


@asynccontextmanager
async def open_office(
    config: Config,
    credentials: Mapping[str, Credentials],
    database: Database,
    world: World,
    log: Logger,
    hooks: Sequence[Hook] = (),
) -> AsyncIterator[Office]:
    """The office, for as long as the block lasts; leaving commits what is in the inbox, tells the
    hooks what they should hear of it, and gives the accounts back after that."""
    feeds = {account.name: Figures(account.name, Phase.WAITING) for account in config.accounts}
    running = Running(feeds=feeds)
    inbox, outlet = open_inbox()
    async with (
        _thread(world, "lock", running) as locking,
        open_holding(database, locking, name=world.name, clock=world.clock, log=log) as holding,
        _thread(world, "writer", running) as writing,
        _thread(world, "reader", running) as reading,
        _thread(world, "alerts", running) as telling,
        open_alerts(
            database,
            hooks,
            holding,
            telling,
            world,
            log,
            writer=running.writer,
            stuck=lambda: stuck(running, steady()),
            figures=running.alerts,
            pulse=running.loops.setdefault("alerts", Pulse()),
        ) as dispatcher,
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
                retention=Retention(keep=config.journal.keep, size=config.journal.size),
                rules=rules_of(config.reconcile),
                told=dispatcher.ring,
            )
        )
        past = Record(Reads(database), reading)
        try:
            async with inbox:
                yield Office(config, credentials, past, inbox, holding, world, log, running)
        finally:
            # The inbox is closed: the writer ends by itself when it has committed what is in it.
            outer.cancel_scope.deadline = trio.current_time() + DRAIN_SECONDS_MAX
    if outer.cancel_scope.cancelled_caught:
        # Nothing of it was acknowledged, so the next run reads it again.
        log.warning("daemon.undrained", seconds=DRAIN_SECONDS_MAX)


@asynccontextmanager
async def _thread(world: World, name: str, running: Running) -> AsyncIterator[Hop]:
    pulse = running.loops[f"{name} thread"] = Pulse()
    async with world.thread(name) as hop:
        yield Watched(hop, pulse)


@asynccontextmanager
async def open_daemon(
    config: Config,
    credentials: Mapping[str, Credentials],
    database: Database,
    world: World,
    log: Logger,
    hooks: Sequence[Hook] = (),
) -> AsyncIterator[Running]:
    """The daemon, for as long as the block lasts: every account listened to while it is held, and
    the hooks told what they should hear of.

    Credentials that are a `Keyring` can be renewed meanwhile.

    What ends it from within, such as credentials that are refused to every account or a bug in the
    writer, is raised in the block, in exception groups.
    """
    keyring = credentials if isinstance(credentials, Keyring) else Keyring(credentials)
    async with (
        open_office(config, keyring, database, world, log, hooks) as office,
        trio.open_nursery() as feeds,
    ):
        for account in config.accounts:
            feeds.start_soon(office.attend, account, partial(listen_renewed, keyring))
        feeds.start_soon(until_all_are_refused, office.running.feeds.values())
        yield office.running
        feeds.cancel_scope.cancel()


def rules_of(reconcile: Reconcile) -> Rules:
    """How balances are to be judged."""
    said = reconcile.tolerance
    usual, by_asset = (said, {}) if isinstance(said, str) else ("0", said)
    return Rules(
        settle=reconcile.settle,
        display_decimals=reconcile.display_decimals,
        tolerance=amount(usual),
        tolerances={asset: amount(text) for asset, text in by_asset.items()},
    )
