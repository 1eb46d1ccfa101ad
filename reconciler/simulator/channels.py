"""The private WebSocket channels: what may be asked of each, and how its updates are spelled.

Params shapes, and what an empty list means, differ by channel (PROTOCOL § 3); where the vendor is
silent the ancestor engine decides, which is the harder case for a client.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from reconciler.simulator import conditional_dialect, dialect
from reconciler.simulator.accounts import Account
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.history import Window
from reconciler.simulator.numbers import ZERO, text
from reconciler.simulator.positions import Position
from reconciler.simulator.records import (
    BorrowAlarm,
    Deal,
    Kind,
    Order,
    OrderSeen,
    PositionAlarm,
    Wallet,
)

NAMES_MAX = 100
"""Per subscription; about 700 were refused live (ccxt issue 29665), clients keep to 100."""

RECORDS_MAX = 100
"""Per query."""

INVALID_ARGUMENT, METHOD_NOT_FOUND, REQUIRE_AUTHENTICATION, TOO_MANY_REQUESTS = 1, 4, 6, 7
MESSAGES = {
    INVALID_ARGUMENT: "invalid argument",
    2: "internal error",
    3: "service unavailable",
    METHOD_NOT_FOUND: "method not found",
    5: "service timeout",
    REQUIRE_AUTHENTICATION: "require authentication",
    TOO_MANY_REQUESTS: "too many requests",
}

_FILTERS = {
    0: frozenset({Kind.LIMIT, Kind.MARKET, Kind.MARGIN_LIMIT}),
    1: frozenset({Kind.LIMIT, Kind.MARGIN_LIMIT}),
    2: frozenset({Kind.MARKET}),
}
"""Which orders pass which filter of `ordersExecuted_subscribe`; a margin limit order was seen to
pass the first, and whether others pass any is undocumented, so they pass none (PROTOCOL § 10.2,
question 4)."""

_TYPES = {number: kind for kind, number in dialect.TYPE.items()}


class Wrong(Exception):
    """The request is answered with this error code."""

    def __init__(self, code: int) -> None:
        super().__init__(MESSAGES[code])
        self.code = code


class WrongNames(Wrong):
    """Some name is unknown, or they are too many: the old subscription is gone all the same."""

    def __init__(self) -> None:
        super().__init__(INVALID_ARGUMENT)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription covers; None means everything."""

    names: frozenset[str] | None
    kinds: frozenset[Kind] = frozenset(Kind)

    def covers(self, name: str) -> bool:
        """Is the market or asset among them?"""
        return self.names is None or name in self.names


Query: TypeAlias = Callable[[Exchange, Account, list[Any]], Any]
Subscribe: TypeAlias = Callable[[Exchange, list[Any]], Wanted]


# Subscriptions


def _assets_or_all(exchange: Exchange, params: list[Any]) -> Wanted:
    return Wanted(_names(params, exchange.engine.assets) or None)


def _markets_or_none(exchange: Exchange, params: list[Any]) -> Wanted:
    """An empty list is acknowledged and covers nothing."""
    return Wanted(_names(params, exchange.markets))


def _executed(exchange: Exchange, params: list[Any]) -> Wanted:
    match params:
        case [list() as markets, int() as kinds] if kinds in _FILTERS:
            return Wanted(_names(markets, exchange.markets), _FILTERS[kinds])
        case _:
            raise Wrong(INVALID_ARGUMENT)


def _deals(exchange: Exchange, params: list[Any]) -> Wanted:
    match params:
        case [list() as markets]:
            return Wanted(_names(markets, exchange.markets) or None)
        case _:
            raise Wrong(INVALID_ARGUMENT)


def _everything(_: Exchange, params: list[Any]) -> Wanted:
    if params:
        raise Wrong(INVALID_ARGUMENT)
    return Wanted(None)


def _names(names: list[Any], known: Collection[str]) -> frozenset[str]:
    if not all(isinstance(name, str) for name in names):
        raise Wrong(INVALID_ARGUMENT)
    if len(names) > NAMES_MAX or not all(name in known for name in names):
        raise WrongNames
    return frozenset(names)


SUBSCRIBE: dict[str, Subscribe] = {
    "balanceSpot": _assets_or_all,
    "balanceMargin": _assets_or_all,
    "ordersPending": _markets_or_none,
    "ordersExecuted": _executed,
    "deals": _deals,
    "positionsMargin": _everything,
    "borrowsMargin": _everything,
    "positionsAccountMargin": _everything,
    "borrowsAccountMargin": _everything,
}


# Queries


def _spot(exchange: Exchange, account: Account, params: list[Any]) -> Any:
    return {
        asset: dialect.spot_balance(account.wallets.balance(Wallet.SPOT, asset))
        for asset in _asked_assets(exchange, params)
    }


def _margin(exchange: Exchange, account: Account, params: list[Any]) -> Any:
    return {
        asset: dialect.margin_balance(exchange.engine.collateral(account, asset))
        for asset in _asked_assets(exchange, params)
    }


def _asked_assets(exchange: Exchange, params: list[Any]) -> list[str]:
    assets = exchange.engine.assets
    if not all(asset in assets for asset in params):
        raise Wrong(INVALID_ARGUMENT)
    return params or assets


