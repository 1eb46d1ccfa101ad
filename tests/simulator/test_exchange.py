"""The exchange as its users hold it."""

from decimal import Decimal

import pytest

from reconciler.simulator.exchange import HOUSE, Exchange
from reconciler.simulator.records import Balance, Event, Role, Side, Wallet
from reconciler.simulator.rules import Refused
from tests.simulator.client import START, Now, opened


def test_an_account_opens_with_its_funds_where_they_were_asked_for() -> None:
    exchange = Exchange(now=Now())
    exchange.open_account("vault", funds={"BTC": "1"}, wallet=Wallet.MAIN)
    exchange.open_account("margin", funds={"BTC": "1"}, wallet=Wallet.COLLATERAL)
    assert exchange.truth("vault").balances == {(Wallet.MAIN, "BTC"): Balance(available=Decimal(1))}
    assert exchange.truth("margin").balances[Wallet.COLLATERAL, "BTC"].total == 1


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("side", Side)
def test_a_fill_is_one_deal_on_the_terms_asked_for(side: Side, role: Role) -> None:
    exchange = opened()
    deal = exchange.fill(
        "treasury", "BTC_USDT", side, "0.5", "40000", role=role, client_order_id="mine"
    )
    truth = exchange.truth("treasury")
    assert truth.deals == (deal,)
    [order] = truth.orders
    assert (deal.order_id, deal.side, deal.role) == (order.order_id, side, role)
    assert (deal.price, deal.amount) == (Decimal(40_000), Decimal("0.5"))
    assert deal.client_order_id == order.client_order_id == "mine"
    assert (order.status, order.finished_at) == ("filled", START)
    assert exchange.truth(HOUSE).deals[0].deal_id == deal.deal_id


def test_a_fill_beyond_the_accounts_means_is_refused() -> None:
    with pytest.raises(Refused):
        opened().fill("treasury", "BTC_USDT", "sell", "11", "40000")


def test_money_can_leave_without_a_reason_but_not_below_zero() -> None:
    exchange = opened()
    exchange.phantom("treasury", "USDT", "-15")
    assert exchange.truth("treasury").balances[Wallet.SPOT, "USDT"].available == 999_985
    assert exchange.truth("treasury").movements[-1].reason == "phantom"
    with pytest.raises(Refused):
        exchange.phantom("treasury", "USDT", "-999986")


def test_a_withdrawal_takes_from_main() -> None:
    exchange = opened()
    exchange.deposit("treasury", "BTC", "2")
    exchange.withdraw("treasury", "BTC", "0.5")
    assert exchange.truth("treasury").balances[Wallet.MAIN, "BTC"].available == Decimal("1.5")
    with pytest.raises(Refused):
        exchange.withdraw("treasury", "BTC", "2")


def test_listeners_hear_their_account_only_and_share_what_was_encoded() -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[Event] = []
            self.found: list[dict[str, str]] = []

        def hear(self, event: Event, frames: dict[str, str]) -> None:
            self.heard.append(event)
            self.found.append(dict(frames))
            frames["seen"] = "yes"

    exchange = opened()
    first, second = Listener(), Listener()
    exchange.listen("treasury", first)
    exchange.listen("treasury", second)
    exchange.deposit(HOUSE, "BTC", "1")
    exchange.deposit("treasury", "BTC", "1")
    exchange.ignore("treasury", second)
    exchange.deposit("treasury", "BTC", "1")
    assert (len(first.heard), len(second.heard)) == (2, 1)
    assert (first.found, second.found) == ([{}, {}], [{"seen": "yes"}])


def test_the_secret_is_not_in_a_representation() -> None:
    assert "fedcba9876543210" not in repr(vars(opened().access))
