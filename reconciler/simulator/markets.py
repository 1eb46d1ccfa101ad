"""The markets that a simulated exchange opens with: a handful, with realistic precision and rules.

They resemble the real listings of 2026 but need not equal them; a client must read them from the
exchange.
"""

from decimal import Decimal

from reconciler.simulator.records import Market


def _market(
    name: str,
    stock_decimals: int,
    money_decimals: int,
    price: str,
    least: str,
    *,
    is_collateral: bool = False,
) -> Market:
    stock, money = name.split("_")
    is_futures = money == "PERP"
    return Market(
        name=name,
        stock=stock,
        money="USDT" if is_futures else money,
        stock_decimals=stock_decimals,
        money_decimals=money_decimals,
        amount_min=Decimal(1).scaleb(-stock_decimals),
        total_min=Decimal(least),
        reference_price=Decimal(price),
        is_futures=is_futures,
        is_collateral=is_collateral,
    )


DEFAULT_MARKETS = (
    _market("BTC_USDT", 6, 2, "100000", "5", is_collateral=True),
    _market("ETH_USDT", 6, 2, "3000", "5", is_collateral=True),
    _market("ETH_BTC", 4, 6, "0.03", "0.0001"),
    _market("SOL_USDT", 4, 4, "150", "5"),
    _market("WBT_USDT", 2, 4, "45", "5"),
    _market("DOGE_USDT", 2, 7, "0.15", "5"),
    _market("DBTC_DUSDT", 6, 2, "100000", "5"),
)

FUTURES = (_market("BTC_PERP", 3, 1, "100000", "5"), _market("ETH_PERP", 2, 2, "3000", "5"))
"""Perpetual ones, for an exchange that shall have them."""

ASSET_NAMES = {
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "SOL": "Solana",
    "WBT": "WhiteBIT Coin",
    "DOGE": "Dogecoin",
    "USDT": "Tether US",
    "DBTC": "Demo Bitcoin",
    "DUSDT": "Demo Tether US",
}
"""What the public list of assets calls them; others are called by their ticker."""

WITHDRAWAL_FEES = {
    "BTC": Decimal("0.0004"),
    "ETH": Decimal("0.0015"),
    "SOL": Decimal("0.01"),
    "DOGE": Decimal(5),
    "USDT": Decimal(1),
}
"""Fixed, in the asset itself; others are free."""
