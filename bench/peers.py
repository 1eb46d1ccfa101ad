"""What ours is compared with: the least that could do the work, and what one writes by hand.

The ideal pipeline is the denominator.  It receives as cheaply as the WebSocket library allows,
decodes into typed records that keep money as text, and one thread commits whatever has gathered
into three lean tables.  It merges nothing, checks nothing, keeps no history of balances and
survives no surprise, so nothing that does can reach it.
"""

import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from queue import Empty, SimpleQueue
from typing import Any

import msgspec
import trio
import trio_websocket
from msgspec import Struct

from reconciler.wire import frames

Row = tuple[Any, ...]
COMMIT_MAX = 5_000

TABLES = """
CREATE TABLE deals (
  account INTEGER, market TEXT, deal_id INTEGER, order_id INTEGER, time REAL, side INTEGER,
  role INTEGER, price TEXT, amount TEXT, fee TEXT, fee_asset TEXT, client_order_id TEXT,
  PRIMARY KEY (account, market, deal_id)) WITHOUT ROWID;
CREATE INDEX deals_time ON deals (account, time);
CREATE TABLE orders (
  account INTEGER, order_id INTEGER, market TEXT, type INTEGER, side INTEGER, status TEXT,
  ctime REAL, mtime REAL, price TEXT, amount TEXT, remaining TEXT, filled_amount TEXT,
  filled_total TEXT, fee TEXT, client_order_id TEXT,
  PRIMARY KEY (account, order_id)) WITHOUT ROWID;
CREATE TABLE balances (
  account INTEGER, asset TEXT, available TEXT, frozen TEXT,
  PRIMARY KEY (account, asset)) WITHOUT ROWID;
"""
DEALS = f"INSERT OR IGNORE INTO deals VALUES ({','.join('?' * 12)})"
ORDERS = (
    f"INSERT INTO orders VALUES ({','.join('?' * 15)}) ON CONFLICT (account, order_id) DO UPDATE "
    "SET status=excluded.status, mtime=excluded.mtime, remaining=excluded.remaining, "
    "filled_amount=excluded.filled_amount, filled_total=excluded.filled_total, fee=excluded.fee "
    "WHERE excluded.mtime >= orders.mtime"
)
BALANCES = (
    "INSERT INTO balances VALUES (?,?,?,?) ON CONFLICT (account, asset) "
    "DO UPDATE SET available=excluded.available, frozen=excluded.frozen"
)


class DealsPush(Struct, tag_field="method", tag="deals_update"):
    params: tuple[int, float, str, int, str, str, str, str, int, int, str]


class IdealOrder(Struct):
    id: int
    market: str
    type: int
    side: int
    status: str
    ctime: float
    mtime: float
    price: str
    amount: str
    left: str
    deal_stock: str
    deal_money: str
    deal_fee: str
    client_order_id: str


class PendingPush(Struct, tag_field="method", tag="ordersPending_update"):
    params: tuple[int, IdealOrder]


class ExecutedPush(Struct, tag_field="method", tag="ordersExecuted_update"):
    params: list[IdealOrder]


class Parts(Struct):
    available: str
    freeze: str


class BalancePush(Struct, tag_field="method", tag="balanceSpot_update"):
    params: list[dict[str, Parts]]


typed = msgspec.json.Decoder(DealsPush | PendingPush | ExecutedPush | BalancePush).decode
untyped = msgspec.json.Decoder(float_hook=Decimal).decode


def by_hand(text: str) -> Any:
    """A frame as the standard library reads it exactly."""
    return json.loads(text, parse_float=Decimal)


@contextmanager
def database(path: str) -> Iterator[sqlite3.Connection]:
    """A lean database, as durable as ours."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(TABLES)
    try:
        yield connection
    finally:
        connection.close()


async def ideal(
    url: str, path: str, committed: Callable[[list[float], float], None] | None = None
) -> None:
    """The ideal pipeline, until the server closes and all is committed.

    `committed` is told on the writing thread the times of the deals and orders in a commit, and the
    time of the commit (seconds since 1970).
    """
    rows: SimpleQueue[list[Row] | None] = SimpleQueue()
    with database(path) as connection:
        writer = threading.Thread(target=_write, args=(connection, rows, committed))
        writer.start()
        try:
            await _receive(url, rows)
        finally:
            rows.put(None)
            await trio.to_thread.run_sync(writer.join)


async def naive(url: str, path: str) -> None:
    """As the exchange's quick start has it: a message, `json`, a commit."""
    with database(path) as connection:
        async with trio_websocket.open_websocket_url(url) as socket:
            await _begin(socket)
            try:
                while True:
                    _store(connection, json.loads(await socket.get_message()))
            except trio_websocket.ConnectionClosed:
                pass


