"""One login: what it has done, as it is at the moment of asking."""

from reconciler.simulator.records import Wallet
from tests.simulator.trading import D, a_futures_engine, margin


def test_a_truth_does_not_change_when_life_goes_on() -> None:
    engine = a_futures_engine()
    before = engine.accounts["alice"].truth()
    printed = repr(before)
    engine.treasury.deposit("alice", "ETH", D(1))
    engine.treasury.create_code("alice", "ETH", D(1))
    engine.place("bob", margin("sell", "1", "100000"))
    engine.place("alice", margin("buy", "1", "100000"))
    assert repr(before) == printed
    assert repr(engine.accounts["alice"].truth()) != printed


def test_a_sub_account_has_one_id_and_an_asset_one_address() -> None:
    alice = a_futures_engine().accounts["alice"]
    again = a_futures_engine().accounts["alice"]
    assert (alice.sub_id, alice.address("BTC")) == (again.sub_id, again.address("BTC"))
    assert alice.address("BTC") != alice.address("ETH")
    assert alice.wallets.balance(Wallet.MAIN, "BTC").total == 0
