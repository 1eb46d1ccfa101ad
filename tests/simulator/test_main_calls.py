"""The main wallet over REST: what is answered, with which status, in which order."""

from decimal import Decimal
from typing import Any

import pytest

from reconciler.simulator.exchange import Exchange
from tests.simulator.client import START, Now, Rest
from tests.simulator.test_rest import called

START_S = START // 1_000_000


def test_the_history_has_deposits_and_withdrawals_newest_first() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        exchange.deposit("treasury", "SOL", "5")
        now.pass_seconds(7)
        terms = {"ticker": "SOL", "amount": "1", "address": "there", "uniqueId": "w-1"}
        asked = await rest.call("main-account/withdraw", **terms)
        assert (asked.status_code, asked.json()) == (201, [])
        answer = await rest.call("main-account/history", ticker="SOL")
        assert answer.status_code == 201
        page = answer.json()
        assert (page["total"], page["limit"], page["offset"]) == (2, 50, 0)
        out, into = page["records"]
        assert (out["method"], out["status"], out["uniqueId"], out["amount"], out["fee"]) == (
            2,
            1,
            "w-1",
            "1",
            "0.01",
        )
        assert (into["method"], into["status"], into["uniqueId"]) == (1, 3, None)
        assert (into["createdAt"], out["createdAt"]) == (START_S, START_S + 7)
        left = (await rest.call("main-account/balance", ticker="SOL")).json()
        assert left == {"main_balance": "4"}

    called(script)


def test_a_status_changes_and_the_time_of_creation_does_not() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        treasury = exchange.engine.treasury
        expected = exchange.told(treasury.expect_deposit("treasury", "SOL", Decimal(5)))
        treasury.confirm("treasury", expected.transaction_id)
        params = {"ticker": "SOL", "transactionMethod": 1}
        [waiting] = (await rest.call("main-account/history", **params)).json()["records"]
        assert waiting["status"] == 15
        assert waiting["confirmations"] == {"actual": 1, "required": 6}
        now.pass_seconds(60)
        exchange.told(treasury.advance("treasury", expected.transaction_id, 7))
        [done] = (await rest.call("main-account/history", **params, status=[3, 7])).json()[
            "records"
        ]
        assert (done["createdAt"], done["status"]) == (waiting["createdAt"], 7)
        assert "confirmations" not in done

    called(script)


def test_a_withdrawal_with_the_fee_on_top_takes_both() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        exchange.deposit("treasury", "USDT", "100")
        terms = {"ticker": "USDT", "amount": "99", "address": "there", "uniqueId": "w"}
        await rest.call("main-account/withdraw-pay", **terms)
        left = (await rest.call("main-account/balance", ticker="USDT")).json()
        assert left == {"main_balance": "0"}
        again = await rest.call("main-account/withdraw-pay", **terms)
        assert (again.status_code, again.json()["code"]) == (400, 0)
        more = await rest.call("main-account/withdraw", **terms | {"uniqueId": "x"})
        assert (more.status_code, more.json()["code"]) == (422, 5)
        assert more.json()["errors"] == {"amount": ["Not enough money, Tether US balance = 0"]}

    called(script)


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("history", {"limit": 501}, "limit"),
        ("history", {"offset": 10_000, "limit": 1}, "offset"),
        ("history", {"transactionMethod": 3}, "transactionMethod"),
        ("history", {"ticker": "EUR"}, "ticker"),
        ("history", {"addresses": ["a"] * 21}, "addresses"),
        ("codes/my", {"limit": 101}, "limit"),
        ("withdraw", {"ticker": "BTC", "amount": "1", "address": "a"}, "uniqueId"),
        ("withdraw", {"ticker": "BTC", "amount": "0.123456789"}, "amount"),
        ("transfer", {"ticker": "EUR", "amount": "1"}, "ticker"),
        ("codes/apply", {"code": "WBx"}, "code"),
    ],
)
def test_bad_parameters_are_answered_400_with_code_zero(
    path: str, params: dict[str, Any], field: str
) -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        answer = await rest.call(f"main-account/{path}", **params)
        assert (answer.status_code, answer.json()["code"]) == (400, 0)
        assert list(answer.json()["errors"]) == [field]

    called(script)


def test_a_code_that_one_creates_and_applies_is_in_its_history_twice() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        exchange.deposit("treasury", "SOL", "5")
        made = (await rest.call("main-account/codes", ticker="SOL", amount="2")).json()
        [new] = (await rest.call("main-account/codes/my")).json()["data"]
        assert (new["amount"], new["status"]) == ("2", "New")
        answer = await rest.call("main-account/codes/apply", code=made["code"])
        assert (answer.status_code, answer.json()["amount"]) == (201, "2")
        page = (await rest.call("main-account/codes/history")).json()
        assert [(row["amount"], row["status"]) for row in page["data"]] == [
            ("+2", "Activated"),
            ("-2", "Activated"),
        ]
        assert len({row["external_id"] for row in page["data"]}) == 2
        assert (page["total"], page["limit"]) == (2, 30)

    called(script)


def test_the_address_of_an_asset_is_always_the_same() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        first = (await rest.call("main-account/address", ticker="SOL")).json()["account"]
        exchange.deposit("treasury", "SOL", "5")
        page = await rest.call("main-account/history", address=first["address"])
        assert [row["address"] for row in page.json()["records"]] == [first["address"]]
        assert (await rest.call("main-account/fee")).json()[0]["deposit"]["fixed"] == "0"

    called(script)
