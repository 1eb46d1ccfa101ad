"""`reconciler sync`: one pass brings the record up to the truth, whoever made the last one."""

import json
import random
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import fields
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
import trio
from msgspec.structs import replace

from reconciler.cli.sync import Outcome, sync, tell
from reconciler.clock import VirtualClock
from reconciler.config import Account, Backfill, Config, Exchange
from reconciler.feed.learned import Learned
from reconciler.feed.rest import CredentialsRefused, ExchangeAway
from reconciler.log import open_log
from reconciler.secret import Credentials, Secret
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.simulator.life import Traders
from reconciler.simulator.server import serve
from reconciler.store.engine import Database, DatabaseAway, open_database
from reconciler.store.holders import AccountHeld, Holder, take
from reconciler.store.lock import open_locks
from reconciler.store.reads import Reads
from reconciler.store.status import AccountStatus
from reconciler.verdict import compare
from tests.cli.calling import Call, Within, called
from tests.cli.daemon import ENVIRONMENT, command, daemon, ended, until_logged, write_config
from tests.desk import ACCOUNT, FUNDS, KEY, SECRET, open_exchange
from tests.feed import memory
from tests.grids import mostly_sqlite
from tests.running import run
from tests.store.samples import NOON, rows

AT = "2026-01-02T12:00:00.123456Z"
"""Noon, as it is printed."""


async def trade(exchange: Simulated, operations: int, seed: int) -> None:
    await Traders(exchange, chance=random.Random(seed), accounts=[ACCOUNT]).burst(operations)


def equals_truth(exchange: Simulated, url: str) -> bool:
    verdict = compare(Reads(open_database(url)), ACCOUNT, exchange.truth(ACCOUNT))
    assert verdict.is_equal, verdict.differences[:5]
    return verdict.deals > 0


@mostly_sqlite
def test_each_pass_equals_the_truth_and_one_more_learns_nothing(
    database_url: str, tmp_path: Path, within: Within
) -> None:
    async def main() -> None:
        exchange = open_exchange()
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, database_url)
            for seed in (1, 2):
                await trade(exchange, 150, seed)
                said = await called(within(config), "sync", "--json")
                assert (said.code, said.err) == (0, "")
                [account] = json.loads(said.out)["accounts"]
                assert account["account"] == ACCOUNT
                assert account["problem"] is None
                assert account["open_drifts"] == 0
                assert account["learned"]["deals"] > 0
                assert {"deals", "orders"} <= account["covered_until"].keys()
                assert equals_truth(exchange, database_url)
            said = await called(within(config), "sync")
            assert (said.code, said.err) == (0, "")
            assert said.out.startswith(f"{ACCOUNT}: nothing learned; complete until 20")
            assert equals_truth(exchange, database_url)
            listened = "SELECT count(*) FROM v_sessions"
            assert rows(open_database(database_url), listened) == [(0,)], "it opens no session"

    run(main, seconds=60)


@mostly_sqlite
def test_killed_at_any_moment_the_next_pass_goes_on(database_url: str, tmp_path: Path) -> None:
    async def main() -> None:
        exchange, chance = open_exchange(), random.Random(database_url.partition(":")[0])
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, database_url)
            await trade(exchange, 300, 3)
            for _ in range(2):
                process = await trio.lowlevel.open_process(
                    command("sync", "--config", config), env=ENVIRONMENT
                )
                with trio.move_on_after(chance.uniform(0.3, 1.5)):
                    await process.wait()
                if process.returncode is None:
                    process.send_signal(signal.SIGKILL)
                    await process.wait()
            said = await ended("sync", "--config", config)
            assert said.code == 0, said.err
            assert equals_truth(exchange, database_url)

    run(main, seconds=60)


def test_it_and_a_daemon_take_turns(sqlite_url: str, tmp_path: Path, within: Within) -> None:
    async def main() -> None:
        exchange, log = open_exchange(), tmp_path / "log"
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, sqlite_url)
            await trade(exchange, 100, 5)
            assert (await called(within(config), "sync")).code == 0
            async with daemon(config, log) as process:
                await until_logged(log, "session.live")
                await trade(exchange, 100, 6)
                process.send_signal(signal.SIGTERM)
                assert await process.wait() == 0
            await trade(exchange, 100, 7)
            assert (await called(within(config), "sync")).code == 0
            assert equals_truth(exchange, sqlite_url)

    run(main, seconds=60)


