"""Deals, transactions and movements of any kind, sign and status, as hypothesis draws them."""

from hypothesis import strategies as st

from reconciler.domain.facts import Deal, Market, Movement, Transaction
from reconciler.domain.money import ZERO, times
from reconciler.domain.words import (
    CANCELED,
    CONFIRMING,
    FROZEN,
    PARTIAL,
    PENDING,
    SUCCESS,
    TRAVEL_RULE_IN_PROGRESS,
    TRAVEL_RULE_WAITING,
    UNCONFIRMED,
    UNCREDITED,
    MovementKind,
    Role,
    Side,
    TransactionKind,
    Wallet,
)

MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
NOON = 1_767_355_200_000_000

STATUSES = [
    PENDING, SUCCESS, PARTIAL, CANCELED, CONFIRMING, UNCONFIRMED, FROZEN, UNCREDITED,
    TRAVEL_RULE_WAITING, TRAVEL_RULE_IN_PROGRESS, "77",
]  # fmt: skip
positive = st.decimals("0.00000001", 10**6, places=8)
signed = positive | positive.map(lambda amount: -amount)
fees = st.just(ZERO) | st.decimals("-0.5", "0.5", places=12)
paid = st.just(ZERO) | st.decimals("0.00000001", 10**3, places=8)
moments = st.integers(NOON, NOON + 10**9)


@st.composite
def deals(draw: st.DrawFn, side: Side | None = None) -> Deal:
    price, amount = draw(positive), draw(positive)
    return Deal(
        deal_id=draw(st.integers(1, 10**12)),
        order_id=draw(st.integers(1, 10**12)),
        market=MARKET.name,
        side=side or draw(st.sampled_from(Side)),
        role=draw(st.sampled_from([*Role, None])),
        price=price,
        amount=amount,
        total=times(price, amount),
        fee=draw(fees),
        fee_asset=draw(st.sampled_from(["BTC", "USDT", "WBT", None])),
        client_order_id=None,
        executed_at=draw(moments),
    )


@st.composite
def transactions(draw: st.DrawFn, kind: TransactionKind | None = None) -> Transaction:
    created_at = draw(moments)
    return Transaction(
        transaction_id=draw(st.sampled_from(["t-1", "t-2"])),
        kind=kind or draw(st.sampled_from(TransactionKind)),
        asset="USDT",
        network=None,
        amount=draw(positive),
        fee=draw(paid),
        status=draw(st.sampled_from(STATUSES)),
        processed_amount=draw(st.none() | positive),
        processed_fee=draw(st.none() | paid),
        address=None,
        transaction_hash=None,
        unique_id=None,
        created_at=created_at,
        updated_at=created_at + draw(st.integers(0, 10**9)),
    )


@st.composite
def movements(draw: st.DrawFn) -> Movement:
    kind = draw(st.sampled_from(MovementKind))
    of_market = kind is MovementKind.DELISTING
    return Movement(
        kind=kind,
        movement_id="m-1",
        wallet=draw(st.sampled_from([*Wallet, None])),
        asset=None if of_market else draw(st.sampled_from(["BTC", "ETH"])),
        amount=draw(signed),
        counter_asset=draw(st.sampled_from(["USDT", None])),
        counter_amount=draw(st.none() | signed),
        fee=draw(st.none() | fees),
        status="done",
        settled=draw(st.booleans()),
        market=MARKET.name if of_market else None,
        occurred_at=draw(moments),
    )
