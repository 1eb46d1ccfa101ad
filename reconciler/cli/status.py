"""`reconciler status`: what the database says now."""

import json

import click

from reconciler.cli.main import FINDINGS
from reconciler.cli.opening import common_options, configuration, database
from reconciler.domain.moments import iso
from reconciler.store.engine import redacted
from reconciler.store.lock import is_held
from reconciler.store.migrate import require_head
from reconciler.store.reads import Reads
from reconciler.store.soft_checks import soft_findings
from reconciler.store.status import AccountStatus
from reconciler.world import real


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys are stable.")
@common_options
def command(as_json: bool, config: str | None) -> None:
    """Say what the database holds, account by account.

    Leaves with 1 if a drift is open.
    """
    record = database(configuration(config))
    require_head(record)
    accounts = Reads(record).status()
    held = {each.account for each in accounts if is_held(record, each.account)}
    findings = soft_findings(record, now=real().clock.now())
    if as_json:
        click.echo(
            json.dumps(
                {
                    "accounts": [
                        _plain(each, each.account in held)
                        | {"findings": findings.get(each.account, [])}
                        for each in accounts
                    ]
                },
                indent=1,
            )
        )
    else:
        if not accounts:
            click.echo(f"{redacted(record.url)} holds no account yet; start: reconciler run")
        for account in accounts:
            click.echo(account.account)
            for name, value in _lines(account, account.account in held):
                click.echo(f"  {name:<12} {value}")
            for finding in findings.get(account.account, []):
                click.echo(f"  {'look at':<12} {finding}")
    if any(each.open_drifts for each in accounts):
        raise click.exceptions.Exit(FINDINGS)


def _plain(account: AccountStatus, holds: bool) -> dict[str, object]:
    session, holder = account.session, account.holder
    return {
        "account": account.account,
        "holder": None
        if holder is None
        else {"name": holder.name, "since": iso(holder.since), "holds": holds},
        "session": None
        if session is None
        else {
            "session_id": session.session_id,
            "state": _state(account),
            "connected_at": _iso(session.connected_at),
            "authorized_at": _iso(session.authorized_at),
            "live_at": _iso(session.live_at),
            "disconnected_at": _iso(session.disconnected_at),
            "reason": session.reason,
            "recovered_at": _iso(session.recovered_at),
            "recovered_deals": session.recovered_deals,
        },
        "deals": account.deals,
        "orders": account.orders,
        "open_orders": account.open_orders,
        "balances": account.balances,
        "transactions": account.transactions,
        "movements": account.movements,
        "open_gaps": account.open_gaps,
        "unreachable_gaps": account.unreachable_gaps,
        "refused_streams": list(account.refused_streams),
        "open_drifts": account.open_drifts,
        "quarantined": account.quarantined,
        "newest_deal_at": _iso(account.newest_deal_at),
        "covered_until": {
            stream: iso(until) for stream, until in sorted(account.covered_until.items())
        },
    }


def _lines(account: AccountStatus, holds: bool) -> list[tuple[str, str]]:
    session, holder = account.session, account.holder
    lines = [("session", _state(account))]
    if session is not None:
        if session.disconnected_at is not None:
            lines[0] = ("session", f"down since {iso(session.disconnected_at)}: {session.reason}")
        elif session.live_at is not None:
            lines[0] = ("session", f"live since {iso(session.live_at)}")
    if holder is not None:
        who = str(holder) if holds else f"nobody; last by {holder}"
        lines.append(("held by", who))
    lines += [
        ("deals", f"{account.deals:,}" + _newest(account)),
        ("orders", f"{account.orders:,}, {account.open_orders:,} of them open"),
        ("balances", f"{account.balances:,} that are not zero"),
    ]
    if account.transactions:
        lines.append(("transactions", f"{account.transactions:,} deposits and withdrawals"))
    if account.movements:
        lines.append(("movements", f"{account.movements:,}"))
    for stream, until in sorted(account.covered_until.items()):
        lines.append(("complete", f"{stream} until {iso(until)}"))
    if account.open_gaps or account.unreachable_gaps:
        gaps = f"{account.open_gaps:,} open, {account.unreachable_gaps:,} out of reach; see v_gaps"
        lines.append(("gaps", gaps))
    if account.refused_streams:
        lines.append(("refused", "to this key: " + ", ".join(account.refused_streams)))
    if account.open_drifts:
        lines.append(("drifts", f"{account.open_drifts:,} open; see: reconciler drift list"))
    if account.quarantined:
        lines.append(("quarantine", f"{account.quarantined:,} unreadable; see v_quarantine"))
    return lines


def _newest(account: AccountStatus) -> str:
    return (
        "" if account.newest_deal_at is None else f", the newest of {iso(account.newest_deal_at)}"
    )


def _state(account: AccountStatus) -> str:
    session = account.session
    if session is None:
        return "never connected"
    if session.disconnected_at is not None:
        return "down"
    return "connecting" if session.live_at is None else "live"


def _iso(moment: int | None) -> str | None:
    return None if moment is None else iso(moment)
