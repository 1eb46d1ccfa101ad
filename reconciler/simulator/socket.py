"""The WebSocket door: one `Session` per connection, as an ASGI application.

A session reads requests, answers them in order, and hears what happens to its account.  It never
makes the engine wait: what it has to say goes into a bounded queue, and a client that lets that
queue fill up is cut off.
"""

from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
import trio

from reconciler.simulator import channels, dialect
from reconciler.simulator.channels import Wanted, Wrong, WrongNames
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.faults import Answer, Cut, Duplicate, Point, Swallow
from reconciler.simulator.records import BalanceMoved, DealMade, Event, OrderSeen, Step, Wallet

PATH = "/ws"

IDLE_S = 60
"""Silence of the client after which the exchange hangs up (PROTOCOL § 1.3)."""

REQUESTS_MAX, REQUESTS_PERIOD_S = 200, 60
"""Messages of every kind per connection (PROTOCOL § 1.4)."""

QUEUE_FRAMES_MAX = 65_536
"""What a client may lag behind: half a minute of the busiest life, some 20 MB."""

INTERVAL_S = {Wallet.SPOT: 1.0, Wallet.COLLATERAL: 1.5}
"""Between two updates of a wallet's balances (PROTOCOL § 3)."""

_CHANNEL = {Wallet.SPOT: "balanceSpot", Wallet.COLLATERAL: "balanceMargin"}
GOING_AWAY, PROTOCOL_ERROR = 1001, 1002
"""Close codes; the exchange's own are undocumented."""

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class Resettable(Protocol):
    """The connection below."""

    def reset(self) -> None:
        """Ends it at once, without a word."""
        ...


