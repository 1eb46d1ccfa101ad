"""One WebSocket connection of a client, in the messages of ASGI.

A session reads requests, answers them in order, and hears what happens to its account.  What it has
to say goes through a `Sender`, so that it never makes the engine wait.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
import trio

from reconciler.simulator import channels
from reconciler.simulator.acts import Acknowledge, Act, Cut, Point, Refuse, Stall, Swallow
from reconciler.simulator.channels import Wanted, Wrong, WrongNames
from reconciler.simulator.delivery import Delivery
from reconciler.simulator.dialect import Row
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.limits import REQUESTS, Window
from reconciler.simulator.records import (
    BalanceMoved,
    BorrowAlarm,
    DealMade,
    Event,
    OrderSeen,
    PositionAlarm,
    PositionsMoved,
    Step,
    Wallet,
)
from reconciler.simulator.sender import Line, Message, Send, Sender
from reconciler.simulator.street import Street
from reconciler.simulator.teller import CHANNEL, SNAPSHOT_INTERVAL_S, SnapshotTeller, Teller

T = TypeVar("T")

IDLE_S = 60
"""Silence of the client after which the exchange hangs up (PROTOCOL § 1.3)."""

CLOSE_PATIENCE_S = 10
"""For a client that doesn't take the close frame."""

