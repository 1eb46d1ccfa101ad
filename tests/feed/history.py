"""What tests of backfills do to the simulated exchange's histories, and see of the record."""

import dataclasses
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import trio

from reconciler.domain.spans import Stretch, gaps
from reconciler.domain.words import Source
from reconciler.feed.backfill import backfill
from reconciler.feed.circuits import Circuits
from reconciler.feed.learned import Learned
from reconciler.feed.listener import Listener
from reconciler.feed.progress import Meter
from reconciler.feed.reader import Reader
from reconciler.feed.recall import Recall
from reconciler.feed.streams import LAG
from tests.feed.memory import ACCOUNT, Network, Stage, open_stage

DEALS, ORDERS = "trade-account/executed-history", "trade-account/order/history"
TRANSACTIONS = "main-account/history"


async def fill(stage: Stage, count: int, *, every_s: float = 0.001) -> None:
    """So many deals, and as many orders."""
    for number in range(count):
        stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.001", f"{40_000 + number}")
        if every_s:
            await trio.sleep(every_s)


def restarted(on: Listener, **changes: Any) -> Listener:
    """As a new process knows it: nothing but the record."""
    return dataclasses.replace(on, recall=Recall(), circuits=Circuits(), **changes)


async def sweep(on: Listener) -> Learned:
    """As a session does while it is live."""
    return await backfill(on, Source.SWEEP, until=on.now() - LAG)


def reader_of(stage: Stage, stream: str) -> Reader:
    """As a backfill has one for this stream."""
    since, until = stage.on.since, stage.on.now() - LAG
    return Reader(stage.on, Source.BACKFILL, stream, until, Meter(stage.on, stream, since, until))


def unproven(stage: Stage, stream: str, since: int, until: int) -> tuple[Stretch, ...]:
    """What coverage leaves out."""
    return gaps(stage.reads.spans(ACCOUNT, stream), since, until)


def asked(stage: Stage, *names: str) -> list[dict[str, Any]]:
    """The bodies of the calls of these paths."""
    return [
        body for body in stage.network.said if body["request"].removeprefix("/api/v4/") in names
    ]


class Spoiling(httpx.AsyncBaseTransport):
    """Makes rows unreadable on their way: of those that match, a member has another name."""

    def __init__(self, network: Network, rows: Callable[[], str]) -> None:
        self._door = network.http()
        self._rows = rows

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._door.handle_async_request(request)
        body = await response.aread()
        pattern = self._rows()
        spoiled = re.sub(pattern.encode(), b'"spoiled":', body) if pattern else body
        return httpx.Response(response.status_code, content=spoiled)


@asynccontextmanager
async def spoiled(url: str, pattern: list[str]) -> AsyncIterator[Stage]:
    """Where rows that match the pattern can't be understood; it may change."""
    through = partial(Spoiling, rows=lambda: pattern[0])
    async with open_stage(url, through=through) as stage:
        yield stage