class Session:
    """One connection: authorized or not, with its subscriptions."""

    def __init__(self, exchange: Exchange, connection: Resettable) -> None:
        self._exchange = exchange
        self._connection = connection
        self._account: str | None = None
        self._wanted: dict[str, Wanted] = {}
        self._request_times: deque[float] = deque()
        self._queue, self._queued = trio.open_memory_channel[Message](QUEUE_FRAMES_MAX)
        self._moved = {wallet: _Moved() for wallet in INTERVAL_S}

    @property
    def account(self) -> str | None:
        """None before it is authorized."""
        return self._account

    async def run(self, receive: Receive, send: Send) -> None:
        """Until either side ends it."""
        self._exchange.faults.register(self)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, send, nursery.cancel_scope)
                for wallet in INTERVAL_S:
                    nursery.start_soon(self._tell_balances, wallet)
                await self._read(receive)
                nursery.cancel_scope.cancel()
        finally:
            self._exchange.faults.forget(self)
            if self._account is not None:
                self._exchange.ignore(self._account, self)

    def cut(self, how: Literal["reset"] | int) -> None:
        """Ends it: by a reset, or by a close frame after what is queued already."""
        if how == "reset":
            self._connection.reset()
        else:
            self._put({"type": "websocket.close", "code": how})

    def send_raw(self, frame: str | bytes) -> None:
        """Sends a frame as it is, bytes as a binary one."""
        kind = "bytes" if isinstance(frame, bytes) else "text"
        self._put({"type": "websocket.send", kind: frame})

    # What comes in

    async def _read(self, receive: Receive) -> None:
        while True:
            message: Message | None = None
            with trio.move_on_after(IDLE_S):
                message = await receive()
            if message is None:
                self.cut(GOING_AWAY)
                await trio.sleep_forever()  # the writer ends the session after the close frame
            elif message["type"] == "websocket.disconnect":
                return
            elif not self._take(message.get("text") or message.get("bytes") or ""):
                self.cut(PROTOCOL_ERROR)
                await trio.sleep_forever()

    def _take(self, text: str | bytes) -> bool:
        """Answers one request; False if it is none, whereupon the exchange hangs up."""
        try:
            match msgspec.json.decode(text):
                case {"id": int() as number, "method": str() as method, "params": list() as params}:
                    pass
                case _:
                    return False
        except (msgspec.DecodeError, RecursionError):
            return False
        if method == "authorize" and params[:1] == [""]:
            return False
        try:
            self._limit()
            self._say(channels.reply(number, self._result(method, params)))
        except Wrong as wrong:
            self._say(channels.failure(number, wrong.code))
        return True

    def _limit(self) -> None:
        now = trio.current_time()
        times = self._request_times
        while times and times[0] <= now - REQUESTS_PERIOD_S:
            times.popleft()
        if len(times) >= REQUESTS_MAX:
            raise Wrong(channels.TOO_MANY_REQUESTS)
        times.append(now)

    def _result(self, method: str, params: list[Any]) -> Any:
        channel, _, verb = method.rpartition("_")
        if method == "ping":
            return "pong"
        if method == "time":
            return self._exchange.now() // 1_000_000
        if method == "authorize":
            return self._authorize(params)
        if method not in channels.QUERY and channel not in channels.SUBSCRIBE:
            raise Wrong(channels.METHOD_NOT_FOUND)
        if self._account is None:
            raise Wrong(channels.REQUIRE_AUTHENTICATION)
        if query := channels.QUERY.get(method):
            return query(self._exchange, self._exchange.engine.accounts[self._account], params)
        match verb:
            case "subscribe":
                return self._subscribe(channel, params)
            case "unsubscribe":
                self._wanted.pop(channel, None)
                return {"status": "success"}
            case _:
                raise Wrong(channels.METHOD_NOT_FOUND)

    def _authorize(self, params: list[Any]) -> Any:
        token = params[0] if params and isinstance(params[0], str) else ""
        account = self._exchange.access.account_of_token(token)
        if account is None:
            raise Wrong(channels.INVALID_ARGUMENT)
        if self._account is not None:
            self._exchange.ignore(self._account, self)
        self._account = account
        self._exchange.listen(account, self)
        return {"status": "success"}

    def _subscribe(self, channel: str, params: list[Any]) -> Any:
        """Replaces what was subscribed; a list with a bad name loses the old one too, as in the
        ancestor engine (PROTOCOL § 3)."""
        try:
            self._wanted[channel] = channels.SUBSCRIBE[channel](self._exchange, params)
        except WrongNames:
            self._wanted.pop(channel, None)
            raise
        return {"status": "success"}

    # What goes out

    def hear(self, event: Event, frames: dict[str, str]) -> None:
        """Orders and deals are told at once, balances when their interval allows."""
        match event:
            case OrderSeen(_, step, order):
                if self._wants("ordersPending", order.market):
                    if "ordersPending_update" not in frames:
                        frames["ordersPending_update"] = channels.pending_update(event)
                    self._update("ordersPending_update", frames["ordersPending_update"])
                if (
                    step is Step.FINISH
                    and self._wants("ordersExecuted", order.market)
                    and order.kind in self._wanted["ordersExecuted"].kinds
                ):
                    if "ordersExecuted_update" not in frames:
                        frames["ordersExecuted_update"] = channels.executed_update(order)
                    self._update("ordersExecuted_update", frames["ordersExecuted_update"])
            case DealMade(_, deal):
                if self._wants("deals", deal.market):
                    if "deals_update" not in frames:
                        frames["deals_update"] = channels.deal_update(deal)
                    self._update("deals_update", frames["deals_update"])
            case BalanceMoved(_, wallet, assets):
                if wallet in self._moved:
                    self._moved[wallet].add(assets)

    def _wants(self, channel: str, name: str) -> bool:
        wanted = self._wanted.get(channel)
        return wanted is not None and wanted.covers(name)

    async def _tell_balances(self, wallet: Wallet) -> None:
        """Absolute values at the moment of telling, at most once per interval."""
        told: dict[str, Any] = {}
        while True:
            moved = await self._moved[wallet].take()
            if assets := [asset for asset in moved if self._wants(_CHANNEL[wallet], asset)]:
                balances = self._balances(wallet, assets)
                if news := {a: row for a, row in balances.items() if told.get(a) != row}:
                    told |= news
                    params = [news] if wallet is Wallet.SPOT else list(news.values())
                    method = f"{_CHANNEL[wallet]}_update"
                    self._update(method, channels.update(method, params))
            await trio.sleep(INTERVAL_S[wallet])

    def _balances(self, wallet: Wallet, assets: list[str]) -> dict[str, Any]:
        assert self._account is not None
        wallets = self._exchange.engine.accounts[self._account].wallets
        if wallet is Wallet.SPOT:
            return {a: dialect.spot_balance(wallets.balance(wallet, a)) for a in assets}
        return {a: dialect.margin_update(a, wallets.balance(wallet, a)) for a in assets}

    def _update(self, method: str, frame: str) -> None:
        match self._exchange.faults.at(Point.FRAME, self._account, method):
            case Cut(how):
                self.cut(how)
            case Swallow():
                pass
            case Duplicate():
                self._say(frame)
                self._say(frame)
            case _:
                self._say(frame)

    def _say(self, frame: str) -> None:
        self._put({"type": "websocket.send", "text": frame})

    def _put(self, message: Message) -> None:
        try:
            self._queue.send_nowait(message)
        except trio.WouldBlock:
            self._connection.reset()

    async def _write(self, send: Send, session: trio.CancelScope) -> None:
        async for message in self._queued:
            await send(message)
            if message["type"] == "websocket.close":
                session.cancel()


class _Moved:
    """Assets whose balance changed since they were last taken."""

    def __init__(self) -> None:
        self._assets: dict[str, None] = {}
        self._any = trio.Event()

    def add(self, assets: tuple[str, ...]) -> None:
        self._assets.update(dict.fromkeys(assets))
        self._any.set()

    async def take(self) -> list[str]:
        await self._any.wait()
        self._any = trio.Event()
        assets, self._assets = list(self._assets), {}
        return assets


async def websocket(exchange: Exchange, scope: Message, receive: Receive, send: Send) -> None:
    """One WebSocket connection, from the handshake on."""
    connection: Resettable = scope["state"]["connection"]
    await receive()  # websocket.connect
    match exchange.faults.at(Point.HANDSHAKE):
        case Cut():
            connection.reset()
        case Answer(status, body, content_type):
            await _refuse(send, status, body, content_type)
        case _ if scope["path"] != PATH:
            await _refuse(send, 404)
        case _:
            await send({"type": "websocket.accept"})
            await Session(exchange, connection).run(receive, send)


async def _refuse(
    send: Send, status: int, body: bytes = b"", content_type: str = "application/json"
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
