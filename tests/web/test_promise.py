"""The line on top says the worst first, in words, and promises no more than is proven."""

from decimal import Decimal

import pytest

from reconciler.alerts.figures import AlertFigures
from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND
from reconciler.domain.words import GapState, Phase
from reconciler.feed.figures import Progress
from reconciler.store.holders import Holder
from reconciler.web.promise import Mood, promise
from reconciler.writer import WriterFigures
from tests.store.samples import NOON
from tests.web.sample import NOW, balance, drift, facts, feed, gap, record


def test_all_is_well() -> None:
    told = promise(facts())
    assert told.mood is Mood.PROVEN
    assert told.line == "Everything proven until 12:09:58 · 0 drifts"
    assert told.remarks == ()


def test_of_several_accounts_the_oldest_proof_counts_and_one_without_proves_nothing() -> None:
    old = feed("old"), record(proven_until=NOW - MINUTE)
    assert promise(facts((feed(), record()), old)).line.startswith(
        "Everything proven until 12:09:00"
    )
    new = feed("new"), None
    told = promise(facts((feed(), record()), new))
    assert told.mood is Mood.SETTLING
    assert told.line == ("The first reading of every history is under way; nothing is proven yet")


def test_a_drift_is_told_with_its_amount_and_several_with_their_number() -> None:
    one = record(drifts=(drift(),), open_drifts=1)
    told = promise(facts((feed(), one)))
    assert told.mood is Mood.WRONG
    assert told.line == (
        "1 drift is open: spot of treasury is off by −15\N{NO-BREAK SPACE}USDT; "
        "all records are proven until 12:09:58"
    )
    many = record(drifts=(drift(), drift(drift_id=8)), open_drifts=60)
    assert promise(facts((feed(), many))).line.startswith("60 drifts are open")


def test_the_difference_of_a_drift_is_never_cut() -> None:
    tiny = drift(difference=Decimal("-1234567.000000000000000001"))
    told = promise(facts((feed(), record(drifts=(tiny,), open_drifts=1))))
    assert "−1,234,567.000000000000000001" in told.line


def test_who_is_down_is_told_with_the_reason() -> None:
    down = feed(phase=Phase.DOWN, last_reason="connection reset")
    told = promise(facts((down, record())))
    assert told.mood is Mood.WRONG
    assert told.line.startswith("treasury is not connected: connection reset; all records are")


def test_who_is_refused_is_told_with_what_to_do() -> None:
    refused = feed(phase=Phase.REFUSED, last_reason="the exchange refused the credentials: no")
    told = promise(facts((refused, record())))
    assert told.mood is Mood.WRONG
    assert told.line.startswith(
        "treasury is not connected: the exchange refused the credentials: no; "
        "see: reconciler check; all records are"
    )


def test_a_database_that_takes_nothing_comes_before_drifts() -> None:
    told = promise(
        facts(
            (feed(), record(drifts=(drift(),), open_drifts=1)),
            writer=WriterFigures(away_since=NOW - MINUTE),
        )
    )
    assert told.line.startswith("The database takes nothing since 12:09:00; what arrives waits")
    assert told.remarks[0].startswith("1 drift is open")


def test_a_record_that_cant_be_read_is_told() -> None:
    told = promise(facts(trouble="x.db: the disk fails"))
    assert told.mood is Mood.WRONG
    assert told.line.startswith("The record can't be read: x.db: the disk fails")


def test_a_stuck_loop_is_the_worst() -> None:
    told = promise(facts(trouble="gone", stuck=("writer thread",)))
    assert told.line.startswith("Stuck: writer thread; the daemon must be started anew")


def test_a_proof_that_grows_old_is_told_though_all_are_live() -> None:
    told = promise(facts((feed(), record(proven_until=NOW - HOUR))))
    assert told.mood is Mood.WRONG
    assert told.line.startswith("The proof of treasury is 60 min old")


def test_reading_history_is_no_alarm() -> None:
    progress = Progress(
        stream="deals",
        since=NOON - 10 * DAY,
        at=NOON - 4 * DAY,
        until=NOON,
        rows=1,
        rows_per_s=1,
        left=90 * SECOND,
    )
    told = promise(facts((feed(phase=Phase.SUBSCRIBED, progress=progress), record())))
    assert told.mood is Mood.SETTLING
    assert told.line == (
        "treasury is listening and reads what it missed (deals 60 %, about 1 min left); "
        "all records are proven until 12:09:58"
    )


def test_an_account_of_another_process_is_told_with_its_holder() -> None:
    held = record(holder=Holder(name="desk-2 pid 7", since=NOON))
    told = promise(facts((feed(phase=Phase.WAITING, lives=0), held)))
    assert told.mood is Mood.SETTLING
    assert told.line.startswith("treasury is held by another process, last by desk-2 pid 7")


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        (balance(state="pending", verified_at=NOW - 10 * SECOND), False),
        (balance(state="pending", verified_at=NOW - 40 * SECOND), True),
        (balance(state="pending", verified_at=None), True),
        (balance(state="verified", verified_at=NOW - HOUR), False),
    ],
)
def test_everything_is_promised_only_while_no_balance_stays_in_doubt(
    line: object, is_told: bool
) -> None:
    told = promise(facts((feed(), record(balances=(line,)))))
    assert told.mood is (Mood.SETTLING if is_told else Mood.PROVEN)
    assert told.line.startswith("1 balance is being checked" if is_told else "Everything proven")


def test_what_nobody_can_mend_is_a_remark() -> None:
    lost = record(
        gaps=(gap(state=GapState.UNREACHABLE), gap(stream="lending", state=GapState.UNREACHABLE)),
        refused_streams=("lending",),
        quarantined=2,
    )
    alerts = AlertFigures()
    alerts.given_up["pager"] = 2
    told = promise(facts((feed(bugs=1), lost), alerts=alerts))
    assert told.mood is Mood.PROVEN
    assert told.remarks == (
        "2 alerts could not be delivered to pager; see v_alerts",
        "The key of treasury may not read: lending",
        "Of treasury the exchange does not tell 1 stretch of time any more",
        "2 things that treasury was told could not be understood; see v_quarantine",
        "1 session of treasury ended by a bug; the log says which",
    )


def test_what_is_heard_does_not_change_with_every_proof() -> None:
    first = promise(facts((feed(), record(proven_until=NOW - SECOND))))
    second = promise(facts((feed(), record(proven_until=NOW))))
    assert first.line != second.line
    assert first.heard == second.heard
