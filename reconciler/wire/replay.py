"""Kept frames back to the facts that they told: the decoding of live answers, at any later time.

What a frame's `asked` says decides which decoder it goes to: nothing, an update's; a call, that
call's, which is made again by its name and parameters; a request, that of its reply.  An order that
we inferred ourselves, as the exchange tells nothing of it, is kept as its own evidence.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from reconciler.domain.facts import Fact, Frame, Order, Unreadable
from reconciler.domain.words import Wallet
from reconciler.wire import frames, rest
from reconciler.wire.frames import Reply
from reconciler.wire.numbers import check_nesting
from reconciler.wire.records import Page, Unintelligible, unreadable
from reconciler.wire.updates import Update


def facts_of(frame: Frame) -> tuple[Fact, ...]:
    """What `frame` tells: the very facts that were handed over when it arrived.

    Never raises: what can't be understood, or was asked in a way that isn't known, is `Unreadable`.
    """
    try:
        return _facts(frame)
    except Unintelligible as error:
        return (error.kept(frame.received_at),)
    except ValueError as error:
        reason = f"asked {frame.asked[:100]!a}: {error}"
        return (unreadable("replay", reason, frame.text, frame.received_at),)


def inferred(order: Order, at: int) -> Frame:
    """The evidence of an order's end that was concluded from silence (trap 59)."""
    return Frame(received_at=at, asked='{"own":"order"}', text=msgspec.json.encode(order))


def _facts(frame: Frame) -> tuple[Fact, ...]:
    if not frame.asked:
        return _heard(frame)
    check_nesting(frame.asked.encode())
    asked = _ASKED.decode(frame.asked)
    if "call" in asked:
        return _answered(frame, asked.pop("call"), asked)
    if "method" in asked:
        return _replied(frame, asked["method"], asked.get("params"))
    if asked == {"own": "order"}:
        check_nesting(frame.text)
        return (_ORDER.decode(frame.text),)
    raise ValueError("nobody asks like that")


def _heard(frame: Frame) -> tuple[Fact, ...]:
    match frames.read(frame.text, frame.received_at):
        case Update(facts=facts):
            return facts
        case Reply() as reply:
            return (frames.unasked(reply, frame.received_at),)
        case Unreadable() as fact:
            return (fact,)


def _answered(frame: Frame, name: object, params: dict[str, object]) -> tuple[Fact, ...]:
    endpoint = rest.ENDPOINTS.get(str(name))
    if endpoint is None:
        raise ValueError("no such call")
    if endpoint.is_secret:
        return ()
    call: rest.Call[object] = rest.Call(endpoint=endpoint, params=params)
    told = call.decode(frame.text, frame.received_at)
    match told:
        case Page(facts=facts):
            return facts
        case tuple():
            return tuple([fact for fact in told if isinstance(fact, Fact)])
    return ()


def _replied(frame: Frame, method: object, params: object) -> tuple[Fact, ...]:
    reply = frames.read(frame.text, frame.received_at)
    if not isinstance(reply, Reply):
        return _heard(frame)
    if reply.error is not None:
        return ()
    read = _REPLIES.get(str(method))
    if read is None:
        raise ValueError("no such request")
    return read(params, reply.result, frame.received_at)


def _balances(wallet: Wallet, params: object, result: bytes, received_at: int) -> tuple[Fact, ...]:
    return frames.balances_result(result, wallet, received_at, complete=not params)


def _page(
    read: Callable[[bytes, int], Page], _: object, result: bytes, received_at: int
) -> tuple[Fact, ...]:
    return read(result, received_at).facts


_REPLIES: dict[str, Callable[[object, bytes, int], tuple[Fact, ...]]] = {
    "balanceSpot_request": partial(_balances, Wallet.SPOT),
    "balanceMargin_request": partial(_balances, Wallet.COLLATERAL),
    "ordersPending_request": partial(_page, frames.orders_page),
    "ordersExecuted_request": partial(_page, frames.executed_orders_page),
    "deals_request": partial(_page, frames.deals_page),
}
"""Those whose replies tell facts; others are not kept."""

_ASKED = msgspec.json.Decoder(dict[str, object])
_ORDER = msgspec.json.Decoder(Order)
