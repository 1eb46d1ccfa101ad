"""The pages of a daemon that only a test runs, and how to ask for them: byte by byte if need be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

import msgspec
import trio

from reconciler.address import Tcp
from reconciler.config import Http
from reconciler.daemon import Running
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures
from reconciler.log import open_log
from reconciler.store.engine import Database
from reconciler.web.serving import Limits, Web, open_web
from reconciler.world import World, real
from tests.store.samples import ACCOUNT

ANY_PORT = "127.0.0.1:0"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def live(account: str = ACCOUNT) -> Running:
    """A daemon whose one account is live."""
    return Running(feeds={account: Figures(account, Phase.LIVE, sessions=1, lives=1)})


@asynccontextmanager
async def open_pages(
    database: Database,
    running: Running | None = None,
    *,
    world: World | None = None,
    limits: Limits | None = None,
    log_to: StringIO | None = None,
    **http: Any,
) -> AsyncIterator[Web]:
    """The pages, for as long as the block lasts, at a port of their own."""
    world = world or real()
    log = open_log(clock=world.clock, format_="json", to=log_to or StringIO())
    asked = Http(**{"listen": ANY_PORT, **http})
    async with open_web(asked, running or live(), database, world, log, limits=limits) as web:
        assert web is not None
        yield web


def named(world: World, name: str) -> World:
    return replace(world, name=name)


def port_of(web: Web) -> int:
    assert isinstance(web.address, Tcp)
    return web.address.port


async def connect(web: Web) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", port_of(web))


async def rest_of(stream: trio.abc.ReceiveStream) -> bytes:
    """All that comes until the server hangs up, in whatever way."""
    said = bytearray()
    try:
        async for chunk in stream:
            said += chunk
    except trio.BrokenResourceError:
        pass
    return bytes(said)


async def exchanged(web: Web, request: bytes) -> bytes:
    """What the server says to these bytes until it hangs up."""
    async with await connect(web) as stream:
        await stream.send_all(request)
        return await rest_of(stream)


async def get(web: Web, path: str, *, method: str = "GET", **headers: str) -> Answer:
    """An answer to a request as browsers make them."""
    lines = {"Host": "127.0.0.1", "Connection": "close"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    asked = f"{method} {path} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in lines.items()
    )
    return parsed(await exchanged(web, f"{asked}\r\n".encode()))


def parsed(said: bytes) -> Answer:
    """The first answer in what a server said."""
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks(body))
    return Answer(int(first.split()[1]), headers, body)


def _chunks(body: bytes) -> list[bytes]:
    found = []
    while body:
        size, _, body = body.partition(b"\r\n")
        found.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return found
