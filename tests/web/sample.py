"""Facts as the pages get them, with what a test doesn't care about filled in."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from reconciler.alerts.figures import AlertFigures
from reconciler.domain.moments import MINUTE
from reconciler.domain.words import GapState, Phase
from reconciler.feed.figures import Figures
from reconciler.reconcile.drift import DriftState
from reconciler.store.drifts import Drift
from reconciler.store.overview import AccountOverview, BalanceLine, Overview
from reconciler.store.reads import Gap
from reconciler.store.status import AccountStatus
from reconciler.web.looking import Look
from reconciler.web.rates import Throughput
from reconciler.web.sight import AccountFacts, Facts
from reconciler.writer import WriterFigures
from tests.store.samples import ACCOUNT, NOON

NOW = NOON + 10 * MINUTE


def balance(**changes: Any) -> BalanceLine:
    values: dict[str, Any] = {
        "wallet": "spot",
        "asset": "USDT",
        "expected": Decimal(100),
        "reported": Decimal(100),
        "difference": Decimal(0),
        "state": "verified",
        "verified_at": NOW,
    }
    return BalanceLine(**(values | changes))


def drift(**changes: Any) -> Drift:
    values: dict[str, Any] = {
        "drift_id": 7,
        "account": ACCOUNT,
        "account_id": 1,
        "wallet": "spot",
        "asset": "USDT",
        "expected": Decimal(1000),
        "reported": Decimal(985),
        "difference": Decimal(-15),
        "state": DriftState.OPEN,
        "explanation": None,
        "candidates": (),
        "parted_after": NOON,
        "parted_until": NOON + 1,
        "detected_at": NOON + MINUTE,
        "changed_at": NOON + MINUTE,
        "acknowledged_at": None,
        "closed_at": None,
    }
    return Drift(**(values | changes))


def gap(**changes: Any) -> Gap:
    values: dict[str, Any] = {
        "stream": "deals",
        "since": NOON,
        "until": NOON + MINUTE,
        "reason": "connection reset",
        "state": GapState.OPEN,
        "closed_at": None,
    }
    return Gap(**(values | changes))


def status(**changes: Any) -> AccountStatus:
    values: dict[str, Any] = {
        "account": ACCOUNT,
        "session": None,
        "holder": None,
        "deals": 0,
        "orders": 0,
        "open_orders": 0,
        "balances": 0,
        "transactions": 0,
        "movements": 0,
        "open_gaps": 0,
        "unreachable_gaps": 0,
        "refused_streams": (),
        "open_drifts": 0,
        "quarantined": 0,
        "newest_deal_at": None,
        "covered_until": {},
    }
    return AccountStatus(**(values | changes))


def record(**changes: Any) -> AccountOverview:
    """Proven until two seconds ago; what `status` knows is changed by its own names."""
    known = set(AccountStatus.__dataclass_fields__)
    told = status(
        **{name: value for name, value in changes.items() if name in known - {"balances"}}
    )
    values: dict[str, Any] = {
        "status": told,
        "proven_until": NOW - 2_000_000,
        "clock": None,
        "balances": (balance(),),
        "drifts": (),
        "deals": (),
        "coverage": {},
        "gaps": (),
    }
    own = {name: value for name, value in changes.items() if name in values}
    return AccountOverview(**(values | own))


def feed(account: str = ACCOUNT, phase: Phase = Phase.LIVE, **changes: Any) -> Figures:
    values: dict[str, Any] = {"sessions": 1, "lives": 1} | changes
    return Figures(account, phase, **values)


def facts(
    *accounts: tuple[Figures, AccountOverview | None],
    writer: WriterFigures | None = None,
    alerts: AlertFigures | None = None,
    trouble: str = "",
    stuck: Sequence[str] = (),
    started_at: int = NOON - MINUTE,
) -> Facts:
    """Of one account that is live and proven, unless others are given."""
    accounts = accounts or ((feed(), record()),)
    known = {figures.account: seen for figures, seen in accounts if seen is not None}
    return Facts(
        now=NOW,
        started_at=started_at,
        process="a process",
        accounts=[
            AccountFacts(name=figures.account, feed=figures, record=seen)
            for figures, seen in accounts
        ],
        writer=writer or WriterFigures(),
        alerts=alerts or AlertFigures(),
        throughput=Throughput(facts=[1, 2, 3], facts_per_s=2, commits_per_s=1, frames_per_s=3),
        look=Look(at=NOW, record=Overview(accounts=known), trouble=trouble),
        stuck=stuck,
        degraded=(),
    )