def _pending_page(exchange: Exchange, account: Account, params: list[Any]) -> Any:
    """Neither orders of pairs nor orders that trigger others are here, which is the harder case."""
    market, offset, limit = _paged(exchange, params)
    rows = sorted(
        (
            order
            for order in account.open_orders.values()
            if order.asked.market == market and order.pair is None and order.oto_id is None
        ),
        key=lambda order: -order.order_id,
    )
    page = rows[offset : offset + limit]
    return {
        "limit": limit,
        "offset": offset,
        "total": len(rows),
        "records": [dialect.pending_order(order.seen()) for order in page],
    }


def _executed_page(exchange: Exchange, account: Account, params: list[Any]) -> Any:
    match params:
        case [{"market": market, "order_types": list() as types}, *page]:
            if not all(isinstance(number, int) and number in _TYPES for number in types):
                raise Wrong(INVALID_ARGUMENT)
            kinds = {_TYPES[number] for number in types}
        case _:
            raise Wrong(INVALID_ARGUMENT)
    market, offset, limit = _paged(exchange, [market, *page])
    window = Window(since=0, until=exchange.now() + 1, offset=0, limit=2**63)
    rows = [o for o in account.history.finished_page(window, market) if o.kind in kinds]
    records = [dialect.executed_order(order) for order in rows[offset : offset + limit]]
    return {"limit": limit, "offset": offset, "records": records}


def _deals_page(exchange: Exchange, account: Account, params: list[Any]) -> Any:
    market, offset, limit = _paged(exchange, params)
    window = Window(since=0, until=exchange.now() + 1, offset=offset, limit=limit)
    records = [dialect.queried_deal(d) for d in account.history.deals_page(window, market)]
    return {"limit": limit, "offset": offset, "records": records}


def _paged(exchange: Exchange, params: list[Any]) -> tuple[str, int, int]:
    match params:
        case [str() as market, int() as offset, int() as limit] if (
            market in exchange.markets and offset >= 0 and 0 < limit <= RECORDS_MAX
        ):
            return market, offset, limit
        case _:
            raise Wrong(INVALID_ARGUMENT)


QUERY: dict[str, Query] = {
    "balanceSpot_request": _spot,
    "balanceMargin_request": _margin,
    "ordersPending_request": _pending_page,
    "ordersExecuted_request": _executed_page,
    "deals_request": _deals_page,
}


# Snapshots


def balance_row(exchange: Exchange, account: Account, wallet: Wallet, asset: str) -> dialect.Row:
    """What `balanceSpot_update` or `balanceMargin_update` says of one asset now."""
    if wallet is Wallet.SPOT:
        return dialect.spot_balance(account.wallets.balance(wallet, asset))
    return dialect.margin_update(asset, exchange.engine.collateral(account, asset))


def snapshot(exchange: Exchange, account: Account, channel: str) -> dialect.Row:
    """What `positionsMargin_update` or `borrowsMargin_update` says now: an object, not a list."""
    if channel == "borrowsMargin":
        rows = [dialect.borrow(owed) for owed in account.portfolio.borrows.values()]
    else:
        held = account.portfolio.open.values()
        rows = [_position(exchange, account, position) for position in held]
    return {"total": len(rows), "records": rows}


def _position(exchange: Exchange, account: Account, held: Position) -> dialect.Row:
    price, margin = exchange.engine.last_price(held.market), exchange.engine.margin
    return dialect.position(held, price, margin.needed(account, held), margin.free(account)) | {
        "liq_price": text(margin.liquidation_price(account, held) or ZERO)
    }


# Frames


def reply(number: int, result: Any) -> str:
    """The answer to request `number`."""
    return _frame({"id": number, "result": result, "error": None})


def failure(number: int, code: int, message: str = "") -> str:
    """The refusal of request `number`; without a message of its own, in the documented words."""
    error = {"code": code, "message": message or MESSAGES.get(code, "internal error")}
    return _frame({"id": number, "result": None, "error": error})


def update(method: str, params: Any) -> str:
    """Something that was subscribed to."""
    return _frame({"id": None, "method": method, "params": params})


def pending_update(seen: OrderSeen) -> str:
    """`ordersPending_update`."""
    return update("ordersPending_update", [int(seen.step), dialect.pending_order(seen.order)])


def oto_update(seen: OrderSeen) -> str:
    """`otoOrdersPending_update`."""
    return update(
        "otoOrdersPending_update", [int(seen.step), conditional_dialect.oto_update(seen.order)]
    )


def executed_update(order: Order) -> str:
    """`ordersExecuted_update`: spelled like a pending order (PROTOCOL § 3.4)."""
    return update("ordersExecuted_update", [dialect.pending_order(order)])


def deal_update(deal: Deal) -> str:
    """`deals_update`."""
    return update("deals_update", dialect.deal_update(deal))


def position_alarm(exchange: Exchange, seen: PositionAlarm) -> str:
    """`positionsAccountMargin_update`: the position as it was when the alarm was given."""
    account = exchange.engine.accounts[seen.account]
    stage = {"liq_stage": seen.alarm.name.lower()}
    row = _position(exchange, account, seen.position) | stage
    return update("positionsAccountMargin_update", [int(seen.alarm), row])


def borrow_alarm(seen: BorrowAlarm) -> str:
    """`borrowsAccountMargin_update`: the borrow as it was when the alarm was given."""
    return update("borrowsAccountMargin_update", [int(seen.alarm), dialect.borrow(seen.borrow)])


def _frame(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()
