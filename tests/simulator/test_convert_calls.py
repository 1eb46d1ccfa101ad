"""Conversions over REST: quotes, their refusals, the history."""

from reconciler.simulator.exchange import Exchange
from tests.simulator.client import START, Now, Rest
from tests.simulator.test_rest import called

START_S = START // 1_000_000
DAY = 86_400


def test_a_quote_is_confirmed_and_found_in_the_history() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        exchange.deposit("treasury", "BTC", "1")
        terms = {"from": "BTC", "to": "USDT", "direction": "from", "amount": "0.5"}
        quote = (await rest.call("convert/estimate", **terms)).json()
        assert (quote["receive"], quote["expireAt"]) == ("50000", START_S + 10)
        done = (await rest.call("convert/confirm", quoteId=quote["id"])).json()
        assert done == {"finalGive": "0.5", "finalReceive": "50000"}
        now.pass_seconds(1)
        page = (await rest.call("convert/history", fromTicker="BTC")).json()
        [row] = page["records"]
        assert (row["id"], row["path"]) == (
            quote["id"],
            [{"from": "BTC", "to": "USDT", "rate": "100000"}],
        )
        assert (page["total"], page["limit"]) == (1, 100)
        later = {"from": str(START_S + 1), "to": str(START_S + DAY)}
        assert (await rest.call("convert/history", **later)).json()["records"] == []
        long = {"from": str(START_S - 31 * DAY)}
        assert (await rest.call("convert/history", **long)).status_code == 422

    called(script)


def test_a_quote_is_refused_in_its_own_words() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        terms = {"from": "SOL", "to": "USDT", "direction": "from", "amount": "1"}
        poor = await rest.call("convert/estimate", **terms)
        assert (poor.status_code, poor.json()["code"]) == (400, 37)
        unknown = await rest.call("convert/confirm", quoteId="77")
        assert (unknown.status_code, unknown.json()["code"]) == (422, 0)
        exchange.deposit("treasury", "SOL", "1")
        quote = (await rest.call("convert/estimate", **terms)).json()
        now.pass_seconds(11)
        late = await rest.call("convert/confirm", quoteId=quote["id"])
        assert (late.status_code, late.json()["code"]) == (400, 20)

    called(script)
