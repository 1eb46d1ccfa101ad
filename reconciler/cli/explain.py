"""`reconciler explain`: a balance back to the entries, facts and frames behind it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal

import click

from reconciler.cli.opening import common_options, configuration, database
from reconciler.cli.plain import plain
from reconciler.domain.moments import NotAMoment, from_iso, iso
from reconciler.domain.money import canonical
from reconciler.domain.words import Wallet
from reconciler.store.migrate import require_head
from reconciler.store.reads import Reads
from reconciler.store.sightings import Sighting
from reconciler.store.trail import NoSuchAccount, Reported, Step, Trail, trail
from reconciler.wire.replay import facts_of


@click.command("explain")
@click.argument("account")
@click.argument("wallet", type=click.Choice([*map(str, Wallet), "transit"]))
@click.argument("asset")
@click.option("--at", metavar="TIME", help="At this moment (ISO 8601, UTC); default: now.")
@click.option(
    "--lines", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many entries."
)
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys are stable.")
@common_options
def command(
    account: str,
    wallet: str,
    asset: str,
    at: str | None,
    lines: int,
    as_json: bool,
    config: str | None,
) -> None:
    """Follow the balance of ASSET in WALLET back to its evidence.

    \b
    reconciler explain treasury spot USDT
    reconciler explain treasury spot USDT --at 2026-01-31T24:00 --lines 50
    """
    moment = None if at is None else _moment(at)
    record = database(configuration(config))
    require_head(record)
    place = "" if wallet == "transit" else wallet, asset
    try:
        found = trail(record, account, place, facts_of, at=moment, lines=lines)
    except NoSuchAccount:
        known = ", ".join(Reads(record).accounts()) or "none yet"
        problem = f"the record has no account {account!r}; it has: {known}"
        raise click.UsageError(problem) from None
    if as_json:
        where = {"account": account, "wallet": wallet, "asset": asset}
        click.echo(json.dumps(where | _plain(found), indent=1))
        return
    for line in _lines(found, f"{account} {wallet} {asset}"):
        click.echo(line)


def _moment(text: str) -> int:
    try:
        return from_iso(text)
    except NotAMoment as error:
        raise click.BadParameter(str(error), param_hint="--at") from None


def _lines(found: Trail, name: str) -> Iterator[str]:
    when = "now" if found.at is None else f"at {iso(found.at)}"
    yield f"{name} {when}: {canonical(found.balance)} by the ledger"
    if found.reported is not None:
        yield from _report_lines(found.reported)
    if found.checked is not None:
        checked = f"  now {found.checked.state}"
        if found.checked.verified_at is not None:
            checked += f", last verified at {iso(found.checked.verified_at)}"
        if found.checked.state == "drift" and found.checked.difference is not None:
            checked += f", off by {canonical(found.checked.difference)}: reconciler drift list"
        yield checked
    for step in found.before:
        yield from _step_lines(step)
    if not found.before:
        yield "  nothing was posted up to then"
    if found.after:
        yield "  after that:"
    for step in found.after:
        yield from _step_lines(step)


def _report_lines(reported: Reported) -> Iterator[str]:
    parts = {
        "available": reported.available,
        "frozen": reported.frozen,
        "borrowed": reported.borrowed,
    }
    said = ", ".join(f"{canonical(v)} {k}" for k, v in parts.items() if v is not None)
    yield (
        f"  the exchange said {canonical(reported.total)}"
        f"{f' ({said})' if said else ''} by {iso(reported.observed_at)} ({reported.source})"
    )
    if reported.told_by is not None:
        yield f"      {_sighting(reported.told_by)}"


def _step_lines(step: Step) -> Iterator[str]:
    sign = "+" if step.amount > 0 else ""
    fee = f", fee {canonical(step.fee)}" if step.fee else ""
    by = "" if step.latest_at is None else f" … {iso(step.latest_at)}"
    yield (
        f"  {iso(step.occurred_at)}{by}  {sign}{canonical(step.amount)}{fee}  -> "
        f"{canonical(step.balance_after)}  entry {step.entry_id}: {step.kind} {step.reference}, "
        f"{step.contra}"
    )
    if step.fact is not None:
        told = ", ".join(f"{k} {v}" for k, v in _plain_row(step.fact).items() if v is not None)
        yield f"      {told}" + (f" ({step.source})" if step.source else "")
    if step.told_by is not None:
        yield f"      {_sighting(step.told_by)}"


def _sighting(seen: Sighting) -> str:
    asked = f" to {seen.asked}" if seen.asked else ""
    return f"frame {seen.seq} of {iso(seen.received_at)}{asked}: {seen.excerpt}"


def _plain(found: Trail) -> dict[str, object]:
    return {
        "at": None if found.at is None else iso(found.at),
        "balance": canonical(found.balance),
        "reported": None if found.reported is None else _plain_row(asdict(found.reported)),
        "checked": None if found.checked is None else _plain_row(asdict(found.checked)),
        "entries": [_plain_row(asdict(step)) for step in found.before],
        "entries_after": [_plain_row(asdict(step)) for step in found.after],
    }


def _plain_row(values: dict[str, object]) -> dict[str, object]:
    """Amounts as canonical text, moments as people read them."""
    made: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            made[name] = _plain_row(value)
        elif isinstance(value, Decimal):
            made[name] = canonical(value)
        elif isinstance(value, int) and name.endswith("_at"):
            made[name] = iso(value)
        else:
            made[name] = plain(value)
    return made
