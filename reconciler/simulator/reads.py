"""What REST clients can ask: balances, open orders, history and reference data.

Each function takes the exchange, the account and the parameters, and returns what is printed as
JSON.  Defaults, limits and floors are those of PROTOCOL § 5.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from reconciler.simulator import dialect
from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.history import Window
from reconciler.simulator.numbers import MAIN_DECIMALS, shown, text, times
from reconciler.simulator.records import Order, Wallet

SECOND = 1_000_000
DAY_S = 86_400

ORDERS_MAX, HISTORY_MAX = 100, 500
"""Records per page of the open orders and of the histories."""

OFFSET_MAX = 4_294_967_295
SPAN_MAX_S = 31 * DAY_S
SPAN_DEFAULT_S = 30 * DAY_S
REACH_MONTHS = 6

Read: TypeAlias = Callable[[Exchange, Account, Asked], Any]


# Balances


def spot_balance(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """Assets that are not zero; with `ticker`, that one, flat."""
    rows = {asset: account.wallets.balance(Wallet.SPOT, asset) for asset in exchange.engine.assets}
    if ticker := asked.one_of("ticker", rows):
        return dialect.spot_balance(rows[ticker])
    return {asset: dialect.spot_balance(row) for asset, row in rows.items() if row.total}


def main_balance(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """All assets; with `ticker`, that one, flat, `"0"` for an unknown one."""
    rows = {
        asset: {"main_balance": shown(account.wallets.available(Wallet.MAIN, asset), MAIN_DECIMALS)}
        for asset in exchange.engine.assets
    }
    if ticker := asked.text("ticker"):
        return rows.get(ticker, {"main_balance": "0"})
    return rows


# Orders and deals


def open_orders(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """Newest first, all markets unless one is named; orders of pairs are not among them, which is
    the harder case (PROTOCOL § 10.2, question 13)."""
    market = asked.one_of("market", exchange.markets)
    order_id, client_order_id = asked.integer("orderId"), asked.text("clientOrderId")
    if market is None and (order_id is not None or client_order_id is not None):
        raise Invalid("market", "Market field is required.")
    offset, limit = asked.page(ORDERS_MAX, OFFSET_MAX)
    rows = [
        order
        for order in sorted(account.open_orders.values(), key=lambda o: -o.order_id)
        if order.pair is None
        and market in (None, order.asked.market)
        and order_id in (None, order.order_id)
        and client_order_id in (None, order.asked.client_order_id)
    ]
    return [dialect.active_order(order.seen()) for order in rows[offset : offset + limit]]


def finished_orders(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """By market, newest first; looked up by `orderId` or `clientOrderId` the dates don't matter."""
    market = asked.one_of("market", exchange.markets)
    status = asked.one_of("status", ("ALL", "FILLED", "CANCELED", "PARTIALLY_FILLED"))
    offset, limit = asked.page(HISTORY_MAX, OFFSET_MAX)
    rows: Iterable[Order]
    if (order_id := asked.integer("orderId")) is not None:
        found = account.history.finished_order(order_id)
        rows = [found] if found is not None and market in (None, found.market) else []
    elif client_order_id := asked.text("clientOrderId"):
        rows = _of_client(account, client_order_id, market)[offset : offset + limit]
    else:
        since, until = spanned(asked, exchange.now(), reach_s(exchange.now()))
        histories = exchange.histories
        rows = account.history.finished_page(
            Window(since=since, until=until, offset=offset, limit=histories.most(limit)),
            market,
            None if status in (None, "ALL") else status.lower(),
            by_end=histories.orders_by_end,
        )
    return _by_market((order.market, dialect.finished_order(order)) for order in rows)


