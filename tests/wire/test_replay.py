"""A kept frame tells what it told when it came, and never less than that it can't be understood."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.facts import Fact, Frame, Unreadable
from reconciler.domain.words import VANISHED, TransactionKind, Wallet
from reconciler.wire import frames, rest
from reconciler.wire.frames import FRAME_BYTES_MAX, Reply, Request
from reconciler.wire.records import Page, Unintelligible
from reconciler.wire.replay import facts_of, inferred
from reconciler.wire.rest import Call
from reconciler.wire.updates import Update
from tests.wire.examples import example
from tests.wire.test_deals import ORDER
from tests.wire.test_frames import PUSHES
from tests.wire.test_rest import CALLS

AT = 1_700_000_000_000_001

ANSWERS: list[tuple[Call[Any], str]] = [
    (rest.spot_balances(), "trade-account/balance"),
    (rest.main_balances(), "main-account/balance"),
    (rest.collateral_balances(), "collateral-account/balance-summary"),
    (rest.collateral_totals(), "collateral-account/balance"),
    (rest.active_orders(0, 100), "orders"),
    (rest.conditional_orders(0, 100), "conditional-orders"),
    (rest.oco_orders(0, 100), "oco-orders"),
    (rest.order_history(1, 2, 0, 100), "trade-account/order/history"),
    (rest.order_by_id(4986126152), "trade-account/order/history"),
    (rest.delisted_orders(1, 2, 0, 100), "trade-account/order/history/query"),
    (rest.deals_of_order(ORDER, 0, 100), "trade-account/order"),
    (rest.transactions(TransactionKind.DEPOSIT, 0, 100), "main-account/history"),
    (rest.codes(0, 100), "main-account/codes/history"),
    (rest.conversions(1, 2, 0, 100), "convert/history"),
    (rest.sub_transfers("8e667b4a", 0, 100), "sub-account/transfer/history"),
    (rest.fixed_lending(0, 100), "main-account/smart/investments"),
    (rest.interest(0, 100), "main-account/smart/interest-payment-history"),
    (rest.flexible_lending(1, 2, 0, 100), "main-account/smart-flex/investments/history"),
    (rest.mining(1, 2, 0, 100), "mining/rewards"),
    (rest.funding(0, 100), "collateral-account/funding-history"),
    (rest.positions(1, 2, 0, 100), "collateral-account/positions/history"),
    (rest.markets(), "public/markets"),
]

DEALS = (
    b'[{"id":3,"time":1.5,"side":"buy","role":1,"price":"2","amount":"3","deal":"6","fee":"0",'
    b'"orderId":4}]'
)

Read = Callable[[bytes, int], tuple[Fact, ...]]


def paged(read: Callable[[bytes, int], Page]) -> Read:
    return lambda result, received_at: read(result, received_at).facts


REPLIES: list[tuple[Request, str, str, Read]] = [
    (
        frames.query_balances(Wallet.SPOT),
        "ws_balance_spot",
        "balanceSpotResponse",
        lambda result, at: frames.balances_result(result, Wallet.SPOT, at),
    ),
    (
        frames.query_balances(Wallet.SPOT, ["ETH", "BTC"]),
        "ws_balance_spot",
        "balanceSpotResponse",
        lambda result, at: frames.balances_result(result, Wallet.SPOT, at, complete=False),
    ),
    (
        frames.query_balances(Wallet.COLLATERAL),
        "ws_balance_margin",
        "balanceMarginResponse",
        lambda result, at: frames.balances_result(result, Wallet.COLLATERAL, at),
    ),
    (
        frames.query_pending_orders("BTC_USDT", 0, 100),
        "ws_orders_pending",
        "ordersPendingResponse",
        paged(frames.orders_page),
    ),
    (
        frames.query_executed_orders("BTC_USDT", [1, 2], 0, 100),
        "ws_orders_executed",
        "ordersExecutedResponse",
        paged(frames.executed_orders_page),
    ),
    (
        frames.query_deals("BTC_USDT", 0, 100),
        "ws_deals",
        "dealsResponse",
        paged(frames.deals_page),
    ),
]


@pytest.mark.parametrize(("call", "name"), ANSWERS, ids=[call.name for call, _ in ANSWERS])
def test_the_answer_to_a_call(call: Call[Any], name: str) -> None:
    body = example("rest", name)
    live = call.decode(body, AT)
    facts = live.facts if isinstance(live, Page) else live
    assert facts
    assert facts_of(kept(call, body)) == facts


@pytest.mark.parametrize("market", [None, "A_B"])
def test_the_shape_of_an_answer_depends_on_the_question(market: str | None) -> None:
    """Trap 30."""
    call = rest.deals_history(1, 2, 0, 100, market=market)
    body = DEALS if market else b'{"A_B":%b}' % DEALS
    assert facts_of(kept(call, body)) == call.decode(body, AT).facts != ()


@pytest.mark.parametrize("name", ["websocket_token", "assets", "server_time", "sub_accounts"])
def test_some_calls_tell_nothing_of_the_account(name: str) -> None:
    call = CALLS[name]
    path = call.path.removeprefix("/api/v4/")
    assert facts_of(kept(call, example("rest", path))) == ()


@pytest.mark.parametrize(("file", "name"), PUSHES)
def test_an_update(file: str, name: str) -> None:
    text = example(file, name)
    live = frames.read(text, AT)
    assert isinstance(live, Update)
    assert facts_of(Frame(received_at=AT, asked="", text=text)) == live.facts != ()


@pytest.mark.parametrize(
    ("request_", "file", "name", "read"), REPLIES, ids=[each[0].asked for each in REPLIES]
)
def test_the_reply_to_a_request(request_: Request, file: str, name: str, read: Read) -> None:
    text = example(file, name)
    reply = frames.read(text, AT)
    assert isinstance(reply, Reply)
    live = read(reply.result, AT)
    assert facts_of(Frame(received_at=AT, asked=request_.asked, text=text)) == live != ()


@pytest.mark.parametrize(("request_", "file", "name", "read"), REPLIES[:1])
def test_a_refused_request_tells_nothing(
    request_: Request, file: str, name: str, read: Read
) -> None:
    text = b'{"id":3,"result":null,"error":{"code":6,"message":"require authentication"}}'
    assert facts_of(Frame(received_at=AT, asked=request_.asked, text=text)) == ()


def test_a_reply_that_nobody_asked_for() -> None:
    text = example("ws_service", "pingResponse")
    reply = frames.read(text, AT)
    assert isinstance(reply, Reply)
    [fact] = facts_of(Frame(received_at=AT, asked="", text=text))
    assert fact == frames.unasked(reply, AT)
    assert (fact.stream, fact.excerpt) == ("reply", f"id {reply.id}")


def test_an_order_that_we_inferred() -> None:
    order = replace(ORDER, status=VANISHED, remaining=Decimal("1E-7"), client_order_id="ä\u2028")
    frame = inferred(order, AT)
    assert facts_of(frame) == (order,)
    assert frame.received_at == AT


def test_a_token_is_not_part_of_what_was_asked() -> None:
    assert frames.authorize("tok").asked == '{"method":"authorize","params":["","public"]}'


@pytest.mark.parametrize(
    "text", [b"", b"<html>", b'{"records":7}', b'{"data":{},"result":7}', b"[7]", b"\xff"]
)
@pytest.mark.parametrize("name", ["transactions", "codes", "order_history", "deals_of_order"])
def test_an_answer_that_can_not_be_understood_is_told_as_live(name: str, text: bytes) -> None:
    call = CALLS[name]
    with pytest.raises(Unintelligible) as caught:
        call.decode(text, AT)
    assert facts_of(kept(call, text)) == (caught.value.kept(AT),)


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"id":null,"method":"novelties_update"}'])
@pytest.mark.parametrize("asked", ["", frames.query_deals("A_B", 0, 1).asked])
def test_a_frame_that_can_not_be_understood_is_told_as_live(asked: str, text: bytes) -> None:
    assert facts_of(Frame(received_at=AT, asked=asked, text=text)) == (frames.read(text, AT),)


def test_a_frame_is_as_long_as_its_text_whatever_its_letters() -> None:
    """Else a frame could be read when it came, and not when it is read again."""
    text = '{"id":null,"method":"' + "ä" * (FRAME_BYTES_MAX // 2) + '"}'
    live = frames.read(text, AT)
    assert facts_of(Frame(received_at=AT, asked="", text=text.encode())) == (live,)


@pytest.mark.parametrize(
    "asked",
    [
        "?",
        "7",
        "[]",
        "{}",
        '{"call":"order_histories"}',
        '{"call":7}',
        '{"call":"sub_transfers"}',
        '{"call":"deals_of_order","orderId":"x","market":"A_B","side":"buy"}',
        '{"call":"deals_of_order","orderId":1,"market":"A_B","side":"up"}',
        '{"call":"orders","self":1}',
        '{"call":"active_orders","self":1}',
        '{"method":"novelties_request","params":[]}',
        '{"method":["deals_request"]}',
        '{"own":"deal"}',
        '{"own":"order"}',
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_who_asks_what_nobody_knows_is_told_so(asked: str) -> None:
    text = b'{"id":1,"result":{"records":[]},"error":null}'
    [fact] = facts_of(Frame(received_at=AT, asked=asked, text=text))
    assert isinstance(fact, Unreadable)
    assert fact.received_at == AT


json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(sorted(CALLS)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["call", "method", "params", "own", "market", "id", "result", "records"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
).map(json.dumps)


@given(json_texts | st.text(), json_texts.map(str.encode) | st.binary())
def test_nothing_is_ever_raised(asked: str, text: bytes) -> None:
    assert isinstance(facts_of(Frame(received_at=AT, asked=asked, text=text)), tuple)


def kept(call: Call[Any], body: bytes) -> Frame:
    """As it is kept when it comes."""
    return Frame(received_at=AT, asked=call.asked, text=call.kept(body))
