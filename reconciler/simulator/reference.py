"""What everybody may ask without a key, besides trading: markets, assets, fees, the time.

Shapes are those of PROTOCOL § 5.14; fees are percents, precisions text.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from reconciler.simulator import quotes
from reconciler.simulator.asked import Asked
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import ASSET_NAMES, WITHDRAWAL_FEES
from reconciler.simulator.numbers import ZERO, text, times
from reconciler.simulator.records import Fees, Market

_MAKER_PERCENT, _TAKER_PERCENT = (
    text(times(rate, Decimal(100))) for rate in (Fees().maker, Fees().taker)
)

CONFIRMATIONS = 2
"""Of a deposit."""

FUNDING_INTERVAL_S = 8 * 3600
"""As listed; the simulated exchange funds when it is told to."""

LEVERAGES = (1, 2, 3, 5, 10, 20, 50, 100)


def public_markets(exchange: Exchange, _: Asked) -> Any:
    """Fees are percents, precisions text."""
    return [_market_row(market) for market in exchange.markets.values()]


def _market_row(market: Market) -> dict[str, Any]:
    return {
        "name": market.name,
        "stock": market.stock,
        "money": market.money,
        "stockPrec": str(market.stock_decimals),
        "moneyPrec": str(market.money_decimals),
        "feePrec": "4",
        "makerFee": _MAKER_PERCENT,
        "takerFee": _TAKER_PERCENT,
        "minAmount": text(market.amount_min),
        "minTotal": text(market.total_min),
        "maxTotal": "0",
        "tradesEnabled": True,
        "isCollateral": market.has_margin,
        "type": "futures" if market.is_futures else "spot",
        "isTradFiFutures": False,
        "delistedAt": None,
    }


def public_assets(exchange: Exchange, _: Asked) -> Any:
    """Every asset of every market."""
    return {
        asset: {
            "name": ASSET_NAMES.get(asset, asset),
            "unified_cryptoasset_id": 0,
            "can_withdraw": True,
            "can_deposit": True,
            "min_withdraw": "0",
            "max_withdraw": "0",
            "maker_fee": _MAKER_PERCENT,
            "taker_fee": _TAKER_PERCENT,
            "min_deposit": "0",
            "max_deposit": "0",
            "currency_precision": 8,
            "is_memo": False,
            "memo": {"deposit": False, "withdraw": False},
            "networks": {"deposits": [asset], "withdraws": [asset], "default": asset},
            "limits": {"deposit": {asset: {"min": "0"}}, "withdraw": {asset: {"min": "0"}}},
            "confirmations": {asset: CONFIRMATIONS},
        }
        for asset in exchange.engine.assets
    }


def public_fees(exchange: Exchange, _: Asked) -> Any:
    """What withdrawals cost, as `main-account/fee` has it; deposits are free."""
    return {
        asset: {
            "is_depositable": True,
            "is_withdrawal": True,
            "is_api_withdrawal": True,
            "is_api_depositable": True,
            "ticker": asset,
            "name": ASSET_NAMES.get(asset, asset),
            "providers": [],
            "withdraw": {
                "max_amount": "0",
                "min_amount": "0",
                "fixed": text(WITHDRAWAL_FEES.get(asset, ZERO)),
                "flex": None,
            },
            "deposit": {"max_amount": "0", "min_amount": "0", "fixed": None, "flex": None},
        }
        for asset in exchange.engine.assets
    }


def collateral_markets(exchange: Exchange, _: Asked) -> Any:
    """Markets that can be traded on margin."""
    names = [market.name for market in exchange.markets.values() if market.has_margin]
    return {"success": True, "message": None, "result": names}


def futures(exchange: Exchange, _: Asked) -> Any:
    """Perpetual markets."""
    rows = [_futures_row(exchange, m) for m in exchange.markets.values() if m.is_futures]
    return {"success": True, "message": None, "result": rows}


def _futures_row(exchange: Exchange, market: Market) -> dict[str, Any]:
    day = quotes.last_day(exchange, market.name)
    bid, _, ask, _ = quotes.best(exchange, market.name)
    last = text(exchange.tape[market.name].last_price)
    funded_s = (exchange.now() // 1_000_000 // FUNDING_INTERVAL_S + 1) * FUNDING_INTERVAL_S
    return {
        "ticker_id": market.name,
        "stock_currency": market.stock,
        "money_currency": market.money,
        "last_price": last,
        "stock_volume": text(day.volume),
        "money_volume": text(day.total),
        "bid": bid,
        "ask": ask,
        "high": text(day.high),
        "low": text(day.low),
        "product_type": "Perpetual",
        "open_interest": "0",
        "index_price": last,
        "index_name": ASSET_NAMES.get(market.stock, market.stock),
        "index_currency": market.stock,
        "funding_rate": "0",
        "next_funding_rate_timestamp": str(funded_s * 1000),
        "brackets": {str(leverage): 0 for leverage in LEVERAGES},
        "max_leverage": LEVERAGES[-1],
        "funding_interval_minutes": FUNDING_INTERVAL_S // 60,
    }


def public_time(exchange: Exchange, _: Asked) -> Any:
    """Whole seconds."""
    return {"time": exchange.now() // 1_000_000}


def public_ping(_: Exchange, __: Asked) -> Any:
    """Alive."""
    return ["pong"]


def public_status(_: Exchange, __: Asked) -> Any:
    """As documented in words; some clients know it as a number."""
    return {"status": "system operational"}


REFERENCE_READS: dict[str, Callable[[Exchange, Asked], Any]] = {
    "/api/v4/public/markets": public_markets,
    "/api/v4/public/assets": public_assets,
    "/api/v4/public/fee": public_fees,
    "/api/v4/public/collateral/markets": collateral_markets,
    "/api/v4/public/futures": futures,
    "/api/v4/public/time": public_time,
    "/api/v4/public/ping": public_ping,
    "/api/v4/public/platform/status": public_status,
}
