"""Pushes that are not quite as documented: what is new is counted, what is broken stands alone."""

import json
from typing import Any

import pytest

from reconciler.domain.facts import BalanceReport, Deal, Order, Unreadable
from reconciler.wire import updates
from reconciler.wire.frames import read
from reconciler.wire.updates import Update
from tests.wire.examples import example


def update(frame: dict[str, Any]) -> Update:
    result = read(json.dumps(frame), 1)
    assert isinstance(result, Update)
    return result


def pending() -> dict[str, Any]:
    return documented("ws_orders_pending", "ordersPendingUpdate")


def executed() -> dict[str, Any]:
    return documented("ws_orders_executed", "ordersExecutedUpdate")


def documented(file: str, name: str) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(example(file, name))
    return frame


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("ws_deals", "dealsUpdate"),
        ("ws_orders_pending", "ordersPendingUpdate"),
        ("ws_orders_executed", "ordersExecutedUpdate"),
        ("ws_balance_spot", "balanceSpotUpdate"),
    ],
)
def test_both_ways_lead_to_the_same_facts(file: str, name: str) -> None:
    """A member that the envelope doesn't know sends the frame the careful way."""
    frame = documented(file, name)
    quick = updates.quick(example(file, name), 1)
    assert update({**frame, "jsonrpc": "2.0"}) == quick


def test_a_broken_order_among_good_ones() -> None:
    frame = executed()
    [order] = frame["params"]
    frame["params"] = [order, {**order, "amount": "NaN"}, {**order, "id": 18}, 7]
    facts = update(frame).facts
    assert [type(fact) for fact in facts] == [Order, Unreadable, Order, Unreadable]


def test_new_fields_are_counted_one_by_one() -> None:
    frame = executed()
    [order] = frame["params"]
    frame["params"] = [{**order, "new": 1}, {**order, "new": 1, "newer": {}}]
    result = update(frame)
    assert result.surplus == 3
    assert [type(fact) for fact in result.facts] == [Order, Order]


def test_a_longer_pending_push_is_counted() -> None:
    frame = pending()
    frame["params"].append({"reason": "new"})
    result = update(frame)
    assert result.surplus == 1
    assert isinstance(result.facts[0], Order)


@pytest.mark.parametrize("params", [[], [1], [{}, 1], ["1", {}], 7, None])
def test_a_pending_push_of_another_shape(params: object) -> None:
    [fact] = update({**pending(), "params": params}).facts
    assert isinstance(fact, Unreadable)
    assert fact.stream == "ordersPending"


def test_an_unknown_event_is_a_sight_like_any_other() -> None:
    frame = pending()
    frame["params"][0] = 4
    [order] = update(frame).facts
    assert isinstance(order, Order)
    assert not order.final


def test_a_broken_asset_among_good_ones() -> None:
    good = {"available": "1", "freeze": "0"}
    frame = {
        "method": "balanceSpot_update",
        "params": [{"A": good, "B": {"available": "1"}, "C": good}, 7],
    }
    report, missing, number = update(frame).facts
    assert isinstance(report, BalanceReport)
    assert [balance.asset for balance in report.balances] == ["A", "C"]
    assert isinstance(missing, Unreadable)
    assert missing.excerpt == 'B: {"available": "1"}'
    assert isinstance(number, Unreadable)


def test_the_order_that_triggers_others_is_an_order() -> None:
    """Undocumented, on the pending channel.  The event is the group's, so it ends no order."""
    order = pending()["params"][1]
    group = {
        "id": 5,
        "trigger_order": order,
        "stop_loss_price": "1",
        "take_profit_price": "9",
        "conditional_order_type": "oto",
    }
    result = update({"method": "otoOrdersPending_update", "params": [3, group]})
    [fact] = result.facts
    assert (fact, result.surplus) == (update(pending()).facts[0], 0)
    [fact] = update({"method": "otoOrdersPending_update", "params": [3, {"id": 5}]}).facts
    assert isinstance(fact, Unreadable)


def test_members_come_in_any_order() -> None:
    frame = documented("ws_deals", "dealsUpdate")
    [fact] = update(dict(reversed(frame.items()))).facts
    assert isinstance(fact, Deal)
