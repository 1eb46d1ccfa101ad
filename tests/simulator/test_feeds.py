"""Laws of the feeds: whoever follows the documented rules holds what the exchange holds."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.simulator.depth import LIMITS, levels
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.feeds import Depth, Trades
from reconciler.simulator.numbers import text
from reconciler.simulator.records import Instruction, Side
from reconciler.simulator.rules import Refused
from tests.simulator.client import opened

MARKET = "BTC_USDT"

ACTS = st.tuples(
    st.sampled_from(["buy", "sell", "cancel"]),
    st.integers(95, 105),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.1, 11.0]),
)
"""What is done, at which price, how much, and the seconds until somebody looks."""


def act(exchange: Exchange, what: str, price: int, amount: int) -> None:
    account = exchange.engine.accounts["treasury"]
    if what == "cancel":
        if account.open_orders:
            exchange.cancel("treasury", MARKET, min(account.open_orders))
        return
    asked = Instruction(
        market=MARKET, side=Side(what), amount=Decimal(amount).scaleb(-1), price=Decimal(price)
    )
    try:
        exchange.place("treasury", asked)
    except Refused:
        return


class Follower:
    """Applies updates as the vendor's page tells it to."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.sides: dict[str, dict[str, str]] = {}
        self.update_id = 0

    def hear(self, method: str, params: Any) -> None:
        assert method == "depth_update"
        full, book, market = params
        assert market == MARKET
        if full:
            assert "past_update_id" not in book
            self.sides = {side: dict(book[side]) for side in ("asks", "bids")}
        else:
            assert book["past_update_id"] == self.update_id
            for side in ("asks", "bids"):
                self.sides[side].update(book.get(side, ()))
        self.update_id = book["update_id"]

    def seen(self, side: str) -> list[tuple[str, str]]:
        """Without what is gone, the best first, cut to the limit."""
        rows = [(Decimal(p), a) for p, a in self.sides[side].items() if a != "0"]
        rows.sort(reverse=side == "bids")
        return [(text(price), amount) for price, amount in rows[: self.limit]]


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, max_size=25), st.sampled_from(LIMITS[:4]), st.sampled_from(["0", "0.1"]))
def test_whoever_applies_depth_updates_holds_the_book(
    acts: list[tuple[str, int, int, float]], limit: int, interval: str
) -> None:
    exchange, follower, now_s = opened(), Follower(limit), 0.0
    feed = Depth(exchange, follower.hear, MARKET, limit, Decimal(interval))
    feed.look(now_s)
    for what, price, amount, seconds in acts:
        act(exchange, what, price, amount)
        if seconds:
            now_s += seconds
            feed.look(now_s)
    feed.look(now_s + 0.1)
    for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
        true = levels(exchange.engine.books[MARKET], side, limit, Decimal(interval))
        assert follower.seen(name) == [(text(p), text(a)) for p, a in true.items()]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(ACTS, st.booleans()), max_size=30))
def test_trades_are_told_once_each_in_the_order_of_their_ids(
    acts: list[tuple[tuple[str, int, int, float], bool]],
) -> None:
    exchange = opened()
    told: list[int] = []

    def tell(_: str, params: Any) -> None:
        told.extend(trade["id"] for trade in reversed(params[1]))

    feed = Trades(exchange, tell, None)
    feed.look(0)
    for (what, price, amount, _), is_looked in acts:
        act(exchange, what, price, amount)
        if is_looked:
            feed.look(0)
    feed.look(0)
    deals = {deal.deal_id for deal in exchange.truth("treasury").deals}
    assert told == sorted(deals)
