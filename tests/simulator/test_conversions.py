"""Conversions: quotes at the last price, good for ten seconds, once."""

import pytest

from reconciler.simulator.records import Wallet
from reconciler.simulator.rules import Refused
from tests.simulator.client import Now
from tests.simulator.trading import D, an_engine


def test_a_conversion_gives_at_the_last_price_and_is_on_paper() -> None:
    engine = an_engine()
    engine.treasury.deposit("alice", "BTC", D(2))
    quote = engine.conversions.estimate("alice", "BTC", "USDT", D("0.5"))
    assert (quote.received, quote.rate) == (D(50_000), D(100_000))
    done, _ = engine.conversions.confirm("alice", quote.quote_id)
    wallets = engine.accounts["alice"].wallets
    assert wallets.available(Wallet.MAIN, "BTC") == D("1.5")
    assert wallets.available(Wallet.MAIN, "USDT") == D(50_000)
    assert engine.accounts["alice"].papers.conversions == [done]
    with pytest.raises(Refused, match="could not be found"):
        engine.conversions.confirm("alice", quote.quote_id)


def test_an_amount_may_be_of_what_is_received() -> None:
    engine = an_engine()
    engine.treasury.deposit("alice", "BTC", D(2))
    quote = engine.conversions.estimate("alice", "BTC", "USDT", D(30_000), is_received=True)
    assert (quote.given, quote.received) == (D("0.3"), D(30_000))


def test_two_assets_without_a_market_are_converted_over_a_third() -> None:
    engine = an_engine()
    engine.treasury.deposit("alice", "SOL", D(100))
    quote = engine.conversions.estimate("alice", "SOL", "DOGE", D(10))
    assert [(origin, target) for origin, target, _ in quote.path] == [
        ("SOL", "USDT"),
        ("USDT", "DOGE"),
    ]
    with pytest.raises(Refused, match="markets"):
        engine.conversions.estimate("alice", "SOL", "DBTC", D(10))


def test_a_quote_is_good_for_ten_seconds_and_for_its_account() -> None:
    now = Now()
    engine = an_engine(now=now)
    engine.treasury.deposit("alice", "BTC", D(2))
    quote = engine.conversions.estimate("alice", "BTC", "USDT", D(1))
    with pytest.raises(Refused, match="could not be found"):
        engine.conversions.confirm("bob", quote.quote_id)
    now.pass_seconds(10)
    with pytest.raises(Refused, match="Expired"):
        engine.conversions.confirm("alice", quote.quote_id)


def test_means_are_looked_at_when_quoting_and_when_confirming() -> None:
    engine = an_engine()
    with pytest.raises(Refused, match="balance"):
        engine.conversions.estimate("alice", "BTC", "USDT", D(1))
    engine.treasury.deposit("alice", "BTC", D(1))
    quote = engine.conversions.estimate("alice", "BTC", "USDT", D(1))
    engine.treasury.withdraw("alice", "BTC", D("0.5"))
    with pytest.raises(Refused, match="balance"):
        engine.conversions.confirm("alice", quote.quote_id)


def test_which_wallets_pay_is_an_argument() -> None:
    engine = an_engine()
    engine.conversions.sources = (Wallet.SPOT, Wallet.MAIN)
    engine.treasury.deposit("alice", "BTC", D(1))
    quote = engine.conversions.estimate("alice", "BTC", "USDT", D("10.5"))
    engine.conversions.confirm("alice", quote.quote_id)
    wallets = engine.accounts["alice"].wallets
    assert wallets.available(Wallet.SPOT, "BTC") == 0
    assert wallets.available(Wallet.MAIN, "BTC") == D("0.5")
