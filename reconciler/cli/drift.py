"""`reconciler drift`: the differences that stayed, and what people make of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reconciler.cli.opening import common_options, configuration, database
from reconciler.domain.moments import iso
from reconciler.domain.money import canonical
from reconciler.reconcile.drift import DriftState
from reconciler.reconcile.explain import Candidate
from reconciler.store.drifts import Drift
from reconciler.store.engine import Database
from reconciler.store.explaining import (
    AlreadyClosed,
    NoSuchDrift,
    acknowledged,
    explain,
    listed,
    told,
)
from reconciler.store.migrate import require_head
from reconciler.store.reads import Reads
from reconciler.world import real


@click.group("drift")
def command() -> None:
    """Work through drifts: what a balance did that no record explains."""


@command.command("list")
@click.option("--all", "closed", is_flag=True, help="The explained and resolved ones too.")
@click.option("--account", metavar="NAME", help="Of this account only.")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys are stable.")
@common_options
def list_(closed: bool, account: str | None, as_json: bool, config: str | None) -> None:
    """List the open drifts, oldest first, each with what may be behind it."""
    record = _record(config)
    if account is not None and account not in (names := Reads(record).accounts()):
        known = ", ".join(names) or "none yet"
        raise click.UsageError(f"the record has no account {account!r}; it has: {known}")
    found = listed(record, account=account, closed=closed)
    if as_json:
        click.echo(json.dumps({"drifts": [_plain(drift) for drift in found]}, indent=1))
        return
    if not found:
        click.echo("no drift" if closed else "no drift is open")
    for drift in found:
        for line in _lines(drift):
            click.echo(line)


@command.command("explain")
@click.argument("drift_id", type=int, metavar="ID")
@click.option("--note", metavar="TEXT", required=True, help="What it was; kept with the entry.")
@common_options
def explain_(drift_id: int, note: str, config: str | None) -> None:
    """Close drift ID: post its difference to equity:suspense, with a note.

    The balance is verified again from then on.  A daemon may run meanwhile.
    """
    if not note.strip():
        raise click.UsageError("the note is empty; say what it was")
    record = _record(config)
    with _plainly():
        done = explain(record, drift_id, note=note.strip(), now=real().clock.now())
    how = "explained, and posted to equity:suspense" if done.is_new else "was explained so already"
    click.echo(f"drift {drift_id}: {told(done.drift)} {how}")


@command.command("ack")
@click.argument("drift_id", type=int, metavar="ID")
@common_options
def ack(drift_id: int, config: str | None) -> None:
    """Note that drift ID was seen; it stays open until it is explained or resolves itself."""
    record = _record(config)
    with _plainly():
        drift = acknowledged(record, drift_id, now=real().clock.now())
    assert drift.acknowledged_at is not None
    click.echo(f"drift {drift_id}: {told(drift)} acknowledged at {iso(drift.acknowledged_at)}")


def _record(config: str | None) -> Database:
    record = database(configuration(config))
    require_head(record)
    return record


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except (NoSuchDrift, AlreadyClosed) as problem:
        raise click.UsageError(str(problem)) from None


def _lines(drift: Drift) -> Iterator[str]:
    yield f"drift {drift.drift_id}: {told(drift)}"
    state = f"{drift.state} since {iso(drift.closed_at or drift.detected_at)}"
    if drift.explanation:
        state += f": {drift.explanation}"
    elif drift.acknowledged_at is not None and drift.state is DriftState.OPEN:
        state += f", acknowledged at {iso(drift.acknowledged_at)}"
    yield f"  {'state':<9} {state}"
    yield (
        f"  {'balance':<9} {canonical(drift.reported)} is reported, "
        f"{canonical(drift.expected)} expected"
    )
    after = "" if drift.parted_after is None else f"after {iso(drift.parted_after)}, "
    yield f"  {'parted':<9} {after}by {iso(drift.parted_until)}"
    for candidate in drift.candidates:
        yield f"  {candidate.fits:<9} {candidate.said}"
    if not drift.candidates:
        yield f"  {'maybe':<9} nothing on record comes near it"


def _plain(drift: Drift) -> dict[str, object]:
    return {
        "drift_id": drift.drift_id,
        "account": drift.account,
        "wallet": drift.wallet,
        "asset": drift.asset,
        "expected": canonical(drift.expected),
        "reported": canonical(drift.reported),
        "difference": canonical(drift.difference),
        "state": str(drift.state),
        "explanation": drift.explanation,
        "parted_after": _iso(drift.parted_after),
        "parted_until": iso(drift.parted_until),
        "detected_at": iso(drift.detected_at),
        "changed_at": iso(drift.changed_at),
        "acknowledged_at": _iso(drift.acknowledged_at),
        "closed_at": _iso(drift.closed_at),
        "candidates": [_plain_candidate(each) for each in drift.candidates],
    }


def _plain_candidate(candidate: Candidate) -> dict[str, object]:
    return {
        "kind": str(candidate.kind),
        "reference": candidate.reference,
        "amount": None if candidate.amount is None else canonical(candidate.amount),
        "fits": str(candidate.fits),
        "said": candidate.said,
    }


def _iso(moment: int | None) -> str | None:
    return None if moment is None else iso(moment)
