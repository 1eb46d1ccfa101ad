"""What REST clients can ask and do with the main wallet: deposits, withdrawals, codes, transfers.

Shapes, statuses and limits are those of PROTOCOL § 5.9, § 5.10 and § 5.15; most of these calls are
answered with 201, reads among them.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid, title
from reconciler.simulator.dialect import Row
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import ASSET_NAMES, WITHDRAWAL_FEES
from reconciler.simulator.numbers import SHOWN_DECIMALS, ZERO, cut, text
from reconciler.simulator.papers import CodeUse
from reconciler.simulator.reads import Read
from reconciler.simulator.records import Wallet
from reconciler.simulator.rules import Refused
from reconciler.simulator.transactions import Transaction

SECOND = 1_000_000

HISTORY_MAX, CODES_MAX = 500, 100
"""Records per page."""

REACH_MAX = 10_000
"""Offset and limit together."""

ADDRESSES_MAX = 20

_METHODS = {
    "deposit": (Wallet.MAIN, Wallet.SPOT),
    "withdraw": (Wallet.SPOT, Wallet.MAIN),
    "collateral-deposit": (Wallet.MAIN, Wallet.COLLATERAL),
    "collateral-withdraw": (Wallet.COLLATERAL, Wallet.MAIN),
}
"""The older way to name the two wallets of a transfer (main_api_v4.yaml)."""


def transfer(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/transfer`: answers an empty list, and no history will ever show it."""
    ticker = asked.needed("ticker", exchange.engine.assets)
    amount = _amount(asked)
    if method := asked.one_of("method", _METHODS):
        origin, target = _METHODS[method]
    else:
        origin = Wallet(asked.needed("from", frozenset(Wallet)))
        target = Wallet(asked.needed("to", frozenset(Wallet)))
    if origin is target:
        raise Invalid("to", "The to and from must be different.")
    try:
        exchange.transfer(account.name, ticker, amount, origin, target)
    except Refused:
        raise Refused("transfer", "You don't have such amount for transfer.") from None
    return []


# Deposits and withdrawals