GOING_AWAY, PROTOCOL_ERROR = 1001, 1002
"""Close codes; the exchange's own are undocumented."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]


class Session:
    """One connection: authorized or not, with its subscriptions."""

    def __init__(self, exchange: Exchange, line: Line) -> None:
        self._exchange = exchange
        self._line = line
        self._sender = Sender(line)
        self._delivery = Delivery(self._sender)
        self._account: str | None = None
        self._wanted: dict[str, Wanted] = {}
        self._requests = Window(REQUESTS)
        self._street = Street(exchange, self._tell)
        self._tellers = {wallet: Teller(wallet) for wallet in CHANNEL}
        self._snapshots = {channel: SnapshotTeller(channel) for channel in SNAPSHOT_INTERVAL_S}

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
                nursery.start_soon(self._delivery.run)
                nursery.start_soon(self._street.run)
                for wallet, teller in self._tellers.items():
                    nursery.start_soon(teller.run, partial(self._balance, wallet), self._tell)
                for snapshots in self._snapshots.values():
                    nursery.start_soon(snapshots.run, self._snapshot, self._tell)
                await self._read(receive)
                nursery.cancel_scope.cancel()
        finally:
            self._exchange.faults.forget(self)
            if self._account is not None:
                self._exchange.ignore(self._account, self)

    def cut(self, how: Literal["reset"] | int) -> None:
        """Ends it: by a reset, or by a close frame after what is queued already."""
        if how == "reset":
            self._sender.reset()
        else:
            self._sender.close(how)

    def stall(self) -> None:
        """Nothing flows any more, in either direction; the connection stays."""
        self._sender.stall()

    def send_raw(self, frame: str | bytes) -> None:
        """Sends a frame as it is, bytes as a binary one."""
        self._sender.say(frame)

    # What comes in

    async def _read(self, receive: Receive) -> None:
        while True:
            message: Message | None = None
            with trio.move_on_after(IDLE_S):
                message = await receive()
            if message is None:
                if self._line.is_stalled:
                    continue  # the client's silence is not its own
                await self._hang_up(GOING_AWAY)
                return
            if message["type"] == "websocket.disconnect":
                return
            if not self._take(message.get("text") or message.get("bytes") or ""):
                await self._hang_up(PROTOCOL_ERROR)
                return

    async def _hang_up(self, code: int) -> None:
        """The writer ends the session after the close frame; or patience does."""
        self.cut(code)
        await trio.sleep(CLOSE_PATIENCE_S)
        self._sender.reset()

    def _take(self, text: str | bytes) -> bool:
        """Answers one request; False if it is none, whereupon the exchange hangs up."""
        try:
            match msgspec.json.decode(text):
                case {
                    "id": int() as number,
                    "method": str() as method,
                    "params": list() as params,
                } if number >= 0 and not isinstance(number, bool):
                    pass
                case _:
                    return False
        except (msgspec.DecodeError, RecursionError):
            return False
        if method == "authorize" and params[:1] == [""]:
            return False
        is_allowed = self._exchange.limits.take(self._requests, self._account)
        act = self._at(Point.CALL, method, params)
        if not is_allowed and not isinstance(act, Cut | Stall | Swallow):
            act = Refuse(channels.TOO_MANY_REQUESTS)
        match act:
            case Cut(how):
                self.cut(how)
            case Stall():
                self.stall()
            case Swallow():
                pass
            case _:
                reply = self._reply(number, method, params, act)
                self._delivery.deliver(self._at(Point.REPLY, method, params), method, reply)
        return True

    def _at(self, point: Point, method: str, params: list[Any]) -> Act | None:
        """What goes wrong with a request, which may be the one that says whose socket this is."""
        account = self._account
        if method == "authorize" and account is None:
            account = self._exchange.access.account_of_token(_token(params))
        return self._exchange.faults.at(point, account, method)

    def _reply(self, number: int, method: str, params: list[Any], act: Act | None) -> str:
        try:
            match act:
                case Refuse(code, message):
                    return channels.failure(number, code, message)
                case Acknowledge():
                    return channels.reply(number, {"status": "success"})
                case _:
                    return channels.reply(number, self._result(method, params))
        except Wrong as wrong:
            return channels.failure(number, wrong.code)

    def _result(self, method: str, params: list[Any]) -> Any:
        channel, _, verb = method.rpartition("_")
        if method == "ping":
            return "pong"
        if method == "time":
            return self._exchange.now() // 1_000_000
        if method == "authorize":
            return self._authorize(params)
        if self._street.knows(method):
            return self._street.answer(method, params)
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
        account = self._exchange.access.account_of_token(_token(params))
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
        for wallet, teller in self._tellers.items():
            if CHANNEL[wallet] == channel:
                teller.start_anew()
        if channel in self._snapshots:
            self._snapshots[channel].start_anew()
        return {"status": "success"}

    # What goes out

    def hear(self, event: Event, frames: dict[str, str]) -> None:
        """Orders and deals are told at once, balances when their interval allows."""
        match event:
            case OrderSeen(_, step, order, is_quiet):
                if not is_quiet and self._wants("ordersPending", order.market):
                    self._order(event, frames)
                if (
                    step is Step.FINISH
                    and self._wants("ordersExecuted", order.market)
                    and order.kind in self._wanted["ordersExecuted"].kinds
                ):
                    self._share("ordersExecuted_update", channels.executed_update, order, frames)
            case DealMade(_, deal):
                if self._wants("deals", deal.market):
                    self._share("deals_update", channels.deal_update, deal, frames)
            case BalanceMoved(_, wallet, assets):
                if wallet in self._tellers:
                    self._tellers[wallet].moved(assets)
            case PositionsMoved():
                for snapshots in self._snapshots.values():
                    snapshots.moved()
            case PositionAlarm():
                if self._wants("positionsAccountMargin", event.position.market):
                    spell = partial(channels.position_alarm, self._exchange)
                    self._share("positionsAccountMargin_update", spell, event, frames)
            case BorrowAlarm(_, _, borrow):
                if self._wants("borrowsAccountMargin", borrow.asset):
                    method = "borrowsAccountMargin_update"
                    self._share(method, channels.borrow_alarm, event, frames)

    def _order(self, event: OrderSeen, frames: dict[str, str]) -> None:
        """One that triggers others is told by a method of its own, and by no other."""
        if event.order.oto_id is None:
            self._share("ordersPending_update", channels.pending_update, event, frames)
        else:
            self._share("otoOrdersPending_update", channels.oto_update, event, frames)

    def _wants(self, channel: str, name: str) -> bool:
        wanted = self._wanted.get(channel)
        return wanted is not None and wanted.covers(name)

    def _balance(self, wallet: Wallet, asset: str) -> Row | None:
        if self._account is None or not self._wants(CHANNEL[wallet], asset):
            return None
        account = self._exchange.engine.accounts[self._account]
        return channels.balance_row(self._exchange, account, wallet, asset)

    def _snapshot(self, channel: str) -> Row | None:
        if self._account is None or channel not in self._wanted:
            return None
        account = self._exchange.engine.accounts[self._account]
        return channels.snapshot(self._exchange, account, channel)

    def _tell(self, method: str, params: Any) -> None:
        self._update(method, channels.update(method, params))

    def _share(
        self, method: str, spell: Callable[[T], str], what: T, frames: dict[str, str]
    ) -> None:
        if method not in frames:
            frames[method] = spell(what)
        self._update(method, frames[method])

    def _update(self, method: str, frame: str) -> None:
        act = self._exchange.faults.at(Point.FRAME, self._account, method)
        self._delivery.deliver(act, method, frame)

    async def _write(self, send: Send, session: trio.CancelScope) -> None:
        await self._sender.run(send)
        session.cancel()


def _token(params: list[Any]) -> str:
    return params[0] if params and isinstance(params[0], str) else ""
