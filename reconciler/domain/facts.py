"""What the record keeps: frozen, keyword-only records, exact and free of the exchange's spelling.

Amounts are `Decimal`, moments integer microseconds (UTC), ids integers.  `None` always means "this
spelling did not say", never zero.

Structs, because they are made by the million: one costs a seventh of a frozen dataclass.
"""

from decimal import Decimal

from msgspec import Struct

from reconciler.domain.events import Event
from reconciler.domain.words import (
    GapState,
    MovementKind,
    Role,
    Side,
    TransactionKind,
    Wallet,
)


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


class Transaction(Struct, frozen=True, kw_only=True):
    """One sight of a deposit or withdrawal, or what is known of it after all sights were merged.

    Its key is (account, kind, transaction_id).  The exchange never says when a status changed, so
    `updated_at` is when we were first told one that is settled, or last told one that is not.
    """

    transaction_id: str
    """The exchange's, or made of what else tells it apart where an old record has none
    (PROTOCOL § 6.1)."""
    kind: TransactionKind
    asset: str
    network: str | None
    amount: Decimal
    """As the history shows it; whether the fee is in it depends on the call that made it
    (PROTOCOL § 7.6)."""
    fee: Decimal
    status: str
    processed_amount: Decimal | None
    processed_fee: Decimal | None
    """What was sent of one that ended `partial`."""
    address: str | None
    transaction_hash: str | None
    """Not a key: one transaction of a chain can carry several deposits."""
    unique_id: str | None
    created_at: int
    updated_at: int


class Movement(Struct, frozen=True, kw_only=True):
    """Money that moved without a deal and without the outside: a code, a conversion, a transfer
    to or from a sub-account, lending, interest, mining, funding, a position's profit, a delisting.

    Its key is (account, kind, movement_id).  Amounts are signed: what arrives in the wallet is
    positive.
    """

    kind: MovementKind
    movement_id: str
    """The exchange's, or made of what else tells it apart (PROTOCOL § 6.1); of a code its hash."""
    wallet: Wallet | None
    """None where the exchange does not say (a conversion)."""
    asset: str | None
    """None: the base asset of `market`, of a position or its funding the quote asset."""
    amount: Decimal
    """Of a conversion what was given, so negative; of a position the realised profit, from which
    its fee is already taken."""
    counter_asset: str | None = None
    """Of the second leg; None with an amount: the quote asset of `market`."""
    counter_amount: Decimal | None = None
    """Of a conversion what was received, of a position the interest, negative if paid."""
    fee: Decimal | None = None
    """As told; of a delisting in the quote asset, to be taken from what it gave."""
    status: str
    settled: bool
    """Whether it has changed a balance: a pending payout has not, nor has interest that stays
    within a plan."""
    market: str | None = None
    order_id: int | None = None
    reference: str | None = None
    """The plan, investment, position, sub-account or address that it belongs to; of a code its
    id outside."""
    occurred_at: int


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


class GapNotice(Struct, frozen=True, kw_only=True):
    """A span that a stream's record does not cover: opened here, closed by coverage."""

    stream: str
    since: int
    until: int
    reason: str
    state: GapState = GapState.OPEN
    is_news: bool = True
    """Whether people want to hear of it, if it is out of reach."""


class StreamNotice(Struct, frozen=True, kw_only=True):
    """That the exchange tells this key nothing of a stream; with `refused_at` None that it does
    (again)."""

    stream: str
    refused_at: int | None
    reason: str = ""


class KeyNotice(Struct, frozen=True, kw_only=True):
    """What a key has used up: committed before it is used, so that no restart uses it again."""

    nonce: int
    """No nonce above it was sent yet."""
    tokens: tuple[int, ...] = ()
    """When the last WebSocket tokens were asked for, oldest first; at most ten."""


class ClockNotice(Struct, frozen=True, kw_only=True):
    """The exchange's clock minus ours, and how far that may be wrong (microseconds)."""

    offset: int
    uncertainty: int


class PassNotice(Struct, frozen=True, kw_only=True):
    """That every history was read up to a moment of the exchange's time, as far as the key may."""

    until: int


class FeedNotice(Struct, frozen=True, kw_only=True):
    """That the account is not listened to, or is again; for people to hear of.

    `event` is `feed.down`, `feed.recovered` or `auth.rejected`.
    """

    event: Event
    since: int
    """When it was last live, or became live again."""
    reason: str = ""


class Frame(Struct, frozen=True, kw_only=True):
    """What arrived, as it came: a WebSocket frame or the body of an answer to a REST call."""

    received_at: int
    asked: str
    """What it answers, as JSON for `wire.replay`; empty for an update, which answers nothing."""
    text: bytes


Notice = (
    SessionNotice | GapNotice | StreamNotice | KeyNotice | ClockNotice | PassNotice | FeedNotice
)
"""What we say ourselves, of our own work."""

Fact = Deal | Order | BalanceReport | Transaction | Movement | Market | Unreadable | Notice
