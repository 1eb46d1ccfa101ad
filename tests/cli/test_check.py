"""`reconciler check`: each thing that can be wrong is found, named and does not hide the others."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.domain.moments import SECOND
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.simulator.server import serve
from reconciler.world import real
from tests.cli.calling import called, caller
from tests.cli.daemon import Ended, ended, write_config
from tests.desk import ACCOUNT, KEY, SECRET, open_exchange
from tests.running import run

Check = Callable[..., Ended]


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Check:
    """What the doctor says of a configuration at an exchange (of none, where nobody listens)."""

    def check(
        database_url: str, exchange: Exchange | None = None, *arguments: str, **changes: str
    ) -> Ended:
        async def main() -> Ended:
            if exchange is None:
                return await said(write_config(tmp_path, None, database_url))
            async with serve(exchange) as server:
                return await said(write_config(tmp_path, server, database_url, **changes))

        async def said(config: Path) -> Ended:
            return await called(caller(kept(config), monkeypatch, capsys), "check", *arguments)

        return run(main)

    return check


def kept(config: Path) -> Path:
    """As a file with a key in it should be."""
    config.chmod(0o600)
    return config


def failures(found: Ended) -> list[str]:
    """What failed, by name."""
    lines = [line.split() for line in found.out.splitlines() if line.startswith("FAIL")]
    return [words[1] for words in lines]


def test_where_all_is_well_it_says_so(tmp_path: Path, sqlite_url: str) -> None:
    """The one that is a process, as users have it."""

    async def main() -> Ended:
        async with serve(open_exchange(is_business=True)) as server:
            config = kept(write_config(tmp_path, server, sqlite_url))
            return await ended("check", "--strict", "--config", config)

    found = run(main)
    assert (found.code, found.err) == (0, "")
    assert "\nall is well; start: reconciler run\n" in found.out
    assert "may make all 20 calls" in found.out
    assert SECRET not in found.out
    assert KEY not in found.out


def test_warnings_are_counted_and_only_strictness_minds_them(
    check: Check, postgres_url: str
) -> None:
    """Such as those that a test's database deserves: it is not meant to survive a power cut."""
    found = check(postgres_url, open_exchange())
    assert (found.code, found.err) == (0, "")
    assert "\n2 warnings; all else is well; start: reconciler run\n" in found.out
    assert check(postgres_url, open_exchange(), "--strict").code == 1


def test_programs_are_told_the_same_with_stable_keys(check: Check, sqlite_url: str) -> None:
    found = check(sqlite_url, open_exchange(), "--json", key="x" * 32)
    assert (found.code, found.err) == (1, "")
    said = json.loads(found.out)
    assert (said["ok"], said["failures"], said["warnings"]) == (False, 1, 0)
    assert said["findings"][0].keys() == {"mark", "what", "said"}
    [failed] = [each for each in said["findings"] if each["mark"] == "fail"]
    assert failed["what"] == "account treasury"


@pytest.mark.parametrize("changes", [{"key": "x" * 32}, {"secret": "x" * 32}])
def test_wrong_credentials_are_found(
    check: Check, sqlite_url: str, changes: dict[str, str]
) -> None:
    found = check(sqlite_url, open_exchange(), **changes)
    assert (found.code, found.err) == (1, "")
    assert failures(found) == ["account"]
    assert "refused the credentials" in found.out
    assert "1 failure: a run would fail" in found.out
    assert "x" * 32 not in found.out


def test_a_missing_permission_is_found_by_its_call(check: Check, sqlite_url: str) -> None:
    exchange = open_exchange()
    denied = Answer(403, '{"code": 0, "message": "This action is unauthorized.", "errors": {}}')
    for path in ("main-account/balance", "trade-account/order/history"):
        exchange.faults.add(Rule(point=Point.REQUEST, act=denied, name=f"/api/v4/{path}"))
    found = check(sqlite_url, exchange)
    assert found.code == 1
    assert failures(found) == ["account", "account"]
    assert "main_balances: " in found.out
    assert "order_history: " in found.out


def test_an_exchange_that_is_away_is_found(check: Check, sqlite_url: str) -> None:
    found = check(sqlite_url)
    assert found.code == 1
    assert failures(found) == ["exchange"]
    assert "http://127.0.0.1:1" in found.out


@pytest.mark.parametrize("ahead", [-60, 60])
def test_a_clock_that_is_off_is_found(check: Check, sqlite_url: str, ahead: int) -> None:
    clock = real().clock
    exchange = Exchange(now=lambda: clock.now() + ahead * SECOND, seed=1)
    exchange.open_account(ACCOUNT, KEY, SECRET)
    found = check(sqlite_url, exchange)
    assert found.code == 1
    assert "clock" in failures(found)
    assert "set it (NTP)" in found.out


def test_a_database_that_is_not_there_is_found_with_its_remedy(
    check: Check, tmp_path: Path
) -> None:
    found = check(f"sqlite:///{tmp_path / 'none.db'}", open_exchange())
    assert found.code == 1
    assert failures(found) == ["schema"]
    assert "run: reconciler db upgrade" in found.out
    assert not (tmp_path / "none.db").exists()


def test_one_finding_does_not_hide_another(check: Check) -> None:
    found = check("postgresql://nobody@127.0.0.1:1/none", open_exchange(), key="x" * 32)
    assert found.code == 1
    assert failures(found) == ["database", "account"]
    assert "2 failures: " in found.out


def test_a_secret_that_is_missing_is_found_and_the_exchange_looked_at_all_the_same(
    check: Check, sqlite_url: str
) -> None:
    more = '[[accounts]]\nname = "other"'
    found = check(sqlite_url, open_exchange(), more=more)
    assert found.code == 1
    assert failures(found) == ["secrets"]
    assert "accounts.other.api_key: missing" in found.out
    assert "ok    exchange" in found.out
