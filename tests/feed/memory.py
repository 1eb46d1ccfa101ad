"""A feed and a simulated exchange in one process, on streams in memory and a clock that jumps.

Nothing waits for real: whatever sleeps, pings or times out does so at once.  What a feed asks is
written down in its order, and a test can make things happen at the moment of a question.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from typing import Any, TypeVar, TypeVarTuple

import httpx
import msgspec
import trio
import trio.testing
import wsproto.events
from wsproto.connection import ConnectionType

from reconciler.clock import VirtualClock
from reconciler.daemon import Record
from reconciler.domain.moments import DAY, MINUTE, SECOND, from_iso
from reconciler.domain.words import Source, Wallet
from reconciler.feed.figures import Figures
from reconciler.feed.key import Recall, Reserve, nothing, nowhere, reserving
from reconciler.feed.listener import Listener
from reconciler.feed.rest import open_rest
from reconciler.hop import Hop, inline
from reconciler.inbox import Inbox, open_inbox
from reconciler.log import open_log
from reconciler.reconcile.rules import Rules
from reconciler.secret import Credentials, Secret
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.records import Market
from reconciler.simulator.rest import rest_app
from reconciler.simulator.server import Server, serve
from reconciler.store.engine import Database, open_database
from reconciler.store.reads import Reads
from reconciler.transport import Transport
from reconciler.verdict import Verdict, compare
from reconciler.world import Dial, World
from reconciler.writer import WriterFigures, write

ACCOUNT = "treasury"
KEY, SECRET = "k" * 32, "s" * 32
CREDENTIALS = Credentials(key=Secret(KEY), secret=Secret(SECRET))
FUNDS = {"USDT": "10000000", "BTC": "200", "ETH": "3000"}
START = from_iso("2026-01-02T12:00:00.123456Z")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def run(main: Callable[[*Ts], Awaitable[T]], *args: *Ts, virtual_days: float = 1) -> T:
    """The result of `main(*args)` on a clock that jumps; TooSlowError after so much of its time."""

    async def limited() -> T:
        with trio.fail_after(virtual_days * 86_400):
            return await main(*args)

    return trio.run(limited, clock=trio.testing.MockClock(autojump_threshold=0))


class Network:
    """The way from a feed to the simulated exchange; knows what was asked."""

    def __init__(self, exchange: Exchange, server: Server, nursery: trio.Nursery) -> None:
        self.app: Any = rest_app(exchange)
        self._server = server
        self._nursery = nursery
        self._times: dict[str, tuple[Callable[[], object], int]] = {}
        self._at: dict[int, Callable[[], object]] = {}
        self.asked: list[str] = []
        """REST paths behind `/api/v4/`, and WebSocket methods, as they left the feed."""
        self.said: list[dict[str, Any]] = []
        """The bodies of the private REST calls."""
        self.requests: list[tuple[str, Any]] = []
        """The WebSocket requests, as method and params."""

    def when(self, asked: str, act: Callable[[], object], *, times: int = 1) -> None:
        """At the next `times` such questions do `act`, just before the exchange sees them."""
        self._times[asked] = act, times

    def at(self, number: int, act: Callable[[], object]) -> None:
        """At the question of this number, the first of all being 0, do `act` in the same way."""
        self._at[number] = act

    def params_of(self, method: str) -> list[Any]:
        """Of each such WebSocket request."""
        return [params for name, params in self.requests if name == method]

    def note(self, question: str) -> None:
        """It is on its way."""
        numbered = self._at.pop(len(self.asked), None)
        self.asked.append(question)
        if numbered is not None:
            numbered()
        act, left = self._times.pop(question, (None, 0))
        if act is not None:
            if left > 1:
                self._times[question] = act, left - 1
            act()

    def said_of(self, *keys: str) -> list[dict[str, Any]]:
        """The bodies that have all of these keys."""
        return [body for body in self.said if body.keys() >= set(keys)]

    async def dial(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """As Dial says."""
        await trio.lowlevel.checkpoint()
        ours, theirs = trio.testing.memory_stream_pair()
        self._nursery.start_soon(self._server.serve_stream, theirs)
        self.note("connect")
        return _Overheard(ours, self)

    def http(self) -> httpx.AsyncBaseTransport:
        """Straight into the exchange's REST application."""
        return _Door(self)


