"""A record in which every text that others choose is HTML."""

from dataclasses import replace
from decimal import Decimal

import msgspec
from sqlalchemy import insert, update

from reconciler.daemon import Running
from reconciler.domain.facts import GapNotice, Market, SessionNotice
from reconciler.domain.moments import HOUR, MINUTE
from reconciler.domain.words import GapState, Phase
from reconciler.feed.figures import Figures
from reconciler.inbox import Span
from reconciler.reconcile.explain import Candidate, CandidateKind, Fits
from reconciler.store import schema
from reconciler.store.attribution import encoded
from reconciler.store.engine import Database
from reconciler.world import World, real
from tests.store.samples import ACCOUNT, apply, balance, batch, deal, report

EVIL = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>'\"&"


def hostile_world() -> World:
    return replace(real(), name=EVIL)


def hostile_running() -> Running:
    feed = Figures(ACCOUNT, Phase.DOWN, sessions=2, lives=1, last_reason=EVIL)
    feed.swept["deals"] = 3
    return Running(feeds={ACCOUNT: feed})


def make_hostile(database: Database, now: int) -> None:
    """A deal, a balance, a drift, a gap, a session, an alert, a holder: all of them evil."""
    apply(
        database,
        batch(
            Market(name=f"{EVIL}_USDT", base_asset=EVIL, quote_asset="USDT", kind="spot"),
            deal(1, market=f"{EVIL}_USDT", fee_asset=EVIL, executed_at=now - MINUTE),
            SessionNotice(session_id=1, connected_at=now - HOUR, disconnected_at=now, reason=EVIL),
            GapNotice(stream=EVIL, since=now - HOUR, until=now - MINUTE, reason=EVIL),
            GapNotice(
                stream="orders",
                since=now - 9 * HOUR,
                until=now - 8 * HOUR,
                reason=EVIL,
                state=GapState.UNREACHABLE,
            ),
            msgspec.structs.replace(report(0, balance(EVIL, "12.5")), observed_at=now - MINUTE),
            spans=[
                Span(stream="deals", since=now - 20 * HOUR, until=now - MINUTE),
                Span(stream=EVIL, since=now - 20 * HOUR, until=now - HOUR),
            ],
        ),
        now=now,
    )
    candidate = Candidate(
        kind=CandidateKind.RECORD, reference=EVIL, amount=Decimal(1), fits=Fits.EXACTLY, said=EVIL
    )
    with database.writing() as connection:
        account_id = connection.execute(schema.accounts.select()).one().account_id
        connection.execute(update(schema.proofs).values(state="verified", difference=Decimal(0)))
        connection.execute(
            insert(schema.drifts).values(
                account_id=account_id,
                wallet="spot",
                asset=EVIL,
                expected=Decimal("27.5"),
                reported=Decimal("12.5"),
                difference=Decimal(-15),
                state="open",
                explanation=None,
                candidates=encoded((candidate,)),
                parted_after=now - HOUR,
                parted_until=now - MINUTE,
                detected_at=now - MINUTE,
                changed_at=now - MINUTE,
            )
        )
        connection.execute(
            insert(schema.alerts).values(
                alert_id="1", event=EVIL, dedupe_key=EVIL, body="{}", created_at=now
            )
        )
        connection.execute(
            insert(schema.deliveries).values(
                number=1,
                alert_id="1",
                hook=EVIL,
                dedupe_key=EVIL,
                state="pending",
                attempts=2,
                next_at=now,
                last_error=EVIL,
            )
        )