def executed_deals(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """A list with `market`, a map by market without, newest first."""
    market = asked.one_of("market", exchange.markets)
    offset, limit = asked.page(HISTORY_MAX, OFFSET_MAX)
    if client_order_id := asked.text("clientOrderId"):
        order = _of_client(account, client_order_id, market)[0]
        deals = list(reversed(account.history.deals_of_order(order.order_id)))
        deals = deals[offset : offset + limit]
    else:
        now = exchange.now()
        since = (asked.integer("startDate") or 0) * SECOND
        until = _clamped(asked.integer("endDate"), now)
        since = max(since, reach_s(now) * SECOND)
        limit = exchange.histories.most(limit)
        window = Window(since=since, until=until, offset=offset, limit=limit)
        deals = account.history.deals_page(window, market)
    if market is not None:
        return [dialect.executed_deal(deal) for deal in deals]
    return _by_market((deal.market, dialect.executed_deal(deal)) for deal in deals)


def deals_of_order(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """Newest first; empty for an unknown or foreign order."""
    order_id = asked.integer("orderId")
    if order_id is None:
        raise Invalid("orderId", "OrderId field is required.")
    offset, limit = asked.page(ORDERS_MAX, OFFSET_MAX)
    floor = reach_s(exchange.now()) * SECOND
    deals = [
        deal
        for deal in reversed(account.history.deals_of_order(order_id))
        if deal.executed_at >= floor
    ]
    rows = [dialect.deal_of_order(deal) for deal in deals[offset : offset + limit]]
    return {"records": rows, "offset": offset, "limit": limit}


def _of_client(account: Account, client_order_id: str, market: str | None) -> list[Order]:
    found = account.history.finished_of_client(client_order_id, market)
    if not found:
        raise Invalid("clientOrderId", "OrderHistory was not found.")
    return found


def _by_market(rows: Iterable[tuple[str, dialect.Row]]) -> Any:
    """A map, but `[]` when there is nothing: so PHP prints an empty one (PROTOCOL § 5.4)."""
    by_market: dict[str, list[dialect.Row]] = {}
    for market, row in rows:
        by_market.setdefault(market, []).append(row)
    return by_market or []


# Terms


def fees(_: Exchange, account: Account, __: Asked) -> Any:
    """`market/fee`: the account's own, in percent, whichever market is asked for."""
    percent = {name: text(times(rate, Decimal(100))) for name, rate in _rates(account).items()}
    return {"error": None, **percent, "custom_fee": {}}


def _rates(account: Account) -> dict[str, Decimal]:
    terms = account.fees
    return {
        "taker": terms.taker,
        "maker": terms.maker,
        "futures_taker": terms.futures_taker,
        "futures_maker": terms.futures_maker,
    }


# Windows of time


def spanned(asked: Asked, now: int, floor_s: int = 0) -> tuple[int, int]:
    """Since and until in µs: a month by default, 31 days at most, not before `floor_s`."""
    now_s = now // SECOND
    end_s, start_s = asked.integer("endDate"), asked.integer("startDate")
    until_s = min(end_s or now_s, now_s)
    if start_s is None:
        start_s = max(until_s - SPAN_DEFAULT_S, floor_s)
    if start_s < floor_s:
        raise Invalid("startDate", "StartDate should not be earlier than 6 months ago.")
    if until_s - start_s > SPAN_MAX_S:
        raise Invalid("endDate", "The span between startDate and endDate exceeds 31 days.")
    if end_s is not None and end_s < start_s:
        raise Invalid("endDate", "EndDate should not be earlier than startDate.")
    return start_s * SECOND, _clamped(end_s, now)


def _clamped(end_s: int | None, now: int) -> int:
    return now + 1 if end_s is None else min(end_s * SECOND, now + 1)


def reach_s(now: int) -> int:
    """How far back the exchange tells of orders, deals and conversions: to six months before today
    at 00:00 UTC."""
    today = datetime.fromtimestamp(now // SECOND, UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    month = today.year * 12 + today.month - 1 - REACH_MONTHS
    return int(
        today.replace(year=month // 12, month=month % 12 + 1, day=min(today.day, 28)).timestamp()
    )


READS: dict[str, Read] = {
    "/api/v4/trade-account/balance": spot_balance,
    "/api/v4/main-account/balance": main_balance,
    "/api/v4/orders": open_orders,
    "/api/v4/trade-account/order/history": finished_orders,
    "/api/v4/trade-account/executed-history": executed_deals,
    "/api/v4/trade-account/order": deals_of_order,
    "/api/v4/market/fee": fees,
}
