"""Reference data: markets, assets and the server's time (PROTOCOL § 5.14)."""

from dataclasses import dataclass

from msgspec import Raw

from reconciler.domain.facts import Market
from reconciler.wire import vocabulary
from reconciler.wire.records import Documented, Form, Ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An asset as the exchange lists it; some are tickers of payment providers."""

    ticker: str
    name: str
    precision: int | None
    """Decimal places of its amounts."""


class ListedMarket(Documented, kw_only=True, rename="camel"):
    """An element of `GET public/markets`."""

    name: str
    stock: str
    money: str
    type: str = "spot"
    stock_prec: Ignored = None
    money_prec: Ignored = None
    fee_prec: Ignored = None
    maker_fee: Ignored = None
    taker_fee: Ignored = None
    min_amount: Ignored = None
    min_total: Ignored = None
    max_total: Ignored = None
    trades_enabled: Ignored = None
    is_collateral: Ignored = None
    is_trad_fi_futures: Ignored = None
    delisted_at: Ignored = None


class ListedAsset(Documented):
    """An entry of `GET public/assets`; what isn't kept varies with the kind of asset."""

    name: str
    currency_precision: int | None = None


class ServerTime(Documented):
    """The answer of `GET public/time`."""

    time: Raw


def market_of(raw: Raw) -> tuple[Market, int]:
    """An element of `GET public/markets`."""
    seen, surplus = _MARKET.read(raw)
    return market(seen), surplus


def market(seen: ListedMarket) -> Market:
    """What the record keeps of a market: its two assets can't be told from its name."""
    return Market(
        name=vocabulary.name(seen.name),
        base_asset=vocabulary.name(seen.stock),
        quote_asset=vocabulary.name(seen.money),
        kind=vocabulary.name(seen.type),
    )


def asset_of(ticker: str, raw: Raw) -> Asset:
    """An entry of `GET public/assets`.  Raises ValueError."""
    seen, _ = _ASSET.read(raw)
    return Asset(
        ticker=vocabulary.name(ticker),
        name=seen.name,
        precision=seen.currency_precision,
    )


_MARKET = Form(ListedMarket)
_ASSET = Form(ListedAsset)
