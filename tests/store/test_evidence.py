"""What the record knows of a drift, gathered on both databases."""

from decimal import Decimal

from reconciler.domain.facts import Fact, GapNotice, Market, Unreadable
from reconciler.domain.moments import SECOND
from reconciler.domain.words import MovementKind, Side, Source, Wallet
from reconciler.inbox import Span
from reconciler.reconcile.explain import CandidateKind, Evidence, Fits, Told
from reconciler.store.engine import Database, open_database
from reconciler.store.evidence import Evidences
from reconciler.store.explaining import listed
from reconciler.store.facts import Facts
from tests.drifting import make_drift
from tests.grids import mostly_sqlite
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

MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")


def gathered(database: Database, wallet: str, asset: str, *facts: Fact) -> Evidence:
    """Of the minute around noon, after these facts."""
    covered = [
        Span(stream=stream, since=NOON - 60 * SECOND, until=NOON + 60 * SECOND)
        for stream in ("deals", "orders")
    ]
    apply(database, batch(MARKET, *facts, spans=covered))
    with database.writing() as connection:
        id_ = Facts(database.dialect).account_id(connection, ACCOUNT)
    with database.reading() as connection:
        return Evidences(database.dialect).gather(
            connection, id_, (wallet, asset), NOON - 30 * SECOND, NOON + 30 * SECOND
        )


def of(evidence: Evidence, kind: str) -> Told:
    [found] = [each for each in evidence.told if each.kind == kind]
    return found


def test_deals_are_told_with_what_is_posted_and_whether_their_wallet_is_assumed(
    database: Database,
) -> None:
    known = deal(1, fee=Decimal("0.1"), fee_asset="BTC")
    unknown = deal(2, order_id=77, fee=Decimal(0))
    evidence = gathered(database, "spot", "BTC", order(10), known, unknown)
    first, second = sorted(evidence.told, key=lambda each: each.reference)
    assert (first.amount, first.posted, first.fee) == (
        Decimal("0.15"),
        Decimal("0.15"),
        Decimal("0.1"),
    )
    assert (first.doubt, second.doubt) == (None, CandidateKind.WAITING_DEAL)
    assert (second.amount, second.posted) == (Decimal("0.25"), Decimal("0.25"))
    assert "its order is in no history" in second.why


def test_histories_are_told_whatever_wallet_they_name(database: Database) -> None:
    pending = transaction("d-1", status="confirming", fee=Decimal("0.5"))
    mined = movement(
        "m-1",
        kind=MovementKind.MINING,
        wallet=Wallet.MAIN,
        asset="USDT",
        amount=Decimal(7),
        counter_asset=None,
        counter_amount=None,
    )
    evidence = gathered(database, "spot", "USDT", pending, mined)
    deposit, payout = of(evidence, "deposit"), of(evidence, "mining")
    assert (deposit.amount, deposit.posted) == (Decimal(100), Decimal(0))
    assert (deposit.doubt, deposit.why) == (CandidateKind.UNSETTLED, "is confirming")
    assert (payout.amount, payout.posted) == (Decimal(7), Decimal(0)), "it is in main"


def test_a_conversion_stands_in_transit(database: Database) -> None:
    evidence = gathered(database, "spot", "BTC", movement("c-1"))
    conversion = of(evidence, "conversion")
    assert conversion.doubt is CandidateKind.TRANSIT
    assert (conversion.amount, conversion.posted) == (Decimal("-0.25"), Decimal(0))


def test_orders_findings_gaps_and_types_that_are_odd_are_told(database: Database) -> None:
    evidence = gathered(
        database,
        "spot",
        "USDT",
        order(10, type="iceberg", filled_amount=Decimal("0.5"), filled_total=Decimal("20000.25")),
        deal(1, executed_at=NOON),
        Unreadable(stream="deals", reason="deal 9 restated: fee", excerpt="", received_at=NOON),
        Unreadable(stream="orders", reason="no price", excerpt="", received_at=NOON),
        GapNotice(stream="codes", since=NOON, until=NOON + SECOND, reason="down"),
    )
    kinds = {hint.kind: hint for hint in evidence.hints}
    assert kinds.keys() == {
        CandidateKind.ORDER_TOTAL,
        CandidateKind.ORDER_TYPE,
        CandidateKind.RESTATED,
        CandidateKind.UNREADABLE,
    }
    assert kinds[CandidateKind.ORDER_TOTAL].amount == Decimal("-10000.125"), "a buy costs"
    assert [hole.stream for hole in evidence.holes] == ["codes"]


@mostly_sqlite
def test_a_drift_is_attributed_to_the_deal_that_was_found_late(database_url: str) -> None:
    make_drift(database_url)
    database = open_database(database_url)
    [drift] = listed(database)
    bought = deal(
        5,
        order_id=50,
        side=Side.BUY,
        price=Decimal(40000),
        amount=Decimal("0.000375"),
        total=Decimal(15),
        fee=Decimal(0),
        fee_asset="BTC",
        executed_at=drift.parted_until - SECOND,
    )
    at = drift.detected_at + 60 * SECOND - NOON
    apply(
        database,
        batch(
            order(50),
            bought,
            report(at, balance("USDT", "9939985")),
            source=Source.SWEEP,
        ),
        now=NOON + at,
    )
    [resolved] = listed(database, closed=True)
    assert resolved.state == "resolved"
    first = resolved.candidates[0]
    assert (first.kind, first.reference, first.fits) == (
        CandidateKind.LATE_RECORD,
        "5:50",
        Fits.EXACTLY,
    )
    assert resolved.explanation is not None
    assert resolved.explanation.endswith("was learned late")
