"""An exchange put together from a description."""

import json
from decimal import Decimal
from io import BytesIO

import httpx
import pytest
import trio
import trio.testing

from reconciler.simulator.booth import Plan, logins, market_named, open_booth
from reconciler.simulator.past import past_of
from reconciler.simulator.script import read
from tests.running import run
from tests.simulator.client import Now, Rest


def test_keys_follow_from_the_seed() -> None:
    assert logins(1, 2) == logins(1, 2) != logins(2, 2)
    assert logins(1, 3)[:2] == logins(1, 2)
    assert logins(1, 1)[0].secret not in repr(logins(1, 1))


def test_a_market_is_known_or_made_up_from_a_price() -> None:
    assert market_named("BTC_USDT").stock_decimals == 6
    market = market_named("XRP_USDT=0.6")
    assert (market.stock, market.money) == ("XRP", "USDT")
    assert (market.stock_decimals, market.money_decimals) == (1, 6)
    assert market_named("BTC_USDT=50000").reference_price == 50000
    assert (market_named("YFI_USDT=8000.5").money_decimals) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("XRP_USDT", "needs a reference price"),
        ("XRP", "is no name of a market"),
        ("xrp_usdt=1", "is no name of a market"),
        ("XRP_USDT=much", "'much' is no price"),
        ("XRP_USDT=-1", "is no price between"),
        ("XRP_USDT=nan", "is no price between"),
        ("XRP_USDT=1e99", "is no price between"),
    ],
)
def test_other_markets_are_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        market_named(text)


def test_an_exchange_can_open_with_a_past() -> None:
    async def main() -> None:
        now = Now()
        async with open_booth(Plan(past=past_of(3, 60), accounts=2), now=now) as booth:
            deals = [
                deal for login in booth.logins for deal in booth.exchange.truth(login.name).deals
            ]
            assert len(deals) >= 60
            assert {deal.executed_at // (86_400 * 1_000_000) for deal in deals} >= {
                now() // (86_400 * 1_000_000) - 1,
                now() // (86_400 * 1_000_000) - 2,
            }

    run(main)


def test_accounts_have_something_of_everything_and_can_log_in() -> None:
    async def main() -> None:
        plan = Plan(markets=[market_named("XRP_EUR=0.5"), market_named("BTC_USDT")], warm_up=200)
        async with (
            open_booth(plan, now=Now()) as booth,
            httpx.AsyncClient() as http,
        ):
            [login] = booth.logins
            funds = booth.exchange.engine.accounts[login.name].wallets.balances()
            assert {asset for wallet, asset in funds if wallet == "spot"} == {
                "BTC",
                "EUR",
                "USDT",
                "XRP",
            }
            assert booth.control_url is None
            book = await Rest(http, booth.server.rest_url).get("public/orderbook/XRP_EUR")
            assert book.json()["asks"]
            assert book.json()["bids"]

    run(main)


SCRIPT = """
[[steps]]
at_s = 3
do = "phantom"
account = "account-1"
asset = "BTC"
amount = "1"

[[steps]]
at_s = 4
do = "phantom"
account = "nobody"
asset = "BTC"
amount = "1"
"""


def recorded() -> bytes:
    """Ten seconds of life on a clock that jumps, written down."""
    written = BytesIO()
    refusals: list[str] = []

    async def main() -> None:
        began = trio.current_time()
        async with open_booth(
            Plan(rate=20, script=read(SCRIPT), seed=5),
            now=lambda: int((trio.current_time() - began) * 1_000_000),
            record=written,
            refused=lambda deed, why: refusals.append(str(why)),
        ):
            await trio.sleep(10)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.001))
    assert refusals == ["account: 'nobody' is unknown"]
    return written.getvalue()


def test_the_script_is_played_and_all_that_happens_is_recorded_the_same_each_time() -> None:
    first = recorded()
    lines = [json.loads(line) for line in first.splitlines()]
    [deed] = [line for line in lines if line["event"] == "DeedDone"]
    assert deed["deed"]["do"] == "phantom"
    assert Decimal(deed["at"]) >= 3_000_000
    assert {line["account"] for line in lines if line["event"] == "DealMade"}
    assert recorded() == first
