"""What everybody may ask without a key: markets, assets, the time.

Shapes are those of PROTOCOL § 5.14; fees are percents, precisions text.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import ASSET_NAMES
from reconciler.simulator.numbers import text, times
from reconciler.simulator.records import Fees, Market

_MAKER_PERCENT, _TAKER_PERCENT = (
    text(times(rate, Decimal(100))) for rate in (Fees().maker, Fees().taker)
)


def public_markets(exchange: Exchange) -> Any:
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
        "isCollateral": False,
        "type": "spot",
        "isTradFiFutures": False,
        "delistedAt": None,
    }


def public_assets(exchange: Exchange) -> Any:
    """Every asset of every market."""
    return {
        asset: {
            "name": ASSET_NAMES.get(asset, asset),
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
        }
        for asset in exchange.engine.assets
    }


def public_time(exchange: Exchange) -> Any:
    """Whole seconds."""
    return {"time": exchange.now() // 1_000_000}


def public_ping(_: Exchange) -> Any:
    """Alive."""
    return ["pong"]


def public_status(_: Exchange) -> Any:
    """As documented in words; some clients know it as a number."""
    return {"status": "system operational"}


PUBLIC: dict[str, Callable[[Exchange], Any]] = {
    "/api/v4/public/markets": public_markets,
    "/api/v4/public/assets": public_assets,
    "/api/v4/public/time": public_time,
    "/api/v4/public/ping": public_ping,
    "/api/v4/public/platform/status": public_status,
}
