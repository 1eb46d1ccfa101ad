"""The facts as JSON for programs.  The keys are stable; docs/metrics.md says what they mean.

Amounts are text, times ISO 8601 in UTC, spans seconds.
"""

from typing import Any, TypeAlias

from reconciler import __version__
from reconciler.domain.moments import SECOND, iso
from reconciler.domain.money import canonical
from reconciler.store.drifts import Drift
from reconciler.store.overview import AccountOverview, AlertLine, BalanceLine
from reconciler.store.reads import Gap
from reconciler.web.promise import promise
from reconciler.web.sight import AccountFacts, Facts

VERSION = 1
"""Raised when a key changes its meaning or goes; new keys come without notice."""

Plain: TypeAlias = dict[str, Any]


def status(facts: Facts) -> Plain:
    """All that the page shows."""
    told = promise(facts)
    return {
        "version": VERSION,
        "reconciler": __version__,
        "process": facts.process,
        "now": iso(facts.now),
        "started_at": iso(facts.started_at),
        "state": str(told.mood),
        "message": told.line,
        "remarks": list(told.remarks),
        "proven_until": _iso(told.proven_until),
        "ready": not facts.degraded,
        "not_ready": list(facts.degraded),
        "stuck": list(facts.stuck),
        "database": {
            "read": facts.is_seen,
            "why": facts.look.trouble or None,
            "as_of": iso(facts.look.at),
            "away_since": _iso(facts.writer.away_since),
        },
        "writer": {
            "commits": facts.writer.commits,
            "facts": facts.writer.facts,
            "failures": facts.writer.failures,
            "committed_at": _iso(facts.writer.committed_at),
            "facts_per_s": facts.throughput.facts_per_s,
            "commits_per_s": facts.throughput.commits_per_s,
        },
        "alerts": {
            "waiting": dict(facts.look.record.waiting),
            "undelivered": [_alert(alert) for alert in facts.look.record.alerts],
        },
        "accounts": [_account(account) for account in facts.accounts],
    }


def _account(account: AccountFacts) -> Plain:
    feed = account.feed
    return {
        "account": account.name,
        "phase": str(feed.phase),
        "live": account.is_live,
        "reason": feed.last_reason or None,
        "sessions": feed.sessions,
        "frames": feed.frames,
        "facts": feed.facts,
        "unreadable": feed.unreadable,
        "recovered_deals": feed.recovered_deals,
        "swept": dict(sorted(feed.swept.items())),
        "bugs": feed.bugs,
        "reading": None
        if feed.progress is None
        else {
            "stream": feed.progress.stream,
            "since": iso(feed.progress.since),
            "at": iso(feed.progress.at),
            "until": iso(feed.progress.until),
        },
        "record": None if account.record is None else _record(account.record),
    }


def _record(record: AccountOverview) -> Plain:
    told = record.status
    session, holder = told.session, told.holder
    return {
        "proven_until": _iso(record.proven_until),
        "deals": told.deals,
        "orders": told.orders,
        "open_orders": told.open_orders,
        "transactions": told.transactions,
        "movements": told.movements,
        "open_gaps": told.open_gaps,
        "unreachable_gaps": told.unreachable_gaps,
        "refused_streams": list(told.refused_streams),
        "open_drifts": told.open_drifts,
        "quarantined": told.quarantined,
        "newest_deal_at": _iso(told.newest_deal_at),
        "covered_until": {
            stream: iso(until) for stream, until in sorted(told.covered_until.items())
        },
        "holder": None if holder is None else {"name": holder.name, "since": iso(holder.since)},
        "session": None
        if session is None
        else {
            "session_id": session.session_id,
            "connected_at": _iso(session.connected_at),
            "live_at": _iso(session.live_at),
            "disconnected_at": _iso(session.disconnected_at),
            "reason": session.reason,
        },
        "clock": None
        if record.clock is None
        else {
            "offset_s": record.clock.offset / SECOND,
            "uncertainty_s": record.clock.uncertainty / SECOND,
        },
        "balances": [_balance(line) for line in record.balances],
        "drifts": [_drift(drift) for drift in record.drifts],
        "gaps": [_gap(gap) for gap in record.gaps],
    }


def _balance(line: BalanceLine) -> Plain:
    return {
        "wallet": line.wallet,
        "asset": line.asset,
        "expected": None if line.expected is None else canonical(line.expected),
        "reported": canonical(line.reported),
        "difference": None if line.difference is None else canonical(line.difference),
        "state": line.state,
        "verified_at": _iso(line.verified_at),
    }


def _drift(drift: Drift) -> Plain:
    return {
        "drift_id": drift.drift_id,
        "wallet": drift.wallet,
        "asset": drift.asset,
        "expected": canonical(drift.expected),
        "reported": canonical(drift.reported),
        "difference": canonical(drift.difference),
        "detected_at": iso(drift.detected_at),
        "acknowledged_at": _iso(drift.acknowledged_at),
        "candidates": [
            {"kind": str(each.kind), "fits": str(each.fits), "said": each.said}
            for each in drift.candidates
        ],
    }


def _gap(gap: Gap) -> Plain:
    return {
        "stream": gap.stream,
        "gap_from": iso(gap.since),
        "gap_until": iso(gap.until),
        "reason": gap.reason,
        "state": str(gap.state),
        "closed_at": _iso(gap.closed_at),
    }


def _alert(alert: AlertLine) -> Plain:
    return {
        "event": alert.event,
        "hook": alert.hook,
        "state": alert.state,
        "attempts": alert.attempts,
        "created_at": iso(alert.created_at),
        "last_error": alert.last_error,
    }


def _iso(moment: int | None) -> str | None:
    return None if moment is None else iso(moment)
