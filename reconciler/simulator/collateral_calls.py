"""What REST clients can ask and do with the collateral wallet: margin orders, positions, funding.

Shapes are those of PROTOCOL § 5.2 and § 5.13; positions are one-way, so every side is `BOTH`.
"""

from decimal import Decimal
from operator import attrgetter
from typing import Any

from reconciler.simulator import dialect
from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.dialect import Row, short_seconds
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.history import Window, page
from reconciler.simulator.numbers import ZERO, plus, text, times
from reconciler.simulator.positions import Funding, Position, PositionChange, ratio
from reconciler.simulator.reads import HISTORY_MAX, OFFSET_MAX, SECOND, Read, spanned
from reconciler.simulator.records import Instruction, Kind, Side
from reconciler.simulator.writes import bulk_of, placing

RECORDS_MAX = 100
REACH_MAX = 10_000
"""Offset and limit together, where a list ends."""

LEVERAGES = (1, 2, 3, 5, 10, 20, 50, 100)
NO_POSITIONS = "1000000000000000000000"
"""The margin fraction of who has none (PROTOCOL § 5.2)."""

_changed_at = attrgetter("position.modified_at")
_modified_at = attrgetter("modified_at")
_paid_at = attrgetter("paid_at")


def balance(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """All assets, as text: documented as numbers, seen live as text (PROTOCOL § 5.2)."""
    rows = {
        asset: dialect.margin_balance(exchange.engine.collateral(account, asset))["balance"]
        for asset in exchange.engine.assets
    }
    ticker = asked.one_of("ticker", rows)
    return {ticker: rows[ticker]} if ticker else rows


def balance_summary(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """The same with what is borrowed and what can be used."""
    assets = exchange.engine.assets
    ticker = asked.one_of("ticker", assets)
    return [
        dialect.margin_summary(asset, exchange.engine.collateral(account, asset))
        for asset in assets
        if ticker in (None, asset)
    ]


def summary(exchange: Exchange, account: Account, _: Asked) -> Any:
    """Figures of the whole account, at the last prices."""
    margin = exchange.engine.margin
    equity, used = margin.equity(account), margin.used(account)
    profit = ZERO
    for position in account.portfolio.open.values():
        profit = plus(profit, position.value(exchange.engine.last_price(position.market)))
    exposure = times(used, Decimal(account.portfolio.leverage))
    fraction = text(ratio(equity, exposure)) if exposure else NO_POSITIONS
    return {
        "equity": text(equity),
        "margin": text(used),
        "freeMargin": text(margin.free(account)),
        "unrealizedFunding": "0",
        "pnl": text(profit),
        "leverage": account.portfolio.leverage,
        "marginFraction": fraction,
        "maintenanceMarginFraction": fraction,
        "futuresEquity": text(equity),
        "futuresFreeMargin": text(margin.free(account)),
    }


def leverage(_: Exchange, account: Account, asked: Asked) -> Any:
    """Changes it."""
    wanted = asked.integer("leverage", 1, 100)
    if wanted not in LEVERAGES:
        raise Invalid("leverage", "Invalid leverage value.")
    account.portfolio.leverage = wanted
    return {"leverage": wanted}


def hedge_mode(_: Exchange, __: Account, ___: Asked) -> Any:
    """Two positions per market are not simulated."""
    return {"hedgeMode": False}


# Positions


def open_positions(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """Those of one market, or all."""
    market = asked.one_of("market", exchange.markets)
    return [
        _open(exchange, account, position)
        for position in account.portfolio.open.values()
        if market in (None, position.market)
    ]


def _open(exchange: Exchange, account: Account, position: Position) -> Row:
    price, margin = exchange.engine.last_price(position.market), exchange.engine.margin
    profit = position.value(price)
    return {
        "positionId": position.position_id,
        "market": position.market,
        "openDate": short_seconds(position.opened_at),
        "modifyDate": short_seconds(position.modified_at),
        "amount": text(position.amount),
        "basePrice": text(position.base_price),
        "liquidationPrice": dialect.price_or_none(margin.liquidation_price(account, position)),
        "liquidationState": None,
        "pnl": text(profit),
        "pnlPercent": text(ratio(times(profit, Decimal(100)), position.cost.copy_abs(), 2)),
        "margin": text(margin.needed(account, position)),
        "freeMargin": text(margin.free(account)),
        "funding": text(position.funding),
        "unrealizedFunding": "0",
        "tpsl": None,
        "positionSide": "BOTH",
    }


def close_position(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """At the market."""
    market = asked.needed("market", exchange.markets)
    position = account.portfolio.open.get(market)
    if position is None or position.position_id != asked.integer("positionId"):
        raise Invalid("positionId", "Position was not found.")
    order = exchange.place(
        account.name,
        Instruction(
            market=market,
            side=Side.SELL if position.amount > 0 else Side.BUY,
            kind=Kind.MARGIN_MARKET,
            amount=position.amount.copy_abs(),
            reduce_only=True,
        ),
    )
    return dialect.active_order(order)


def history(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """Every change of every position, newest first."""
    market, position_id = asked.one_of("market", exchange.markets), asked.integer("positionId")

    def keep(change: PositionChange) -> bool:
        position = change.position
        return market in (None, position.market) and position_id in (None, position.position_id)

    window = _window(exchange, asked, *asked.page(RECORDS_MAX, OFFSET_MAX, default=RECORDS_MAX))
    rows = page(account.portfolio.changes, _changed_at, window, keep)
    return [_change(row) for row in rows]


def _change(row: PositionChange) -> Row:
    position = row.position
    return {
        "positionId": position.position_id,
        "market": position.market,
        "openDate": short_seconds(position.opened_at),
        "modifyDate": short_seconds(position.modified_at),
        "amount": text(position.amount),
        "basePrice": text(position.base_price),
        "realizedFunding": text(position.funding),
        "liquidationPrice": None,
        "liquidationState": None,
        "orderDetail": {
            "id": row.order_id,
            "tradeAmount": text(row.amount.copy_abs()),
            "price": text(row.price),
            "tradeFee": text(row.fee),
            "fundingFee": None,
            "realizedPnl": text(row.realized),
        },
        "side": "BOTH",
        "isHedge": False,
    }


def closed_profits(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`positions/closed-pnl`: gross is after fees already, net after funding too."""
    window = _window(exchange, asked, *asked.reach(RECORDS_MAX, REACH_MAX, default=50))
    return [_closed(row) for row in page(account.portfolio.closed, _modified_at, window)]


def _closed(row: Position) -> Row:
    return {
        "positionId": row.position_id,
        "market": row.market,
        "grossPnl": text(row.realized),
        "netPnl": text(plus(row.realized, row.funding)),
        "totalTradeFee": text(row.fees),
        "totalFunding": text(row.funding.copy_negate()),
        "avgEntryPrice": text(ratio(row.entered_total, row.entered)),
        "avgExitPrice": text(ratio(row.exited_total, row.exited)),
        "closedSize": text(row.exited),
        "amount": "0",
        "side": "BOTH",
        "isHedge": False,
        "openDate": row.opened_at // SECOND,
        "closeDate": row.modified_at // SECOND,
    }


def fundings(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`funding-history`, newest first; it knows no dates, and the time is seconds as text."""
    market = asked.one_of("market", exchange.markets)
    offset, limit = asked.page(RECORDS_MAX, OFFSET_MAX, default=RECORDS_MAX)
    window = Window(since=0, until=exchange.now() + 1, offset=offset, limit=limit)
    rows = page(
        account.portfolio.fundings, _paid_at, window, lambda row: market in (None, row.market)
    )
    return {"records": [_funding(row) for row in rows], "limit": limit, "offset": offset}


def _funding(row: Funding) -> Row:
    return {
        "market": row.market,
        "fundingTime": str(row.paid_at // SECOND),
        "fundingRate": text(row.rate),
        "fundingAmount": text(row.amount),
        "positionAmount": text(row.position_amount),
        "settlementPrice": text(row.price),
        "rateCalculatedTime": str(row.paid_at // SECOND - 60),
    }


# Delisting


def delisted(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`trade-account/order/history/query`: what a delisting ended or converted."""
    market = asked.text("market")
    status = asked.one_of("status", ("filled", "delisting"))
    since, until = spanned(asked, exchange.now())
    offset, limit = asked.reach(HISTORY_MAX, REACH_MAX, default=HISTORY_MAX)
    rows = sorted(
        (
            row
            for row in account.papers.delisted
            if market in (None, row.market)
            and status in (None, "filled" if row.is_reverse else "delisting")
            and since <= row.finished_at < until
        ),
        key=lambda row: (-row.finished_at, -row.order_id),
    )
    page_of = rows[offset : offset + exchange.histories.most(limit)]
    return [dialect.delisted_order(row) for row in page_of]


def _window(exchange: Exchange, asked: Asked, offset: int, limit: int) -> Window:
    """Any span of time, without a floor; its last second is in it."""
    since_s, until_s = asked.integer("startDate") or 0, asked.integer("endDate")
    now = exchange.now()
    if until_s is not None and until_s > now // SECOND + 1:
        raise Invalid("endDate", "EndDate should not be later than now.")
    if until_s is not None and until_s < since_s:
        raise Invalid("endDate", "EndDate should not be earlier than startDate.")
    until = now + 1 if until_s is None else (until_s + 1) * SECOND
    return Window(since=since_s * SECOND, until=until, offset=offset, limit=limit)


_PREFIX, _ORDERS = "/api/v4/collateral-account", "/api/v4/order/collateral"

COLLATERAL_CALLS: dict[str, Read] = {
    f"{_PREFIX}/balance": balance,
    f"{_PREFIX}/balance-summary": balance_summary,
    f"{_PREFIX}/summary": summary,
    f"{_PREFIX}/leverage": leverage,
    f"{_PREFIX}/hedge-mode": hedge_mode,
    f"{_PREFIX}/positions/open": open_positions,
    f"{_PREFIX}/positions/history": history,
    f"{_PREFIX}/positions/closed-pnl": closed_profits,
    f"{_PREFIX}/position/close": close_position,
    f"{_PREFIX}/funding-history": fundings,
    f"{_ORDERS}/limit": placing(Kind.MARGIN_LIMIT),
    f"{_ORDERS}/market": placing(Kind.MARGIN_MARKET),
    f"{_ORDERS}/stop-limit": placing(Kind.MARGIN_STOP_LIMIT),
    f"{_ORDERS}/trigger-market": placing(Kind.MARGIN_STOP_MARKET),
    f"{_ORDERS}/bulk": bulk_of(Kind.MARGIN_LIMIT),
    "/api/v4/trade-account/order/history/query": delisted,
}
