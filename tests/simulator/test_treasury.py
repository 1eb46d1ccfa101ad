"""Money that moves without a deal: what it does to wallets, and what is left on paper."""

from decimal import Decimal

import pytest

from reconciler.simulator.engine import Engine
from reconciler.simulator.papers import Direction
from reconciler.simulator.records import BalanceMoved, Wallet
from reconciler.simulator.rules import Refused
from tests.simulator.trading import D, an_engine


def main(engine: Engine, account: str, asset: str) -> Decimal:
    return engine.accounts[account].wallets.available(Wallet.MAIN, asset)


def test_a_deposit_waits_for_its_confirmations_and_is_then_credited() -> None:
    engine = an_engine()
    treasury = engine.treasury
    expected, events = treasury.expect_deposit("alice", "BTC", D(1), fee=D("0.1"))
    assert not events
    transaction_id = expected.transaction_id
    for number in range(1, 8):
        assert treasury.confirm("alice", transaction_id).confirmations == (min(number, 6), 6)
    assert main(engine, "alice", "BTC") == 0
    done, events = treasury.advance("alice", transaction_id, 3)
    assert events == [BalanceMoved("alice", Wallet.MAIN, ("BTC",))]
    assert (done.status, done.confirmations) == (3, None)
    assert main(engine, "alice", "BTC") == D("0.9")


def test_a_withdrawal_is_debited_when_asked_for_and_given_back_when_cancelled() -> None:
    engine = an_engine()
    engine.treasury.deposit("alice", "ETH", D(5))
    asked, _ = engine.treasury.request_withdrawal("alice", "ETH", D(4), unique_id="one")
    assert main(engine, "alice", "ETH") == 1
    with pytest.raises(Refused):
        engine.treasury.request_withdrawal("alice", "ETH", D(1), unique_id="one")
    engine.treasury.advance("alice", asked.transaction_id, 4)
    assert main(engine, "alice", "ETH") == 5
    reasons = [m.reason for m in engine.accounts["alice"].movements[-3:]]
    assert reasons == ["deposit", "withdrawal", "withdrawal"]


def test_a_withdrawal_that_succeeds_in_part_gives_the_rest_back() -> None:
    engine = an_engine()
    engine.treasury.deposit("alice", "ETH", D(5))
    asked, _ = engine.treasury.request_withdrawal(
        "alice", "ETH", D(4), fee=D(1), is_fee_included=False
    )
    assert main(engine, "alice", "ETH") == 0
    processed = (D(2), D("0.5"))
    engine.treasury.advance("alice", asked.transaction_id, 18, processed=processed)
    assert main(engine, "alice", "ETH") == D("2.5")


def test_a_withdrawal_without_means_or_a_status_out_of_turn_is_refused_and_moves_nothing() -> None:
    engine = an_engine()
    papers = engine.accounts["alice"].papers
    before = list(papers.transactions)
    with pytest.raises(Refused):
        engine.treasury.request_withdrawal("alice", "ETH", D(4))
    assert list(papers.transactions) == before
    deposit, _ = engine.treasury.expect_deposit("alice", "ETH", D(4))
    with pytest.raises(Refused):
        engine.treasury.advance("alice", deposit.transaction_id, 18)
    with pytest.raises(Refused):
        engine.treasury.advance("alice", "unknown", 3)


def test_a_code_moves_money_from_its_creator_to_whoever_applies_it_once() -> None:
    engine = an_engine()
    engine.treasury.deposit("alice", "ETH", D(5))
    created, _ = engine.treasury.create_code("alice", "ETH", D(2), "secret")
    assert (created.amount, main(engine, "alice", "ETH")) == (D(-2), D(3))
    with pytest.raises(Refused, match="Incorrect"):
        engine.treasury.apply_code("bob", created.code)
    applied, _ = engine.treasury.apply_code("bob", created.code, "secret")
    assert (applied.amount, main(engine, "bob", "ETH")) == (D(2), D(2))
    assert applied.external_id != created.external_id
    with pytest.raises(Refused, match="already"):
        engine.treasury.apply_code("alice", created.code, "secret")


def test_a_transfer_to_a_sub_account_is_on_paper_with_the_master_only() -> None:
    engine = an_engine()
    sub = engine.open_account("sub", master="alice")
    engine.treasury.deposit("alice", "ETH", D(5))
    row, _ = engine.treasury.sub_transfer("alice", sub.sub_id, Direction.TO_SUB, "ETH", D(2))
    back = (Direction.TO_MASTER, "ETH", D("0.5"))
    engine.treasury.sub_transfer("alice", sub.sub_id, *back)
    assert (main(engine, "alice", "ETH"), main(engine, "sub", "ETH")) == (D("3.5"), D("1.5"))
    assert engine.accounts["alice"].papers.sub_transfers[0] == row
    assert not engine.accounts["sub"].papers.sub_transfers
    with pytest.raises(Refused):
        engine.treasury.sub_transfer("bob", sub.sub_id, *back)


def test_a_transfer_between_own_wallets_is_on_no_paper() -> None:
    engine = an_engine()
    before = engine.accounts["alice"].papers
    counts = [len(rows) for rows in (before.transactions, before.code_uses, before.conversions)]
    engine.treasury.transfer("alice", "BTC", D(1), Wallet.SPOT, Wallet.MAIN)
    assert counts == [
        len(rows) for rows in (before.transactions, before.code_uses, before.conversions)
    ]
    assert main(engine, "alice", "BTC") == 1
