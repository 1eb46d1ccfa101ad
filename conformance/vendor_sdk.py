"""The vendor's own Python SDK, signing with keys by the transport that it brings along.

It checks what it gets against its own types, so that a call that returns has a shape that the
vendor's generator would accept.
"""

from collections.abc import Iterator
from typing import Any

import httpx
from whitebit import WhitebitApi
from whitebit.environment import WhitebitApiEnvironment
from whitebit.hmac_transport import HmacTransport
from whitebit.types import BulkOrderItem

from conformance.checks import Check, Setting, same

MARKET = "BTC_USDT"
FILLED_IN: dict[str, Any] = {"request": "", "nonce": 0}
"""Required by the generated methods, filled in by the transport."""


def client(setting: Setting) -> Any:
    """The class as it comes, with another environment."""
    return WhitebitApi(
        environment=WhitebitApiEnvironment(
            base=setting.rest_url, production=setting.ws_url, eu=setting.ws_url
        ),
        api_key=setting.key,
        txc_payload="",
        txc_signature="",
        httpx_client=httpx.Client(transport=HmacTransport(api_secret=setting.secret)),
    )


def _limit(x: Any, _: Setting) -> None:
    terms = {"market": MARKET, "side": "buy", "amount": "0.001", "price": "50000"}
    order = x.spot_trading.create_limit_order(**terms, **FILLED_IN)
    active = x.spot_trading.get_active_orders(market=MARKET)
    assert order.order_id in {one.order_id for one in active}
    changed = x.spot_trading.modify_order(
        market=MARKET, order_id=order.order_id, price="49000", **FILLED_IN
    )
    ended = x.spot_trading.cancel_order(market=MARKET, order_id=changed.order_id, **FILLED_IN)
    same(ended.order_id, changed.order_id)


def _market(x: Any, _: Setting) -> None:
    terms = {"market": MARKET, "side": "buy", "amount": "100"}
    order = x.spot_trading.create_market_order(**terms, **FILLED_IN)
    deals = x.spot_trading.get_order_deals(order_id=order.order_id, **FILLED_IN)
    assert deals.records


def _stop(x: Any, _: Setting) -> None:
    terms = {"market": MARKET, "side": "buy", "amount": "0.001", "price": "150000"}
    order = x.spot_trading.create_stop_limit_order(**terms, activation_price="149000", **FILLED_IN)
    x.spot_trading.cancel_order(market=MARKET, order_id=order.order_id, **FILLED_IN)


def _bulk(x: Any, _: Setting) -> None:
    terms = {"market": MARKET, "side": "buy", "amount": "0.001", "price": "45000"}
    x.spot_trading.create_bulk_limit_order(
        orders=[BulkOrderItem(**terms), BulkOrderItem(**terms)], **FILLED_IN
    )
    x.spot_trading.cancel_all_orders(market=MARKET, **FILLED_IN)


FAR = {"market": "BTC_PERP", "side": "sell", "amount": "0.01", "price": "200000"}
"""A margin order that nobody meets."""


def _collateral(x: Any, origin: str, target: str) -> None:
    terms = {"ticker": "USDT", "amount": "1000", "from_": origin, "to": target}
    x.transfer.between_balances(**terms, **FILLED_IN)


def _pair(x: Any, _: Setting) -> None:
    _collateral(x, "spot", "collateral")
    made = x.collateral_trading.create_collateral_oco_order(
        **FAR, activation_price="50000", stop_limit_price="49000", **FILLED_IN
    )
    legs = {made.stop_loss.order_id, made.take_profit.order_id}
    [listed] = x.collateral_trading.get_conditional_orders(market="BTC_PERP").records
    same({listed.stop_loss.order_id, listed.take_profit.order_id}, legs)
    [older] = x.collateral_trading.get_oco_orders(market="BTC_PERP")
    same({older.stop_loss.order_id, older.take_profit.order_id}, legs)
    ended = x.collateral_trading.cancel_oco_order(market="BTC_PERP", order_id=made.id, **FILLED_IN)
    same((ended.stop_loss.status, ended.take_profit.status), ("CANCELED", "CANCELED"))
    _collateral(x, "collateral", "spot")


def _trigger(x: Any, _: Setting) -> None:
    _collateral(x, "spot", "collateral")
    made = x.collateral_trading.create_collateral_limit_order(
        **FAR, stop_loss="300000", take_profit="90000", **FILLED_IN
    )
    [listed] = x.collateral_trading.get_conditional_orders(market="BTC_PERP").records
    same((listed.id, listed.take_profit_price), (made.oto.oto_id, "90000"))
    x.collateral_trading.cancel_oto_order(market="BTC_PERP", oto_id=listed.id, **FILLED_IN)
    assert not x.collateral_trading.get_conditional_orders(market="BTC_PERP").records
    _collateral(x, "collateral", "spot")


