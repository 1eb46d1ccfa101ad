"""`reconciler sql`: read-only SQL on the record, with exact decimal functions."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence

import click
from sqlalchemy import exc

from reconciler.cli.opening import common_options, configuration, database
from reconciler.cli.plain import plain
from reconciler.store.engine import unusable
from reconciler.store.migrate import require_head


@click.command("sql")
@click.argument("query", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to print the rows.",
)
@common_options
def command(query: str | None, format_: str, config: str | None) -> None:
    """Run QUERY, or what comes on standard input, against the record.

    The connection can't write.  Amounts are exact; sum them with decimal_sum().

    \b
    reconciler sql "SELECT * FROM v_balances"
    reconciler sql "SELECT fee_asset, decimal_sum(fee) FROM v_deals GROUP BY fee_asset"
    """
    if query is None:
        if sys.stdin.isatty():
            raise click.UsageError("give a QUERY, or pipe one in")
        query = sys.stdin.read()
    if not query.strip():
        raise click.UsageError("the query is empty")
    record = database(configuration(config))
    require_head(record)
    with record.reading() as connection:
        driver = connection.connection.driver_connection
        if connection.dialect.name == "postgresql" and driver is not None:
            # What is prepared is one statement: none can go before that lets the next one write.
            driver.prepare_threshold = 0
        try:
            # Without parameters the driver takes a per cent sign as it stands.
            result = connection.execution_options(no_parameters=True).exec_driver_sql(query)
            rows = [tuple(map(plain, row)) for row in result] if result.returns_rows else None
        except exc.DBAPIError as error:
            if unusable(error, record.url) is not error:
                raise
            raise click.UsageError(str(error.orig).partition("\n")[0]) from None
        if rows is not None:
            _FORMATS[format_](list(result.keys()), rows)


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name)
    count = 0
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
        count += 1
    console = Console()
    if not console.is_terminal:
        # A pipe has no width: every column as wide as what it holds.
        console = Console(width=10_000)
        table.box = None
    console.print(table)
    console.print(f"{count} row{'' if count == 1 else 's'}", style="dim")


def _csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)


def _json(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    json.dump(
        [dict(zip(names, row, strict=True)) for row in rows], sys.stdout, indent=1, default=str
    )
    print()


_FORMATS: dict[str, Callable[[Sequence[str], Iterable[Sequence[object]]], None]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
}
