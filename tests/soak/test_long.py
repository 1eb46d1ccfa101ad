"""What needs minutes: a long past, and storms from many seeds.  Run by `make soak`."""

import random
import re
from functools import partial
from pathlib import Path

import pytest
import trio

from reconciler.domain.moments import SECOND
from reconciler.simulator.acts import READY, AnyAct, Cut, Delay, Point, Rule, Swallow, Truncate
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.simulator.life import live
from reconciler.simulator.past import live_through, past_of
from reconciler.simulator.pursuits import Pursuit
from reconciler.simulator.server import serve
from reconciler.store.engine import CACHE_KIB, open_database
from reconciler.world import real
from tests.cli.daemon import daemon, until_logged, write_config
from tests.desk import ACCOUNT, KEY, SECRET, open_desk, open_exchange, until
from tests.proving import proven, proven_record
from tests.running import run
from tests.store.samples import rows

pytestmark = pytest.mark.soak

SEEDS = range(1, 9)
DEALS = 100_000
GROWTH_MIB_MAX = 2 * CACHE_KIB / 1024
"""From a fifth of the past to all of it: what SQLite keeps of the file for who writes and who
reads, which does not grow with the past beyond that."""


def resident_mib(process: trio.Process) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def test_half_a_year_of_a_hundred_thousand_deals_in_flat_memory(
    database_url: str, tmp_path: Path
) -> None:
    """Killed and started again three times on the way."""
    exchange = Simulated(now=real().clock.now, seed=1)
    exchange.open_account(ACCOUNT, KEY, SECRET, is_business=True)
    live_through(exchange, past_of(175, DEALS), [ACCOUNT], seed=5)
    log, database = tmp_path / "log", open_database(database_url)
    sizes: list[float] = []

    def known(share: float) -> bool:
        [(count,)] = rows(database, "SELECT count(*) FROM deals")
        assert isinstance(count, int)
        return count >= share * DEALS

    async def main() -> None:
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, database_url, since="180d")
            for share in (0.25, 0.5, 0.75):
                async with daemon(config, log) as process:
                    await until(partial(known, share - 0.05), pause=0.2)
                    sizes.append(resident_mib(process))
                    await until(partial(known, share), pause=0.2)
            async with daemon(config, log) as process:
                await until_logged(log, "session.live")
                await proven_record(exchange, database, seconds=120)
                sizes.append(resident_mib(process))
            assert "Traceback" not in log.read_text()
            print("resident MiB", sizes)
            assert sizes[-1] <= sizes[0] + GROWTH_MIB_MAX

    run(main, seconds=1800)


MOODS: tuple[AnyAct | str, ...] = (
    *(name for name in READY if name not in ("unauthorized", "no-permission")),
    Truncate(50),
    Cut(),
    Delay(3),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_cuts_and_bad_answers_for_twenty_seconds_lose_nothing(database_url: str, seed: int) -> None:
    """Ten cuts, one call in ten answered badly, one frame in fifty swallowed."""

    async def main() -> None:
        exchange, chance = open_exchange(is_business=True), random.Random(seed)
        async with open_desk(database_url, exchange=exchange, sweep=5 * SECOND) as desk:
            await desk.feed.until_live()
            for act in MOODS:
                share = 0.1 / len(MOODS)
                exchange.faults.add(
                    Rule(point=Point.ANSWER, act=act, times=None, probability=share)
                )
            swallow = Rule(point=Point.FRAME, act=Swallow(), times=None, probability=0.02)
            exchange.faults.add(swallow)
            async with trio.open_nursery() as traders:
                traders.start_soon(
                    partial(
                        live,
                        exchange,
                        rate=60,
                        chance=chance,
                        accounts=[ACCOUNT],
                        pursuits=[Pursuit.ORDERS, Pursuit.PAPERS],
                    )
                )
                for _ in range(10):
                    await trio.sleep(chance.uniform(0, 4))
                    exchange.faults.cut(how=chance.choice(("reset", 1001, 1011)))
                traders.cancel_scope.cancel()
            exchange.faults.rules.clear()
            await proven(desk, seconds=90)

    run(main, seconds=240)


def test_a_storm_of_refused_tokens_ends_within_all_limits(database_url: str) -> None:
    async def main() -> None:
        exchange = open_exchange()
        path = "/api/v4/profile/websocket_token"
        for name in ("broken", "rate-limited", "html", "stale-nonce"):
            exchange.faults.add(Rule(point=Point.ANSWER, act=name, name=path, times=5))
        async with open_desk(database_url, exchange=exchange) as desk:
            await desk.feed.until_live()
            await proven(desk)

    run(main, seconds=400)