def _history(x: Any, setting: Setting) -> None:
    made = setting.fill()
    assert str(made["order_id"]) in str(x.spot_trading.get_order_history(market=MARKET))
    assert str(made["deal_id"]) in str(x.spot_trading.get_executed_order_history(market=MARKET))


def _transfer(x: Any, _: Setting) -> None:
    for origin, target in (("spot", "main"), ("main", "spot")):
        x.transfer.between_balances(ticker="USDT", amount="5", from_=origin, to=target, **FILLED_IN)


def _deposits(x: Any, setting: Setting) -> None:
    setting.control("/deposit", account=setting.account, asset="USDT", amount="33")
    history = x.main_account.get_deposit_withdraw_history(limit=100, offset=0, **FILLED_IN)
    assert "33" in str(history)


def _kill_switch(x: Any, _: Setting) -> None:
    x.spot_trading.set_kill_switch(market=MARKET, timeout="60")
    assert x.spot_trading.get_kill_switch_status(market=MARKET) is not None
    x.spot_trading.set_kill_switch(market=MARKET, timeout=None)


def _code(x: Any, _: Setting) -> None:
    x.transfer.between_balances(ticker="USDT", amount="5", from_="spot", to="main", **FILLED_IN)
    x.codes.create_code(ticker="USDT", amount="5", **FILLED_IN)
    assert x.codes.get_my_codes(**FILLED_IN)


def _each(call: str, **params: Any) -> Any:
    """A call that needs no more than parameters, and gives something."""
    room, _, method = call.partition(".")

    def check(x: Any, _: Setting) -> None:
        assert getattr(getattr(x, room), method)(**params) is not None

    return check


READS: dict[str, dict[str, Any]] = {
    "public_api_v4.market_info": {},
    "public_api_v4.asset_status_list": {},
    "public_api_v4.market_activity": {},
    "public_api_v4.orderbook": {"market": MARKET},
    "public_api_v4.depth": {"market": MARKET},
    "public_api_v4.recent_trades": {"market": MARKET},
    "public_api_v4.fee": {},
    "public_api_v4.server_time": {},
    "public_api_v4.server_status": {},
    "public_api_v4.maintenance_status": {},
    "public_api_v4.collateral_markets_list": {},
    "public_api_v4.available_futures_markets_list": {},
    "jwt.get_web_socket_token": FILLED_IN,
    "market_fee.get_market_fee": {},
    "spot_trading.trade_account_balance": {},
    "main_account.get_main_balance": FILLED_IN,
    "collateral_trading.collateral_account_balance": {},
    "collateral_trading.collateral_account_balance_summary": {},
    "collateral_trading.get_open_positions": {},
    "collateral_trading.get_positions_history": {},
    "collateral_trading.get_funding_history": {"market": "BTC_PERP"},
}


def checks() -> Iterator[Check]:
    """In the order in which they run."""
    for call, params in READS.items():
        yield _check(call, _each(call, **params))
    for call, run in (
        ("create_limit_order, get_active_orders, modify_order, cancel_order", _limit),
        ("create_market_order, get_order_deals", _market),
        ("create_stop_limit_order", _stop),
        ("create_bulk_limit_order, cancel_all_orders", _bulk),
        ("set_kill_switch, get_kill_switch_status", _kill_switch),
        ("get_order_history, get_executed_order_history", _history),
    ):
        yield _check(f"spot_trading.{call}", run)
    pair = "create_collateral_oco_order, get_conditional_orders, get_oco_orders, cancel_oco_order"
    yield _check(f"collateral_trading.{pair}", _pair)
    trigger = "create_collateral_limit_order with stop_loss and take_profit, cancel_oto_order"
    yield _check(f"collateral_trading.{trigger}", _trigger)
    yield _check("transfer.between_balances", _transfer)
    yield _check("main_account.get_deposit_withdraw_history", _deposits)
    yield _check("codes.create_code, get_my_codes", _code)


def _check(call: str, run: Any) -> Check:
    return Check(client="whitebit-python-sdk", call=call, run=run, known=KNOWN.get(call, ""))


KNOWN: dict[str, str] = {
    "spot_trading.set_kill_switch, get_kill_switch_status": "the kill switch is not simulated",
}
"""Calls that fail, and why."""
