"""What positions pay and are paid: funding, and what each change of a position realised.

(PROTOCOL § 5.13, t and v, § 7.9.)  Neither names an asset; it is the quote asset of the market,
which can't be told from its name (trap 91).
"""

from msgspec import Raw

from reconciler.domain.facts import Movement
from reconciler.domain.money import ZERO, minus
from reconciler.domain.words import SUCCESS, MovementKind, Wallet
from reconciler.wire import vocabulary
from reconciler.wire.identity import key
from reconciler.wire.numbers import Id, exact_of, exact_or_none, is_given, moment, number
from reconciler.wire.records import ABSENT, Documented, Form, Ignored, mapping


class FundingRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST collateral-account/funding-history`: it has no id."""

    market: str
    funding_time: Raw
    funding_amount: Raw
    position_amount: Raw
    settlement_price: Raw
    funding_rate: Ignored = None
    rate_calculated_time: Ignored = None


class PositionRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST collateral-account/positions/history`: one change of one position."""

    position_id: Id | str
    market: str
    modify_date: Raw
    order_detail: Raw = ABSENT
    open_date: Ignored = None
    amount: Ignored = None
    base_price: Ignored = None
    realized_funding: Ignored = None
    liquidation_price: Ignored = None
    liquidation_state: Ignored = None
    side: Ignored = None
    is_hedge: Ignored = None
    position_side: Ignored = None


class OrderDetail(Documented, kw_only=True, rename="camel"):
    """The order that changed a position."""

    id: Id | str | None = None
    trade_fee: Raw = ABSENT
    funding_fee: Raw = ABSENT
    realized_pnl: Raw = ABSENT
    trade_amount: Raw = ABSENT
    price: Raw = ABSENT
    base_price: Ignored = None


def funding_of(raw: Raw) -> tuple[Movement, int]:
    """A record of `POST collateral-account/funding-history`; negative is paid.

    Its key is all that it says, as two rows can share market and time (trap 67).
    """
    seen, surplus = _FUNDING.read(raw)
    market, paid_at = vocabulary.market(seen.market), moment(seen.funding_time)
    amount = exact_of(seen.funding_amount)
    position, price = exact_of(seen.position_amount), exact_of(seen.settlement_price)
    return Movement(
        kind=MovementKind.FUNDING,
        movement_id=key(market, paid_at, position, price, amount),
        wallet=Wallet.COLLATERAL,
        asset=None,
        amount=amount,
        status=SUCCESS,
        settled=True,
        market=market,
        occurred_at=paid_at,
    ), surplus


def position_of(raw: Raw) -> tuple[Movement, int]:
    """A record of `POST collateral-account/positions/history`; many realise nothing.

    An order that meets several others at once changes its position as often in one moment: only
    what was traded tells these rows apart, and nothing else of a row is sure to stay as it was.
    """
    seen, surplus = _POSITION.read(raw)
    order, extra = OrderDetail(), 0
    if is_given(seen.order_detail) and mapping(seen.order_detail):
        order, extra = _ORDER_DETAIL.read(seen.order_detail)
    order_id = None if order.id is None else number(order.id)
    position_id, changed_at = number(seen.position_id), moment(seen.modify_date)
    interest = exact_or_none(order.funding_fee)
    traded, price = exact_or_none(order.trade_amount), exact_or_none(order.price)
    return Movement(
        kind=MovementKind.POSITION,
        movement_id=key(position_id, order_id, changed_at, traded, price),
        wallet=Wallet.COLLATERAL,
        asset=None,
        amount=exact_or_none(order.realized_pnl) or ZERO,
        counter_amount=None if interest is None else minus(ZERO, interest),
        fee=exact_or_none(order.trade_fee),
        status=SUCCESS,
        settled=True,
        market=vocabulary.market(seen.market),
        order_id=order_id,
        reference=str(position_id),
        occurred_at=changed_at,
    ), surplus + extra


_FUNDING = Form(FundingRow)
_POSITION = Form(PositionRow)
_ORDER_DETAIL = Form(OrderDetail)
