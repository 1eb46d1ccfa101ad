"""The tables, private to the program; outsiders read the views.

Every constraint has a name, so that a migration can speak of it.  What creates and changes a
database are the migrations; a test proves that their result is what stands here.  On SQLite the
tables are STRICT (a column holds only its type), and those with a natural key have no rowid: a
fifth less space at the same speed.
"""

from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    ScalarSelect,
    Table,
    Text,
    false,
    literal_column,
    select,
)

from reconciler.store.columns import Amount, Flag, Id, Moment, Stamp

REVISION = "0004"
"""The migration that makes these tables: what this program wants to find in a database."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _account(*, primary_key: bool = False) -> Column[Any]:
    return Column(
        "account_id",
        Id,
        ForeignKey("accounts.account_id"),
        primary_key=primary_key,
        nullable=False,
    )


def _table(name: str, *columns: Any, rowid: bool = False) -> Table:
    return Table(name, metadata, *columns, sqlite_strict=True, sqlite_with_rowid=rowid)


accounts = _table(
    "accounts",
    Column("account_id", Id, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    rowid=True,
)


def number_of(account: str | BindParameter[str]) -> ScalarSelect[int]:
    """The number of the account of this name, within a query."""
    return select(accounts.c.account_id).where(accounts.c.name == account).scalar_subquery()


markets = _table(
    "markets",
    Column("name", Text, primary_key=True),
    Column("base_asset", Text, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("kind", Text, nullable=False),
)

deals = _table(
    "deals",
    _account(primary_key=True),
    # The order stands before the deal, so that an order's deals are neighbours.
    Column("order_id", Id, primary_key=True, autoincrement=False),
    Column("deal_id", Id, primary_key=True, autoincrement=False),
    Column("market", Text, nullable=False),
    Column("side", Text),
    Column("role", Text),
    Column("price", Amount, nullable=False),
    Column("amount", Amount, nullable=False),
    Column("total", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("fee_asset", Text),
    Column("client_order_id", Text),
    Column("executed_at", Moment, nullable=False),
    Column("source", Text, nullable=False),
)
Index(None, deals.c.account_id, deals.c.executed_at)

orders = _table(
    "orders",
    _account(primary_key=True),
    Column("order_id", Id, primary_key=True, autoincrement=False),
    Column("market", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("final", Flag, nullable=False),
    Column("price", Amount),
    Column("amount", Amount),
    Column("filled_amount", Amount, nullable=False),
    Column("filled_total", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("remaining", Amount),
    Column("fee_asset", Text),
    Column("client_order_id", Text),
    Column("created_at", Moment),
    Column("updated_at", Moment),
    Column("finished_at", Moment),
    Column("source", Text, nullable=False),
)
is_open = orders.c.final == false()
"""Of millions of orders a few are open.  SQLite takes the index for what it holds entirely (an id),
not for whole rows: ask for the ids first."""
Index(
    "ix_orders_open",
    orders.c.account_id,
    orders.c.final,
    sqlite_where=is_open,
    postgresql_where=is_open,
)

balances = _table(
    "balances",
    _account(primary_key=True),
    Column("wallet", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("available", Amount),
    Column("frozen", Amount),
    Column("borrowed", Amount),
    Column("total", Amount, nullable=False),
    Column("observed_at", Moment, nullable=False),
    Column("source", Text, nullable=False),
)

balance_history = _table(
    "balance_history",
    Column("id", Id, Identity(), primary_key=True),
    _account(),
    Column("wallet", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("available", Amount),
    Column("frozen", Amount),
    Column("borrowed", Amount),
    Column("total", Amount, nullable=False),
    Column("observed_at", Moment, nullable=False),
    Column("source", Text, nullable=False),
    rowid=True,
)
Index(
    "ix_balance_history_asset",
    balance_history.c.account_id,
    balance_history.c.wallet,
    balance_history.c.asset,
    balance_history.c.observed_at,
)

sessions = _table(
    "sessions",
    _account(primary_key=True),
    Column("session_id", Id, primary_key=True, autoincrement=False),
    Column("connected_at", Moment),
    Column("authorized_at", Moment),
    Column("live_at", Moment),
    Column("disconnected_at", Moment),
    Column("reason", Text),
    Column("recovered_at", Moment),
    Column("recovered_deals", Id),
)

coverage = _table(
    "coverage",
    _account(primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("covered_from", Moment, primary_key=True),
    Column("covered_until", Moment, nullable=False),
    Column("verified_at", Moment, nullable=False),
)

quarantine = _table(
    "quarantine",
    Column("id", Id, Identity(), primary_key=True),
    _account(),
    Column("received_at", Moment, nullable=False),
    Column("stream", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("excerpt", Text, nullable=False),
    # Each sweep reads the same bad row again; it is one finding.
    Column("fingerprint", Text, nullable=False),
    rowid=True,
)
Index("uq_quarantine_finding", quarantine.c.account_id, quarantine.c.fingerprint, unique=True)

transactions = _table(
    "transactions",
    _account(primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("transaction_id", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("network", Text),
    Column("amount", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("status", Text, nullable=False),
    Column("settled", Flag, nullable=False),
    Column("processed_amount", Amount),
    Column("processed_fee", Amount),
    Column("address", Text),
    Column("transaction_hash", Text),
    Column("unique_id", Text),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("source", Text, nullable=False),
)
Index(None, transactions.c.account_id, transactions.c.created_at)
is_unsettled = transactions.c.settled == false()
"""As with orders: SQLite takes the index for the ids."""
Index(
    "ix_transactions_unsettled",
    transactions.c.account_id,
    transactions.c.settled,
    sqlite_where=is_unsettled,
    postgresql_where=is_unsettled,
)

movements = _table(
    "movements",
    _account(primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("movement_id", Text, primary_key=True),
    Column("wallet", Text),
    Column("asset", Text),
    Column("amount", Amount, nullable=False),
    Column("counter_asset", Text),
    Column("counter_amount", Amount),
    Column("fee", Amount),
    Column("status", Text, nullable=False),
    Column("settled", Flag, nullable=False),
    Column("market", Text),
    Column("order_id", Id),
    Column("reference", Text),
    Column("occurred_at", Moment, nullable=False),
    Column("source", Text, nullable=False),
)
Index(None, movements.c.account_id, movements.c.occurred_at)

gaps = _table(
    "gaps",
    _account(primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("gap_from", Moment, primary_key=True),
    Column("gap_until", Moment, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("closed_at", Moment),
)

refused_streams = _table(
    "refused_streams",
    _account(primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("refused_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
)

keys = _table(
    "keys",
    _account(primary_key=True),
    Column("nonce", Id, nullable=False),
    Column("tokens", Text, nullable=False),
)

holders = _table(
    "holders",
    _account(primary_key=True),
    Column("token", Id, nullable=False),
    Column("holder", Text, nullable=False),
    Column("held_since", Moment, nullable=False),
)

frames = _table(
    "frames",
    _account(primary_key=True),
    Column("seq", Id, primary_key=True, autoincrement=False),
    Column("recorded_at", Moment, nullable=False),
    Column("source", Text, nullable=False),
    Column("frames", Id, nullable=False),
    Column("bytes", Id, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    rowid=True,
)
Index(None, frames.c.account_id, frames.c.recorded_at)

postings = _table(
    "postings",
    _account(primary_key=True),
    Column("wallet", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("occurred_at", Stamp, primary_key=True),
    Column("entry_id", Id, primary_key=True, autoincrement=False),
    Column("leg", Id, primary_key=True, autoincrement=False),
    Column("latest_at", Stamp),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("amount", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("contra_amount", Amount, nullable=False),
    Column("contra", Text, nullable=False),
    Column("fee_book", Text, nullable=False),
    Column("balance_after", Amount, nullable=False),
)
Index("ix_postings_reference", postings.c.account_id, postings.c.kind, postings.c.reference)
is_floating = postings.c.latest_at.is_not(None)
Index(
    "ix_postings_floating",
    postings.c.account_id,
    postings.c.wallet,
    postings.c.asset,
    postings.c.latest_at,
    sqlite_where=is_floating,
    postgresql_where=is_floating,
)

turnovers = _table(
    "turnovers",
    _account(primary_key=True),
    Column("day", Text, primary_key=True),
    Column("book", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("amount", Amount, nullable=False),
)

books = _table(
    "books",
    _account(primary_key=True),
    Column("book", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("balance", Amount, nullable=False),
)

journals = _table(
    "journals",
    _account(primary_key=True),
    Column("last_entry_id", Id, nullable=False),
)

counts = _table(
    "counts",
    _account(primary_key=True),
    Column("deals", Id, nullable=False),
    Column("orders", Id, nullable=False),
)

waiting_deals = _table(
    "waiting_deals",
    _account(primary_key=True),
    Column("order_id", Id, primary_key=True, autoincrement=False),
    Column("deal_id", Id, primary_key=True, autoincrement=False),
    Column("executed_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
)

conclusions = _table(
    "conclusions",
    _account(primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("concluded_at", Moment, nullable=False),
)

results = _table(
    "results",
    _account(primary_key=True),
    Column("market", Text, primary_key=True),
    Column("number", Id, primary_key=True, autoincrement=False),
    Column("executed_at", Moment, nullable=False),
    Column("deal_id", Id, nullable=False),
    Column("order_id", Id, nullable=False),
    Column("quantity", Amount, nullable=False),
    Column("value", Amount, nullable=False),
    Column("sold", Amount),
    Column("proceeds", Amount),
    Column("fifo_cost", Amount),
    Column("fifo_result", Amount),
    Column("average_cost", Amount),
    Column("average_result", Amount),
    Column("unknown_sold", Amount),
    Column("unknown_proceeds", Amount),
    Column("lot", Id, nullable=False),
    Column("lot_quantity", Amount, nullable=False),
    Column("lot_cost", Amount, nullable=False),
    Column("held", Amount, nullable=False),
    Column("held_cost", Amount, nullable=False),
)

results_ends = _table(
    "results_ends",
    _account(primary_key=True),
    Column("until", Moment, nullable=False),
)

late_results = _table(
    "late_results",
    _account(primary_key=True),
    Column("market", Text, primary_key=True),
    Column("since", Moment, primary_key=True),
)

unsure_results = _table(
    "unsure_results",
    _account(primary_key=True),
    Column("order_id", Id, primary_key=True, autoincrement=False),
    Column("deal_id", Id, primary_key=True, autoincrement=False),
    Column("market", Text, nullable=False),
    Column("executed_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
)

proofs = _table(
    "proofs",
    _account(primary_key=True),
    Column("wallet", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("proof", Text, nullable=False),
    Column("decimals", Id, nullable=False),
    Column("state", Text, nullable=False),
    Column("expected", Amount),
    Column("reported", Amount, nullable=False),
    Column("difference", Amount),
    Column("verified_at", Moment),
)
is_unverified = proofs.c.state != literal_column("'verified'", Text)
Index(
    "ix_proofs_unverified",
    proofs.c.account_id,
    proofs.c.asset,
    sqlite_where=is_unverified,
    postgresql_where=is_unverified,
)

readings = _table(
    "readings",
    _account(primary_key=True),
    Column("wallet", Text, primary_key=True),
    Column("read_at", Moment, nullable=False),
    Column("unproven_at", Moment),
    Column("proven_at", Moment),
)

passes = _table(
    "passes",
    _account(primary_key=True),
    Column("passed_until", Moment, nullable=False),
)

clocks = _table(
    "clocks",
    _account(primary_key=True),
    Column("skew", Id, nullable=False),
    Column("uncertainty", Id, nullable=False),
)

drifts = _table(
    "drifts",
    Column("drift_id", Id, Identity(), primary_key=True),
    _account(),
    Column("wallet", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("expected", Amount, nullable=False),
    Column("reported", Amount, nullable=False),
    Column("difference", Amount, nullable=False),
    Column("state", Text, nullable=False),
    Column("explanation", Text),
    Column("candidates", Text, nullable=False),
    Column("parted_after", Moment),
    Column("parted_until", Moment, nullable=False),
    Column("detected_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("acknowledged_at", Moment),
    Column("closed_at", Moment),
    rowid=True,
)
is_open_drift = drifts.c.state == "open"
Index(
    "uq_drifts_open",
    drifts.c.account_id,
    drifts.c.wallet,
    drifts.c.asset,
    unique=True,
    sqlite_where=is_open_drift,
    postgresql_where=is_open_drift,
)

events = _table(
    "events",
    Column("number", Id, Identity(), primary_key=True),
    Column("event", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("news", Text, nullable=False),
    Column("routed_at", Moment),
    rowid=True,
)
is_unrouted = events.c.routed_at.is_(None)
Index(
    "ix_events_unrouted",
    events.c.number,
    sqlite_where=is_unrouted,
    postgresql_where=is_unrouted,
)
Index(None, events.c.dedupe_key, events.c.number)

episodes = _table(
    "episodes",
    Column("dedupe_key", Text, primary_key=True),
    Column("episode", Text, nullable=False),
)

alerts = _table(
    "alerts",
    Column("alert_id", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)
Index(None, alerts.c.created_at)

deliveries = _table(
    "deliveries",
    Column("number", Id, Identity(), primary_key=True),
    Column("alert_id", Text, ForeignKey("alerts.alert_id"), nullable=False),
    Column("hook", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Id, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("last_error", Text),
    rowid=True,
)
Index("uq_deliveries_alert", deliveries.c.alert_id, deliveries.c.hook, unique=True)
is_pending = deliveries.c.state == literal_column("'pending'", Text)
Index(
    "ix_deliveries_pending",
    deliveries.c.hook,
    deliveries.c.dedupe_key,
    deliveries.c.number,
    sqlite_where=is_pending,
    postgresql_where=is_pending,
)
