"""`reconciler replay`: the record made once more from the frames that were kept."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reconciler.cli.main import FINDINGS
from reconciler.cli.opening import common_options, configuration, database
from reconciler.domain.moments import iso
from reconciler.replay.report import SHOWN_MAX, Comparison, Report, Result
from reconciler.replay.run import Progress, replay
from reconciler.store.holders import Holder
from reconciler.store.migrate import require_head
from reconciler.store.reads import Reads
from reconciler.store.rebuild import Unequal, unequal_books
from reconciler.wire.replay import facts_of
from reconciler.world import real


@click.command("replay")
@click.option("--verify", is_flag=True, help="Only check and compare; change nothing.")
@click.option("--account", metavar="NAME", help="This account only.")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys are stable.")
@common_options
def command(verify: bool, account: str | None, as_json: bool, config: str | None) -> None:
    """Make the record once more from what arrived, and write the rows that differ.

    First the journal itself is checked: it is a chain in which no byte can change unnoticed.  Rows
    of which no frame tells are reported and stay.  With --verify nothing is written, and a daemon
    may run meanwhile.

    Leaves with 1 if a difference is left, or the journal is damaged.
    """
    record = database(configuration(config))
    require_head(record)
    if account is not None and account not in (names := Reads(record).accounts()):
        known = ", ".join(names) or "none yet"
        raise click.UsageError(f"the record has no account {account!r}; it has: {known}")
    world = real()
    mending = None if verify else Holder(name=f"replay on {world.name}", since=world.clock.now())
    with _progress() as progress:
        result = replay(record, facts_of, only=account, mending=mending, progress=progress)
    books = unequal_books(record, only=account)
    if as_json:
        click.echo(json.dumps(_plain(result) | {"books": _plain_books(books)}, indent=1))
    else:
        for report in result.accounts:
            _tell(report)
        _tell_comparison("markets", result.markets)
        _tell_books(books)
        if not result.accounts:
            click.echo("the record holds no account yet; start: reconciler run")
        elif verify and not result.is_good and not any(one.damaged for one in result.accounts):
            click.echo("to write what the frames tell, stop the daemon and run: reconciler replay")
    if not result.is_good or books:
        raise click.exceptions.Exit(FINDINGS)


def _tell(report: Report) -> None:
    click.echo(report.account)
    if report.kept_from is not None and report.kept_until is not None:
        reach = (
            "all since the first"
            if report.first == 1
            else f"those before {iso(report.kept_from)} are gone (journal.keep, journal.size)"
        )
        click.echo(
            f"  {report.frames:,} frames of {report.rows:,} commits until "
            f"{iso(report.kept_until)}; {reach}"
        )
    for damage in report.damage:
        when = "" if damage.recorded_at is None else f" of {iso(damage.recorded_at)}"
        click.echo(f"  journal row {damage.seq}{when}: {damage.problem}")
    _tell_rest(report.damaged - len(report.damage))
    click.echo(f"  {_verdict(report)}")
    _tell_comparison("record", report.comparison)


def _verdict(report: Report) -> str:
    if report.damaged:
        return (
            f"only what was kept after row {report.sound_after} is compared, and nothing is "
            "written; restore the table frames from a backup"
        )
    if not report.rows:
        return "no frames are kept, so nothing can be compared"
    if report.comparison.counts:
        return "the journal is as it was written"
    what = "is" if report.is_whole else "contains"
    return f"the journal is as it was written, and the record {what} what it tells"


def _tell_comparison(what: str, comparison: Comparison) -> None:
    for difference in comparison.shown:
        click.echo(f"  {difference}")
    _tell_rest(comparison.counts.total() - len(comparison.shown))
    if comparison.counts:
        click.echo(f"  {what}: {_counted(comparison)}; {comparison.mended:,} mended")


def _tell_books(books: dict[str, list[Unequal]]) -> None:
    for account, found in books.items():
        click.echo(f"books of {account}")
        for unequal in found[:SHOWN_MAX]:
            click.echo(f"  {unequal}")
        _tell_rest(len(found[SHOWN_MAX:]))
        click.echo("  so they are not what the record makes them; please report this")


def _plain_books(books: dict[str, list[Unequal]]) -> dict[str, list[str]]:
    return {account: list(map(str, found)) for account, found in books.items()}


def _tell_rest(count: int) -> None:
    if count:
        click.echo(f"  … and {count:,} more")


def _counted(comparison: Comparison) -> str:
    return ", ".join(
        f"{count:,} {kind} in {table}" for (table, kind), count in comparison.counts.items()
    )


def _plain(result: Result) -> dict[str, object]:
    return {
        "equal": result.is_good,
        "accounts": [
            {
                "account": report.account,
                "frames": report.frames,
                "rows": report.rows,
                "first_row": report.first,
                "kept_from": _iso(report.kept_from),
                "kept_until": _iso(report.kept_until),
                "whole": report.is_whole,
                "damaged": report.damaged,
                "damage": [
                    {
                        "row": damage.seq,
                        "recorded_at": _iso(damage.recorded_at),
                        "problem": damage.problem,
                    }
                    for damage in report.damage
                ],
                **_plain_comparison(report.comparison),
            }
            for report in result.accounts
        ],
        "markets": _plain_comparison(result.markets),
    }


def _plain_comparison(comparison: Comparison) -> dict[str, object]:
    return {
        "differences": [
            {"table": table, "kind": kind, "count": count}
            for (table, kind), count in comparison.counts.items()
        ],
        "findings": [str(difference) for difference in comparison.shown],
        "mended": comparison.mended,
    }


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    bars = Bars(
        *columns,
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    tasks = {}

    def progress(account: str, done: int, total: int) -> None:
        if account not in tasks:
            tasks[account] = bars.add_task(account, total=total)
        bars.update(tasks[account], completed=done)

    with bars:
        yield progress


def _iso(moment: int | None) -> str | None:
    return None if moment is None else iso(moment)
