"""What REST clients can ask and do with the collateral wallet: margin orders, positions, funding.

Shapes are those of PROTOCOL § 5.2 and § 5.13; positions are one-way, so every side is `BOTH`.
"""

from decimal import Decimal
from typing import Any

from reconciler.simulator import dialect
from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.dialect import Row, short_seconds
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import ZERO, plus, text, times
from reconciler.simulator.positions import Position, PositionChange, ratio
from reconciler.simulator.reads import SECOND, Read
from reconciler.simulator.records import Instruction, Kind, Side
from reconciler.simulator.writes import bulk_of, placing

RECORDS_MAX = 100
REACH_MAX = 10_000
LEVERAGES = (1, 2, 3, 5, 10, 20, 50, 100)
NO_POSITIONS = "1000000000000000000000"
"""The margin fraction of who has none (PROTOCOL § 5.2)."""


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
    end_s = asked.integer("endDate")
    if end_s is not None and end_s > exchange.now() // SECOND + 1:
        raise Invalid("endDate", "EndDate should not be later than now.")
    offset, limit = asked.page(RECORDS_MAX, REACH_MAX, default=RECORDS_MAX)
    rows = [
        change
        for change in reversed(account.portfolio.changes)
        if market in (None, change.position.market)
        and position_id in (None, change.position.position_id)
        and _within(change.position.modified_at, asked)
    ]
    return [_change(row) for row in rows[offset : offset + limit]]


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


def closed_profits(_: Exchange, account: Account, asked: Asked) -> Any:
    """`positions/closed-pnl`: gross is after fees already, net after funding too."""
    offset, limit = asked.page(RECORDS_MAX, REACH_MAX)
    rows = [
        position
        for position in reversed(account.portfolio.closed)
        if _within(position.modified_at, asked)
    ]
    return [_closed(row) for row in rows[offset : offset + limit]]


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
    """`funding-history`, newest first; the time is seconds as text."""
    market = asked.one_of("market", exchange.markets)
    offset, limit = asked.page(RECORDS_MAX, REACH_MAX, default=RECORDS_MAX)
    rows = [row for row in reversed(account.portfolio.fundings) if market in (None, row.market)]
    records = [
        {
            "market": row.market,
            "fundingTime": str(row.paid_at // SECOND),
            "fundingRate": text(row.rate),
            "fundingAmount": text(row.amount),
            "positionAmount": text(row.position_amount),
            "settlementPrice": text(row.price),
            "rateCalculatedTime": str(row.paid_at // SECOND - 60),
        }
        for row in rows[offset : offset + limit]
    ]
    return {"records": records, "limit": limit, "offset": offset}


# Delisting


def delisted(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`trade-account/order/history/query`: what a delisting ended or converted."""
    market = asked.text("market")
    asked.one_of("status", ("filled", "delisting"))
    offset, limit = asked.page(500, REACH_MAX, default=RECORDS_MAX)
    rows = sorted(
        (
            row
            for row in account.papers.delisted
            if market in (None, row.market) and _within(row.finished_at, asked)
        ),
        key=lambda row: (-row.finished_at, -row.order_id),
    )
    return [dialect.delisted_order(row) for row in rows[offset : offset + limit]]


def _within(moment: int, asked: Asked) -> bool:
    since_s, until_s = asked.integer("startDate"), asked.integer("endDate")
    second = moment // SECOND
    return (since_s is None or second >= since_s) and (until_s is None or second <= until_s)


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
