"""`reconciler check`: the doctor.  Looks at everything a run needs, and says what to do."""

import json
from functools import partial

import click
import trio

from reconciler.cli.main import FINDINGS
from reconciler.cli.opening import common_options, configuration
from reconciler.doctor.finding import Finding, Mark
from reconciler.doctor.visit import visit
from reconciler.world import real

COLOURS = {Mark.OK: "green", Mark.NOTE: "blue", Mark.WARN: "yellow", Mark.FAIL: "red"}


@click.command("check")
@click.option("--strict", is_flag=True, help="Leave with 1 for warnings too.")
@click.option(
    "--rights",
    is_flag=True,
    help="Ask whether keys may trade or withdraw, by an order and a withdrawal without contents.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys are stable.")
@common_options
def command(strict: bool, rights: bool, as_json: bool, config: str | None) -> None:
    """Look at everything that a run needs: secrets, database, disk, backups, hooks, exchange,
    clock, and what each key may read.

    Leaves with 1 if a run would fail.  Changes nothing, and sends nothing to hooks.
    """
    loaded = configuration(config)
    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            mark = click.style(f"{finding.mark:<4}", fg=COLOURS[finding.mark])
            click.echo(f"{mark}  {finding.what:<22} {finding.said}")

    trio.run(partial(visit, loaded, real(), tell, powers=rights))
    failures, warnings = (
        sum(finding.mark is mark for finding in findings) for mark in (Mark.FAIL, Mark.WARN)
    )
    if as_json:
        click.echo(json.dumps(_plain(findings, failures, warnings), indent=1))
    else:
        click.echo(f"\n{_summary(failures, warnings)}")
    if failures or (strict and warnings):
        raise click.exceptions.Exit(FINDINGS)


def _summary(failures: int, warnings: int) -> str:
    counts = [_many(failures, "failure"), _many(warnings, "warning")]
    said = " and ".join(filter(None, counts))
    if failures:
        return f"{said}: a run would fail, or not do all that is configured"
    return (
        f"{said}; all else is well; start: reconciler run"
        if said
        else ("all is well; start: reconciler run")
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}" if count else ""


def _plain(findings: list[Finding], failures: int, warnings: int) -> dict[str, object]:
    return {
        "ok": not failures,
        "failures": failures,
        "warnings": warnings,
        "findings": [
            {"mark": each.mark.lower(), "what": each.what, "said": each.said} for each in findings
        ],
    }
