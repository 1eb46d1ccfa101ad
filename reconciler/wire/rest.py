"""Each REST call that we make: where, with what, and what its answer says.

A `Call` is a value; who sends it, signs it and retries it is not known here.  Ask `read_failure`
first whether an answer is a failure, then `Call.decode` for what it says.  All of them only read.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, Literal, TypeVar

import msgspec
from msgspec import Raw, Struct

from reconciler.domain.facts import Fact, Order
from reconciler.domain.words import Wallet
from reconciler.wire import balances, deals, orders
from reconciler.wire import markets as reference
from reconciler.wire.markets import Asset
from reconciler.wire.numbers import Misshapen, check_nesting, moment
from reconciler.wire.records import (
    LIST,
    Builder,
    Page,
    Unintelligible,
    mapping,
    page,
    sift,
    understood,
)
from reconciler.wire.refusals import Refused, RestError, read_failure
from reconciler.wire.signing import Token

__all__ = [
    "Asset",
    "Call",
    "Page",
    "Refused",
    "RestError",
    "Token",
    "Unintelligible",
    "active_orders",
    "assets",
    "collateral_balances",
    "collateral_totals",
    "deals_history",
    "deals_of_order",
    "main_balances",
    "markets",
    "order_by_id",
    "order_history",
    "read_failure",
    "server_time",
    "spot_balances",
    "websocket_token",
]

BODY_BYTES_MAX = 16 << 20
"""16 MiB: a page of 500 records is 121 KB, all assets or markets are below 1 MB."""

SECONDS_MAX = 10**11
"""Beyond it a time can only be in milliseconds, and the answer would be an empty page (trap 32)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call: POST ones are signed, GET ones public."""

    name: str
    method: Literal["GET", "POST"]
    path: str
    params: Mapping[str, object]
    decode: Callable[[bytes, int], T]
    """The answer's body and when it came (µs) to what it says.  Raises Unintelligible."""

    def kept(self, body: bytes) -> bytes:
        """What may be kept of the answer's body: of a token nothing."""
        return b"" if self.name == "websocket_token" else body

    @property
    def asked(self) -> str:
        """The question as a `Frame` keeps it; `wire.replay` makes the call of it again."""
        return json.dumps({"call": self.name, **self.params}, separators=(",", ":"))


def websocket_token() -> Call[Token]:
    """A token for one WebSocket session; at most ten a minute (PROTOCOL § 1.4)."""
    return _post("websocket_token", "profile/websocket_token", _token)


def spot_balances() -> Call[tuple[Fact, ...]]:
    """All spot balances that aren't zero, a complete report."""
    decode = partial(_balances, Wallet.SPOT, balances.by_name, balances.spot_of)
    return _post("spot_balances", "trade-account/balance", decode)


def main_balances() -> Call[tuple[Fact, ...]]:
    """All main balances, a complete report; this wallet has no stream."""
    decode = partial(_balances, Wallet.MAIN, balances.by_name, balances.main_of)
    return _post("main_balances", "main-account/balance", decode)


def collateral_balances() -> Call[tuple[Fact, ...]]:
    """All collateral balances with what is borrowed and available, a complete report."""
    decode = partial(_balances, Wallet.COLLATERAL, balances.in_list, balances.summed_collateral_of)
    return _post("collateral_balances", "collateral-account/balance-summary", decode)


def collateral_totals() -> Call[tuple[Fact, ...]]:
    """Collateral balances by a simpler endpoint, with totals only, a complete report."""
    decode = partial(_balances, Wallet.COLLATERAL, balances.by_name, balances.collateral_total_of)
    return _post("collateral_totals", "collateral-account/balance", decode)


def active_orders(offset: int, limit: int) -> Call[Page]:
    """Open orders of all markets, spot and collateral; `limit` up to 100."""
    decode = partial(_listed, orders.active_of)
    return _post("active_orders", "orders", decode, offset=offset, limit=limit)


def order_history(since_s: int, until_s: int | None, offset: int, limit: int) -> Call[Page]:
    """Finished orders of all markets, newest first; at most 31 days, not before six months ago.

    Without `until_s` up to the present, whatever second the exchange believes that to be.
    """
    return _post(
        "order_history",
        "trade-account/order/history",
        partial(_grouped, orders.past_of),
        **_window(since_s, until_s),
        offset=offset,
        limit=limit,
    )


def order_by_id(order_id: int) -> Call[Page]:
    """A finished order, whenever it was; an empty page if there is none."""
    decode = partial(_grouped, orders.past_of)
    return _post("order_by_id", "trade-account/order/history", decode, orderId=order_id)


