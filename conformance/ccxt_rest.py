"""ccxt over REST: what a program with ccxt does in a day, public and private."""

import time
from collections.abc import Iterator
from typing import Any

import ccxt

from conformance.checks import Check, Setting, same

SYMBOL = "BTC/USDT"


def client(setting: Setting, kind: type[Any] = ccxt.whitebit) -> Any:
    """The class as it comes, with another address in it."""
    exchange = kind({"apiKey": setting.key, "secret": setting.secret, "enableRateLimit": False})
    exchange.urls["api"] = redirected(exchange.urls["api"], setting)
    return exchange


def redirected(urls: Any, setting: Setting) -> Any:
    """The same tree of addresses, at our host."""
    if isinstance(urls, dict):
        return {name: redirected(url, setting) for name, url in urls.items()}
    if urls.startswith("ws"):
        return setting.ws_url
    return urls.replace("https://whitebit.com", setting.rest_url)


def _markets(x: Any, _: Setting) -> None:
    markets = x.load_markets()
    assert SYMBOL in markets
    assert markets[SYMBOL]["precision"] == {"amount": 1e-06, "price": 0.01} | {
        name: value
        for name, value in markets[SYMBOL]["precision"].items()
        if name not in ("amount", "price")
    }


def _ticker(x: Any, _: Setting) -> None:
    ticker = x.fetch_ticker(SYMBOL)
    assert ticker["bid"] < ticker["ask"]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]


def _order_book(x: Any, _: Setting) -> None:
    book = x.fetch_order_book(SYMBOL, 5)
    assert 0 < len(book["bids"]) <= 5
    assert book["bids"][0][0] < book["asks"][0][0]


def _trades(x: Any, setting: Setting) -> None:
    made = setting.fill()
    trades = x.fetch_trades(SYMBOL)
    assert str(made["deal_id"]) in {trade["id"] for trade in trades}


def _candles(x: Any, setting: Setting) -> None:
    setting.fill()
    rows = x.fetch_ohlcv(SYMBOL, "1m")
    _, first, high, low, last, volume = rows[-1]
    assert low <= min(first, last) <= max(first, last) <= high
    assert volume > 0


def _balance(kind: str) -> Any:
    """Of one wallet, against the truth while nothing moves."""

    def check(x: Any, setting: Setting) -> None:
        asked = {"type": "swap"} if kind == "collateral" else {"account": kind}
        setting.control("/pause")
        told = x.fetch_balance(asked)
        true = setting.truth()["balances"].get(kind, {})
        for asset in ("BTC", "USDT"):
            if asset in true:
                total = sum(float(part) for part in true[asset].values())
                assert abs(told[asset]["total"] - total) < 1e-7
        setting.control("/resume")

    return check


def _limit(x: Any, setting: Setting) -> None:
    order = x.create_order(SYMBOL, "limit", "buy", 0.001, 50000.0)
    same(order["status"], "open")
    same(order["price"], 50000.0)
    fetched = x.fetch_open_orders(SYMBOL)
    assert order["id"] in {one["id"] for one in fetched}
    edited = x.edit_order(order["id"], SYMBOL, "limit", "buy", 0.002, 50000.0)
    assert edited["id"] != order["id"]
    x.cancel_order(edited["id"], SYMBOL)
    assert edited["id"] not in {one["id"] for one in x.fetch_open_orders(SYMBOL)}


def _market_buy(x: Any, _: Setting) -> None:
    order = x.create_market_buy_order_with_cost(SYMBOL, 100)
    assert order["id"]
    trades = x.fetch_order_trades(order["id"], SYMBOL)
    assert trades
    assert sum(trade["cost"] for trade in trades) <= 100


def _market_sell(x: Any, _: Setting) -> None:
    order = x.create_order(SYMBOL, "market", "sell", 0.001)
    same(sum(trade["amount"] for trade in x.fetch_order_trades(order["id"], SYMBOL)), 0.001)


def _stop(kind: str) -> Any:
    def check(x: Any, _: Setting) -> None:
        price = 150000.0 if kind == "limit" else None
        amount = 0.001 if kind == "limit" else 200
        order = x.create_order(SYMBOL, kind, "buy", amount, price, {"triggerPrice": 149000})
        assert order["id"]
        x.cancel_order(order["id"], SYMBOL)

    return check


def _cancel_all(x: Any, _: Setting) -> None:
    x.create_order(SYMBOL, "limit", "buy", 0.001, 40000.0)
    x.cancel_all_orders(SYMBOL)
    same([one for one in x.fetch_open_orders(SYMBOL) if one["price"] == 40000.0], [])


def _closed(x: Any, setting: Setting) -> None:
    made = setting.fill()
    # By default ccxt asks for what is finished since always.
    closed = x.fetch_closed_orders(SYMBOL, limit=100)
    assert str(made["order_id"]) in {order["id"] for order in closed}


def _my_trades(x: Any, setting: Setting) -> None:
    made = setting.fill()
    [ours] = [t for t in x.fetch_my_trades(SYMBOL) if t["id"] == str(made["deal_id"])]
    same((ours["amount"], ours["price"], ours["side"]), (0.01, 100000.0, "buy"))
    same((ours["fee"]["cost"], ours["takerOrMaker"]), (float(made["fee"]), "taker"))
    same(ours["order"], str(made["order_id"]))


