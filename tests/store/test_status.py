"""Every account at a glance, on both databases."""

from reconciler.domain.facts import GapNotice, SessionNotice, StreamNotice, Unreadable
from reconciler.domain.words import GapState
from reconciler.inbox import Span
from reconciler.store.engine import Database
from reconciler.store.holders import Holder, take
from reconciler.store.reads import Reads
from reconciler.store.status import AccountStatus
from tests.store.samples import (
    ACCOUNT,
    NOON,
    apply,
    balance,
    batch,
    deal,
    movement,
    order,
    report,
    transaction,
)


def test_the_status_tells_every_account_at_a_glance(database: Database) -> None:
    apply(
        database,
        batch(
            SessionNotice(session_id=1, connected_at=NOON),
            SessionNotice(session_id=2, connected_at=NOON + 1, live_at=NOON + 2),
            deal(1),
            deal(2, executed_at=NOON + 9),
            order(1),
            order(2, final=True, status="filled"),
            report(0, balance("BTC", "1"), balance("USDT", "0")),
            transaction("1"),
            transaction("2"),
            movement("1"),
            GapNotice(stream="deals", since=NOON, until=NOON + 9, reason="down"),
            GapNotice(stream="orders", since=NOON, until=NOON + 9, reason="down"),
            GapNotice(
                stream="codes",
                since=NOON,
                until=NOON + 9,
                reason="refused",
                state=GapState.UNREACHABLE,
            ),
            GapNotice(stream="deals", since=NOON - 9, until=NOON, reason="down"),
            StreamNotice(stream="mining", refused_at=NOON, reason="403"),
            StreamNotice(stream="lending", refused_at=NOON, reason="403"),
            Unreadable(stream="deals", reason="?", excerpt="", received_at=NOON),
            spans=[Span(stream="deals", since=NOON - 9, until=NOON + 4)],
        ),
        batch(account="quiet"),
    )
    take(database, ACCOUNT, name="desk1 pid 7", now=NOON)
    quiet, treasury = Reads(database).status()
    assert (quiet.account, quiet.session, quiet.deals) == ("quiet", None, 0)
    assert quiet.holder is None
    assert treasury == AccountStatus(
        account=ACCOUNT,
        session=SessionNotice(session_id=2, connected_at=NOON + 1, live_at=NOON + 2),
        holder=Holder(name="desk1 pid 7", since=NOON),
        deals=2,
        orders=2,
        open_orders=1,
        balances=1,
        transactions=2,
        movements=1,
        open_gaps=2,
        unreachable_gaps=1,
        refused_streams=("lending", "mining"),
        open_drifts=0,
        quarantined=1,
        newest_deal_at=NOON + 9,
        covered_until={"deals": NOON + 4},
    )