def test_refused_credentials_are_3_and_named(
    sqlite_url: str, tmp_path: Path, within: Within
) -> None:
    async def main() -> None:
        async with serve(open_exchange()) as server:
            config = write_config(tmp_path, server, sqlite_url, key="wr0ng-and-s3cret")
            said = await called(within(config), "sync")
        assert said.code == 3
        assert said.out == ""
        assert said.err.startswith(f"reconciler: account {ACCOUNT}: the exchange refused the cred")
        assert said.err.count("\n") == 1

    run(main)


def test_without_a_schema_it_says_how_to_get_one(call_fresh: Call) -> None:
    ended = call_fresh("sync")
    assert ended.code == 4
    assert "run: reconciler db upgrade" in ended.err


def test_an_account_that_is_not_configured_is_a_mistake_in_the_call(call: Call) -> None:
    ended = call("sync", "--account", "trasury")
    assert ended.code == 2
    assert "names no account 'trasury'" in ended.err


@asynccontextmanager
async def two_accounts() -> AsyncIterator[tuple[Simulated, Config, memory.Network]]:
    """An exchange in memory with two accounts, and their configuration."""
    clock = VirtualClock(memory.START)
    exchange = Simulated(now=clock.now, seed=1)
    for name in (ACCOUNT, "desk"):
        exchange.open_account(name, KEY + name, SECRET, FUNDS)
    async with trio.open_nursery() as nursery, serve(exchange, port=None) as server:
        config = Config(
            exchange=Exchange(rest_url="http://127.0.0.1", ws_url="ws://127.0.0.1/ws"),
            accounts=(Account(name=ACCOUNT), Account(name="desk")),
            backfill=Backfill(since="1h"),
        )
        yield exchange, config, memory.Network(exchange, server, nursery)
        nursery.cancel_scope.cancel()


async def passes(
    config: Config, network: memory.Network, database: Database, *, wrong: str = ""
) -> dict[str, Outcome]:
    """A pass, with a wrong secret for one of the accounts."""
    keys = {
        account.name: Credentials(
            key=Secret(KEY + account.name),
            secret=Secret("wrong" if account.name == wrong else SECRET),
        )
        for account in config.accounts
    }
    world = memory.world(dial=network.dial, http=network.http)
    log = open_log(clock=world.clock, format_="json", to=StringIO())
    return await sync(config, keys, database, world, log)


def test_one_that_somebody_holds_is_waited_for_and_keeps_no_other(database: Database) -> None:
    async def main() -> None:
        async with two_accounts() as (exchange, config, network):
            take(database, "desk", name="desk1 pid 7", now=NOON)
            locks = open_locks(database)
            assert locks.acquire("desk")
            exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            began = trio.current_time()
            outcomes = await passes(config, network, database)
            assert 10 <= trio.current_time() - began < 15
            locks.close()
            learned = outcomes[ACCOUNT].learned
            assert learned is not None
            assert learned.deals == 1
            assert isinstance(outcomes["desk"].problem, AccountHeld)
            assert "held by desk1 pid 7 since" in str(outcomes["desk"].problem)

    memory.run(main)


