"""What is read and written to keep results: compiled statements, and a deal's results as a row.

What they are for, and in which order they are executed, says `results`.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import (
    BindParameter,
    Dialect,
    Integer,
    bindparam,
    delete,
    func,
    literal_column,
    select,
)

from reconciler.domain.money import canonical, minus
from reconciler.ledger.results import LOTS_WAITING_MAX, Sale, State
from reconciler.store import schema
from reconciler.store.columns import Moment
from reconciler.store.statements import Change, Read, Write

_ZERO, _ONE, _MANY = (literal_column(str(number), Integer) for number in (0, 1, LOTS_WAITING_MAX))
"""Not parameters: those of a `Read` have names."""


class Statements:
    """For one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        results, ends, late, unsure = (
            schema.results,
            schema.results_ends,
            schema.late_results,
            schema.unsure_results,
        )
        deals, orders, markets, waiting = (
            schema.deals,
            schema.orders,
            schema.markets,
            schema.waiting_deals,
        )
        account: BindParameter[int] = bindparam("account")
        market: BindParameter[str] = bindparam("market")
        self.insert = Write(dialect, results)
        self.put_end = Write(dialect, ends, overwritten=["until"])
        self.put_late = Write(dialect, late)
        self.put_unsure = Write(dialect, unsure, overwritten=["reason"])
        self.end = Read(dialect, select(ends.c.until).where(ends.c.account_id == account))
        covered = schema.coverage.c
        self.covered = Read(
            dialect,
            select(covered.stream, func.max(covered.covered_until, type_=Moment))
            .where(covered.account_id == account)
            .group_by(covered.stream),
        )
        self.late = Read(
            dialect,
            select(late.c.market, func.min(late.c.since, type_=Moment))
            .where(late.c.account_id == account)
            .group_by(late.c.market)
            .order_by(late.c.market),
        )
        self.late_no_more = Change(
            dialect, delete(late).where(late.c.account_id == account, late.c.market == market)
        )
        same_deal = (
            (waiting.c.account_id == unsure.c.account_id)
            & (waiting.c.order_id == unsure.c.order_id)
            & (waiting.c.deal_id == unsure.c.deal_id)
        )
        self.unsure = Read(
            dialect,
            select(unsure, waiting.c.reason)
            .join_from(unsure, waiting, same_deal, isouter=True)
            .where(unsure.c.account_id == account),
        )
        self.unsure_no_more = Change(
            dialect,
            delete(unsure).where(
                unsure.c.account_id == account,
                unsure.c.order_id == bindparam("order"),
                unsure.c.deal_id == bindparam("deal"),
            ),
        )
        told = (
            select(
                *deals.c,
                orders.c.type,
                waiting.c.reason,
                markets.c.base_asset,
                markets.c.quote_asset,
                markets.c.kind,
            )
            .join_from(
                deals,
                orders,
                (orders.c.account_id == deals.c.account_id)
                & (orders.c.order_id == deals.c.order_id),
                isouter=True,
            )
            .join(
                waiting,
                (waiting.c.account_id == deals.c.account_id)
                & (waiting.c.order_id == deals.c.order_id)
                & (waiting.c.deal_id == deals.c.deal_id),
                isouter=True,
            )
            .join(markets, markets.c.name == deals.c.market, isouter=True)
            .where(
                deals.c.account_id == account,
                deals.c.executed_at >= bindparam("since"),
                deals.c.executed_at < bindparam("until"),
            )
            # Of a trade with oneself the purchase comes first: "buy" < "sell".
            .order_by(deals.c.executed_at, deals.c.deal_id, deals.c.side, deals.c.order_id)
        )
        self.deals = Read(dialect, told)
        self.deals_of = Read(dialect, told.where(deals.c.market == market))
        here = (results.c.account_id == account) & (results.c.market == market)
        last = select(results).where(here).order_by(results.c.number.desc())
        self.last = Read(dialect, last.limit(_ONE).offset(_ZERO))
        self.last_before = Read(
            dialect,
            last.where(results.c.executed_at < bindparam("since")).limit(_ONE).offset(_ZERO),
        )
        self.forget = Change(
            dialect, delete(results).where(here, results.c.number > bindparam("after"))
        )
        self.bought = Read(
            dialect,
            select(results.c.number, results.c.quantity, results.c.value)
            .where(here, results.c.number > bindparam("after"), results.c.sold.is_(None))
            .where(results.c.unknown_sold.is_(None))
            .order_by(results.c.number)
            .limit(_MANY)
            .offset(_ZERO),
        )


def sale_values(sales: Sequence[Sale]) -> Iterator[str | None]:
    """Sold from known purchases, then the rest."""
    known = next((sale for sale in sales if sale.fifo_cost is not None), None)
    rest = next((sale for sale in sales if sale.fifo_cost is None), None)
    if known is None:
        yield from (None,) * 6
    else:
        yield canonical(known.quantity)
        yield canonical(known.proceeds)
        for cost in (known.fifo_cost, known.average_cost):
            assert cost is not None
            yield canonical(cost)
            yield canonical(minus(known.proceeds, cost))
    yield None if rest is None else canonical(rest.quantity)
    yield None if rest is None else canonical(rest.proceeds)


def state_values(state: State) -> tuple[int, str, str, str, str]:
    return (
        state.lot.number,
        canonical(state.lot.quantity),
        canonical(state.lot.cost),
        canonical(state.held),
        canonical(state.cost),
    )
