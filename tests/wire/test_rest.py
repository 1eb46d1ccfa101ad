"""Each call: where, with what, and what its answer says."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.facts import Deal, Market, Order, Unreadable
from reconciler.domain.words import TransactionKind
from reconciler.wire import rest
from reconciler.wire.rest import BODY_BYTES_MAX, Call, Unintelligible
from tests.wire.examples import example
from tests.wire.test_deals import ORDER

CALLS: dict[str, Call[object]] = {
    call.name: call  # type: ignore[misc]
    for call in (
        rest.websocket_token(),
        rest.spot_balances(),
        rest.main_balances(),
        rest.collateral_balances(),
        rest.collateral_totals(),
        rest.active_orders(0, 100),
        rest.conditional_orders(0, 100),
        rest.oco_orders(0, 100),
        rest.order_history(1700000000, 1700003600, 100, 100),
        rest.order_by_id(17),
        rest.delisted_orders(1700000000, 1700003600, 0, 500),
        rest.deals_history(1700000000, 1700003600, 0, 500),
        rest.deals_of_order(ORDER, 0, 100),
        rest.transactions(TransactionKind.WITHDRAWAL, 0, 500),
        rest.codes(0, 100),
        rest.conversions(1700000000, 1700003600, 0, 100),
        rest.sub_accounts(0, 100),
        rest.sub_transfers("8e667b4a", 0, 100),
        rest.fixed_lending(0, 100),
        rest.interest(0, 100),
        rest.flexible_lending(1700000000, 1700003600, 0, 100),
        rest.mining(1700000000, 1700003600, 0, 100),
        rest.funding(0, 100),
        rest.positions(1700000000, 1700003600, 0, 100),
        rest.markets(),
        rest.assets(),
        rest.server_time(),
    )
}

MAPS = ("spot_balances", "main_balances", "collateral_totals")


@pytest.mark.parametrize(
    ("name", "method", "path", "params"),
    [
        ("websocket_token", "POST", "/api/v4/profile/websocket_token", {}),
        ("spot_balances", "POST", "/api/v4/trade-account/balance", {}),
        ("main_balances", "POST", "/api/v4/main-account/balance", {}),
        ("collateral_balances", "POST", "/api/v4/collateral-account/balance-summary", {}),
        ("collateral_totals", "POST", "/api/v4/collateral-account/balance", {}),
        ("active_orders", "POST", "/api/v4/orders", {"offset": 0, "limit": 100}),
        (
            "order_history",
            "POST",
            "/api/v4/trade-account/order/history",
            {"startDate": 1700000000, "endDate": 1700003600, "offset": 100, "limit": 100},
        ),
        (
            "deals_history",
            "POST",
            "/api/v4/trade-account/executed-history",
            {"startDate": 1700000000, "endDate": 1700003600, "offset": 0, "limit": 500},
        ),
        ("conditional_orders", "POST", "/api/v4/conditional-orders", {"offset": 0, "limit": 100}),
        ("oco_orders", "POST", "/api/v4/oco-orders", {"offset": 0, "limit": 100}),
        ("order_by_id", "POST", "/api/v4/trade-account/order/history", {"orderId": 17}),
        (
            "delisted_orders",
            "POST",
            "/api/v4/trade-account/order/history/query",
            {"startDate": 1700000000, "endDate": 1700003600, "offset": 0, "limit": 500},
        ),
        (
            "transactions",
            "POST",
            "/api/v4/main-account/history",
            {"transactionMethod": 2, "offset": 0, "limit": 500},
        ),
        ("codes", "POST", "/api/v4/main-account/codes/history", {"offset": 0, "limit": 100}),
        (
            "conversions",
            "POST",
            "/api/v4/convert/history",
            {"from": "1700000000", "to": "1700003600", "offset": 0, "limit": 100},
        ),
        ("sub_accounts", "POST", "/api/v4/sub-account/list", {"offset": 0, "limit": 100}),
        (
            "sub_transfers",
            "POST",
            "/api/v4/sub-account/transfer/history",
            {"id": "8e667b4a", "offset": 0, "limit": 100},
        ),
        (
            "fixed_lending",
            "POST",
            "/api/v4/main-account/smart/investments",
            {"offset": 0, "limit": 100},
        ),
        (
            "interest",
            "POST",
            "/api/v4/main-account/smart/interest-payment-history",
            {"offset": 0, "limit": 100},
        ),
        (
            "flexible_lending",
            "POST",
            "/api/v4/main-account/smart-flex/investments/history",
            {"dateFrom": 1700000000, "dateTo": 1700003600, "offset": 0, "limit": 100},
        ),
        (
            "mining",
            "POST",
            "/api/v4/mining/rewards",
            {"from": 1700000000, "to": 1700003600, "offset": 0, "limit": 100},
        ),
        (
            "funding",
            "POST",
            "/api/v4/collateral-account/funding-history",
            {"offset": 0, "limit": 100},
        ),
        (
            "positions",
            "POST",
            "/api/v4/collateral-account/positions/history",
            {"startDate": 1700000000, "endDate": 1700003600, "offset": 0, "limit": 100},
        ),
        (
            "deals_of_order",
            "POST",
            "/api/v4/trade-account/order",
            {"orderId": 1212266594338, "offset": 0, "limit": 100},
        ),
        ("markets", "GET", "/api/v4/public/markets", {}),
        ("assets", "GET", "/api/v4/public/assets", {}),
        ("server_time", "GET", "/api/v4/public/time", {}),
    ],
)
def test_golden_calls(name: str, method: str, path: str, params: dict[str, object]) -> None:
    call = CALLS[name]
    assert (call.method, call.path, call.params) == (method, path, params)


def test_every_call_can_be_named() -> None:
    """A kept answer says by its name which call it answers."""
    assert rest.ENDPOINTS.keys() == CALLS.keys()
    assert all(rest.ENDPOINTS[name] is call.endpoint for name, call in CALLS.items())


WINDOWS: dict[Callable[..., Call[rest.Page]], tuple[str, object]] = {
    rest.order_history: ("startDate", 1700000000),
    rest.deals_history: ("startDate", 1700000000),
    rest.delisted_orders: ("startDate", 1700000000),
    rest.conversions: ("from", "1700000000"),
    rest.flexible_lending: ("dateFrom", 1700000000),
    rest.mining: ("from", 1700000000),
    rest.positions: ("startDate", 1700000000),
}


@pytest.mark.parametrize("ask", WINDOWS)
def test_a_window_may_end_in_the_present(ask: Callable[..., Call[rest.Page]]) -> None:
    name, since = WINDOWS[ask]
    assert ask(1700000000, None, 0, 100).params == {name: since, "offset": 0, "limit": 100}


@pytest.mark.parametrize("ask", WINDOWS)
def test_milliseconds_are_refused(ask: Callable[..., Call[rest.Page]]) -> None:
    """Trap 32: they would be answered by an empty page."""
    with pytest.raises(AssertionError):
        ask(1700000000000, 1700003600000, 0, 100)
    with pytest.raises(AssertionError):
        ask(1700000000000, None, 0, 100)


def test_all_that_a_flexible_investment_ever_did_needs_no_dates() -> None:
    assert rest.flexible_lending(None, None, 0, 100).params == {"offset": 0, "limit": 100}


def test_transactions_can_be_narrowed_down() -> None:
    """By what never changes: a row leaves no such list (trap 24)."""
    call = rest.transactions(TransactionKind.DEPOSIT, 0, 100, ticker="BTC", address="there")
    assert call.params == {
        "transactionMethod": 1,
        "ticker": "BTC",
        "address": "there",
        "offset": 0,
        "limit": 100,
    }


def test_token() -> None:
    token = rest.websocket_token().decode(example("rest", "profile/websocket_token"), 1)
    assert token == "your_current_token"
    assert "your" not in repr(token)


@pytest.mark.parametrize("body", [b'{"websocket_token":""}', b'{"token":"secret"}', b"secret"])
def test_a_token_that_is_none_is_shown_nowhere(body: bytes) -> None:
    with pytest.raises(Unintelligible) as caught:
        rest.websocket_token().decode(body, 1)
    assert "secret" not in f"{caught.value!r} {caught.value} {caught.value.excerpt}"


def test_server_time_in_microseconds() -> None:
    assert rest.server_time().decode(example("rest", "public/time"), 1) == 1631451591000000


@pytest.mark.parametrize("call", [rest.order_history(0, 1, 0, 100), rest.deals_history(0, 1, 0, 1)])
@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"BTC_USDT":[]}'])
def test_an_empty_history(call: Call[rest.Page], body: bytes) -> None:
    """Trap 29: a map that is empty is written as a list."""
    page = call.decode(body, 1)
    assert (page.count, page.facts) == (0, ())


def test_a_page_is_all_its_markets() -> None:
    """Trap 28: its length is the sum over the markets; what can't be read counts too."""
    [record] = json.loads(example("rest", "trade-account/order/history"))["BTC_USDT"]
    body = {"A_B": [record, {**record, "id": 2}], "C_D": [{**record, "side": "up"}, 7]}
    page = rest.order_history(0, 1, 0, 4).decode(json.dumps(body).encode(), 1)
    assert page.count == 4
    assert [type(fact) for fact in page.facts] == [Order, Order, Unreadable, Unreadable]
    assert [fact.market for fact in page.facts if isinstance(fact, Order)] == ["A_B", "A_B"]


