"""Four spellings of a deal, each against the vendor's documented example."""

from decimal import Decimal

import msgspec
import pytest
from msgspec import Raw

from reconciler.domain.facts import Deal, Order, Unreadable
from reconciler.domain.words import Role, Side
from reconciler.wire import deals
from reconciler.wire.frames import deals_page
from reconciler.wire.frames import read as read_frame
from reconciler.wire.rest import deals_history, deals_of_order
from reconciler.wire.updates import Update
from tests.wire.examples import example, result

QUERIED = Deal(
    deal_id=13663227034,
    order_id=1212266594338,
    market="BTC_USDT",
    side=Side.SELL,
    role=Role.TAKER,
    price=Decimal("105361.32"),
    amount=Decimal("0.160998"),
    total=Decimal("16962.96179736"),
    fee=Decimal("1.696296179736"),
    fee_asset="USDT",
    client_order_id=None,
    executed_at=1738230617886706,
)
ORDER = Order(
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
    finished_at=None,
)


def test_push() -> None:
    assert pushed(example("ws_deals", "dealsUpdate")) == Deal(
        deal_id=13674578673,
        order_id=1212909726406,
        market="ETH_BTC",
        side=Side.BUY,
        role=Role.TAKER,
        price=Decimal("0.03084"),
        amount=Decimal("0.2625"),
        total=Decimal("0.0080955"),
        fee=Decimal("0.0002625"),
        fee_asset="ETH",
        client_order_id=None,
        executed_at=1738251095345432,
    )


def test_query() -> None:
    """Its seventh decimal rounds; the counterparty's order is not taken for ours (trap 43)."""
    page = deals_page(result("ws_deals", "dealsResponse"), 1)
    assert (page.facts, page.count, page.total, page.surplus) == ((QUERIED,), 1, None, 0)


def test_rest_by_order() -> None:
    call = deals_of_order(ORDER, 0, 100)
    page = call.decode(example("rest", "trade-account/order"), 1)
    assert (page.count, page.total, page.surplus) == (1, None, 0)
    assert page.facts == (
        Deal(
            deal_id=149156519,
            order_id=ORDER.order_id,
            market=ORDER.market,
            side=ORDER.side,
            role=Role.TAKER,
            price=Decimal("0.00000701"),
            amount=Decimal(598),
            total=Decimal("0.00419198"),
            fee=Decimal("0.00000419198"),
            fee_asset="USDT",
            client_order_id="customId11",
            executed_at=1593342324613711,
        ),
    )


def test_the_four_spellings_of_one_deal_are_one_record() -> None:
    """The documented deal of the query, written as the documents write the other three."""
    push = b"""{"id":null,"method":"deals_update","params":[13663227034,1738230617.8867061,
        "BTC_USDT",1212266594338,"105361.32","0.160998","1.696296179736","",1,2,"USDT"]}"""
    past = b"""{"BTC_USDT":[{"id":13663227034,"time":1738230617.8867061,"side":"sell","role":2,
        "price":"105361.32","amount":"0.160998","deal":"16962.96179736","fee":"1.696296179736",
        "orderId":1212266594338,"clientOrderId":"","feeAsset":"USDT"}]}"""
    by_order = b"""{"records":[{"id":13663227034,"time":1738230617.8867061,"role":2,
        "price":"105361.32","amount":"0.160998","deal":"16962.96179736","fee":"1.696296179736",
        "dealOrderId":1212266160846,"clientOrderId":"","feeAsset":"USDT"}],"offset":0,"limit":100}"""
    assert pushed(push) == QUERIED
    assert deals_history(0, 1, 0, 100).decode(past, 1).facts == (QUERIED,)
    assert deals_of_order(ORDER, 0, 100).decode(by_order, 1).facts == (QUERIED,)


def test_recorded_rebate_is_negative() -> None:
    deal = pushed(example("recorded", "deals_update"))
    assert deal.fee == Decimal("-0.007690011048")
    assert deal.total == Decimal("76.90011048")
    assert (deal.side, deal.role) == (Side.SELL, Role.MAKER)
    assert deal.client_order_id == "ccxt6375bbc6f6a47c9e"


@pytest.mark.parametrize("length", [8, 9, 10, 11])
def test_older_and_shorter_arrays_leave_fields_unsaid(length: int) -> None:
    """Trap 46: eight entries in 2022, eleven today."""
    deal, surplus = deals.pushed_of(Raw(msgspec.json.encode(ENTRIES[:length])))
    assert surplus == 0
    assert (deal.side is None) == (length < 9)
    assert (deal.role is None) == (length < 10)
    assert (deal.fee_asset is None) == (length < 11)


def test_a_longer_array_is_read_and_counted() -> None:
    deal, surplus = deals.pushed_of(Raw(msgspec.json.encode([*ENTRIES, "new", {"a": 1}])))
    assert surplus == 2
    assert (deal, 0) == deals.pushed_of(Raw(msgspec.json.encode(ENTRIES)))


@pytest.mark.parametrize(
    ("position", "bad"),
    [(0, "1"), (0, 1.5), (1, "NaN"), (3, None), (4, "1_0"), (5, 1), (8, 3), (8, "2"), (9, 0)],
)
def test_what_is_no_deal(position: int, bad: object) -> None:
    update = read_frame(
        msgspec.json.encode(
            {
                "id": None,
                "method": "deals_update",
                "params": [*ENTRIES[:position], bad, *ENTRIES[position + 1 :]],
            }
        ),
        7,
    )
    assert isinstance(update, Update)
    [fact] = update.facts
    assert isinstance(fact, Unreadable)
    assert (fact.stream, fact.received_at) == ("deals", 7)


ENTRIES: list[object] = [1, 1738251095.25, "ETH_BTC", 2, "0.5", "2", "0.001", "", 2, 2, "ETH"]


def pushed(frame: bytes) -> Deal:
    update = read_frame(frame, 1)
    assert isinstance(update, Update)
    assert (update.channel, update.surplus) == ("deals", 0)
    [deal] = update.facts
    assert isinstance(deal, Deal)
    return deal
