"""History to disk: pages of 500 deals over REST, each committed before the next is asked for."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec
import trio
from msgspec import Struct

from bench import ours, peers, server
from bench.rounds import Case, Figures, Outcome, measured
from reconciler.domain.moments import HOUR, SECOND
from reconciler.domain.words import Source
from reconciler.feed.backfill import backfill

PATH = "/api/v4/trade-account/executed-history"


def measure(rounds: int, quick: bool) -> list[Outcome]:
    """The real backfill against httpx, typed msgspec and `executemany`.  Few enough pages that our
    own limit of requests does not count."""
    pages = 20 if quick else 200
    raw = "httpx → raw executemany"
    return [
        measured(
            "backfill: REST pages of 500 → SQLite FULL",
            [
                Case(name=raw, run=partial(_run, _raw, pages)),
                Case(name="ours", run=partial(_run, partial(_ours, pages), pages), against=raw),
            ],
            rounds,
        )
    ]


def _run(way: Callable[[str, str], int], pages: int) -> Figures:
    with TemporaryDirectory() as folder, server.pages(pages) as url:
        wall, cpu = time.perf_counter(), time.process_time()
        records = way(url, folder)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert records == pages * server.PAGE
    return {"records/s": records / wall, "CPU µs/record": cpu / records * 1e6}


def _ours(pages: int, url: str, folder: str) -> int:
    past = pages * server.PAGE * SECOND + HOUR

    async def main() -> int:
        async with ours.listening(ours.sqlite(folder), rest_url=url, past=past) as (on, _):
            return (await backfill(on, Source.BACKFILL)).deals

    return trio.run(main)


class PastDeal(Struct, rename="camel"):
    id: int
    time: float
    side: str
    role: int
    amount: str
    price: str
    fee: str
    order_id: int
    client_order_id: str
    fee_asset: str


def _row(market: str, d: PastDeal) -> peers.Row:
    ids = 1, market, d.id, d.order_id, d.time, d.side, d.role
    return (*ids, d.price, d.amount, d.fee, d.fee_asset, d.client_order_id)


def _raw(url: str, folder: str) -> int:
    decode = msgspec.json.Decoder(dict[str, list[PastDeal]] | list[str]).decode

    async def main() -> int:
        stored = 0
        with peers.database(str(Path(folder) / "raw.db")) as connection:
            async with httpx.AsyncClient(base_url=url) as client:
                while True:
                    body = msgspec.json.encode({"offset": stored, "limit": server.PAGE})
                    answer = decode((await client.post(PATH, content=body)).content)
                    if not isinstance(answer, dict):
                        return stored
                    rows = [_row(market, d) for market, deals in answer.items() for d in deals]
                    with closing(connection.cursor()) as cursor:
                        cursor.execute("BEGIN IMMEDIATE")
                        cursor.executemany(peers.DEALS, rows)
                        cursor.execute("COMMIT")
                    stored += len(rows)

    return trio.run(main)