def test_deals_of_one_market_are_a_list() -> None:
    record = (
        b'[{"id":"3","time":1.5,"side":"buy","role":"1","price":"2","amount":"3","deal":"6",'
        b'"fee":"0","orderId":"4"}]'
    )
    [deal] = rest.deals_history(0, 1, 0, 1, market="A_B").decode(record, 1).facts
    assert isinstance(deal, Deal)
    assert (deal.deal_id, deal.order_id, deal.market, deal.fee_asset) == (3, 4, "A_B", None)
    with pytest.raises(Unintelligible):
        rest.deals_history(0, 1, 0, 1).decode(record, 1)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "assets"])
@pytest.mark.parametrize(
    "body",
    [b"", b"7", b'{"code":0,"message":"x","errors":[]}', b"[" * 100_000, b"<html>", b"\xff"],
)
def test_an_answer_of_another_shape(name: str, body: bytes) -> None:
    """An error's object where a list is due, and worse; of a map each entry is bad by itself."""
    call = CALLS[name]
    if name in MAPS and body.startswith(b"{"):
        facts = call.decode(body, 1)
        assert isinstance(facts, tuple)
        assert any(isinstance(fact, Unreadable) for fact in facts)
    else:
        with pytest.raises(Unintelligible) as caught:
            call.decode(body, 1)
        assert caught.value.what == name


def test_an_answer_without_end() -> None:
    with pytest.raises(Unintelligible, match="longer than"):
        rest.markets().decode(b" " * (BODY_BYTES_MAX + 1), 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_an_error_where_a_list_is_due_is_no_empty_list() -> None:
    """Trap 101."""
    for name in ("transactions", "codes", "sub_transfers", "funding"):
        with pytest.raises(Unintelligible, match="neither"):
            CALLS[name].decode(b'{"total":0,"limit":50}', 1)


@given(st.sampled_from(list(CALLS)), st.binary() | json_values.map(json.dumps).map(str.encode))
def test_nothing_but_unintelligible_is_raised(name: str, body: bytes) -> None:
    with suppress(Unintelligible):
        CALLS[name].decode(body, 1)


def test_a_market_is_what_its_list_says() -> None:
    page = rest.markets().decode(example("rest", "public/markets"), 1)
    assert page.surplus == 0
    assert page.facts == (Market(name="SON_USD", base_asset="SON", quote_asset="USD", kind="spot"),)