class _Door(httpx.AsyncBaseTransport):
    def __init__(self, network: Network) -> None:
        self._network = network
        self._inner = httpx.ASGITransport(app=network.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self._network.said.append(msgspec.json.decode(await request.aread()))
        self._network.note(request.url.path.removeprefix("/api/v4/"))
        return await self._inner.handle_async_request(request)


class _Overheard(trio.abc.Stream):
    """Reads along, as a server would, what the client sends."""

    def __init__(self, stream: trio.StapledStream[Any, Any], network: Network) -> None:
        self._stream = stream
        self._network = network
        self._reader = wsproto.WSConnection(ConnectionType.SERVER)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._reader.receive_data(bytes(data))
        for event in self._reader.events():
            match event:
                case wsproto.events.Request():
                    self._reader.send(wsproto.events.AcceptConnection())
                case wsproto.events.TextMessage(data=text):
                    request = msgspec.json.decode(text)
                    self._network.requests.append((request["method"], request["params"]))
                    self._network.note(request["method"])
        await self._stream.send_all(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


def world(
    *,
    dial: Dial | None = None,
    http: Callable[[], httpx.AsyncBaseTransport] = Transport,
    seed: int = 1,
) -> World:
    """Virtual time, seeded chance, no threads; what is not given can't be reached."""

    @asynccontextmanager
    async def in_place(_: str) -> AsyncIterator[Hop]:
        yield inline

    return World(
        clock=VirtualClock(START),
        chance=random.Random(seed),
        dial=dial or _nowhere,
        http=http,
        resolve=_unheard_of,
        thread=in_place,
    )


async def _nowhere(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
    raise OSError("there is no network here")


async def _unheard_of(host: str) -> Sequence[str]:
    raise OSError("there are no names here")


class Blank:
    """The past of a record that knows nothing."""

    async def covered_until(self, account: str, stream: str) -> int | None:
        return None

    async def open_orders(self, account: str) -> list[Any]:
        return []

    async def unknown_orders(self, account: str, until: int) -> list[Any]:
        return []

    async def coverage(self, account: str) -> dict[str, Any]:
        return {}

    async def unsettled(self, account: str) -> list[Any]:
        return []

    async def refused_streams(self, account: str) -> list[Any]:
        return []

    async def used_up(self, account: str) -> None:
        return None


@asynccontextmanager
async def listener(
    world: World,
    inbox: Inbox,
    *,
    log_to: StringIO | None = None,
    recall: Recall = nothing,
    reserve: Reserve = nowhere,
    **changes: Any,
) -> AsyncIterator[Listener]:
    """As the daemon makes one, with the defaults of the configuration."""
    log = open_log(clock=world.clock, format_="json", level="debug", to=log_to or StringIO())
    async with open_rest(
        world, "http://exchange.test", CREDENTIALS, log, recall=recall, reserve=reserve
    ) as rest:
        made = Listener(
            account=ACCOUNT,
            wallets=frozenset(Wallet),
            markets=(),
            ws_url="ws://exchange.test/ws",
            rest=rest,
            past=Blank(),
            inbox=inbox,
            hold=None,
            world=world,
            figures=Figures(ACCOUNT),
            log=log,
            ping_interval=20 * SECOND,
            ping_timeout=10 * SECOND,
            backoff_min=SECOND,
            backoff_max=30 * SECOND,
            since=START - DAY,
            overlap=MINUTE,
            sweep=MINUTE,
            poll=30 * SECOND,
        )
        yield replace(made, **changes)


@dataclass(frozen=True)
class Stage:
    """What a test holds in its hands."""

    exchange: Exchange
    network: Network
    on: Listener
    database: Database
    reads: Reads
    log: StringIO
    nursery: trio.Nursery
    writer: WriterFigures

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log's lines of that name."""
        lines = [msgspec.json.decode(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]

    async def verdict(self) -> Verdict:
        """The record against the truth, once all that is queued is committed."""
        await self.on.commit(Source.QUERY, ())
        return compare(self.reads, ACCOUNT, self.exchange.truth(ACCOUNT))


@asynccontextmanager
async def open_stage(
    database_url: str,
    *,
    markets: tuple[Market, ...] = DEFAULT_MARKETS,
    funds: dict[str, str] = FUNDS,
    wanted: tuple[str, ...] = (),
    through: Callable[[Network], httpx.AsyncBaseTransport] = Network.http,
    rules: Rules | None = None,
    **changes: Any,
) -> AsyncIterator[Stage]:
    """The exchange, the writer and a listener between them that nobody runs yet.

    `markets` are the exchange's and `wanted` the listener's; REST calls go `through` something;
    balances are judged by `rules`.
    Tasks of `stage.nursery` end with the block.
    """
    clock, database, log = VirtualClock(START), open_database(database_url), StringIO()
    exchange = Exchange(markets, now=clock.now, seed=1)
    exchange.open_account(ACCOUNT, KEY, SECRET, funds)
    reads, figures = Reads(database), WriterFigures()
    inbox, outlet = open_inbox()
    writer = partial(
        write,
        clock=clock,
        chance=random.Random(1),
        log=open_log(clock=clock, format_="json", to=log),
        figures=figures,
        rules=rules,
    )
    async with (
        trio.open_nursery() as outer,
        serve(exchange, port=None) as server,
        trio.open_nursery() as writing,
        inbox,
    ):
        writing.start_soon(writer, outlet, database, inline)
        network = Network(exchange, server, outer)
        outside = world(dial=network.dial, http=lambda: through(network))
        past = Record(reads, inline)
        given: dict[str, Any] = {"log_to": log, "past": past, "markets": wanted}
        given |= {
            "recall": partial(past.used_up, ACCOUNT),
            "reserve": reserving(inbox, ACCOUNT, None),
        }
        async with listener(outside, inbox, **given | changes) as on, trio.open_nursery() as tasks:
            yield Stage(exchange, network, on, database, reads, log, tasks, figures)
            tasks.cancel_scope.cancel()
