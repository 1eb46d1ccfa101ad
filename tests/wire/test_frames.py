"""Requests byte for byte, replies, and a reader that nothing can upset."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.facts import Unreadable
from reconciler.domain.words import Wallet
from reconciler.wire import frames
from reconciler.wire.frames import FRAME_BYTES_MAX, Reply, Request, WireError
from reconciler.wire.numbers import EXCERPT_BYTES_MAX
from reconciler.wire.records import Unintelligible
from reconciler.wire.updates import Update
from tests.wire.examples import example, names, result

FILES = [
    "ws_authorize",
    "ws_balance_spot",
    "ws_balance_margin",
    "ws_orders_pending",
    "ws_orders_executed",
    "ws_deals",
    "ws_service",
]
REPLIES = [(file, name) for file in FILES for name in names(file) if "Response" in name]
PUSHES = [(file, name) for file in FILES for name in names(file) if "Update" in name]


@pytest.mark.parametrize(
    ("request_", "frame"),
    [
        (frames.authorize("tok"), '{"id":7,"method":"authorize","params":["tok","public"]}'),
        (frames.ping(), '{"id":7,"method":"ping","params":[]}'),
        (
            frames.query_balances(Wallet.SPOT),
            '{"id":7,"method":"balanceSpot_request","params":[]}',
        ),
        (
            frames.query_balances(Wallet.COLLATERAL, ["BTC", "USDT"]),
            '{"id":7,"method":"balanceMargin_request","params":["BTC","USDT"]}',
        ),
        (
            frames.subscribe_balances(Wallet.SPOT),
            '{"id":7,"method":"balanceSpot_subscribe","params":[]}',
        ),
        (
            frames.subscribe_balances(Wallet.COLLATERAL, ["BTC"]),
            '{"id":7,"method":"balanceMargin_subscribe","params":["BTC"]}',
        ),
        (
            frames.unsubscribe_balances(Wallet.COLLATERAL),
            '{"id":7,"method":"balanceMargin_unsubscribe","params":[]}',
        ),
        (
            frames.query_pending_orders("BTC_USDT", 0, 100),
            '{"id":7,"method":"ordersPending_request","params":["BTC_USDT",0,100]}',
        ),
        (
            frames.subscribe_pending_orders(["BTC_USDT", "ETH_USDT"]),
            '{"id":7,"method":"ordersPending_subscribe","params":["BTC_USDT","ETH_USDT"]}',
        ),
        (
            frames.unsubscribe_pending_orders(),
            '{"id":7,"method":"ordersPending_unsubscribe","params":[]}',
        ),
        (
            frames.query_executed_orders("BTC_USDT", [1, 2], 0, 30),
            '{"id":7,"method":"ordersExecuted_request",'
            '"params":[{"market":"BTC_USDT","order_types":[1,2]},0,30]}',
        ),
        (
            frames.subscribe_executed_orders(["BTC_USDT"]),
            '{"id":7,"method":"ordersExecuted_subscribe","params":[["BTC_USDT"],0]}',
        ),
        (
            frames.unsubscribe_executed_orders(),
            '{"id":7,"method":"ordersExecuted_unsubscribe","params":[]}',
        ),
        (
            frames.query_deals("BTC_USDT", 100, 100),
            '{"id":7,"method":"deals_request","params":["BTC_USDT",100,100]}',
        ),
        (
            frames.subscribe_deals(["BTC_USDT"]),
            '{"id":7,"method":"deals_subscribe","params":[["BTC_USDT"]]}',
        ),
        (frames.subscribe_deals(), '{"id":7,"method":"deals_subscribe","params":[[]]}'),
        (frames.unsubscribe_deals(), '{"id":7,"method":"deals_unsubscribe","params":[]}'),
    ],
)
def test_golden_requests(request_: Request, frame: str) -> None:
    """Flat, nested and empty lists differ by channel and fail in silence (traps 17 to 20)."""
    assert frames.encode(request_, 7) == frame


def test_an_empty_list_is_not_sent_where_it_may_mean_nothing() -> None:
    with pytest.raises(AssertionError):
        frames.subscribe_pending_orders([])
    with pytest.raises(AssertionError):
        frames.subscribe_executed_orders([])


def test_a_token_is_in_no_repr() -> None:
    assert "tok" not in repr(frames.authorize("tok"))


@pytest.mark.parametrize(("file", "name"), REPLIES)
def test_documented_replies(file: str, name: str) -> None:
    reply = frames.read(example(file, name), 1)
    assert isinstance(reply, Reply)
    assert reply.error is None
    assert reply.result == result(file, name)
    assert frames.is_acknowledged(reply) == (
        name.endswith(("subscribeResponse", "SubscribeResponse", "authorizeResponse"))
    )
    assert frames.is_pong(reply) == (name == "pingResponse")


@pytest.mark.parametrize(("file", "name"), PUSHES)
def test_documented_pushes(file: str, name: str) -> None:
    update = frames.read(example(file, name), 1)
    assert isinstance(update, Update)
    assert update.surplus == 0
    assert not any(isinstance(fact, Unreadable) for fact in update.facts)


@pytest.mark.parametrize(("file", "name"), [*REPLIES, *PUSHES])
def test_text_and_bytes_are_the_same(file: str, name: str) -> None:
    text = example(file, name)
    assert frames.read(text, 1) == frames.read(text.decode(), 1)


def test_a_refusal_is_an_error_and_no_acknowledgement() -> None:
    reply = frames.read(
        '{"id":3,"result":null,"error":{"code":6,"message":"require authentication"}}', 1
    )
    assert isinstance(reply, Reply)
    assert reply.error == WireError(code=6, message="require authentication")
    assert not frames.is_acknowledged(reply)


def test_a_refusal_acknowledges_nothing_whatever_its_result_says() -> None:
    reply = frames.read('{"id":3,"result":{"status":"success"},"error":{"code":2}}', 1)
    assert isinstance(reply, Reply)
    assert not frames.is_acknowledged(reply)


def test_a_reply_without_an_error_member_is_a_reply() -> None:
    reply = frames.read('{"id":3,"result":"pong"}', 1)
    assert isinstance(reply, Reply)
    assert reply.error is None
    assert frames.is_pong(reply)


def test_a_result_that_is_no_json_says_nothing() -> None:
    reply = Reply(id=1, result=b"pong", error=None)
    assert not frames.is_pong(reply)
    assert not frames.is_acknowledged(reply)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "null",
        "[]",
        "7",
        "{",
        '{"id":1}',
        '{"id":"1","result":null}',
        '{"id":1,"result":NaN,"error":null}',
        '{"id":1,"result":null,"error":"no"}',
        '{"id":null,"method":"deals_update"}',
        '{"id":null,"method":"deals_update","params":{}}x',
        '{"id":null,"method":"nobody_knows_update","params":[]}',
        '{"id":null,"method":"positionsMargin_update","params":{"total":0,"records":[]}}',
        '{"id":null,"method":7,"params":[]}',
        '{"id":null,"method":"balanceSpot_update","params":{"USDT":{}}}',
        "\ud800",
        b"\xff\xfe",
        b'{"id":1,"result":"\xff"}',
        b'{"id":1,"result":"\x00"}',
    ],
)
def test_what_has_no_meaning_is_kept(frame: str | bytes) -> None:
    fact = frames.read(frame, 7)
    match fact:
        case Unreadable():
            assert fact.received_at == 7
            assert fact.reason
        case Update():
            assert fact.facts
            assert all(isinstance(one, Unreadable) for one in fact.facts)
        case Reply():
            raise AssertionError(fact)


def test_the_channel_of_an_unknown_push_is_named() -> None:
    fact = frames.read('{"id":null,"method":"novelties_update","params":[]}', 7)
    assert isinstance(fact, Unreadable)
    assert (fact.stream, fact.reason) == (
        "novelties",
        "no channel is known to push 'novelties_update'",
    )


@pytest.mark.parametrize(
    "frame",
    [
        "x" * (FRAME_BYTES_MAX + 1),
        "[" * 10_000_000,
        '{"id":1,"result":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"id":null,"method":"deals_update","params":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"id":null,"method":"ordersPending_update","params":[1,{"stp":' + '{"a":' * 100_000,
    ],
)
def test_limits_come_before_the_work(frame: str) -> None:
    fact = frames.read(frame, 7)
    assert isinstance(fact, Unreadable)
    assert len(fact.excerpt) <= EXCERPT_BYTES_MAX


def test_digits_without_end_are_no_number() -> None:
    for number in ("1" * 500_000, "0." + "1" * 500_000, "1e999999999"):
        update = frames.read(
            f'{{"id":null,"method":"deals_update","params":[1,1,"A_B",2,"{number}","1","0"]}}', 7
        )
        assert isinstance(update, Update)
        assert isinstance(update.facts[0], Unreadable)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
methods = st.sampled_from(
    [
        "deals_update",
        "ordersPending_update",
        "otoOrdersPending_update",
        "ordersExecuted_update",
        "balanceSpot_update",
        "balanceMargin_update",
        "depth_update",
        "?",
    ]
)


@given(st.binary() | st.text())
def test_reads_anything(frame: bytes | str) -> None:
    frames.read(frame, 1)


@given(json_values | st.fixed_dictionaries({"method": methods, "params": json_values}))
def test_reads_any_json(value: object) -> None:
    """Python's `NaN` and `Infinity` among it, which are none."""
    frames.read(json.dumps(value), 1)


@given(st.sampled_from([*REPLIES, *PUSHES]), st.data())
def test_reads_damaged_frames(which: tuple[str, str], data: st.DataObject) -> None:
    frame = bytearray(example(*which))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(frame) - 1))
        end = at + data.draw(st.integers(0, 8))
        frame[at:end] = data.draw(st.binary(max_size=4))
    frames.read(bytes(frame), 1)


@given(st.sampled_from([*REPLIES, *PUSHES]), st.data())
def test_reads_frames_with_a_foreign_value_in_them(
    which: tuple[str, str], data: st.DataObject
) -> None:
    frame = json.loads(example(*which))
    holder, key = data.draw(st.sampled_from(list(places(frame))))
    holder[key] = data.draw(json_values)
    read = frames.read(json.dumps(frame), 1)
    if isinstance(read, Reply):
        for decode in (frames.orders_page, frames.executed_orders_page, frames.deals_page):
            with suppress(Unintelligible):
                decode(read.result, 1)


def places(value: object) -> list[tuple[Any, Any]]:
    """Every container and key in it."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return []
    return [(value, key) for key, _ in items] + [
        place for _, inner in items for place in places(inner)
    ]
