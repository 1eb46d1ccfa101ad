"""Money that earns: where it goes, where it comes back."""

from decimal import Decimal

import pytest

from reconciler.simulator.engine import Engine
from reconciler.simulator.papers import Action
from reconciler.simulator.records import Wallet
from reconciler.simulator.rules import Refused
from tests.simulator.trading import D, an_engine


def main(engine: Engine) -> Decimal:
    return engine.accounts["alice"].wallets.available(Wallet.MAIN, "ETH")


def rich() -> Engine:
    engine = an_engine()
    engine.treasury.deposit("alice", "ETH", D(10))
    return engine


def test_a_fixed_investment_pays_interest_to_the_main_wallet_and_comes_back() -> None:
    engine = rich()
    investment, _ = engine.lending.invest("alice", "ETH", D(4))
    assert main(engine) == 6
    engine.lending.earn("alice", investment.investment_id, D("0.1"))
    assert main(engine) == D("6.1")
    engine.lending.close("alice", investment.investment_id)
    assert main(engine) == D("10.1")
    papers = engine.accounts["alice"].papers
    assert not papers.investments[investment.investment_id].is_open
    assert [row.action for row in papers.lending] == [Action.EARN]


def test_a_flexible_investment_keeps_what_it_earns_until_it_is_closed() -> None:
    engine = rich()
    investment, _ = engine.lending.invest("alice", "ETH", D(4), is_flexible=True)
    engine.lending.earn("alice", investment.investment_id, D("0.1"))
    assert main(engine) == 6
    engine.lending.close("alice", investment.investment_id)
    assert main(engine) == D("10.1")
    rows = engine.accounts["alice"].papers.lending
    assert [row.action for row in rows] == [Action.OPEN, Action.EARN, Action.CLOSE]


def test_who_has_less_can_t_invest() -> None:
    with pytest.raises(Refused):
        rich().lending.invest("alice", "ETH", D(11))


def test_only_a_successful_payout_to_the_main_wallet_moves_money() -> None:
    engine = rich()
    reward, _ = engine.lending.mine("alice", "ETH", D(1), fee=D("0.1"))
    assert (reward.reward, main(engine)) == (D("0.9"), D("10.9"))
    engine.lending.mine("alice", "ETH", D(1), is_outside=True)
    engine.lending.mine("alice", "ETH", D(1), status="pending")
    assert main(engine) == D("10.9")
    assert len(engine.accounts["alice"].papers.mining) == 3
