"""A client for the simulator's tests, written from PROTOCOL alone: nothing is shared with ours."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import trio
from trio_websocket import WebSocketConnection, wrap_client_stream

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.records import Fees, Market
from reconciler.simulator.server import Server

KEY, SECRET = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
START = 1_738_230_617_886_706
"""The moment at which a test's exchange begins, in µs."""


class Now:
    """A clock that stands still until it is moved, in µs."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> int:
        return self.moment

    def pass_seconds(self, seconds: int) -> None:
        self.moment += seconds * 1_000_000


def opened(
    now: Now | None = None,
    *,
    seed: int = 0,
    fees: Fees | None = None,
    markets: Iterable[Market] = DEFAULT_MARKETS,
) -> Exchange:
    """An exchange with one account, `treasury`, that has some of everything."""
    exchange = Exchange(markets, now=now or Now(), seed=seed)
    funds = {"BTC": "10", "ETH": "100", "USDT": "1000000", "DOGE": "100000"}
    exchange.open_account("treasury", KEY, SECRET, funds, fees=fees)
    return exchange


def signed(body: bytes, *, key: str = KEY, secret: str = SECRET) -> dict[str, str]:
    """PROTOCOL § 2: the MAC is over the base64 text, the key is the secret as it is shown."""
    payload = base64.b64encode(body).decode()
    signature = hmac.new(secret.encode(), payload.encode(), hashlib.sha512).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-TXC-APIKEY": key,
        "X-TXC-PAYLOAD": payload,
        "X-TXC-SIGNATURE": signature,
    }


class Rest:
    """Signed calls with rising nonces."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self.http = http
        self.url = url
        self._nonce = START // 1000

    async def call(self, path: str, **params: Any) -> httpx.Response:
        self._nonce += 1
        values = {"request": f"/api/v4/{path}", "nonce": self._nonce} | params
        return await self.post(path, json.dumps(values, separators=(",", ":")).encode())

    async def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        return await self.http.post(
            f"{self.url}/api/v4/{path}", content=body, headers=signed(body) | headers
        )

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"{self.url}/api/v4/{path}")

    async def token(self) -> str:
        answer = await self.call("profile/websocket_token")
        return str(answer.json()["websocket_token"])


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Rest]:
    """A REST client."""
    async with httpx.AsyncClient() as http:
        yield Rest(http, server.rest_url)


class Ear:
    """A WebSocket; what arrives while an answer is awaited is kept."""

    def __init__(self, link: WebSocketConnection) -> None:
        self.link = link
        self.updates: list[dict[str, Any]] = []
        self._id = 0

    async def send(self, method: str, *params: Any) -> int:
        self._id += 1
        message = {"id": self._id, "method": method, "params": list(params)}
        await self.link.send_message(json.dumps(message))
        return self._id

    async def ask(self, method: str, *params: Any) -> dict[str, Any]:
        number = await self.send(method, *params)
        while True:
            frame = json.loads(await self.link.get_message())
            if frame["id"] == number:
                return dict(frame)
            self.updates.append(frame)

    async def hear(self, method: str) -> Any:
        """The params of the next update of that method; others are kept."""
        for frame in self.updates:
            if frame["method"] == method:
                self.updates.remove(frame)
                return frame["params"]
        while True:
            frame = json.loads(await self.link.get_message())
            if frame["method"] == method:
                return frame["params"]
            self.updates.append(frame)

    async def subscribe(self, *markets: str) -> None:
        """To everything that is private."""
        for answer in (
            await self.ask("balanceSpot_subscribe"),
            await self.ask("balanceMargin_subscribe"),
            await self.ask("ordersPending_subscribe", *markets),
            await self.ask("ordersExecuted_subscribe", list(markets), 0),
            await self.ask("deals_subscribe", []),
        ):
            assert answer["result"] == {"status": "success"}


@asynccontextmanager
async def opening(server: Server, path: str = "/ws") -> AsyncIterator[WebSocketConnection]:
    """A WebSocket on a stream of our own: once the other side has closed, trio-websocket forgets to
    close the one that it opens itself."""
    stream = await trio.open_tcp_stream("127.0.0.1", server.port)
    try:
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                try:
                    host = f"127.0.0.1:{server.port}"
                    yield await wrap_client_stream(nursery, stream, host, path)
                finally:
                    nursery.cancel_scope.cancel()
    finally:
        await trio.aclose_forcefully(stream)


@asynccontextmanager
async def listening(server: Server, rest: Rest | None = None) -> AsyncIterator[Ear]:
    """A WebSocket; authorized if there is a REST client to get the token by."""
    token = await rest.token() if rest else None
    async with opening(server) as link:
        ear = Ear(link)
        if token is not None:
            answer = await ear.ask("authorize", token, "public")
            assert answer["result"] == {"status": "success"}
        yield ear
