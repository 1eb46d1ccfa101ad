"""Lending and mining over REST."""

from decimal import Decimal

from reconciler.simulator.exchange import Exchange
from tests.simulator.client import START, Now, Rest
from tests.simulator.test_rest import called

START_S = START // 1_000_000
DAY = 86_400

LENDING = (
    "main-account/smart/investments",
    "main-account/smart/interest-payment-history",
    "main-account/smart-flex/investments",
    "main-account/smart-flex/investments/history",
    "main-account/smart-flex/investments/payment-history",
)


def test_lending_is_shown_to_business_accounts_only() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        lending, account = exchange.engine.lending, exchange.engine.accounts["treasury"]
        exchange.deposit("treasury", "SOL", "5")
        for is_flexible in (False, True):
            invested, _events = lending.invest(
                "treasury", "SOL", Decimal(1), is_flexible=is_flexible
            )
            lending.earn("treasury", invested.investment_id, Decimal("0.1"))
        for path in LENDING:
            assert (await rest.call(path)).status_code == 403
        account.is_business = True
        counts = []
        for path in LENDING:
            page = (await rest.call(path)).json()
            counts.append(len(page.get("records") or page["data"]))
        assert counts == [1, 1, 1, 2, 1]

    called(script)


def test_mining_rewards_are_found_by_their_dates() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        exchange.told(exchange.engine.lending.mine("treasury", "BTC", Decimal("0.1")))
        now.pass_seconds(DAY)
        exchange.told(exchange.engine.lending.mine("treasury", "BTC", Decimal("0.2")))
        rows = (await rest.call("mining/rewards")).json()["data"]
        assert [row["totalReward"] for row in rows] == ["0.2", "0.1"]
        params = {"from": START_S + 1, "to": START_S + DAY}
        [row] = (await rest.call("mining/rewards", **params)).json()["data"]
        assert (row["totalReward"], row["payoutDestination"]) == ("0.2", "main_balance")

    called(script)
