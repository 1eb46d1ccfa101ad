"""A key that the exchange refuses concerns its account: the others are recorded, and its own is
tried again, rarely, or at once with a new key.  Where every key is refused, the daemon ends."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO

import msgspec
import pytest
import trio

from reconciler.alerts.hook import Hook
from reconciler.clock import VirtualClock, steady
from reconciler.config import Account, Backfill, Config, Duration, Exchange, Reconcile
from reconciler.daemon import Running, open_daemon
from reconciler.domain.moments import MINUTE, seconds
from reconciler.domain.words import Phase
from reconciler.feed.renewal import Keyring
from reconciler.feed.rest import CredentialsRefused
from reconciler.feed.supervisor import REFUSED_PAUSE
from reconciler.health import degraded, stuck
from reconciler.log import open_log
from reconciler.secret import Credentials, Secret
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.simulator.server import serve
from reconciler.store.engine import Database, open_database
from reconciler.store.lock import open_locks
from reconciler.store.reads import Reads
from reconciler.verdict import compare
from tests.alerts.bench import Sink
from tests.desk import FUNDS, KEY, SECRET
from tests.feed import memory
from tests.feed.peers import ending

FIRST, SECOND = "desk", "treasury"
ACCOUNTS = (FIRST, SECOND)
TOKEN = "profile/websocket_token"
WHY = "the exchange refused the credentials: Unauthorized request"
PAUSE_S = seconds(REFUSED_PAUSE)


@dataclass(frozen=True)
class House:
    """A daemon of two accounts, and the exchange; in virtual time."""

    exchange: Simulated
    network: memory.Network
    database: Database
    keyring: Keyring
    running: Running
    log: StringIO

    def phases(self) -> tuple[Phase, ...]:
        return tuple(self.running.feeds[name].phase for name in ACCOUNTS)

    def logged(self, event: str) -> list[dict[str, str]]:
        lines = map(msgspec.json.decode, self.log.getvalue().splitlines())
        return [line for line in lines if line["event"] == event]

    def is_true(self, account: str) -> bool:
        """Whether the record of that account is what happened, and something did."""
        truth = self.exchange.truth(account)
        return compare(Reads(self.database), account, truth).is_equal and bool(truth.deals)

    def trade(self) -> None:
        for account in ACCOUNTS:
            self.exchange.fill(account, "BTC_USDT", "buy", "0.5", "40000")


def key(account: str, secret: str = SECRET) -> Credentials:
    return Credentials(key=Secret(KEY + account), secret=Secret(secret))


@asynccontextmanager
async def open_house(
    url: str,
    *wrong: str,
    hooks: Sequence[Hook] = (),
    before: Callable[[Simulated], object] = lambda _: None,
) -> AsyncIterator[House]:
    """The daemon, with wrong secrets of these accounts."""
    exchange, log = Simulated(now=VirtualClock(memory.START).now, seed=1), StringIO()
    for name in ACCOUNTS:
        exchange.open_account(name, KEY + name, SECRET, FUNDS)
    before(exchange)
    keyring = Keyring({name: key(name, "wrong" if name in wrong else SECRET) for name in ACCOUNTS})
    config = Config(
        exchange=Exchange(rest_url="http://127.0.0.1", ws_url="ws://127.0.0.1/ws"),
        accounts=tuple(Account(name=name) for name in ACCOUNTS),
        backfill=Backfill(since="1h", sweep=Duration(10 * MINUTE)),
        reconcile=Reconcile(poll=Duration(5 * MINUTE)),
    )
    database = open_database(url)
    async with trio.open_nursery() as nursery, serve(exchange, port=None) as server:
        network = memory.Network(exchange, server, nursery)
        world = memory.world(dial=network.dial, http=network.http)
        logger = open_log(clock=world.clock, format_="json", to=log)
        async with open_daemon(config, keyring, database, world, logger, hooks) as running:
            yield House(exchange, network, database, keyring, running, log)
        nursery.cancel_scope.cancel()


def test_one_of_two_is_told_tried_every_five_minutes_and_keeps_nothing_from_the_other(
    sqlite_url: str,
) -> None:
    sink = Sink()

    async def main() -> None:
        async with open_house(sqlite_url, FIRST, hooks=[sink]) as house:
            await house.running.feeds[SECOND].until_live()
            await trio.sleep(1)
            house.network.asked.clear()
            for _ in range(4):
                await trio.sleep(PAUSE_S - 10)
                assert house.phases() == (Phase.REFUSED, Phase.LIVE)
                assert degraded(house.running) == (f"{FIRST}: {WHY}, see: reconciler check",)
                assert stuck(house.running, steady()) == ()
            assert house.network.asked.count(TOKEN) == 3
            assert sink.heard() == [f"auth.rejected feed/{FIRST}"]
            lines = house.logged("auth.rejected")
            assert {line["account"] for line in lines} == {FIRST}
            house.trade()
            await trio.sleep(70)
            assert house.is_true(SECOND)
            assert not house.is_true(FIRST)

            assert house.keyring.offer(FIRST, key(FIRST))
            began = trio.current_time()
            await house.running.feeds[FIRST].until_live()
            assert trio.current_time() - began < 10
            assert house.running.feeds[SECOND].sessions == 1
            await trio.sleep(30)
            assert house.is_true(FIRST)
            assert sink.heard()[1:] == [f"feed.recovered feed/{FIRST}"]

    memory.run(main)


def test_where_all_are_refused_each_is_told_before_it_ends_with_all_their_names(
    sqlite_url: str,
) -> None:
    sink = Sink()

    async def main() -> None:
        with ending(f"account {FIRST}: {WHY}; account {SECOND}: {WHY}$", CredentialsRefused):
            async with open_house(sqlite_url, *ACCOUNTS, hooks=[sink]):
                await trio.sleep_forever()
        assert trio.current_time() < PAUSE_S

    memory.run(main)
    assert sorted(sink.heard()) == [f"auth.rejected feed/{name}" for name in ACCOUNTS]


def test_an_account_that_another_process_holds_is_not_refused_before_it_is_tried(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        locks = open_locks(open_database(sqlite_url))
        assert locks.acquire(SECOND)
        with ending(f"account {SECOND}: {WHY}$", CredentialsRefused):
            async with open_house(sqlite_url, *ACCOUNTS) as house:
                await trio.sleep(4.5 * PAUSE_S)
                assert house.phases() == (Phase.REFUSED, Phase.WAITING)
                assert stuck(house.running, steady()) == ()
                locks.close()
                await trio.sleep_forever()

    memory.run(main)


AWAY = Rule(point=Point.REQUEST, act=Answer(502, "<html>"), name=f"/api/v4/{TOKEN}", times=None)


def test_an_account_that_can_not_be_reached_is_not_refused(sqlite_url: str) -> None:
    async def main() -> None:
        def away(exchange: Simulated) -> None:
            exchange.faults.add(msgspec.structs.replace(AWAY, skip=1))

        with ending("account", CredentialsRefused):
            async with open_house(sqlite_url, *ACCOUNTS, before=away) as house:
                await trio.sleep(200)
                assert sorted(house.phases()) != [Phase.REFUSED, Phase.REFUSED]
                assert len(house.logged("auth.rejected")) == 1
                house.exchange.faults.rules.clear()
                await trio.sleep_forever()

    memory.run(main)


@pytest.mark.parametrize("wrong", [(), (SECOND,)], ids=["both", "the only one that works"])
def test_once_any_was_live_it_goes_on_and_recovers_by_itself(
    sqlite_url: str, wrong: tuple[str, ...]
) -> None:
    """The key is revoked at night, and allowed again in the morning."""

    async def main() -> None:
        async with open_house(sqlite_url, *wrong) as house:
            await house.running.feeds[FIRST].until_live()
            await trio.sleep(60)
            denied = Answer(401, '{"code": 10, "message": "Unauthorized request.", "errors": {}}')
            rule = Rule(point=Point.REQUEST, act=denied, name=f"/api/v4/{TOKEN}", times=None)
            house.exchange.faults.add(rule)
            house.exchange.faults.cut()
            house.trade()
            await trio.sleep(2.5 * PAUSE_S)
            assert house.phases() == (Phase.REFUSED, Phase.REFUSED)
            house.exchange.faults.remove(rule)
            with trio.fail_after(PAUSE_S + 10):
                await house.running.feeds[FIRST].until_live(2)
            await trio.sleep(30)
            assert house.is_true(FIRST)

    memory.run(main)
