"""Reference data, against the vendor's documented examples."""

import json

import pytest

from reconciler.domain.facts import Market, Unreadable
from reconciler.wire.rest import Unintelligible, assets, markets
from tests.wire.examples import example


def test_the_assets_of_a_perpetual_are_not_told_by_its_name() -> None:
    [listed] = json.loads(example("rest", "public/markets"))
    perpetual = {**listed, "name": "BTC_PERP", "stock": "BTC", "money": "USDT", "type": "futures"}
    page = markets().decode(json.dumps([perpetual]).encode(), 1)
    assert page.facts == (
        Market(name="BTC_PERP", base_asset="BTC", quote_asset="USDT", kind="futures"),
    )


def test_a_broken_market_spoils_only_itself() -> None:
    [listed] = json.loads(example("rest", "public/markets"))
    page = markets().decode(json.dumps([{**listed, "stock": None}, listed]).encode(), 1)
    assert [type(fact) for fact in page.facts] == [Unreadable, Market]


def test_assets() -> None:
    listed = {asset.ticker: asset for asset in assets().decode(example("rest", "public/assets"), 1)}
    assert (listed["BTC"].name, listed["BTC"].precision) == ("Bitcoin", 18)
    assert (listed["USDT"].name, listed["USDT"].precision) == ("Tether US", 6)


def test_assets_of_another_shape() -> None:
    with pytest.raises(Unintelligible):
        assets().decode(b'{"BTC":7}', 1)
