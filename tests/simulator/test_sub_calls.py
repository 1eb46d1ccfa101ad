"""Sub-accounts over REST, with the key of their master."""

from reconciler.simulator.exchange import Exchange
from tests.simulator.client import Now, Rest
from tests.simulator.test_rest import called


def test_a_master_moves_money_to_its_sub_account_and_sees_it() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        exchange.open_account("desk", master="treasury")
        exchange.deposit("treasury", "SOL", "5")
        [sub] = (await rest.call("sub-account/list")).json()["data"]
        terms = {"id": sub["id"], "direction": "main_to_sub", "ticker": "SOL", "amount": "2"}
        moved = (await rest.call("sub-account/transfer", **terms)).json()
        page = (await rest.call("sub-account/transfer/history", id=sub["id"])).json()
        [row] = page["data"]
        assert (row["transaction_id"], row["amount"], row["direction"]) == (
            moved["transaction_id"],
            "2",
            "main_to_sub",
        )
        there = (await rest.call("sub-account/balances", id=sub["id"], ticker="SOL")).json()
        assert there == {"SOL": [{"main": "2", "spot": "0", "collateral": "0"}]}
        stranger = await rest.call("sub-account/transfer/history", id="nobody")
        assert (stranger.status_code, stranger.json()["code"]) == (400, 0)

    called(script)
