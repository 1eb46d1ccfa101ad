"""What a fact does to the books: `entry = postings(fact)`, a pure function.

So the journal can be made anew from the facts, and must then equal the one that grew with them
(`tests/store/test_journal.py`).  A fact that moved no money, or not yet, has no entry; one that
can't be posted for want of another (a deal without its order, a market that nobody listed) has
`None` for a reason that is told by its caller.  The rules follow PROTOCOL § 7.
"""

from decimal import Decimal

from reconciler.domain.facts import Deal, Market, Movement, Transaction
from reconciler.domain.money import ZERO, minus, plus
from reconciler.domain.words import (
    CANCELED,
    PARTIAL,
    SUCCESS,
    UNCONFIRMED,
    MovementKind,
    Side,
    TransactionKind,
    Wallet,
)
from reconciler.ledger import books
from reconciler.ledger.entry import Entry, Leg

DEAL = "deal"

NOT_DEBITED = frozenset({CANCELED, UNCONFIRMED})
"""Statuses of a withdrawal that takes nothing, or nothing any more."""
_CONTRAS = {
    MovementKind.CODE: books.CODES,
    MovementKind.CONVERSION: books.CONVERSIONS,
    MovementKind.SUB_TRANSFER: books.SUB_ACCOUNTS,
    MovementKind.LENDING: books.LENT,
    MovementKind.INTEREST: books.INTEREST,
    MovementKind.MINING: books.MINING,
    MovementKind.FUNDING: books.FUNDING,
    MovementKind.POSITION: books.POSITIONS,
}
_EXACT = frozenset({MovementKind.POSITION, MovementKind.DELISTING})
"""Kinds whose time is that of the balance's change; of the others it is a second, a day or the
moment of a request."""


def deal_reference(deal: Deal) -> str:
    """Both ids: a self-trade gives one deal id to two orders."""
    return f"{deal.deal_id}:{deal.order_id}"


def deal_entry(deal: Deal, market: Market, wallet: Wallet) -> Entry:
    """A fill, in the wallet of its order.

    On the collateral wallet a fill moves nothing by itself: fee and profit come with the position's
    own record (PROTOCOL § 7.9).  The deal must have its side.
    """
    assert deal.side is not None
    legs: tuple[Leg, ...] = ()
    if wallet is not Wallet.COLLATERAL:
        contra = books.trading(deal.market)
        gained = deal.side is Side.BUY
        fee_asset = deal.fee_asset or (market.base_asset if gained else market.quote_asset)
        fee_book = books.FEES if deal.fee_asset else books.FEES_ASSUMED
        flows = {
            market.base_asset: deal.amount if gained else minus(ZERO, deal.amount),
            market.quote_asset: minus(ZERO, deal.total) if gained else deal.total,
        }
        if deal.fee:
            flows.setdefault(fee_asset, ZERO)
        legs = tuple(
            Leg(
                wallet=wallet,
                asset=asset,
                amount=minus(gross, deal.fee) if asset == fee_asset else gross,
                contra=contra,
                fee=deal.fee if asset == fee_asset else ZERO,
                fee_book=fee_book,
            )
            for asset, gross in flows.items()
        )
    return Entry(kind=DEAL, reference=deal_reference(deal), occurred_at=deal.executed_at, legs=legs)


def transaction_entry(known: Transaction, *, other_reading: bool = False) -> Entry:
    """A deposit or withdrawal as far as it has changed the main balance.

    The history does not say which call made a withdrawal, so its fee may be within the amount
    (the usual reading) or on top of it (`other_reading`); a deposit's may be taken from the amount
    or not (PROTOCOL § 7.6).  Which one is right is told by the balance.
    """
    effect = ZERO
    fee = known.fee
    if known.kind is TransactionKind.DEPOSIT:
        contra = books.DEPOSITS
        if known.status == SUCCESS:
            fee = ZERO if other_reading else known.fee
            effect = minus(known.amount, fee)
    else:
        contra = books.WITHDRAWALS
        if known.status == PARTIAL:
            fee = known.processed_fee or ZERO
            effect = minus(ZERO, plus(known.processed_amount or ZERO, fee))
        elif known.status not in NOT_DEBITED:
            taken = plus(known.amount, known.fee) if other_reading else known.amount
            effect = minus(ZERO, taken)
    legs: tuple[Leg, ...] = ()
    if effect:
        legs = (Leg(wallet=Wallet.MAIN, asset=known.asset, amount=effect, contra=contra, fee=fee),)
    return Entry(
        kind=str(known.kind),
        reference=known.transaction_id,
        occurred_at=known.created_at,
        latest_at=max(known.updated_at, known.created_at),
        legs=legs,
    )


def readings_differ(known: Transaction) -> Decimal:
    """What the main balance would have more under the other reading; zero if both are one."""
    usual, other = (transaction_entry(known, other_reading=way) for way in (False, True))
    return minus(_effect(other), _effect(usual))


def movement_entry(known: Movement, market: Market | None, learned_at: int) -> Entry | None:
    """A movement as far as it has changed a balance; None if it is of an unlisted market.

    `learned_at` is when we first saw it: by then it had happened.
    """
    asset = known.asset if market is None else _asset(known, market)
    if asset is None:
        return None
    return Entry(
        kind=str(known.kind),
        reference=known.movement_id,
        occurred_at=known.occurred_at,
        latest_at=None if known.kind in _EXACT else max(learned_at, known.occurred_at),
        legs=tuple(_movement_legs(known, asset, market)) if known.settled else (),
    )


def _asset(known: Movement, market: Market) -> str:
    if known.asset is not None:
        return known.asset
    in_quote = known.kind in (MovementKind.POSITION, MovementKind.FUNDING)
    return market.quote_asset if in_quote else market.base_asset


def _movement_legs(known: Movement, asset: str, market: Market | None) -> list[Leg]:
    fee = known.fee or ZERO
    match known.kind:
        case MovementKind.DELISTING:
            assert market is not None
            contra = books.trading(market.name)
            gained = minus(known.counter_amount or ZERO, fee)
            return [
                Leg(wallet=known.wallet, asset=asset, amount=known.amount, contra=contra),
                Leg(
                    wallet=known.wallet,
                    asset=market.quote_asset,
                    amount=gained,
                    contra=contra,
                    fee=fee,
                ),
            ]
        case MovementKind.POSITION:
            # The fee is in the profit already; the interest is not.
            legs = [
                Leg(
                    wallet=known.wallet,
                    asset=asset,
                    amount=known.amount,
                    contra=books.POSITIONS,
                    fee=fee,
                )
            ]
            if known.counter_amount:
                legs.append(
                    Leg(
                        wallet=known.wallet,
                        asset=asset,
                        amount=known.counter_amount,
                        contra=books.MARGIN_INTEREST,
                    )
                )
            return legs
    contra = _CONTRAS[known.kind]
    if contra == books.LENT:
        contra = f"{books.LENT}:{asset}"
    legs = [Leg(wallet=known.wallet, asset=asset, amount=known.amount, contra=contra)]
    if known.counter_amount and known.counter_asset:
        legs.append(
            Leg(
                wallet=known.wallet,
                asset=known.counter_asset,
                amount=known.counter_amount,
                contra=contra,
            )
        )
    return legs


def _effect(entry: Entry) -> Decimal:
    return entry.legs[0].amount if entry.legs else ZERO
