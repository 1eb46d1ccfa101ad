"""Realised results: exact by both methods, and nothing is lost between the sales."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.facts import Deal, Market
from reconciler.domain.words import Side
from reconciler.ledger.results import (
    DECIMALS,
    LOTS_WAITING_MAX,
    NOTHING,
    Flow,
    Lot,
    Position,
    Sale,
    flow_of,
)
from tests.store.samples import deal

MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
UNIT = Fraction(1, 10**DECIMALS)

amounts = st.decimals("0.00000001", "1000", places=8)
flows = st.builds(
    lambda base, quote, buys: Flow(base=base if buys else -base, quote=-quote if buys else quote),
    st.sampled_from([Decimal("0.1"), Decimal("0.3"), Decimal(1)]) | amounts,
    amounts,
    st.booleans(),
)


def none_more(_: int) -> Iterable[Lot]:
    return ()


def taken(flows: Iterable[Flow]) -> tuple[Position, list[Sale]]:
    position = Position(NOTHING, none_more)
    sales = [sale for n, flow in enumerate(flows, 1) for sale in position.take(n, flow)]
    return position, sales


def flow(base: str, quote: str) -> Flow:
    return Flow(base=Decimal(base), quote=Decimal(quote))


def test_the_first_bought_is_sold_first_or_all_at_its_average() -> None:
    _, (sale,) = taken([flow("1", "-100"), flow("1", "-200"), flow("-1.5", "300")])
    assert (sale.fifo_cost, sale.average_cost) == (Decimal(200), Decimal(225))


def test_what_nobody_saw_bought_has_no_cost() -> None:
    _, sales = taken([flow("-1", "50")])
    assert sales == [
        Sale(quantity=Decimal(1), proceeds=Decimal(50), fifo_cost=None, average_cost=None)
    ]


def test_a_sale_beyond_the_known_purchases_is_told_in_two_parts() -> None:
    _, (known, rest) = taken([flow("1", "-100"), flow("-4", "200")])
    assert (known.quantity, known.proceeds) == (Decimal(1), Decimal(50))
    assert known.fifo_cost == Decimal(100)
    assert (rest.quantity, rest.proceeds, rest.fifo_cost) == (Decimal(3), Decimal(150), None)


def test_the_last_sale_releases_what_the_cut_ones_left() -> None:
    bought = flow("3", "-100")
    _, sales = taken([bought, flow("-1", "0"), flow("-1", "0"), flow("-1", "0")])
    third = Decimal("33.333333333333333333")
    last = Decimal("33.333333333333333334")
    assert [sale.fifo_cost for sale in sales] == [third, third, last]
    assert [sale.average_cost for sale in sales] == [third, third, last]


def test_fees_in_base_and_quote_belong_to_the_price_others_do_not() -> None:
    def of(side: Side, fee_asset: str | None, fee: str = "0.1") -> Flow:
        changes = {"amount": Decimal(2), "total": Decimal(100), "fee": Decimal(fee)}
        return flow_of(deal(1, side=side, fee_asset=fee_asset, **changes), MARKET)

    assert of(Side.BUY, "BTC") == of(Side.BUY, None) == flow("1.9", "-100")
    assert of(Side.BUY, "USDT") == flow("2", "-100.1")
    assert of(Side.SELL, "USDT") == of(Side.SELL, None) == flow("-2", "99.9")
    assert of(Side.SELL, "BTC") == flow("-2.1", "100")
    assert of(Side.BUY, "WBT") == flow("2", "-100")
    assert of(Side.SELL, "USDT", "-0.1") == flow("-2", "100.1")


def test_a_fee_that_eats_a_purchase_leaves_a_loss() -> None:
    eaten: Deal = deal(1, amount=Decimal(1), total=Decimal(10), fee=Decimal(1), fee_asset="BTC")
    position, (sale,) = taken([flow_of(eaten, MARKET)])
    assert (sale.quantity, sale.proceeds, sale.fifo_cost) == (Decimal(0), Decimal(-10), Decimal(0))
    assert position.state.held == 0


@given(flows=st.lists(flows, max_size=30))
def test_costs_of_sales_and_of_what_is_held_are_what_was_paid(flows: list[Flow]) -> None:
    position, sales = taken(flows)
    paid = sum((-flow.quote for flow in flows if flow.base > 0), Decimal(0))
    known = [sale for sale in sales if sale.fifo_cost is not None]
    average = sum((Fraction(sale.average_cost or 0) for sale in known), Fraction(0))
    assert average + Fraction(position.state.cost) == Fraction(paid)
    left = _left(flows)
    fifo = sum((Fraction(sale.fifo_cost or 0) for sale in known), Fraction(0))
    assert abs(Fraction(paid) - fifo - left) <= len(flows) * UNIT
    if not position.state.held:
        assert fifo == Fraction(paid)
        assert position.state.cost == 0


@given(flows=st.lists(flows, max_size=30))
def test_nothing_sold_is_lost(flows: list[Flow]) -> None:
    """Known and unknown parts are the sales; what is known is no more than was bought."""
    position, sales = taken(flows)
    bought = sum((flow.base for flow in flows if flow.base > 0), Decimal(0))
    sold = -sum((flow.base for flow in flows if flow.base < 0), Decimal(0))
    known = sum((sale.quantity for sale in sales if sale.fifo_cost is not None), Decimal(0))
    assert sum((sale.quantity for sale in sales), Decimal(0)) == sold
    assert known + position.state.held == bought
    assert sum((s.proceeds for s in sales), Decimal(0)) == sum(
        (flow.quote for flow in flows if flow.base < 0), Decimal(0)
    )


def _left(flows: Sequence[Flow]) -> Fraction:
    """What the lots still held cost, in fractions: first in, first out, done once more."""
    lots: list[tuple[Fraction, Fraction]] = []
    for step in flows:
        quantity = Fraction(step.base)
        if quantity > 0:
            lots.append((quantity, Fraction(-step.quote) / quantity))
            continue
        quantity = -quantity
        while quantity and lots:
            held, price = lots[0]
            part = min(held, quantity)
            quantity -= part
            lots[0] = held - part, price
            if held == part:
                lots.pop(0)
    return sum((held * price for held, price in lots), Fraction(0))


class Kept:
    """A position that is put down and taken up again, with its purchases kept elsewhere."""

    def __init__(self) -> None:
        self.bought: list[Lot] = []
        self.position = Position(NOTHING, self.more)

    def more(self, after: int) -> Iterable[Lot]:
        return [lot for lot in self.bought if lot.number > after][:LOTS_WAITING_MAX]

    def put_down(self) -> None:
        self.position = Position(self.position.state, self.more)

    def take(self, number: int, flow: Flow) -> tuple[Sale, ...]:
        sales = self.position.take(number, flow)
        if flow.base > 0:
            self.bought.append(Lot(number=number, quantity=flow.base, cost=-flow.quote))
        return sales


@given(flows=st.lists(flows, min_size=1, max_size=30), downs=st.sets(st.integers(1, 30)))
def test_a_position_goes_on_from_its_state(flows: list[Flow], downs: set[int]) -> None:
    """As one that was never put down."""
    once, sales = taken(flows)
    again, found = Kept(), list[Sale]()
    for n, flow in enumerate(flows, 1):
        if n in downs:
            again.put_down()
        found += again.take(n, flow)
    assert found == sales
    assert again.position.state == once.state


def test_more_purchases_than_memory_keeps_are_asked_for() -> None:
    many = LOTS_WAITING_MAX * 2 + 10
    flows = [*[flow("1", f"-{n}") for n in range(1, many + 1)], *[flow("-1", "0")] * many]
    kept = Kept()
    costs = [sale.fifo_cost for n, f in enumerate(flows, 1) for sale in kept.take(n, f)]
    assert costs == [Decimal(n) for n in range(1, many + 1)]
