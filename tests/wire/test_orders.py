"""Four spellings of an order, each against the vendor's documented example."""

from decimal import Decimal

import msgspec
import pytest
from msgspec import Raw

from reconciler.domain.facts import Order
from reconciler.domain.words import Side
from reconciler.wire import orders
from reconciler.wire.frames import executed_orders_page, orders_page
from reconciler.wire.frames import read as read_frame
from reconciler.wire.rest import active_orders, order_history
from reconciler.wire.updates import Update
from tests.wire.examples import example, result


def test_pending_push() -> None:
    assert pushed(example("ws_orders_pending", "ordersPendingUpdate")) == Order(
        order_id=1212904480922,
        market="BTC_USDT",
        side=Side.BUY,
        type="limit",
        status="open",
        final=False,
        price=Decimal(90000),
        amount=Decimal(1),
        filled_amount=Decimal(0),
        filled_total=Decimal(0),
        fee=Decimal(0),
        remaining=Decimal(1),
        fee_asset=None,
        client_order_id=None,
        created_at=1738250982289140,
        updated_at=1738250982289140,
        finished_at=None,
    )


def test_pending_query() -> None:
    page = orders_page(result("ws_orders_pending", "ordersPendingResponse"), 1)
    assert (page.count, page.total, page.surplus) == (1, 1, 0)
    [order] = page.facts
    assert isinstance(order, Order)
    assert order.order_id == 1212901344783
    assert (order.status, order.final) == ("open", False)
    assert order.updated_at == 1738250918558867


def test_executed_push() -> None:
    assert pushed(example("ws_orders_executed", "ordersExecutedUpdate")) == Order(
        order_id=1212907216814,
        market="ETH_BTC",
        side=Side.BUY,
        type="limit",
        status="filled",
        final=True,
        price=Decimal("0.030832"),
        amount=Decimal(1),
        filled_amount=Decimal(1),
        filled_total=Decimal("0.030832"),
        fee=Decimal("0.001"),
        remaining=Decimal(0),
        fee_asset=None,
        client_order_id=None,
        created_at=1738251046720398,
        updated_at=1738251048442846,
        finished_at=None,
    )


def test_executed_query() -> None:
    page = executed_orders_page(result("ws_orders_executed", "ordersExecutedResponse"), 1)
    assert (page.count, page.total, page.surplus) == (1, None, 0)
    assert page.facts == (
        Order(
            order_id=1212266594338,
            market="BTC_USDT",
            side=Side.SELL,
            type="market",
            status="filled",
            final=True,
            price=None,
            amount=Decimal(1),
            filled_amount=Decimal(1),
            filled_total=Decimal("105366.06693468"),
            fee=Decimal("10.536606693468"),
            remaining=None,
            fee_asset="USDT",
            client_order_id=None,
            created_at=1738230617886706,
            updated_at=None,
            finished_at=1738230617886706,
        ),
    )


def test_rest_active() -> None:
    page = active_orders(0, 100).decode(example("rest", "orders"), 1)
    assert (page.count, page.surplus) == (1, 0)
    assert page.facts == (
        Order(
            order_id=4180284841,
            market="BTC_USDT",
            side=Side.BUY,
            type="limit",
            status="filled",
            final=True,
            price=Decimal(40000),
            amount=Decimal("0.01"),
            filled_amount=Decimal(0),
            filled_total=Decimal(0),
            fee=Decimal(0),
            remaining=Decimal("0.001"),
            fee_asset="USDT",
            client_order_id="order1987111",
            created_at=1595792396165973,
            updated_at=None,
            finished_at=None,
        ),
    )


def test_rest_history() -> None:
    page = order_history(0, 1, 0, 100).decode(example("rest", "trade-account/order/history"), 1)
    assert (page.count, page.surplus) == (1, 0)
    assert page.facts == (
        Order(
            order_id=4986126152,
            market="BTC_USDT",
            side=Side.SELL,
            type="limit",
            status="canceled",
            final=True,
            price=Decimal(40000),
            amount=Decimal("0.0009"),
            filled_amount=Decimal("0.0009"),
            filled_total=Decimal("41.258268"),
            fee=Decimal("0.041258268"),
            remaining=None,
            fee_asset="USDT",
            client_order_id="customId11",
            created_at=1597486960311311,
            updated_at=None,
            finished_at=1597486960311332,
        ),
    )


