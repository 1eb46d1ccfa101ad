"""A dispatcher on a real database in virtual time, with hooks that a test makes of functions."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import msgspec
import trio

from reconciler.alerts.dispatcher import Dispatcher, open_alerts
from reconciler.alerts.figures import AlertFigures
from reconciler.alerts.hook import Message
from reconciler.domain.events import Event, FeedNews, News
from reconciler.domain.moments import DAY, MILLISECOND
from reconciler.holding import open_holding
from reconciler.hop import inline
from reconciler.log import open_log
from reconciler.pulse import Pulse
from reconciler.store.engine import Database, open_database
from reconciler.store.outbox import Outbox
from reconciler.world import World
from reconciler.writer import WriterFigures
from tests.feed.memory import world as virtual_world
from tests.store.samples import NOON, rows

Act = Callable[[Message], Awaitable[None]]


@dataclass
class Sink:
    """A hook: writes down what it is told, and does then what the test wants."""

    name: str = "sink"
    events: tuple[str, ...] = ("*",)
    repeat: int = DAY
    heartbeat: int = 0
    act: Act | None = None
    told: list[Message] = field(default_factory=list)
    """What was tried, whatever came of it."""
    got: list[Message] = field(default_factory=list)
    """What it has."""

    async def deliver(self, message: Message) -> None:
        self.told.append(message)
        await trio.lowlevel.checkpoint()
        if self.act is not None:
            await self.act(message)
        self.got.append(message)
        await trio.lowlevel.checkpoint()

    def heard(self) -> list[str]:
        """Event and key of what it has."""
        return [spelled(message) for message in self.got]

    def ids(self) -> list[str]:
        return [message.id for message in self.got]


def spelled(message: Message) -> str:
    body = msgspec.json.decode(message.body)
    assert (body["id"], body["event"]) == (message.id, message.event)
    return f"{message.event} {body['dedupe_key']}"


def feed(account: str) -> FeedNews:
    return FeedNews(account=account, since=NOON, reason="no answer")


@dataclass
class Bench:
    """What a test holds in its hands."""

    database: Database
    world: World
    figures: AlertFigures
    dispatcher: Dispatcher
    writer: WriterFigures
    log: StringIO

    def happen(self, event: Event, news: News) -> None:
        """It happened, was committed, and the writer tells so."""
        happen(self.database, event, news, now=self.world.clock.now())
        self.dispatcher.ring()

    def alerts(self) -> list[tuple[Any, ...]]:
        """Event, hook, state and attempts, in their order."""
        return alerts(self.database)


def happen(database: Database, event: Event, news: News, *, now: int = NOON) -> None:
    with database.writing() as connection:
        Outbox().put(connection, event, news, now=now)


def alerts(database: Database) -> list[tuple[Any, ...]]:
    query = "SELECT event, hook, state, attempts FROM v_alerts ORDER BY created_at, alert_id, hook"
    return rows(database, query)


@asynccontextmanager
async def open_bench(
    url: str,
    *hooks: Sink,
    stuck: Callable[[], Sequence[str]] = tuple,
    seed: int = 1,
) -> AsyncIterator[Bench]:
    """On duty for as long as the block lasts, unless somebody else is."""
    database, outside = open_database(url, busy_timeout=10 * MILLISECOND), virtual_world(seed=seed)
    log_to = StringIO()
    log = open_log(clock=outside.clock, format_="json", level="debug", to=log_to)
    figures, writer = AlertFigures(), WriterFigures()
    name = f"bench {seed}"
    async with (
        open_holding(database, inline, name=name, clock=outside.clock, log=log) as holding,
        open_alerts(
            database,
            hooks,
            holding,
            inline,
            outside,
            log,
            writer=writer,
            stuck=stuck,
            figures=figures,
            pulse=Pulse(),
        ) as dispatcher,
    ):
        yield Bench(database, outside, figures, dispatcher, writer, log_to)
