"""What subscriptions push, as facts.

Two ways lead to the same facts.  `quick` takes a whole frame in one pass if every part of it is as
documented, which is nearly always.  `careful` takes it apart, so that what is new is counted and
what is broken spoils only itself.
"""

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from reconciler.domain.facts import BalanceReport, Fact, Order
from reconciler.domain.words import Wallet
from reconciler.wire import balances, deals, orders
from reconciler.wire.numbers import Misshapen
from reconciler.wire.records import LIST, Documented, Form, Ignored, sift, unreadable


class Update(Struct, frozen=True, kw_only=True):
    """What one push says."""

    channel: str
    """`deals`, `ordersPending`, `ordersExecuted`, `balanceSpot`, `balanceMargin`."""
    facts: tuple[Fact, ...]
    """With an `Unreadable` for each element that can't be understood."""
    surplus: int = 0
    """Fields that the documentation doesn't know."""


def quick(frame: bytes, received_at: int) -> Update:
    """The update in a frame that is entirely as documented.  Raises ValueError for any other."""
    push: DealsPush | PendingPush | ExecutedPush | SpotPush = _PUSH.decode(frame)
    return push.update(received_at)


def careful(method: str, params: Raw, received_at: int) -> Update:
    """The update in a push of any shape.

    Raises ValueError if it has no meaning for us, or isn't a list of the elements that the channel
    has.
    """
    read = _CHANNELS.get(method)
    if read is None:
        raise Misshapen(_NOT_SUBSCRIBED.get(method, f"no channel is known to push {method[:60]!a}"))
    facts, surplus = read(params, received_at)
    return Update(channel=channel_of(method), facts=facts, surplus=surplus)


def channel_of(method: str) -> str:
    """`deals` for `deals_update`."""
    return method.removesuffix("_update")


class _Push(Documented, tag_field="method"):
    """A frame of one channel.  Its `id` is null."""

    id: None = None


class DealsPush(_Push, tag="deals_update", kw_only=True):
    """One fill of ours."""

    params: deals.PushedDeal

    def update(self, _: int) -> Update:
        return Update(channel="deals", facts=(deals.pushed(self.params),))


class PendingParams(Documented, array_like=True):
    """`[event, order]`."""

    event: int
    order: orders.StreamOrder


class PendingPush(_Push, tag="ordersPending_update", kw_only=True):
    """An order came, changed or ended."""

    params: PendingParams

    def update(self, _: int) -> Update:
        order = orders.pending(self.params.order, self.params.event)
        return Update(channel="ordersPending", facts=(order,))


class ExecutedPush(_Push, tag="ordersExecuted_update", kw_only=True):
    """Orders ended; normally one."""

    params: list[orders.StreamOrder]

    def update(self, _: int) -> Update:
        facts = tuple([orders.executed(seen) for seen in self.params])
        return Update(channel="ordersExecuted", facts=facts)


class SpotPush(_Push, tag="balanceSpot_update", kw_only=True):
    """Spot balances changed: maps by asset, normally one."""

    params: list[dict[str, balances.SpotParts]]

    def update(self, received_at: int) -> Update:
        return Update(
            channel="balanceSpot",
            facts=tuple(
                [
                    BalanceReport(
                        wallet=Wallet.SPOT,
                        balances=tuple([balances.spot(*item) for item in changed.items()]),
                        complete=False,
                        observed_at=received_at,
                    )
                    for changed in self.params
                    if changed
                ]
            ),
        )


_PUSH = msgspec.json.Decoder(DealsPush | PendingPush | ExecutedPush | SpotPush)


def _deal(params: Raw, received_at: int) -> tuple[tuple[Fact, ...], int]:
    return sift([params], deals.pushed_of, "deals", received_at)


def _pending(params: Raw, received_at: int) -> tuple[tuple[Fact, ...], int]:
    return sift([params], _pending_of, "ordersPending", received_at)


def _pending_of(params: Raw) -> tuple[Order, int]:
    event, order, *more = _pair(params)
    seen, surplus = orders.STREAM_ORDER.read(order)
    return orders.pending(seen, _EVENT.decode(event)), surplus + len(more)


def _oto(params: Raw, received_at: int) -> tuple[tuple[Fact, ...], int]:
    return sift([params], _oto_of, "otoOrdersPending", received_at)


def _oto_of(params: Raw) -> tuple[Order, int]:
    """The order that triggers the others.  The event is the group's, so it ends no order."""
    _, group, *more = _pair(params)
    seen, surplus = _GROUP.read(group)
    order, extra = orders.pending_of(seen.trigger_order)
    return order, surplus + extra + len(more)


def _executed(params: Raw, received_at: int) -> tuple[tuple[Fact, ...], int]:
    return sift(LIST.decode(params), orders.executed_of, "ordersExecuted", received_at)


def _spot(params: Raw, received_at: int) -> tuple[tuple[Fact, ...], int]:
    facts: list[Fact] = []
    surplus = 0
    for changed in LIST.decode(params):
        try:
            entries = balances.by_name(changed)
        except ValueError as error:
            facts.append(unreadable("balanceSpot", error, bytes(changed), received_at))
            continue
        found, extra = balances.report(
            entries,
            balances.spot_of,
            wallet=Wallet.SPOT,
            complete=False,
            stream="balanceSpot",
            received_at=received_at,
        )
        facts += found
        surplus += extra
    return tuple(facts), surplus


def _margin(params: Raw, received_at: int) -> tuple[tuple[Fact, ...], int]:
    return balances.report(
        balances.in_list(params),
        balances.pushed_collateral_of,
        wallet=Wallet.COLLATERAL,
        complete=False,
        stream="balanceMargin",
        received_at=received_at,
    )


class _Group(Documented, kw_only=True):
    """An order that triggers others (undocumented; as WhiteBit.Net models it, PROTOCOL § 3.3)."""

    trigger_order: Raw
    id: Ignored = None
    stop_loss_price: Ignored = None
    take_profit_price: Ignored = None
    conditional_order_type: Ignored = None


_GROUP = Form(_Group)
_EVENT = msgspec.json.Decoder(int)

_CHANNELS: dict[str, Callable[[Raw, int], tuple[tuple[Fact, ...], int]]] = {
    "deals_update": _deal,
    "ordersPending_update": _pending,
    "otoOrdersPending_update": _oto,
    "ordersExecuted_update": _executed,
    "balanceSpot_update": _spot,
    "balanceMargin_update": _margin,
}

_NOT_SUBSCRIBED = {
    f"{channel}_update": f"{channel} is not subscribed"
    for channel in (
        "positionsMargin",
        "borrowsMargin",
        "positionsAccountMargin",
        "borrowsAccountMargin",
        "depth",
        "lastprice",
        "candles",
        "market",
        "marketToday",
        "bookTicker",
        "trades",
    )
}


def _pair(params: Raw) -> list[Raw]:
    elements = LIST.decode(params)
    if len(elements) < 2:
        raise Misshapen("expected an event and an order")
    return elements