def deals_history(
    since_s: int, until_s: int | None, offset: int, limit: int, market: str | None = None
) -> Call[Page]:
    """Fills of all markets, or of one, newest first; not before six months ago.

    Without `until_s` up to the present, as with `order_history`.
    """
    path = "trade-account/executed-history"
    window = _window(since_s, until_s)
    if market is None:
        decode = partial(_grouped, deals.past_of)
        return _post("deals_history", path, decode, **window, offset=offset, limit=limit)
    decode = partial(_listed, partial(deals.past_of, market=market))
    return _post("deals_history", path, decode, market=market, **window, offset=offset, limit=limit)


def deals_of_order(order: Order, offset: int, limit: int) -> Call[Page]:
    """Fills of one order, which the answer needs for market and side (trap 44)."""
    return _post(
        "deals_of_order",
        "trade-account/order",
        partial(_records, partial(deals.of_order_of, order=order)),
        orderId=order.order_id,
        offset=offset,
        limit=limit,
    )


def markets() -> Call[Page]:
    """All markets that can be traded now; a delisted one is missing."""
    return _get("markets", "public/markets", partial(_listed, reference.market_of))


def assets() -> Call[tuple[Asset, ...]]:
    """All assets, with the decimal places of their amounts."""
    return _get("assets", "public/assets", _assets)


def server_time() -> Call[int]:
    """The server's clock in µs, of which it tells whole seconds."""
    return _get("server_time", "public/time", _server_time)


_Decode = Callable[[str, bytes, int], T]
"""The name of the call, the body and when it came, to what it says; raises ValueError."""


def _post(name: str, path: str, decode: _Decode[T], **params: object) -> Call[T]:
    return _call(name, "POST", path, decode, params)


def _get(name: str, path: str, decode: _Decode[T]) -> Call[T]:
    return _call(name, "GET", path, decode, {})


def _call(
    name: str,
    method: Literal["GET", "POST"],
    path: str,
    decode: _Decode[T],
    params: Mapping[str, object],
) -> Call[T]:
    return Call(
        name=name,
        method=method,
        path=f"/api/v4/{path}",
        params=params,
        decode=partial(_understood, name, decode),
    )


def _understood(name: str, decode: _Decode[T], body: bytes, received_at: int) -> T:
    # Whatever a token's answer is, no excerpt of it goes anywhere.
    with understood(name, b"" if decode is _token else body):
        if len(body) > BODY_BYTES_MAX:
            raise Misshapen(f"longer than {BODY_BYTES_MAX} bytes")
        check_nesting(body)
        return decode(name, body, received_at)


def _window(since_s: int, until_s: int | None) -> dict[str, int]:
    end = {} if until_s is None else {"endDate": until_s}
    assert 0 <= since_s <= end.get("endDate", since_s) < SECONDS_MAX, "seconds, not milliseconds"
    return {"startDate": since_s, **end}


class _Token(Struct):
    websocket_token: str


class _Records(Struct):
    records: list[Raw]
    total: int | None = None


_TOKEN = msgspec.json.Decoder(_Token)
_RECORDS = msgspec.json.Decoder(_Records)
_TIME = msgspec.json.Decoder(reference.ServerTime)


def _token(_: str, body: bytes, __: int) -> Token:
    token = Token(_TOKEN.decode(body).websocket_token)
    if not token:
        # The server drops the connection without a word if it is sent an empty one (trap 11).
        raise Misshapen("an empty token")
    return token


def _balances(
    wallet: Wallet,
    entries: Callable[[bytes], list[balances.Spelled]],
    build: balances.Builder,
    name: str,
    body: bytes,
    received_at: int,
) -> tuple[Fact, ...]:
    facts, _ = balances.report(
        entries(body),
        build,
        wallet=wallet,
        complete=True,
        stream=name,
        received_at=received_at,
    )
    return facts


def _listed(build: Builder, name: str, body: bytes, received_at: int) -> Page:
    return page(LIST.decode(body), build, name, received_at)


def _records(build: Builder, name: str, body: bytes, received_at: int) -> Page:
    answer = _RECORDS.decode(body)
    return page(answer.records, build, name, received_at, answer.total)


def _grouped(
    build: Callable[..., tuple[Fact, int]], name: str, body: bytes, received_at: int
) -> Page:
    """Lists by market, together one page (trap 28)."""
    facts: list[Fact] = []
    surplus = 0
    for market, records in mapping(body).items():
        of_market: Builder = partial(build, market=market)
        found, extra = sift(LIST.decode(records), of_market, name, received_at)
        facts += found
        surplus += extra
    return Page(facts=tuple(facts), count=len(facts), surplus=surplus)


def _assets(_: str, body: bytes, __: int) -> tuple[Asset, ...]:
    return tuple([reference.asset_of(ticker, raw) for ticker, raw in mapping(body).items()])


def _server_time(_: str, body: bytes, __: int) -> int:
    return moment(_TIME.decode(body).time)
