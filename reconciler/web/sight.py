"""All that the pages know, of one moment: the running figures, and a look at the record.

The page, the JSON and the metrics are three spellings of the same `Facts`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import trio

from reconciler.alerts.figures import AlertFigures
from reconciler.clock import Clock, steady
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures
from reconciler.health import Running, degraded, stuck
from reconciler.hop import Hop
from reconciler.store.engine import Database
from reconciler.store.overview import AccountOverview
from reconciler.web.looking import Look, Looking
from reconciler.web.rates import Rates, Throughput
from reconciler.world import World
from reconciler.writer import WriterFigures


class Visible(Running, Protocol):
    """What the pages read of a running daemon; `daemon.Running` is one."""

    @property
    def alerts(self) -> AlertFigures: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """One account: its feed here, and what the record has of it."""

    name: str
    feed: Figures
    record: AccountOverview | None

    @property
    def is_live(self) -> bool:
        return self.feed.phase is Phase.LIVE

    @property
    def proven_until(self) -> int | None:
        return None if self.record is None else self.record.proven_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the pages tell."""

    now: int
    started_at: int
    process: str
    accounts: Sequence[AccountFacts]
    writer: WriterFigures
    alerts: AlertFigures
    throughput: Throughput
    look: Look
    stuck: Sequence[str]
    degraded: Sequence[str]

    @property
    def is_seen(self) -> bool:
        """Whether the record could be looked at."""
        return not self.look.trouble


class Sight:
    """Gathers facts for whoever asks."""

    def __init__(
        self,
        running: Visible,
        looking: Looking,
        rates: Rates,
        apart: Hop,
        clock: Clock,
        process: str,
    ) -> None:
        self._running = running
        self._looking = looking
        self._rates = rates
        self.apart = apart
        """Runs what takes milliseconds where no feed waits for it."""
        self._clock = clock
        self._process = process
        self._started_at = clock.now()

    def stuck(self) -> tuple[str, ...]:
        """The loops that make no progress; needs no database."""
        return stuck(self._running, steady())

    def degraded(self) -> tuple[str, ...]:
        """Why not every account is live; needs no database."""
        return degraded(self._running)

    async def facts(self) -> Facts:
        """As of now; the record may be half a second older."""
        look = await self._looking.newest()
        return Facts(
            now=self._clock.now(),
            started_at=self._started_at,
            process=self._process,
            accounts=[
                AccountFacts(name=name, feed=feed, record=look.record.accounts.get(name))
                for name, feed in self._running.feeds.items()
            ],
            writer=self._running.writer,
            alerts=self._running.alerts,
            throughput=self._rates.throughput(),
            look=look,
            stuck=self.stuck(),
            degraded=self.degraded(),
        )


@asynccontextmanager
async def open_sight(running: Visible, database: Database, world: World) -> AsyncIterator[Sight]:
    """For as long as the block lasts, with a thread for the reads and one for what is made of them:
    a database that hangs must not keep the page from saying so."""
    async with (
        world.thread("looks") as reading,
        world.thread("pages") as writing,
        trio.open_nursery() as nursery,
    ):
        looking = Looking(database, list(running.feeds), reading, world.clock)
        rates = Rates(running)
        nursery.start_soon(looking.run)
        nursery.start_soon(rates.run)
        yield Sight(running, looking, rates, writing, world.clock, world.name)
        nursery.cancel_scope.cancel()
