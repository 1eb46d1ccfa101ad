"""What REST clients can ask about lending and mining (PROTOCOL § 5.13).

Lending answers business accounts only; anybody else gets 403, whatever was lent.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked
from reconciler.simulator.dialect import Row
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import minus, text
from reconciler.simulator.papers import Action, Investment, LendingRow, MiningReward
from reconciler.simulator.reads import Read
from reconciler.simulator.rules import Refused

T = TypeVar("T")

SECOND = 1_000_000
OFFSET_MAX = 10_000


def _for_business(call: Read) -> Read:
    def answer(exchange: Exchange, account: Account, asked: Asked) -> Any:
        if not account.is_business:
            raise Refused(
                "business",
                "You don't have permission to use this endpoint."
                " Please contact support for more details",
            )
        return call(exchange, account, asked)

    return answer


# Fixed terms


def investments(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/smart/investments`."""
    ticker, status = asked.one_of("ticker", exchange.engine.assets), asked.integer("status", 1, 2)
    wanted = asked.text("id")
    rows = [
        row
        for row in reversed(account.papers.investments.values())
        if not row.is_flexible
        and ticker in (None, row.asset)
        and status in (None, 1 if row.is_open else 2)
        and wanted in (None, row.investment_id)
    ]
    return _page(rows, asked, "records", 100, _investment)


def _investment(row: Investment) -> Row:
    return {
        "id": row.investment_id,
        "plan": {
            "id": row.plan_id,
            "ticker": row.asset,
            "status": 1,
            "percent": "5",
            "duration": 43_200,
            "interestTicker": row.asset,
            "interestRatio": "1",
            "minInvestment": "0.00000001",
            "maxInvestment": "1000000",
            "maxPossibleInvestment": "1000000",
        },
        "status": 1 if row.is_open else 2,
        "created": row.created_at // SECOND,
        "updated": row.updated_at // SECOND,
        "paymentTime": row.updated_at // SECOND,
        "amount": text(row.amount),
        "interestPaid": text(row.interest),
    }


def interest(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/smart/interest-payment-history`: rows without an id of their own."""
    ticker, plan = asked.one_of("ticker", exchange.engine.assets), asked.text("planId")
    rows = [
        row
        for row in reversed(account.papers.lending)
        if not row.is_flexible and ticker in (None, row.asset) and plan in (None, row.plan_id)
    ]
    return _page(rows, asked, "records", 100, _payment)


def _payment(row: LendingRow) -> Row:
    return {
        "planId": row.plan_id,
        "investmentId": row.investment_id,
        "amount": text(row.amount),
        "ticker": row.asset,
        "timestamp": row.created_at // SECOND,
    }


# Flexible terms


def flexible_investments(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/smart-flex/investments`."""
    ticker = asked.one_of("ticker", exchange.engine.assets)
    rows = [
        row
        for row in reversed(account.papers.investments.values())
        if row.is_flexible and ticker in (None, row.asset)
    ]
    return _page(rows, asked, "data", 50, _flexible_investment)


def _flexible_investment(row: Investment) -> Row:
    return {
        "id": row.investment_id,
        "planId": row.plan_id,
        "currency": row.asset,
        "invested": text(row.amount),
        "withAutoReinvest": True,
        "status": int(row.is_open),
        "createdAt": row.created_at // SECOND,
        "updatedAt": row.updated_at // SECOND,
    }


def flexible_history(_: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/smart-flex/investments/history`: all actions, within dates."""
    wanted = asked.integers("actionTypes")
    rows = [row for row in _flexible(account, asked) if not wanted or row.action in wanted]
    return _page(rows, asked, "data", 50, _action)


def flexible_payments(_: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/smart-flex/investments/payment-history`: the daily earnings alone."""
    rows = [row for row in _flexible(account, asked) if row.action is Action.EARN]
    return _page(rows, asked, "data", 50, _action)


def _flexible(account: Account, asked: Asked) -> list[LendingRow]:
    since, until = asked.integer("dateFrom"), asked.integer("dateTo")
    return [
        row
        for row in reversed(account.papers.lending)
        if row.is_flexible and _within(row.created_at, since, until)
    ]


def _action(row: LendingRow) -> Row:
    return {
        "createdAt": row.created_at // SECOND,
        "planId": row.plan_id,
        "investmentId": row.investment_id,
        "currency": row.asset,
        "amount": text(row.amount),
        "transaction_id": row.transaction_id,
        "actionType": int(row.action),
    }


# Mining


def mining(_: Exchange, account: Account, asked: Asked) -> Any:
    """`mining/rewards`: newest first, by the time of payout's day."""
    pool, since, until = asked.text("account"), asked.integer("from"), asked.integer("to")
    rows = [
        row
        for row in reversed(account.papers.mining)
        if pool in (None, row.pool_account) and _within(row.earned_at, since, until)
    ]
    return _page(rows, asked, "data", 30, _reward)


def _reward(row: MiningReward) -> Row:
    return {
        "miningAccountName": row.pool_account,
        "payoutDestination": "external_address" if row.is_outside else "main_balance",
        "payoutTransactionHash": None,
        "payoutAddress": None,
        "payoutTime": None if row.paid_at is None else row.paid_at // SECOND,
        "rewardCurrency": row.asset,
        "totalReward": text(row.total),
        "reward": text(row.reward),
        "fee": text(minus(row.total, row.reward)),
        "fppsRate": "0",
        "hashRate": "100",
        "date": row.earned_at // SECOND,
        "status": row.status,
    }


def _within(moment: int, since_s: int | None, until_s: int | None) -> bool:
    second = moment // SECOND
    return (since_s is None or second >= since_s) and (until_s is None or second <= until_s)


def _page(
    rows: Sequence[T], asked: Asked, name: str, default: int, spell: Callable[[T], Row]
) -> Any:
    offset, limit = asked.page(100, OFFSET_MAX, default=default)
    page = rows[offset : offset + limit]
    return {"offset": offset, "limit": limit, name: [spell(row) for row in page]}


_FLEX = "/api/v4/main-account/smart-flex/investments"

LENDING_CALLS: dict[str, Read] = {
    "/api/v4/main-account/smart/investments": _for_business(investments),
    "/api/v4/main-account/smart/interest-payment-history": _for_business(interest),
    _FLEX: _for_business(flexible_investments),
    f"{_FLEX}/history": _for_business(flexible_history),
    f"{_FLEX}/payment-history": _for_business(flexible_payments),
    "/api/v4/mining/rewards": mining,
}
