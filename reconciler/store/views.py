"""The public views by name and column: what outsiders may rely on, in both databases alike.

Amounts are exact: canonical decimal text on SQLite, NUMERIC on PostgreSQL.  Times are UTC: ISO 8601
text with microseconds and `Z` on SQLite, timestamptz on PostgreSQL.  The SQL, readable, once per
database, lies with the migration that made the view: `migrations/versions/*_sqlite.sql` and
`*_postgresql.sql`.  A test holds each view against this list.
"""

_ORDER = (
    "account",
    "order_id",
    "client_order_id",
    "market",
    "side",
    "type",
    "status",
    "price",
    "amount",
    "filled_amount",
    "filled_total",
    "remaining",
    "fee",
    "fee_asset",
    "created_at",
    "updated_at",
    "finished_at",
    "source",
)
_BALANCE = (
    "account",
    "wallet",
    "asset",
    "available",
    "frozen",
    "borrowed",
    "total",
    "observed_at",
    "source",
)

VIEWS: dict[str, tuple[str, ...]] = {
    "v_deals": (
        "account",
        "deal_id",
        "order_id",
        "market",
        "base_asset",
        "quote_asset",
        "side",
        "role",
        "price",
        "amount",
        "total",
        "fee",
        "fee_asset",
        "client_order_id",
        "executed_at",
        "source",
    ),
    "v_orders": _ORDER,
    "v_open_orders": _ORDER,
    "v_balances": _BALANCE,
    "v_balance_history": (*_BALANCE, "id"),
    "v_sessions": (
        "account",
        "session_id",
        "connected_at",
        "authorized_at",
        "live_at",
        "disconnected_at",
        "reason",
        "recovered_at",
        "recovered_deals",
    ),
    "v_coverage": ("account", "stream", "covered_from", "covered_until", "verified_at"),
    "v_transactions": (
        "account",
        "transaction_id",
        "kind",
        "asset",
        "network",
        "amount",
        "fee",
        "status",
        "created_at",
        "updated_at",
    ),
    "v_gaps": ("account", "stream", "gap_from", "gap_until", "reason", "state", "closed_at"),
    "v_quarantine": ("id", "account", "received_at", "stream", "reason", "excerpt"),
}
"""Each view's columns, in order."""
