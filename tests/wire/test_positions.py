"""Funding and position events: rows without an id or an asset."""

import json
from decimal import Decimal

import pytest

from reconciler.domain.facts import Movement, Unreadable
from reconciler.domain.words import MovementKind, Wallet
from reconciler.wire.rest import funding, positions
from tests.wire.examples import example, rows

FUNDING = funding(0, 100)
POSITIONS = positions(1_650_000_000, None, 0, 100)


def test_two_payments_share_market_and_time() -> None:
    """The documented example itself (trap 67)."""
    page = FUNDING.decode(example("rest", "collateral-account/funding-history"), 1)
    assert (page.count, page.surplus) == (2, 0)
    first, second = page.facts
    assert first == Movement(
        kind=MovementKind.FUNDING,
        movement_id="BTC_PERP/1734451200000000/0.019/50938.2/-0.171053531892",
        wallet=Wallet.COLLATERAL,
        asset=None,
        amount=Decimal("-0.171053531892"),
        status="success",
        settled=True,
        market="BTC_PERP",
        occurred_at=1734451200_000000,
    )
    assert isinstance(second, Movement)
    assert (second.market, second.occurred_at) == (first.market, first.occurred_at)
    assert second.amount == Decimal("-0.0054997859133136")
    assert second.movement_id != first.movement_id


def test_recorded_payments_are_negative_when_paid() -> None:
    page = FUNDING.decode(example("recorded", "collateral-account/funding-history"), 1)
    amounts = [fact.amount for fact in page.facts if isinstance(fact, Movement)]
    assert amounts == [Decimal("-0.013205241945"), Decimal("-0.004743104344")]


def test_milliseconds_name_the_same_payment() -> None:
    """Seconds in documents, milliseconds in a sample of ccxt's."""
    row, _ = rows("collateral-account/funding-history")
    in_ms = row | {"fundingTime": row["fundingTime"] + "000"}
    padded = row | {"fundingAmount": row["fundingAmount"] + "00", "positionAmount": "0.0190"}
    bodies = [json.dumps({"records": [each]}).encode() for each in (row, in_ms, padded)]
    assert len({FUNDING.decode(body, 1).facts for body in bodies}) == 1


def test_payments_that_are_equal_in_all_are_two() -> None:
    row, other = rows("collateral-account/funding-history")
    page = FUNDING.decode(json.dumps({"records": [row, other, row]}).encode(), 1)
    first, _, third = [fact for fact in page.facts if isinstance(fact, Movement)]
    assert third.movement_id == f"{first.movement_id}/2"


def test_the_documented_position_event() -> None:
    page = POSITIONS.decode(example("rest", "collateral-account/positions/history"), 1)
    assert (page.count, page.surplus) == (1, 0)
    assert page.facts == (
        Movement(
            kind=MovementKind.POSITION,
            movement_id="111/97067934/1650400589882613/0.1/41507.59",
            wallet=Wallet.COLLATERAL,
            asset=None,
            amount=Decimal(0),
            fee=Decimal("415.07"),
            status="success",
            settled=True,
            market="BTC_USDT",
            order_id=97067934,
            reference="111",
            occurred_at=1650400589882613,
        ),
    )


def test_what_a_change_realised() -> None:
    detail = {"id": 5, "tradeFee": "0.1", "fundingFee": "0.02", "realizedPnl": "-3.5"}
    fact = event(orderDetail=detail)
    assert (fact.amount, fact.fee, fact.counter_amount) == (
        Decimal("-3.5"),
        Decimal("0.1"),
        Decimal("-0.02"),
    )
    assert fact.counter_asset is None


def test_an_order_that_met_two_others_at_once_changed_its_position_twice() -> None:
    """Also where both were alike in all, if one answer tells them."""
    [row] = rows("collateral-account/positions/history")
    detail = row["orderDetail"]
    other = row | {"orderDetail": detail | {"tradeAmount": "0.2"}}
    worse = row | {"orderDetail": detail | {"price": "41507.6"}}
    page = POSITIONS.decode(json.dumps([row, other, worse, row]).encode(), 1)
    ids = [fact.movement_id for fact in page.facts if isinstance(fact, Movement)]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("detail", [None, [], {}])
def test_a_change_without_an_order(detail: object) -> None:
    fact = event(orderDetail=detail)
    assert fact.amount == 0
    assert (fact.fee, fact.counter_amount, fact.order_id) == (None, None, None)
    assert fact.movement_id == "111//1650400589882613//"


@pytest.mark.parametrize("nothing", ["", "NaN", None])
def test_where_there_is_no_number(nothing: object) -> None:
    """Trap 70."""
    detail = {"id": 5, "tradeFee": nothing, "fundingFee": nothing, "realizedPnl": nothing}
    fact = event(orderDetail=detail, liquidationPrice=nothing, basePrice=nothing)
    assert fact.amount == 0
    assert (fact.fee, fact.counter_amount) == (None, None)


def test_one_instant_printed_in_two_ways_is_one_event() -> None:
    """Trap 73."""
    [row] = rows("collateral-account/positions/history")
    raw = json.dumps([row]).encode()
    same = raw.replace(b"1650400589.882613", b"1650400589.8826129")
    assert same != raw
    assert POSITIONS.decode(raw, 1).facts == POSITIONS.decode(same, 1).facts


@pytest.mark.parametrize(
    "bad",
    [
        {"positionId": "one"},
        {"market": ""},
        {"modifyDate": None},
        {"orderDetail": {"realizedPnl": "much"}},
        {"orderDetail": 7},
    ],
)
def test_what_is_no_event(bad: dict[str, object]) -> None:
    [row] = rows("collateral-account/positions/history")
    page = POSITIONS.decode(json.dumps([row | bad, row]).encode(), 1)
    assert [type(fact) for fact in page.facts] == [Unreadable, Movement]


@pytest.mark.parametrize("bad", [{"fundingAmount": None}, {"settlementPrice": ""}, {"market": 1}])
def test_what_is_no_payment(bad: dict[str, object]) -> None:
    row, _ = rows("collateral-account/funding-history")
    page = FUNDING.decode(json.dumps({"records": [row | bad]}).encode(), 1)
    assert [type(fact) for fact in page.facts] == [Unreadable]


def event(**changes: object) -> Movement:
    [row] = rows("collateral-account/positions/history")
    page = POSITIONS.decode(json.dumps([row | changes]).encode(), 1)
    [fact] = page.facts
    assert isinstance(fact, Movement), fact
    assert page.surplus == 0
    return fact
