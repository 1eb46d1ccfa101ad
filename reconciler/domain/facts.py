"""What the record keeps: frozen, keyword-only records, exact and free of the exchange's spelling.

Amounts are `Decimal`, moments integer microseconds (UTC), ids integers.  `None` always means "this
spelling did not say", never zero.

Structs, because they are made by the million: one costs a seventh of a frozen dataclass.
"""

from decimal import Decimal

from msgspec import Struct

from reconciler.domain.words import Role, Side, Wallet


class Deal(Struct, frozen=True, kw_only=True):
    """One fill of one of our orders; immutable at the exchange.

    Its key is (account, deal_id, order_id): a self-trade gives one deal id to two orders of the
    same account.  `fee` is signed, a rebate is negative.
    """

    deal_id: int
    order_id: int
    market: str
    side: Side | None
    role: Role | None
    price: Decimal
    amount: Decimal
    """In the base asset."""
    total: Decimal
    """price · amount, in the quote asset, exactly."""
    fee: Decimal
    fee_asset: str | None
    client_order_id: str | None
    executed_at: int


class Order(Struct, frozen=True, kw_only=True):
    """One sight of an order, or what is known of it after all sights were merged.

    `amount` and `remaining` are in the quote asset for a market buy, else in the base asset.
    `final` says that this order will not change any more.  `finished_at` is set only where the
    exchange printed a finish time; the stream does not.
    """

    order_id: int
    market: str
    side: Side
    type: str
    status: str
    final: bool
    price: Decimal | None
    amount: Decimal | None
    filled_amount: Decimal
    filled_total: Decimal
    fee: Decimal
    remaining: Decimal | None
    fee_asset: str | None
    client_order_id: str | None
    created_at: int | None
    updated_at: int | None
    finished_at: int | None


class Balance(Struct, frozen=True, kw_only=True):
    """One asset in one wallet, as shown.  A part that the wallet does not have is None."""

    asset: str
    available: Decimal | None
    frozen: Decimal | None
    borrowed: Decimal | None
    total: Decimal


class BalanceReport(Struct, frozen=True, kw_only=True):
    """What the exchange said of a wallet at one moment (ours: it gives none).

    A `complete` report is a snapshot that was asked for: an asset that it does not name is zero.
    In an update an asset that is not named did not change.
    """

    wallet: Wallet
    balances: tuple[Balance, ...]
    complete: bool
    observed_at: int


class Market(Struct, frozen=True, kw_only=True):
    """A market as the exchange lists it.  Kept for ever: a delisted one vanishes from the list,
    and no asset can be told from a name (`BTC_PERP` is quoted in USDT)."""

    name: str
    base_asset: str
    quote_asset: str
    kind: str
    """`spot` or `futures`."""


class Unreadable(Struct, frozen=True, kw_only=True):
    """A frame or row that could not be understood: kept, counted, reported."""

    stream: str
    """Channel or call that it came by."""
    reason: str
    excerpt: str
    received_at: int


class SessionNotice(Struct, frozen=True, kw_only=True):
    """What is new about one feed connection; fields that are None say nothing."""

    session_id: int
    connected_at: int | None = None
    authorized_at: int | None = None
    live_at: int | None = None
    disconnected_at: int | None = None
    reason: str | None = None
    recovered_at: int | None = None
    recovered_deals: int | None = None


Fact = Deal | Order | BalanceReport | Market | Unreadable | SessionNotice
