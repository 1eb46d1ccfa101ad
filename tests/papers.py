"""The rest of the truth: is every deposit, withdrawal and other movement of an account on record?

`reconciler.verdict` compares deals, orders and balances.  This compares, line by line, what moved
money without a deal with the simulated exchange's papers, each side spelled by itself.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from reconciler.domain.facts import Movement
from reconciler.domain.money import canonical
from reconciler.simulator.papers import Action, Direction, Papers
from reconciler.simulator.positions import Portfolio
from reconciler.simulator.records import Truth
from reconciler.simulator.transactions import Method
from reconciler.store.reads import Reads

Line: TypeAlias = tuple[object, ...]
"""What it is, who or what it belongs to, of which asset or market, how much."""

_SUCCESSES = (3, 7)


def unequal(reads: Reads, account: str, truth: Truth) -> list[str]:
    """The lines that only one side has, or one has more often."""
    known, true = Counter(_of_record(reads, account)), Counter(_of_papers(truth))
    return [
        *(f"missing: {line}" for line in (true - known).elements()),
        *(f"invented: {line}" for line in (known - true).elements()),
    ]


def _of_record(reads: Reads, account: str) -> Iterator[Line]:
    for known in reads.transactions(account):
        yield (
            str(known.kind),
            known.transaction_id,
            known.asset,
            canonical(known.amount),
            known.status == "success",
        )
    for movement in reads.movements(account):
        yield _line(movement)


def _line(known: Movement) -> Line:
    what, amount = str(known.kind), canonical(known.amount)
    match what:
        case "conversion" | "sub_transfer":
            return what, known.movement_id, known.asset, amount
        case "lending" | "interest":
            return what, known.reference, known.asset, amount
        case "funding" | "position":
            return what, known.order_id, known.market, amount
        case "delisting":
            return what, known.order_id, known.market, canonical(known.amount.copy_abs())
        case _:
            return what, None, known.asset, amount


def _of_papers(truth: Truth) -> Iterator[Line]:
    papers = truth.papers
    for known in papers.transactions.values():
        yield (
            "deposit" if known.method is Method.DEPOSIT else "withdrawal",
            known.transaction_id,
            known.asset,
            canonical(known.amount),
            known.status in _SUCCESSES,
        )
    for use in papers.code_uses:
        yield "code", None, use.asset, canonical(use.amount)
    for done in papers.conversions:
        yield (
            "conversion",
            str(done.conversion_id),
            done.given_asset,
            canonical(done.given.copy_negate()),
        )
    for moved in papers.sub_transfers:
        is_out = moved.direction is Direction.TO_SUB
        amount = moved.amount.copy_negate() if is_out else moved.amount
        yield "sub_transfer", moved.transaction_id, moved.asset, canonical(amount)
    for reward in papers.mining:
        yield "mining", None, reward.asset, canonical(reward.reward)
    for order in papers.delisted:
        if order.is_reverse:
            yield "delisting", order.order_id, order.market, canonical(order.filled_amount)
    yield from _lent(papers)
    yield from _of_positions(truth.portfolio)


def _lent(papers: Papers) -> Iterator[Line]:
    for lent in papers.investments.values():
        if not lent.is_flexible:
            yield "lending", lent.investment_id, lent.asset, canonical(lent.amount.copy_negate())
            if not lent.is_open:
                yield "lending", lent.investment_id, lent.asset, canonical(lent.amount)
    for row in papers.lending:
        what = "interest" if row.action is Action.EARN else "lending"
        amount = row.amount.copy_negate() if row.action is Action.OPEN else row.amount
        yield what, row.investment_id, row.asset, canonical(amount)


def _of_positions(portfolio: Portfolio) -> Iterator[Line]:
    for paid in portfolio.fundings:
        yield "funding", None, paid.market, canonical(paid.amount)
    for change in portfolio.changes:
        yield "position", change.order_id, change.position.market, canonical(change.realized)
