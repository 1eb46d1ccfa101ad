"""The four spellings of an order and of a deal, field by field."""

from dataclasses import replace
from decimal import Decimal

import msgspec

from reconciler.simulator import dialect
from reconciler.simulator.records import Balance, Deal, Kind, Order, Role, Side, Status

CREATED, FINISHED = 1_738_251_046_720_398, 1_738_251_048_442_846

ORDER = Order(
    order_id=1_212_907_216_814,
    client_order_id="",
    market="ETH_BTC",
    side=Side.BUY,
    kind=Kind.LIMIT,
    status=Status.FILLED,
    price=Decimal("0.030832"),
    amount=Decimal(1),
    remaining=Decimal("0.0"),
    filled_amount=Decimal("1.0"),
    filled_total=Decimal("0.0308320"),
    fee=Decimal("0.001"),
    fee_asset="ETH",
    post_only=False,
    ioc=False,
    source="api",
    created_at=CREATED,
    updated_at=FINISHED,
    finished_at=FINISHED,
)

DEAL = Deal(
    deal_id=13_674_578_673,
    order_id=1_212_909_726_406,
    counter_order_id=1_212_909_726_000,
    market="ETH_BTC",
    side=Side.BUY,
    role=Role.TAKER,
    price=Decimal("0.03084"),
    amount=Decimal("0.2625"),
    total=Decimal("0.0080955"),
    fee=Decimal("0.0002625"),
    fee_asset="ETH",
    client_order_id="",
    executed_at=1_738_251_095_345_432,
)


def printed(row: object) -> dict[str, object]:
    return dict(msgspec.json.decode(msgspec.json.encode(row)))


def test_a_deal_is_pushed_as_the_vendor_shows_it() -> None:
    """The example of deals.yaml, value by value."""
    assert msgspec.json.decode(msgspec.json.encode(dialect.deal_update(DEAL))) == [
        13674578673,
        1738251095.345432,
        "ETH_BTC",
        1212909726406,
        "0.03084",
        "0.2625",
        "0.0002625",
        "",
        2,
        2,
        "ETH",
    ]


def test_a_finished_order_is_pushed_as_the_vendor_shows_it() -> None:
    """The example of orders_executed.yaml, but for what a spot account has no side of."""
    vendor = {
        "id": 1212907216814,
        "market": "ETH_BTC",
        "type": 1,
        "side": 2,
        "post_only": False,
        "ioc": False,
        "ctime": 1738251046.720398,
        "mtime": 1738251048.442846,
        "price": "0.030832",
        "amount": "1",
        "left": "0",
        "deal_stock": "1",
        "deal_money": "0.030832",
        "deal_fee": "0.001",
        "client_order_id": "",
        "stp": "no",
        "status": "FILLED",
        "retail": False,
        "reduce_only": False,
    }
    row = printed(dialect.pending_order(ORDER))
    assert {name: row[name] for name in vendor} == vendor
    assert "fee_asset" not in row


def test_each_spelling_of_an_order_has_its_own_names() -> None:
    executed = printed(dialect.executed_order(ORDER))
    active = printed(dialect.active_order(ORDER))
    finished = printed(dialect.finished_order(ORDER))
    assert (executed["ftime"], executed["fee_asset"]) == (FINISHED / 1e6, "ETH")
    assert executed.keys().isdisjoint({"left", "mtime"})
    assert (active["orderId"], active["timestamp"]) == (ORDER.order_id, CREATED / 1e6)
    assert (finished["id"], finished["ftime"]) == (ORDER.order_id, FINISHED / 1e6)
    assert finished.keys().isdisjoint({"left", "market", "orderId"})


def test_a_market_order_has_price_zero_or_none_at_all() -> None:
    market = replace(ORDER, kind=Kind.STOCK_MARKET, price=None)
    assert printed(dialect.pending_order(market))["price"] == "0"
    assert printed(dialect.pending_order(market))["type"] == 202
    assert "price" not in dialect.active_order(market)
    assert dialect.finished_order(market)["type"] == "stock market"


def test_each_spelling_of_a_deal_leaves_something_out() -> None:
    queried, executed = dialect.queried_deal(DEAL), dialect.executed_deal(DEAL)
    of_order = dialect.deal_of_order(DEAL)
    assert queried["deal_order_id"] == of_order["dealOrderId"] == DEAL.counter_order_id
    assert queried["deal"] == executed["deal"] == "0.0080955"
    assert executed.keys().isdisjoint({"market", "dealOrderId"})
    assert of_order.keys().isdisjoint({"market", "side", "orderId"})


def test_one_moment_has_two_texts_and_both_round_to_it() -> None:
    moment = 1_738_230_617_886_706
    long, short = dialect.long_seconds(moment), dialect.short_seconds(moment)
    texts = (msgspec.json.encode(long).decode(), msgspec.json.encode(short).decode())
    assert texts == ("1738230617.8867061", "1738230617.886706")
    assert {round(Decimal(text) * 1_000_000) for text in texts} == {moment}


def test_both_parts_of_a_spot_balance_are_cut_by_themselves() -> None:
    balance = Balance(available=Decimal("0.123456789"), frozen=Decimal("0.000000019"))
    assert dialect.spot_balance(balance) == {"available": "0.12345678", "freeze": "1e-08"}