def test_one_that_is_refused_keeps_no_other_and_is_3_whatever_else_there_is(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> dict[str, Outcome]:
        async with two_accounts() as (exchange, config, network):
            for name in (ACCOUNT, "desk"):
                exchange.fill(name, "BTC_USDT", "buy", "0.5", "40000")
            return await passes(config, network, database, wrong="desk")

    outcomes = memory.run(main)
    learned = outcomes[ACCOUNT].learned
    assert learned is not None
    assert learned.deals == 1
    assert isinstance(outcomes["desk"].problem, CredentialsRefused)
    told = "SELECT event, dedupe_key FROM events"
    assert rows(database, told) == [("auth.rejected", "feed/desk")]

    held = {"third": Outcome(problem=AccountHeld("third", Holder(name="desk1", since=NOON)))}
    status_ = {each.account: each for each in Reads(database).status()}
    assert tell(outcomes | held, status_, in_words=True) == 3
    assert capsys.readouterr().out.startswith(f"{ACCOUNT}: 1 deal,")


@mostly_sqlite
def test_what_no_record_explains_is_a_drift_before_it_leaves(database: Database) -> None:
    def drifts() -> int:
        return sum(account.open_drifts for account in Reads(database).status())

    async def main() -> None:
        async with two_accounts() as (exchange, both, network):
            config = replace(both, accounts=both.accounts[:1])

            async def after(happens: Callable[[], object]) -> int:
                """The open drifts after a pass half a minute after it."""
                happens()
                await trio.sleep(30)
                outcomes = await passes(config, network, database)
                assert [outcome.problem for outcome in outcomes.values()] == [None]
                return drifts()

            trade = partial(exchange.fill, ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
            for _ in range(3):  # the opening is proven by the second
                assert await after(trade) == 0
            assert await after(partial(exchange.phantom, ACCOUNT, "USDT", "-15")) == 1
            assert await after(trade) == 1
            assert await after(partial(exchange.phantom, ACCOUNT, "USDT", "15")) == 0

    memory.run(main)


def status(account: str, **changes: object) -> AccountStatus:
    """Of an account that nothing was ever told of."""
    empty: dict[str, object] = {field.name: 0 for field in fields(AccountStatus)}
    nothing = {"session": None, "holder": None, "newest_deal_at": None, "refused_streams": ()}
    covered = {"deals": NOON, "orders": NOON + 5}
    told = empty | nothing | {"account": account, "covered_until": covered} | changes
    return AccountStatus(**told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "changes", "code", "said"),
    [
        (Outcome(learned=Learned()), {}, 0, "treasury: nothing learned; complete until " + AT),
        (
            Outcome(learned=Learned(deals=1200, orders=1)),
            {},
            0,
            "treasury: 1,200 deals, 1 order learned; complete until " + AT,
        ),
        (Outcome(learned=Learned()), {"covered_until": {}}, 0, "treasury: nothing learned"),
        (
            Outcome(learned=Learned()),
            {"covered_until": {"mining": 0, "deals": NOON}, "refused_streams": ("mining",)},
            0,
            "treasury: nothing learned; complete until " + AT,
        ),
        (
            Outcome(learned=Learned()),
            {"open_drifts": 2},
            1,
            f"treasury: nothing learned; complete until {AT}; drifts open: 2",
        ),
        (
            Outcome(problem=ExchangeAway("deals_history: no answer within 30s")),
            {},
            1,
            "reconciler: account treasury: deals_history: no answer within 30s",
        ),
        (
            Outcome(problem=CredentialsRefused("the exchange refused the credentials: no")),
            {"open_drifts": 2},
            3,
            "reconciler: account treasury: the exchange refused the credentials: no; "
            "mend the key at the exchange or replace it here, see: reconciler check",
        ),
        (
            Outcome(problem=AccountHeld(ACCOUNT, Holder(name="desk1 pid 7", since=NOON))),
            {},
            4,
            f"reconciler: account treasury is held by desk1 pid 7 since {AT}; "
            "stop that one, or leave it the work",
        ),
    ],
)
def test_each_account_is_a_line_and_the_worst_of_them_the_exit_code(
    outcome: Outcome,
    changes: dict[str, object],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = {"desk": Outcome(learned=Learned()), ACCOUNT: outcome}
    found = {"desk": status("desk"), ACCOUNT: status(ACCOUNT, **changes)}
    assert tell(outcomes, found, in_words=True) == code
    printed = capsys.readouterr()
    assert printed.out.startswith(f"desk: nothing learned; complete until {AT}\n")
    told = printed.out.splitlines()[1:] + printed.err.splitlines()
    assert told == [said]


def test_a_database_that_can_not_be_written_is_not_waited_for_for_ever(sqlite_url: str) -> None:
    async def main() -> None:
        database = open_database(sqlite_url, busy_timeout=1000)
        async with two_accounts() as (_, config, network):
            with closing(
                sqlite3.connect(str(database.url.database), isolation_level=None)
            ) as other:
                network.when("main-account/balance", lambda: other.execute("BEGIN IMMEDIATE"))
                with pytest.RaisesGroup(
                    pytest.RaisesExc(DatabaseAway, match="could not be written"),
                    flatten_subgroups=True,
                    allow_unwrapped=True,
                ):
                    await passes(config, network, database)

    memory.run(main)