def _transfer(x: Any, setting: Setting) -> None:
    before = len(setting.truth()["movements"])
    x.transfer("USDT", 10, "spot", "main")
    assert len(setting.truth()["movements"]) > before
    x.transfer("USDT", 10, "main", "spot")


def _deposits(x: Any, setting: Setting) -> None:
    setting.control("/deposit", account=setting.account, asset="USDT", amount="77")
    assert 77.0 in {row["amount"] for row in x.fetch_deposits("USDT")}


def _withdrawals(x: Any, setting: Setting) -> None:
    setting.control("/deposit", account=setting.account, asset="USDT", amount="100")
    setting.control("/withdraw", account=setting.account, asset="USDT", amount="55")
    assert 55.0 in {row["amount"] for row in x.fetch_withdrawals("USDT")}


def _withdraw(x: Any, setting: Setting) -> None:
    setting.control("/deposit", account=setting.account, asset="USDT", amount="500")
    assert x.withdraw("USDT", 50, "TQ5hMTCxJ4yzsUXuaE2gmpcnWpLJ3rVdXq", params={"network": "TRC20"})


def _convert(x: Any, _: Setting) -> None:
    quote = x.fetch_convert_quote("USDT", "BTC", 100)
    x.create_convert_trade(quote["id"], "USDT", "BTC", 100)
    assert x.fetch_convert_trade_history()


def _refusal(x: Any, _: Setting) -> None:
    try:
        x.create_order(SYMBOL, "limit", "buy", 1000, 99000.0)
    except ccxt.InsufficientFunds:
        return
    raise AssertionError("not refused")


def _unauthorized(x: Any, setting: Setting) -> None:
    stranger = client(setting)
    stranger.secret = "wrong"
    try:
        stranger.fetch_balance()
    except ccxt.AuthenticationError:
        return
    raise AssertionError("not refused")


def _throttled(x: Any, setting: Setting) -> None:
    rule = {"point": "request", "act": "rate-limited", "name": "/api/v4/trade-account/balance"}
    setting.control("/faults", **rule)
    try:
        x.fetch_balance({"type": "spot"})
    except ccxt.NetworkError:
        return
    raise AssertionError("not taken for a limit")


def _maintenance(x: Any, setting: Setting) -> None:
    rule = {"point": "request", "act": "maintenance", "name": "/api/v4/trade-account/balance"}
    setting.control("/faults", **rule)
    try:
        x.fetch_balance({"type": "spot"})
    except ccxt.NetworkError:
        return
    raise AssertionError("not taken for an outage")


def checks() -> Iterator[Check]:
    """In the order in which they run."""
    for call, run in (
        ("fetchMarkets, loadMarkets", _markets),
        ("fetchCurrencies", lambda x, _: same("BTC" in x.fetch_currencies(), True)),
        ("fetchTime", lambda x, _: same(abs(x.fetch_time() - time.time() * 1000) < 5000, True)),
        ("fetchStatus", lambda x, _: same(x.fetch_status()["status"], "ok")),
        ("fetchTicker", _ticker),
        ("fetchTickers", lambda x, _: same(SYMBOL in x.fetch_tickers(), True)),
        ("fetchOrderBook", _order_book),
        ("fetchTrades", _trades),
        ("fetchOHLCV", _candles),
        ("fetchTradingFees", lambda x, _: same(x.fetch_trading_fees()[SYMBOL]["maker"], 0.001)),
        (
            "fetchDepositWithdrawFees",
            lambda x, _: same("BTC" in x.fetch_deposit_withdraw_fees(), 1),
        ),
        ("fetchFundingRates", lambda x, _: same(isinstance(x.fetch_funding_rates(), dict), True)),
        ("fetchBalance (spot)", _balance("spot")),
        ("fetchBalance (main)", _balance("main")),
        ("fetchBalance (collateral)", _balance("collateral")),
        ("createOrder, fetchOpenOrders, editOrder, cancelOrder", _limit),
        ("createMarketBuyOrderWithCost, fetchOrderTrades", _market_buy),
        ("createOrder (market sell)", _market_sell),
        ("createOrder (stop limit)", _stop("limit")),
        ("createOrder (stop market)", _stop("market")),
        ("cancelAllOrders", _cancel_all),
        ("fetchClosedOrders", _closed),
        ("fetchMyTrades", _my_trades),
        ("transfer", _transfer),
        ("fetchDeposits", _deposits),
        ("fetchWithdrawals", _withdrawals),
        ("withdraw", _withdraw),
        ("fetchDepositAddress", lambda x, _: same(bool(x.fetch_deposit_address("BTC")), True)),
        ("fetchConvertQuote, createConvertTrade, fetchConvertTradeHistory", _convert),
        ("fetchPositions", lambda x, _: same(isinstance(x.fetch_positions(), list), True)),
        ("an order without the means is InsufficientFunds", _refusal),
        ("a wrong secret is AuthenticationError", _unauthorized),
        ("429 is a NetworkError", _throttled),
        ("a maintenance page is a NetworkError", _maintenance),
    ):
        yield Check(client="ccxt REST", call=call, run=run, known=KNOWN.get(call, ""))


KNOWN: dict[str, str] = {}
"""Calls that fail, and why."""
