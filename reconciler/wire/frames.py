"""The WebSocket dialect: requests to text, and text to replies and updates.

`read` takes whatever came, never raises on it, and keeps what it can't understand.  It knows no
connection: which reply belongs to which request is the caller's to remember, by `id`, and the
result of a reply is decoded by the function that goes with the request.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from reconciler.domain.facts import Fact, Unreadable
from reconciler.domain.words import Wallet
from reconciler.wire import balances, deals, orders, updates
from reconciler.wire.numbers import Misshapen, check_nesting, excerpt
from reconciler.wire.records import ABSENT, Builder, page, understood, unreadable
from reconciler.wire.records import Page as Page
from reconciler.wire.signing import Token
from reconciler.wire.updates import Update as Update

FRAME_BYTES_MAX = 1 << 20
"""1 MiB.  The longest documented frames are pages of 100 records, under 50 KB, and a report of all
~900 assets, under 100 KB; trio-websocket's own limit for a message is the same."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask; the id comes when it is sent."""

    method: str
    params: Sequence[object]

    @property
    def asked(self) -> str:
        """The question as a `Frame` keeps it, for `wire.replay`; a token is blotted out."""
        params = ["" if isinstance(param, Token) else param for param in self.params]
        return json.dumps({"method": self.method, "params": params}, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError:
    """How the exchange refuses a request (PROTOCOL § 1.6)."""

    code: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to the request with this id."""

    id: int
    result: bytes
    """JSON, for the decoder that goes with the request."""
    error: WireError | None


def read(frame: str | bytes, received_at: int) -> Reply | Update | Unreadable:
    """What a frame says.  Never raises: what can't be understood is `Unreadable`.

    `received_at` (µs) becomes the time of balance reports, of which the exchange gives none.
    """
    text = _bytes(frame)
    if len(text) > FRAME_BYTES_MAX:
        return unreadable("websocket", f"longer than {FRAME_BYTES_MAX} bytes", text, received_at)
    try:
        return updates.quick(text, received_at)
    except (ValueError, RecursionError):
        # A documented shape can't recurse: only what stands before an unknown method can.
        return _read_carefully(text, received_at)


def encode(request: Request, id: int) -> str:
    """The frame to send.  Ids must not repeat within a connection."""
    frame = {"id": id, "method": request.method, "params": request.params}
    return json.dumps(frame, separators=(",", ":"), allow_nan=False)


# Requests.  The shapes of `params` differ from channel to channel, and an empty list means "all",
# "none" or an error (PROTOCOL § 3.0): that is known here, and to the golden frames of the tests.


def authorize(token: str) -> Request:
    """Say who we are, once per connection and before anything private."""
    return Request("authorize", [Token(token), "public"])


def ping() -> Request:
    """Keep the connection: the exchange cuts it after 60 s without a message of ours."""
    return Request("ping", [])


def query_balances(wallet: Wallet, assets: Sequence[str] = ()) -> Request:
    """Balances of the spot or collateral wallet; of all assets if none is named."""
    return Request(f"{_BALANCE_CHANNELS[wallet]}_request", [*assets])


def subscribe_balances(wallet: Wallet, assets: Sequence[str] = ()) -> Request:
    """Changes of balances; of all assets if none is named (a long list is refused, trap 17)."""
    return Request(f"{_BALANCE_CHANNELS[wallet]}_subscribe", [*assets])


def unsubscribe_balances(wallet: Wallet) -> Request:
    """End the whole channel."""
    return Request(f"{_BALANCE_CHANNELS[wallet]}_unsubscribe", [])


def query_pending_orders(market: str, offset: int, limit: int) -> Request:
    """Open orders of one market."""
    return Request("ordersPending_request", [market, offset, limit])


def subscribe_pending_orders(markets: Sequence[str]) -> Request:
    """Open orders as they come, change and end.  Replaces the list subscribed before."""
    assert markets, "an empty list may be acknowledged and mean nothing (trap 18)"
    return Request("ordersPending_subscribe", [*markets])


def unsubscribe_pending_orders() -> Request:
    """End the whole channel."""
    return Request("ordersPending_unsubscribe", [])


def query_executed_orders(market: str, types: Sequence[int], offset: int, limit: int) -> Request:
    """Finished orders of one market, of these types (the exchange's numbers)."""
    return Request(
        "ordersExecuted_request", [{"market": market, "order_types": [*types]}, offset, limit]
    )


def subscribe_executed_orders(markets: Sequence[str], filter: int = 0) -> Request:
    """Orders as they end: 0 limit and market, 1 limit, 2 market.  Replaces the list before."""
    assert markets, "an empty list may be acknowledged and mean nothing (trap 18)"
    return Request("ordersExecuted_subscribe", [[*markets], filter])


def unsubscribe_executed_orders() -> Request:
    """End the whole channel."""
    return Request("ordersExecuted_unsubscribe", [])


def query_deals(market: str, offset: int, limit: int) -> Request:
    """Our fills in one market, newest first."""
    return Request("deals_request", [market, offset, limit])


def subscribe_deals(markets: Sequence[str] = ()) -> Request:
    """Our fills; of all markets if none is named.  Replaces the list subscribed before."""
    return Request("deals_subscribe", [[*markets]])


def unsubscribe_deals() -> Request:
    """End the whole channel."""
    return Request("deals_unsubscribe", [])


# Results.


def is_acknowledged(reply: Reply) -> bool:
    """Whether the exchange confirms an authorization, a subscription or its end."""
    return reply.error is None and _decoded(reply.result) == {"status": "success"}


def is_pong(reply: Reply) -> bool:
    """Whether this answers a ping."""
    return reply.error is None and _decoded(reply.result) == "pong"


def unasked(reply: Reply, received_at: int) -> Unreadable:
    """What is kept of a reply that answers no open request."""
    reason = "answers no open request"
    return unreadable("reply", reason, b"id %d" % reply.id, received_at)


def balances_result(
    raw: bytes, wallet: Wallet, received_at: int, *, complete: bool = True
) -> tuple[Fact, ...]:
    """The answer to `query_balances`; pass `complete=False` if it named assets.

    Raises Unintelligible.
    """
    channel = _BALANCE_CHANNELS[wallet]
    with understood(channel, raw):
        facts, _ = balances.report(
            balances.by_name(raw),
            balances.spot_of if wallet is Wallet.SPOT else balances.queried_collateral_of,
            wallet=wallet,
            complete=complete,
            stream=channel,
            received_at=received_at,
        )
        return facts


def orders_page(raw: bytes, received_at: int) -> Page:
    """The answer to `query_pending_orders`.  Raises Unintelligible."""
    return _page(raw, orders.pending_of, "ordersPending", received_at)


def executed_orders_page(raw: bytes, received_at: int) -> Page:
    """The answer to `query_executed_orders`, which tells no total.  Raises Unintelligible."""
    return _page(raw, orders.executed_of, "ordersExecuted", received_at)


def deals_page(raw: bytes, received_at: int) -> Page:
    """The answer to `query_deals`, which tells no total.  Raises Unintelligible."""
    return _page(raw, deals.queried_of, "deals", received_at)


_BALANCE_CHANNELS = {Wallet.SPOT: "balanceSpot", Wallet.COLLATERAL: "balanceMargin"}


class _Frame(Struct):
    """Any frame; `method` says that it is a push, `id` that it is a reply."""

    id: int | None = None
    method: str | None = None
    params: Raw = ABSENT
    result: Raw = ABSENT
    error: Raw = ABSENT


class _Refusal(Struct):
    code: int = 0
    message: str = ""


class _Records(Struct):
    records: list[Raw]
    total: int | None = None


_FRAME = msgspec.json.Decoder(_Frame)
_REFUSAL = msgspec.json.Decoder(_Refusal | None)
_RECORDS = msgspec.json.Decoder(_Records)


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode("utf-8", "backslashreplace") if isinstance(frame, str) else frame


def _read_carefully(text: bytes, received_at: int) -> Reply | Update | Unreadable:
    stream = "websocket"
    try:
        check_nesting(text)
        text.decode()  # The decoder skips strings unread in what is kept for later.
        frame = _FRAME.decode(text)
        if frame.method is not None:
            stream = excerpt(updates.channel_of(frame.method)[:60].encode())
            return updates.careful(frame.method, frame.params, received_at)
        return _reply(frame)
    except ValueError as error:
        return unreadable(stream, error, text, received_at)


def _reply(frame: _Frame) -> Reply:
    if frame.id is None or (frame.result == ABSENT and frame.error == ABSENT):
        raise Misshapen("neither a push nor a reply")
    error = None
    if frame.error != ABSENT:
        refusal = _REFUSAL.decode(frame.error)
        if refusal is not None:
            error = WireError(code=refusal.code, message=refusal.message[:300])
    return Reply(id=frame.id, result=bytes(frame.result) or b"null", error=error)


def _page(raw: bytes, build: Builder, stream: str, received_at: int) -> Page:
    with understood(stream, raw):
        answer = _RECORDS.decode(raw)
        return page(answer.records, build, stream, received_at, answer.total)


def _decoded(result: bytes) -> object:
    try:
        value: object = msgspec.json.decode(result)
    except ValueError:
        return None
    return value
