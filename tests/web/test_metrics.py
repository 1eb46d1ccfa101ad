"""The metrics are the database's own counts, are all documented, and tell no amounts unasked."""

import re
from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from reconciler.domain.facts import GapNotice
from reconciler.domain.moments import HOUR, MINUTE, SECOND
from reconciler.domain.words import GapState
from reconciler.store.engine import Database, open_database
from reconciler.web.metrics import MEASURES, exposition
from reconciler.world import real
from reconciler.writer import WriterFigures
from tests.running import run
from tests.store.samples import ACCOUNT, NOON, apply, batch, deal, movement, order, transaction
from tests.web.asking import get, open_pages
from tests.web.hostile import EVIL, make_hostile
from tests.web.sample import balance, facts, feed, record

DOCS = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def samples(told: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Each sample by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


COUNTS = {
    "reconciler_deals": "SELECT count(*) FROM v_deals",
    "reconciler_orders": "SELECT count(*) FROM v_orders",
    "reconciler_open_orders": "SELECT count(*) FROM v_open_orders",
    "reconciler_transactions": "SELECT count(*) FROM v_transactions",
    "reconciler_movements": "SELECT count(*) FROM movements",
    "reconciler_quarantined": "SELECT count(*) FROM v_quarantine",
    "reconciler_open_drifts": "SELECT count(*) FROM v_drifts WHERE state = 'open'",
}


def test_what_is_counted_is_what_the_database_holds(database: Database) -> None:
    async def main() -> None:
        now = real().clock.now()
        make_hostile(database, now)
        gaps = [
            GapNotice(stream="codes", since=NOON, until=NOON + n * HOUR, reason="x", state=state)
            for n, state in ((1, GapState.OPEN), (2, GapState.UNREACHABLE))
        ]
        apply(
            database,
            batch(
                *(deal(n, order_id=n % 3, executed_at=now - n * SECOND) for n in range(2, 9)),
                *(order(n, final=n > 3, status="filled" if n > 3 else "open") for n in range(9)),
                *(transaction(f"t{n}") for n in range(4)),
                *(movement(f"m{n}") for n in range(3)),
                *gaps,
            ),
            now=now,
        )
        async with open_pages(database) as web:
            told = samples((await get(web, "/metrics")).text)
        mine = (("account", ACCOUNT),)
        with database.reading() as connection:
            for name, query in COUNTS.items():
                assert told[name, mine] == connection.execute(text(query)).scalar_one() > 0 or (
                    name == "reconciler_quarantined"
                ), name
            for state in ("open", "unreachable"):
                query = f"SELECT count(*) FROM v_gaps WHERE state = '{state}'"
                labels = (*mine, ("state", state))
                assert (
                    told["reconciler_gaps", labels] == connection.execute(text(query)).scalar_one()
                )
            rows = connection.execute(
                text("SELECT state, count(*) FROM v_balance_check GROUP BY state")
            ).all()
        assert rows
        for state, number in rows:
            assert told["reconciler_balances", (*mine, ("state", state))] == number
        assert told["reconciler_alerts_waiting", (("hook", EVIL),)] == 1
        newest = told["reconciler_newest_deal_timestamp_seconds", mine]
        assert newest == pytest.approx((now - 2 * SECOND) / SECOND, abs=1e-5)

    run(main)


def test_the_format_is_the_one_that_the_scraper_wants(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_pages(open_database(sqlite_url)) as web:
            plain = await get(web, "/metrics")
            assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
            accept = "application/openmetrics-text; version=1.0.0"
            modern = await get(web, "/metrics", Accept=accept)
            assert modern.headers["content-type"].startswith("application/openmetrics-text")
            families = openmetrics.text_string_to_metric_families(modern.text)  # type: ignore[no-untyped-call]
            assert list(families)

    run(main)


def test_amounts_are_told_only_when_asked_for() -> None:
    seen = facts((feed(), record(balances=(balance(difference=-15, reported=1),))))
    quiet, _ = exposition(seen, "", amounts=False)
    assert b"balance_difference" not in quiet
    loud, _ = exposition(seen, "", amounts=True)
    assert (
        b'reconciler_balance_difference{account="treasury",asset="USDT",wallet="spot"} -15.0'
        in loud
    )


def test_a_record_that_cant_be_read_has_no_figures() -> None:
    told, _ = exposition(facts(trouble="gone"), "", amounts=True)
    for measure in MEASURES:
        assert (f"reconciler_{measure.name}".encode() in told) is not measure.of_record, measure


def test_a_database_that_is_away_is_told_with_how_long() -> None:
    away = facts(writer=WriterFigures(away_since=facts().now - 3 * MINUTE, failures=4))
    told = samples(exposition(away, "", amounts=False)[0].decode())
    assert told["reconciler_writer_away_seconds", ()] == 180
    assert told["reconciler_writer_failures_total", ()] == 4


def test_each_metric_is_documented_with_its_kind_and_labels_and_no_other() -> None:
    told = {}
    for measure in MEASURES:
        kind = "counter" if measure.is_counter else "gauge"
        labels = ", ".join(f"`{label}`" for label in measure.labels)
        name = f"{measure.name}_total" if measure.is_counter else measure.name
        told[name] = f"{kind} | {labels}".strip()
    documented = {
        name: f"{kind} | {labels}".strip()
        for name, kind, labels in re.findall(
            r"^\| `reconciler_(\w+)` \| (\w+) \| (.*?) \| .* \|$", DOCS, re.MULTILINE
        )
    }
    assert documented == told


def test_the_process_is_told_of_under_our_name() -> None:
    told, _ = exposition(facts(), "", amounts=False)
    assert b"reconciler_process_resident_memory_bytes" in told
    assert b"\nprocess_" not in told
    assert b"python_info" not in told
