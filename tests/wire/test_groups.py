"""Orders that depend on each other: each leg is an order like any other."""

import json
from decimal import Decimal
from typing import Any

import pytest

from reconciler.domain.facts import Order, Unreadable
from reconciler.wire.rest import conditional_orders, oco_orders
from tests.wire.examples import example, rows

CONDITIONAL = conditional_orders(0, 100)
OCO = oco_orders(0, 100)


def test_documented_groups() -> None:
    """Paging counts the groups, not their orders."""
    page = CONDITIONAL.decode(example("rest", "conditional-orders"), 1)
    assert (page.count, page.total, page.surplus) == (2, 2, 0)
    stop, take, conditional = [fact for fact in page.facts if isinstance(fact, Order)]
    assert (stop.order_id, stop.type, stop.final) == (117703764514, "margin_stop_limit", False)
    assert (stop.price, stop.remaining) == (Decimal("19928.79"), Decimal("2.241379"))
    assert (stop.created_at, stop.updated_at) == (1594605801498150, 1662478154941582)
    assert (take.order_id, take.type) == (117703764515, "margin_limit")
    assert (conditional.order_id, conditional.client_order_id) == (3686033640, "customId11")
    assert (conditional.status, conditional.updated_at) == ("open", None)


def test_both_calls_tell_the_same_of_the_same_orders() -> None:
    page = OCO.decode(example("rest", "oco-orders"), 1)
    assert (page.count, page.surplus) == (1, 0)
    both = CONDITIONAL.decode(example("rest", "conditional-orders"), 1).facts
    assert page.facts == both[:2]


def test_every_member_may_be_in_snake_case() -> None:
    """As older documents and clients have it (PROTOCOL § 5.7), fees included."""
    oco, oto = rows("conditional-orders")
    for leg in ("stopLoss", "takeProfit"):
        oco[leg] = snake(oco[leg], "postOnly", "activationPrice", "activationCondition")
        oco[leg] |= {"takerFee": "0.001", "makerFee": "0.001"}
    oco = snake(oco, "stopLoss", "takeProfit")
    oto = snake(oto, "stopLossPrice", "takeProfitPrice", "conditionalOrder")
    page = CONDITIONAL.decode(json.dumps({"records": [oco, oto]}).encode(), 1)
    documented = CONDITIONAL.decode(example("rest", "conditional-orders"), 1)
    assert (page.facts, page.surplus) == (documented.facts, 0)


@pytest.mark.parametrize("bad", [{}, {"id": 1, "type": "oco"}, {"stopLoss": {"orderId": 1}}, 7])
def test_what_is_no_group(bad: object) -> None:
    good, _ = rows("conditional-orders")
    page = CONDITIONAL.decode(json.dumps({"records": [bad, good]}).encode(), 1)
    assert page.count == 2
    assert [type(fact) for fact in page.facts] == [Unreadable, Order, Order]


def snake(members: dict[str, Any], *names: str) -> dict[str, Any]:
    spelled = {
        name: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        for name in names
    }
    return {spelled.get(name, name): value for name, value in members.items()}