def history(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/history`, newest first; it knows no dates."""
    method = asked.integer("transactionMethod", 1, 2)
    ticker = asked.one_of("ticker", exchange.engine.assets)
    addresses = asked.texts("addresses")
    if len(addresses) > ADDRESSES_MAX:
        raise Invalid("addresses", f"The addresses may not have more than {ADDRESSES_MAX} items.")
    if address := asked.text("address"):
        addresses = [*addresses, address]
    unique_id = asked.text("unique_id") or asked.text("uniqueId")
    memo, statuses = asked.text("memo"), asked.integers("status")
    rows = [
        known
        for known in reversed(account.papers.transactions.values())
        if method in (None, known.method)
        and ticker in (None, known.asset)
        and (not addresses or known.address in addresses)
        and memo in (None, known.memo)
        and unique_id in (None, known.unique_id)
        and (not statuses or known.status in statuses)
    ]
    offset, limit = asked.reach(HISTORY_MAX, REACH_MAX, default=50)
    page = rows[offset : offset + exchange.histories.most(limit)]
    return {
        "limit": limit,
        "offset": offset,
        "records": [transaction(known) for known in page],
        "total": len(rows),
    }


def transaction(known: Transaction) -> Row:
    """One record of the history.  Ids are spelled as they were seen live, not as documented (ccxt
    issue 27658)."""
    row: Row = {
        "address": known.address,
        "uniqueId": known.unique_id,
        "transactionId": known.transaction_id,
        "createdAt": known.created_at // SECOND,
        "currency": ASSET_NAMES.get(known.asset, known.asset),
        "ticker": known.asset,
        "method": int(known.method),
        "amount": text(known.amount),
        "description": "",
        "memo": known.memo,
        "fee": text(known.fee),
        "status": known.status,
        "network": known.network,
        "transactionHash": known.transaction_hash or "",
        "details": {"partial": _partial(known)},
        "centralized": False,
    }
    if known.confirmations is not None:
        actual, required = known.confirmations
        row["confirmations"] = {"actual": actual, "required": required}
    return row


def _partial(known: Transaction) -> Row | None:
    if known.processed is None:
        return None
    amount, fee = known.processed
    return {
        "requestAmount": text(known.amount),
        "processedAmount": text(amount),
        "processedFee": text(fee),
        "normalizeTransaction": "",
    }


def _withdrawing(*, is_fee_included: bool) -> Read:
    def withdraw(exchange: Exchange, account: Account, asked: Asked) -> Any:
        ticker = asked.needed("ticker", exchange.engine.assets)
        amount, fee = _amount(asked), WITHDRAWAL_FEES.get(ticker, ZERO)
        address, unique_id = _needed(asked, "address"), _needed(asked, "uniqueId")
        if is_fee_included and amount <= fee:
            raise Invalid("amount", f"The amount must be at least {text(fee)}.")
        try:
            exchange.told(
                exchange.engine.treasury.request_withdrawal(
                    account.name,
                    ticker,
                    amount,
                    fee=fee,
                    is_fee_included=is_fee_included,
                    address=address,
                    memo=asked.text("memo") or "",
                    network=asked.text("network"),
                    unique_id=unique_id,
                )
            )
        except Refused as refused:
            if refused.reason != "balance":
                raise
            name = ASSET_NAMES.get(ticker, ticker)
            left = account.wallets.available(Wallet.MAIN, ticker)
            message = f"Not enough money, {name} balance = {text(left)}"
            raise Refused("main_balance", message) from None
        return []

    return withdraw


def address(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/address`: where deposits come in."""
    ticker = asked.needed("ticker", exchange.engine.assets)
    return {
        "account": {"address": account.address(ticker), "memo": ""},
        "required": {
            "fixedFee": "0",
            "flexFee": {"maxFee": "0", "minFee": "0", "percent": "0"},
            "maxAmount": "0",
            "minAmount": "0",
        },
    }


def fees(exchange: Exchange, _: Account, __: Asked) -> Any:
    """`main-account/fee`: of withdrawals; deposits are free."""
    return [
        {
            "ticker": asset,
            "name": ASSET_NAMES.get(asset, asset),
            "can_deposit": True,
            "can_withdraw": True,
            "deposit": _fee(ZERO),
            "withdraw": _fee(WITHDRAWAL_FEES.get(asset, ZERO)),
        }
        for asset in exchange.engine.assets
    ]


def _fee(fixed: Decimal) -> Row:
    none = dict.fromkeys(("minFlex", "maxFlex", "percentFlex", "minAmount", "maxAmount"), "0")
    return {"fixed": text(fixed), **none}


# Codes


def create_code(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/codes`."""
    ticker = asked.needed("ticker", exchange.engine.assets)
    passphrase = asked.text("passphrase") or ""
    use = exchange.told(
        exchange.engine.treasury.create_code(account.name, ticker, _amount(asked), passphrase)
    )
    message = "Code was successfully created"
    return {"code": use.code, "message": message, "external_id": use.external_id}


def apply_code(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/codes/apply`, also for the account's own code: see `Treasury.apply_code`."""
    use = exchange.told(
        exchange.engine.treasury.apply_code(
            account.name, _needed(asked, "code"), asked.text("passphrase") or ""
        )
    )
    return {
        "message": "Code was successfully applied",
        "ticker": use.asset,
        "amount": text(use.amount),
        "external_id": use.external_id,
    }


def my_codes(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/codes/my`: those that the account created, without a sign."""
    created = [use for use in account.papers.code_uses if use.amount < 0]
    return _codes_page(exchange, created, asked, lambda use: text(use.amount.copy_abs()))


def code_history(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/codes/history`: created ones with a minus, applied ones with a plus."""
    return _codes_page(exchange, account.papers.code_uses, asked, _signed)


def _signed(use: CodeUse) -> str:
    return text(use.amount) if use.amount < 0 else f"+{text(use.amount)}"


def _codes_page(
    exchange: Exchange, uses: list[CodeUse], asked: Asked, amount: Callable[[CodeUse], str]
) -> Any:
    offset, limit = asked.reach(CODES_MAX, REACH_MAX, default=30)
    page = uses[::-1][offset : offset + limit]
    return {
        "total": len(uses),
        "data": [
            {
                "amount": amount(use),
                "code": use.code,
                "date": use.used_at // SECOND,
                "status": "Activated" if exchange.engine.treasury.is_applied(use.code) else "New",
                "ticker": use.asset,
                "external_id": use.external_id,
            }
            for use in page
        ],
        "limit": limit,
        "offset": offset,
    }


# Parameters


def _amount(asked: Asked) -> Decimal:
    amount = asked.amount("amount")
    if not amount or cut(amount, SHOWN_DECIMALS) != amount:
        raise Invalid("amount", "The amount format is invalid.")
    return amount


def _needed(asked: Asked, name: str) -> str:
    value = asked.text(name)
    if not value:
        raise Invalid(name, f"{title(name)} field is required.")
    return value


MAIN_CALLS: dict[str, Read] = {
    "/api/v4/main-account/transfer": transfer,
    "/api/v4/main-account/history": history,
    "/api/v4/main-account/withdraw": _withdrawing(is_fee_included=True),
    "/api/v4/main-account/withdraw-pay": _withdrawing(is_fee_included=False),
    "/api/v4/main-account/address": address,
    "/api/v4/main-account/fee": fees,
    "/api/v4/main-account/codes": create_code,
    "/api/v4/main-account/codes/apply": apply_code,
    "/api/v4/main-account/codes/my": my_codes,
    "/api/v4/main-account/codes/history": code_history,
}

MAIN_CREATED = MAIN_CALLS.keys() - {"/api/v4/main-account/address", "/api/v4/main-account/fee"}
"""Answered with 201."""