def test_recorded_push_without_status() -> None:
    """A frame of January 2024: margin type, no status, rates that are no longer sent."""
    order = pushed(example("recorded", "ordersExecuted_update"))
    assert order.type == "margin_limit"
    assert (order.status, order.final) == ("filled", True)
    assert order.filled_total == Decimal("62.2136")
    assert order.updated_at == 1706050929606137


@pytest.mark.parametrize(
    ("event", "type_", "side", "left", "filled", "status"),
    [
        (1, 1, 1, "2", "0", "open"),
        (2, 1, 1, "1", "1", "partially_filled"),
        (3, 1, 1, "0", "2", "filled"),
        (3, 1, 1, "1", "1", "canceled"),
        (3, 2, 2, "0.7", "1", "filled"),
        (3, 2, 2, "2", "0", "canceled"),
        (3, 4, 2, "0.7", "1", "filled"),
        (3, 202, 2, "0.7", "1", "canceled"),
        (3, 8, 2, "0.7", "1", "canceled"),
    ],
)
def test_a_missing_status_is_concluded(
    event: int, type_: int, side: int, left: str, filled: str, status: str
) -> None:
    """Trap 52: by what is left; a market buy, whose amount is in money, by what was filled."""
    order = orders.pending(
        shape({"type": type_, "side": side, "left": left, "deal_stock": filled, "amount": "2"}),
        event,
    )
    assert (order.status, order.final) == (status, event == orders.EVENT_FINISHED)


@pytest.mark.parametrize(
    ("amount", "filled", "status"), [("2", "2.00", "filled"), ("2", "1", "canceled")]
)
def test_a_missing_status_in_history_is_concluded_without_left(
    amount: str, filled: str, status: str
) -> None:
    seen = shape({"amount": amount, "deal_stock": filled})
    assert orders.executed(seen).status == status


@pytest.mark.parametrize(
    ("event", "status", "final"),
    [
        (1, "OPEN", False),
        (2, "PARTIALLY_FILLED", False),
        (3, "PARTIALLY_FILLED", True),
        (1, "FILLED", True),
        (1, "AUTO_CANCELED_LIQUIDATION", True),
        (1, "SOMETHING_NEW", False),
        (3, "SOMETHING_NEW", True),
    ],
)
def test_final_by_event_or_by_status(event: int, status: str, final: bool) -> None:
    order = orders.pending(shape({"status": status}), event)
    assert (order.status, order.final) == (status.lower(), final)


@pytest.mark.parametrize(
    ("type_", "price"), [(2, "0"), (202, "0"), (8, "123"), (1, "0"), (4, "5"), (2, "")]
)
def test_market_orders_and_zero_have_no_price(type_: int, price: str) -> None:
    assert orders.pending(shape({"type": type_, "price": price}), 1).price is None


def test_a_new_field_is_counted_and_harmless() -> None:
    raw = Raw(msgspec.json.encode({**PLAIN, "mood": {"today": "good"}, "stp": ["new", "shape"]}))
    order, surplus = orders.pending_of(raw)
    assert surplus == 1
    assert order == orders.pending(shape({}), None)


@pytest.mark.parametrize(
    "bad",
    [
        {"id": -1},
        {"id": 2**63},
        {"id": "17"},
        {"side": 3},
        {"market": ""},
        {"market": "A\0B"},
        {"amount": "NaN"},
        {"amount": 1.5},
        {"deal_fee": "1_0"},
        {"ctime": "yesterday"},
        {"ctime": None},
    ],
)
def test_what_is_no_order(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each of its subclasses is meant)
        orders.pending_of(Raw(msgspec.json.encode({**PLAIN, **bad})))


PLAIN: dict[str, object] = {
    "id": 17,
    "market": "BTC_USDT",
    "type": 1,
    "side": 1,
    "ctime": 1738250982.5,
    "amount": "2",
    "deal_stock": "0",
    "deal_money": "0",
    "deal_fee": "0",
}


def shape(changes: dict[str, object]) -> orders.StreamOrder:
    return msgspec.json.decode(msgspec.json.encode({**PLAIN, **changes}), type=orders.StreamOrder)


def pushed(frame: bytes) -> Order:
    update = read_frame(frame, 1)
    assert isinstance(update, Update)
    assert update.surplus == 0
    [order] = update.facts
    assert isinstance(order, Order)
    return order
