"""The calls about money that moved without an order (PROTOCOL §§ 5.9 – 5.13).

Asked for as `wire.rest`.  Every list is newest first.  Times are whole seconds; a window without
`until_s` ends in the present.
"""

from functools import partial
from typing import Any

from reconciler.domain.words import TransactionKind
from reconciler.wire import earnings, transfers
from reconciler.wire import positions as derivatives
from reconciler.wire import transactions as outside
from reconciler.wire.call import Body, Call, Endpoint, either, enclosed, listed, rows, window
from reconciler.wire.cleansing import without_codes
from reconciler.wire.identity import told_apart
from reconciler.wire.records import Page


def _transactions(answer: Body) -> Page:
    return enclosed(partial(outside.transaction_of, seen_at=answer.received_at), answer)


_TRANSACTIONS = Endpoint("transactions", "main-account/history", _transactions)


def transactions(
    kind: TransactionKind,
    offset: int,
    limit: int,
    *,
    ticker: str | None = None,
    address: str | None = None,
) -> Call[Page]:
    """Deposits or withdrawals; `limit` up to 500, and offset and limit together up to 10000.

    By their status they could be asked for too, but rows would leave such a list (trap 24).
    """
    only = {"ticker": ticker, "address": address}
    return _TRANSACTIONS.call(
        transactionMethod=outside.METHODS[kind],
        **{name: value for name, value in only.items() if value is not None},
        offset=offset,
        limit=limit,
    )


_CODES = Endpoint(
    "codes",
    "main-account/codes/history",
    partial(enclosed, transfers.code_of),
    cleanse=without_codes,
)


def codes(offset: int, limit: int) -> Call[Page]:
    """Codes created and applied; `limit` up to 100, offset and limit together up to 10000."""
    return _CODES.call(offset=offset, limit=limit)


_CONVERSIONS = Endpoint(
    "conversions", "convert/history", partial(enclosed, transfers.conversion_of)
)


def conversions(since_s: int, until_s: int | None, offset: int, limit: int) -> Call[Page]:
    """Conversions in at most 30 days, not before six months ago; `limit` up to 100."""
    within = window("from", since_s, "to", until_s)
    as_text = {name: str(second) for name, second in within.items()}
    return _CONVERSIONS.call(**as_text, offset=offset, limit=limit)


def _sub_accounts(answer: Body) -> tuple[str, ...]:
    return tuple([transfers.sub_account_of(row) for row in rows(answer)])


_SUB_ACCOUNTS = Endpoint("sub_accounts", "sub-account/list", _sub_accounts)


def sub_accounts(offset: int, limit: int) -> Call[tuple[str, ...]]:
    """The ids of the account's sub-accounts; `limit` up to 100."""
    return _SUB_ACCOUNTS.call(offset=offset, limit=limit)


def _sub_transfers(answer: Body) -> Page:
    build = partial(transfers.sub_transfer_of, sub_account=answer.said("id"))
    return either(build, answer)


_SUB_TRANSFERS = Endpoint("sub_transfers", "sub-account/transfer/history", _sub_transfers)


def sub_transfers(sub_account: str, offset: int, limit: int) -> Call[Page]:
    """Transfers to and from one sub-account, which itself can't see them (trap 90); `limit` up to
    100, offset and limit together up to 10000."""
    return _SUB_TRANSFERS.call(id=sub_account, offset=offset, limit=limit)


_FIXED_LENDING = Endpoint(
    "fixed_lending", "main-account/smart/investments", partial(enclosed, earnings.investment_of)
)


def fixed_lending(offset: int, limit: int) -> Call[Page]:
    """Investments for a fixed term, open and closed; `limit` up to 100.

    A row changes when its investment is closed, and stays where it was in the list.
    """
    return _FIXED_LENDING.call(offset=offset, limit=limit)


_INTEREST = Endpoint(
    "interest",
    "main-account/smart/interest-payment-history",
    partial(enclosed, earnings.interest_of),
)


def interest(offset: int, limit: int) -> Call[Page]:
    """Interest paid for investments of a fixed term; `limit` up to 100."""
    return _INTEREST.call(offset=offset, limit=limit)


_FLEXIBLE_LENDING = Endpoint(
    "flexible_lending",
    "main-account/smart-flex/investments/history",
    partial(enclosed, earnings.flexible_of),
)


def flexible_lending(
    since_s: int | None, until_s: int | None, offset: int, limit: int
) -> Call[Page]:
    """What happened to flexible investments, their earnings too; `limit` up to 100.

    Without `since_s` from the beginning.
    """
    within = {} if since_s is None else window("dateFrom", since_s, "dateTo", until_s)
    return _FLEXIBLE_LENDING.call(**within, offset=offset, limit=limit)


_MINING = Endpoint("mining", "mining/rewards", partial(enclosed, earnings.reward_of))


def mining(since_s: int, until_s: int | None, offset: int, limit: int) -> Call[Page]:
    """Payouts of the mining pool; `limit` up to 100, offset up to 10000."""
    return _MINING.call(**window("from", since_s, "to", until_s), offset=offset, limit=limit)


def _funding(answer: Body) -> Page:
    return told_apart(enclosed(derivatives.funding_of, answer))


_FUNDING = Endpoint("funding", "collateral-account/funding-history", _funding)


def funding(offset: int, limit: int) -> Call[Page]:
    """Funding paid and received; `limit` up to 100.

    That it takes dates stands in older documents only (PROTOCOL § 5.13), so none are sent.
    """
    return _FUNDING.call(offset=offset, limit=limit)


def _positions(answer: Body) -> Page:
    return told_apart(listed(derivatives.position_of, answer))


_POSITIONS = Endpoint("positions", "collateral-account/positions/history", _positions)


def positions(since_s: int, until_s: int | None, offset: int, limit: int) -> Call[Page]:
    """Changes of positions; `limit` up to 100.  An `until_s` after now is refused (trap 38)."""
    within = window("startDate", since_s, "endDate", until_s)
    return _POSITIONS.call(**within, offset=offset, limit=limit)


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    _TRANSACTIONS,
    _CODES,
    _CONVERSIONS,
    _SUB_ACCOUNTS,
    _SUB_TRANSFERS,
    _FIXED_LENDING,
    _INTEREST,
    _FLEXIBLE_LENDING,
    _MINING,
    _FUNDING,
    _POSITIONS,
)
