"""A call is a value: what it asks, what of its answer may be kept, how lists are written."""

import json
from functools import partial

import pytest
from msgspec import Raw

from reconciler.domain.facts import Market
from reconciler.wire.call import Body, Call, Endpoint, either, enclosed, grouped, listed
from reconciler.wire.markets import market_of
from reconciler.wire.numbers import Misshapen
from reconciler.wire.records import Page
from reconciler.wire.rest import deals_of_order, order_history, websocket_token
from tests.wire.test_deals import ORDER

GOOD = b'{"name":"A_B","stock":"A","money":"B"}'
MARKET = Market(name="A_B", base_asset="A", quote_asset="B", kind="spot")


def test_what_was_asked_is_text() -> None:
    assert order_history(0, None, 5, 100).asked == (
        '{"call":"order_history","startDate":0,"offset":5,"limit":100}'
    )


def test_what_an_answer_does_not_say_is_part_of_what_was_asked_and_not_sent() -> None:
    call = deals_of_order(ORDER, 0, 100)
    assert call.params == {"orderId": ORDER.order_id, "offset": 0, "limit": 100}
    assert json.loads(call.asked) == {
        "call": "deals_of_order",
        **call.params,
        "market": "BTC_USDT",
        "side": "sell",
    }


def test_of_a_token_nothing_is_kept() -> None:
    call = websocket_token()
    body = b'{"websocket_token":"secret"}'
    assert call.decode(body, 1) == "secret"
    assert call.kept(body) == b""


def test_what_is_read_is_what_is_kept() -> None:
    """A decoder sees the cleansed text only."""
    endpoint = Endpoint("x", "x", lambda answer: answer.text, cleanse=bytes.upper)
    call: Call[bytes] = endpoint.call()
    assert call.decode(b"secret", 1) == call.kept(b"secret") == b"SECRET"


@pytest.mark.parametrize("shape", [listed, either])
def test_a_bare_list(shape: partial[Page]) -> None:
    page = shape(market_of, body(b" [%b,7]" % GOOD))
    assert (page.count, page.total, page.facts[0]) == (2, None, MARKET)


@pytest.mark.parametrize("shape", [enclosed, either])
@pytest.mark.parametrize("name", [b"records", b"data"])
def test_an_enclosed_list(shape: partial[Page], name: bytes) -> None:
    page = shape(market_of, body(b'{"%b":[%b],"limit":1,"total":4}' % (name, GOOD)))
    assert (page.count, page.total, page.facts) == (1, 4, (MARKET,))


@pytest.mark.parametrize("text", [b"{}", b'{"records":null}', b'{"rows":[]}'])
def test_no_list_at_all(text: bytes) -> None:
    with pytest.raises(Misshapen, match="neither"):
        enclosed(market_of, body(text))


def test_lists_by_market_are_one_page() -> None:
    def build(_: Raw, market: str) -> tuple[Market, int]:
        return Market(name=market, base_asset="A", quote_asset="B", kind="spot"), 1

    page = grouped(build, body(b'{"A_B":[1,2],"C_D":[3],"E_F":[]}'))
    assert [fact.name for fact in page.facts if isinstance(fact, Market)] == ["A_B", "A_B", "C_D"]
    assert (page.count, page.surplus) == (3, 3)


def test_what_was_not_asked() -> None:
    answer = Body(name="x", asked={"id": 7, "market": "A_B"}, text=b"", received_at=1)
    assert answer.said("market") == "A_B"
    for name in ("id", "side"):
        with pytest.raises(Misshapen, match=name):
            answer.said(name)


def body(text: bytes) -> Body:
    return Body(name="markets", asked={}, text=text, received_at=1)