class _Batching:
    """In place of the library's channel: all messages of one socket read at once."""

    def __init__(self) -> None:
        self.messages: deque[str] = deque()
        self.lot = trio.lowlevel.ParkingLot()
        self.closed = False

    async def send(self, message: str) -> None:
        self.messages.append(message)
        self.lot.unpark_all()

    async def aclose(self) -> None:
        self.closed = True
        self.lot.unpark_all()


async def _receive(url: str, rows: "SimpleQueue[list[Row] | None]") -> None:
    async with trio_websocket.open_websocket_url(url, receive_buffer_size=65_536) as socket:
        batching = _Batching()
        socket._send_channel = batching  # type: ignore[assignment]
        await socket.send_message(frames.encode(frames.authorize("token"), 1))
        while not batching.messages:
            await batching.lot.park()
        batching.messages.popleft()
        while True:
            if batching.messages:
                taken = list(batching.messages)
                batching.messages.clear()
                rows.put([row for text in taken for row in _rows(text)])
            elif batching.closed:
                return
            else:
                await batching.lot.park()


async def _begin(socket: Any) -> None:
    await socket.send_message(frames.encode(frames.authorize("token"), 1))
    await socket.get_message()


def _rows(text: str) -> Iterator[Row]:
    match typed(text):
        case DealsPush(params=p):
            yield 1, p[2], p[0], p[3], p[1], p[8], p[9], p[4], p[5], p[6], p[10], p[7]
        case PendingPush(params=(_, order)):
            yield _order(order)
        case ExecutedPush(params=orders):
            yield from map(_order, orders)
        case BalancePush(params=changes):
            for change in changes:
                for asset, parts in change.items():
                    yield 1, asset, parts.available, parts.freeze


def _order(o: IdealOrder) -> Row:
    # fmt: off
    return (
        1, o.id, o.market, o.type, o.side, o.status, o.ctime, o.mtime, o.price, o.amount, o.left,
        o.deal_stock, o.deal_money, o.deal_fee, o.client_order_id,
    )
    # fmt: on


def _write(
    connection: sqlite3.Connection,
    rows: "SimpleQueue[list[Row] | None]",
    committed: Callable[[list[float], float], None] | None,
) -> None:
    ended = False
    while not ended and (first := rows.get()) is not None:
        gathered = first
        while len(gathered) < COMMIT_MAX:
            try:
                more = rows.get_nowait()
            except Empty:
                break
            if more is None:
                ended = True
                break
            gathered += more
        deals = [row for row in gathered if len(row) == 12]
        orders = [row for row in gathered if len(row) == 15]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(DEALS, deals)
        connection.executemany(ORDERS, orders)
        connection.executemany(BALANCES, [row for row in gathered if len(row) == 4])
        connection.execute("COMMIT")
        if committed is not None:
            committed([row[4] for row in deals] + [row[7] for row in orders], time.time())


def _store(connection: sqlite3.Connection, push: dict[str, Any]) -> None:
    params = push["params"]
    match push["method"]:
        case "deals_update":
            p = params
            row = 1, p[2], p[0], p[3], p[1], p[8], p[9], p[4], p[5], p[6], p[10], p[7]
            connection.execute(DEALS, row)
        case "ordersPending_update":
            connection.execute(ORDERS, _named(params[1]))
        case "ordersExecuted_update":
            for order in params:
                connection.execute(ORDERS, _named(order))
        case "balanceSpot_update":
            for change in params:
                for asset, parts in change.items():
                    connection.execute(BALANCES, (1, asset, parts["available"], parts["freeze"]))


def _named(order: dict[str, Any]) -> Row:
    return (1, *(order[field] for field in IdealOrder.__struct_fields__))
