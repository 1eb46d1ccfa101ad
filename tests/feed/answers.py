"""What may stand at the other end of REST calls: a function, on a clock that jumps."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import StringIO
from itertools import count

import httpx
import trio

from reconciler.domain.moments import SECOND
from reconciler.feed.rest import Common, Rest, open_rest
from reconciler.log import open_log
from reconciler.secret import Credentials
from reconciler.world import World
from tests.feed.memory import CREDENTIALS, world

Act = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Transport(httpx.AsyncBaseTransport):
    """Does what it is told instead of a network."""

    def __init__(self, act: Act) -> None:
        self._act = act

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._act(request)


@asynccontextmanager
async def over(
    act: Act,
    *,
    outside: World | None = None,
    common: Common | None = None,
    log_to: StringIO | None = None,
    credentials: Credentials = CREDENTIALS,
) -> AsyncIterator[Rest]:
    """A client whose calls are answered so."""
    outside = outside or world(http=lambda: Transport(act))
    log = open_log(clock=outside.clock, format_="json", to=log_to or StringIO())
    async with open_rest(outside, "http://exchange.test", credentials, log, common=common) as rest:
        yield rest


def in_turn(*answers: httpx.Response) -> tuple[Act, list[float]]:
    """Gives these answers and then empty lists; and notes when it was asked."""
    left, at = list(answers), list[float]()

    async def act(_: httpx.Request) -> httpx.Response:
        at.append(trio.current_time())
        return left.pop(0) if left else httpx.Response(200, content=b"[]")

    return act, at


def tokens() -> Act:
    """Gives another token each time."""
    numbers = count()

    async def act(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"websocket_token": f"token {next(numbers)}"})

    return act


def clock_from(start: Callable[[], int]) -> Act:
    """Tells the time of a clock that said `start()` at the beginning."""

    async def act(_: httpx.Request) -> httpx.Response:
        now = start() + round(trio.current_time() * SECOND)
        return httpx.Response(200, json={"time": now // SECOND})

    return act
