"""What a master's key can ask and do about its sub-accounts (PROTOCOL § 5.12)."""

from typing import Any

from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import shown, text
from reconciler.simulator.papers import Direction
from reconciler.simulator.reads import Read
from reconciler.simulator.records import Wallet

SECOND = 1_000_000
RECORDS_MAX, OFFSET_MAX = 100, 10_000


def subs(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`sub-account/list`."""
    offset, limit = asked.page(RECORDS_MAX, OFFSET_MAX, default=30)
    known = exchange.engine.treasury.sub_accounts(account.name)
    return {
        "offset": offset,
        "limit": limit,
        "data": [
            {
                "id": sub.sub_id,
                "alias": sub.name,
                "userId": f"u-{sub.sub_id[:8]}",
                "email": f"{sub.name[:1]}***@example.com",
                "status": "active",
                "color": "#FF5733",
                "kyc": {"shareKyc": False, "kycStatus": "verified"},
                "permissions": {"spotEnabled": True, "collateralEnabled": True},
            }
            for sub in known[offset : offset + limit]
        ],
    }


def balances(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`sub-account/balances`: all three wallets."""
    sub = _sub(exchange, account, asked)
    ticker = asked.one_of("ticker", exchange.engine.assets)
    return {
        asset: [{wallet.value: shown(sub.wallets.available(wallet, asset)) for wallet in Wallet}]
        for asset in exchange.engine.assets
        if ticker in (None, asset)
    }


def transfer(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`sub-account/transfer`, between the two main wallets."""
    sub = _sub(exchange, account, asked)
    done = exchange.told(
        exchange.engine.treasury.sub_transfer(
            account.name,
            sub.sub_id,
            Direction(asked.needed("direction", frozenset(Direction))),
            asked.needed("ticker", exchange.engine.assets),
            asked.amount("amount"),
        )
    )
    return {"transaction_id": done.transaction_id}


def transfers(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`sub-account/transfer/history`, newest first."""
    sub = _sub(exchange, account, asked)
    direction = asked.one_of("direction", frozenset(Direction))
    offset, limit = asked.reach(RECORDS_MAX, OFFSET_MAX, default=100)
    rows = [
        row
        for row in reversed(account.papers.sub_transfers)
        if row.sub_id == sub.sub_id and direction in (None, row.direction)
    ]
    return {
        "offset": offset,
        "limit": limit,
        "data": [
            {
                "transaction_id": row.transaction_id,
                "id": row.transaction_id,
                "direction": row.direction.value,
                "currency": row.asset,
                "amount": text(row.amount),
                "createdAt": row.moved_at // SECOND,
            }
            for row in rows[offset : offset + limit]
        ],
    }


def _sub(exchange: Exchange, account: Account, asked: Asked) -> Account:
    wanted = asked.text("id")
    for sub in exchange.engine.treasury.sub_accounts(account.name):
        if sub.sub_id == wanted:
            return sub
    raise Invalid("id", "The selected id is invalid.")


SUB_CALLS: dict[str, Read] = {
    "/api/v4/sub-account/list": subs,
    "/api/v4/sub-account/balances": balances,
    "/api/v4/sub-account/transfer": transfer,
    "/api/v4/sub-account/transfer/history": transfers,
}
