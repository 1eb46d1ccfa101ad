"""The demo's live screen: what the database says, a few times a second.

Everything but the connection's figures is read back from the SQL views, so what is seen here is
what is on disk.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from sqlalchemy import text

from reconciler.cli.plain import plain
from reconciler.domain.moments import SECOND
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures
from reconciler.store.engine import Database
from reconciler.writer import WriterFigures

RATE_WINDOW = 3 * SECOND
BALANCES_MAX = 12
HEAD_LINES = 9
"""Lines of the screen that are neither balances nor deals."""

_PHASE_STYLES = {
    Phase.LIVE: "bold green",
    Phase.DOWN: "bold red",
    Phase.REFUSED: "bold red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look at the database."""

    deals: int
    orders: int
    open_orders: int
    balances: Sequence[tuple[str, str, str, str | None]]
    """Wallet, asset, available, frozen."""
    recent: Sequence[tuple[str, str, str, str, str, str, str, str, str]]
    """Time, market, side, role, amount, price, fee and its asset, source."""


def look(database: Database) -> Seen:
    """Reads the views.  Blocks."""
    with database.reading() as connection:

        def rows(query: str) -> list[tuple[object, ...]]:
            return [tuple(map(plain, row)) for row in connection.execute(text(query))]

        def count(view: str) -> int:
            return int(str(rows(f"SELECT count(*) FROM {view}")[0][0]))  # noqa: S608 - own names

        return Seen(
            deals=count("v_deals"),
            orders=count("v_orders"),
            open_orders=count("v_open_orders"),
            balances=rows(
                "SELECT wallet, asset, available, frozen FROM v_balances WHERE total <> '0'"
                " ORDER BY wallet DESC, asset"
            ),  # type: ignore[arg-type]
            recent=rows(
                "SELECT executed_at, market, side, role, amount, price, fee, fee_asset,"
                " source FROM v_deals ORDER BY executed_at DESC LIMIT 8"
            ),  # type: ignore[arg-type]
        )


class Rate:
    """Events per second over the last few seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, int]] = deque()

    def mark(self, now: int, total: int) -> float:
        """Note the total so far; events per second since the oldest mark kept."""
        self._marks.append((now, total))
        while len(self._marks) > 2 and self._marks[0][0] < now - RATE_WINDOW:
            self._marks.popleft()
        then, before = self._marks[0]
        return (total - before) * SECOND / (now - then) if now > then else 0.0


def screen(
    *,
    title: str,
    story: Sequence[str],
    feed: Figures,
    writer: WriterFigures,
    seen: Seen,
    rate: float,
    height: int,
) -> RenderableType:
    """The whole screen, for a terminal of `height` lines."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(width=58)
    grid.add_row(
        Group(
            Panel(_figures(feed, writer, seen, rate), title="feed", title_align="left"),
            Panel(
                Group(*(Text.from_markup(line) for line in story)),
                title="so far",
                title_align="left",
            ),
        ),
        Panel(_balances(seen), title="balances", title_align="left"),
    )
    most = max(3, min(len(seen.recent), height - HEAD_LINES - BALANCES_MAX))
    deals = Panel(_deals(seen, most), title="latest deals in the database", title_align="left")
    return Group(Text(title, style="bold"), grid, deals)


def _figures(feed: Figures, writer: WriterFigures, seen: Seen, rate: float) -> Table:
    figures = Table.grid(padding=(0, 2))
    state = Text(feed.phase.value, style=_PHASE_STYLES.get(feed.phase, "bold yellow"))
    figures.add_row("session", state, "connections", f"{feed.sessions}")
    figures.add_row("deals", f"{seen.deals:,}", "events/s", f"{rate:,.0f}")
    figures.add_row("orders", f"{seen.orders:,}", "frames", f"{feed.frames:,}")
    figures.add_row("open orders", f"{seen.open_orders:,}", "commits", f"{writer.commits:,}")
    recovered = f"{feed.recovered_deals:,} deals"
    figures.add_row("recovered", recovered, "unreadable", f"{feed.unreadable}")
    return figures


def _balances(seen: Seen) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("wallet", "asset"):
        table.add_column(name)
    for name in ("available", "frozen"):
        table.add_column(name, justify="right", no_wrap=True)
    for wallet, asset, available, frozen in seen.balances[:BALANCES_MAX]:
        table.add_row(wallet, asset, _short(available), _short(frozen))
    if (more := len(seen.balances) - BALANCES_MAX) > 0:
        table.add_row(Text(f"{more} more", style="dim"))
    return table


def _deals(seen: Seen, most: int) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim", expand=True)
    for name in ("time", "market", "side", "role"):
        table.add_column(name, no_wrap=True)
    for name in ("amount", "price", "fee"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("learned by", no_wrap=True)
    for at, market, side, role, amount, price, fee, fee_asset, source in seen.recent[:most]:
        side_style = "green" if side == "buy" else "red"
        source_style = "" if source == "stream" else "bold yellow"
        table.add_row(
            at[11:23],
            market,
            Text(side, style=side_style),
            role,
            amount,
            price,
            f"{fee} {fee_asset}",
            Text(source, style=source_style),
        )
    return table


def _short(amount: str | None) -> str:
    """For the eye only: at most eight decimals."""
    if amount is None:
        return ""
    whole, _, part = amount.partition(".")
    return f"{int(whole):,}" + (f".{part[:8]}" if part else "")
