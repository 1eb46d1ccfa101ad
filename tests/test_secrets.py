"""Canaries: secrets like no other text, looked for in all that a run leaves or shows.

The exchange helps the leak along: its refusals repeat the key, as a careless server's would.
"""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest
import trio

from reconciler.alerts.opening import open_hooks
from reconciler.configfile import load
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.simulator.server import serve
from reconciler.store.engine import Database, open_database
from reconciler.store.frames import opened
from reconciler.world import real
from tests.cli.calling import called, caller
from tests.cli.daemon import daemon, ended, until_logged, write_config
from tests.desk import ACCOUNT, FUNDS, until
from tests.grids import corners
from tests.proving import some_of_everything
from tests.running import run
from tests.store.samples import journal, rows

KEY, SECRET = "c4naryKey" * 4, "c4narySecret" * 4
PASSWORD, HOOK_SECRET, HOOK_PATH = "c4naryPassword", "c4naryHookSecret", "c4naryHookPath"
CANARIES = (KEY, SECRET, PASSWORD, HOOK_SECRET, HOOK_PATH)
SEED = 1
ORDERS = "trade-account/order/history"
TOKENS_MAX = 30


def tokens() -> list[str]:
    """Those that the exchange gives out, one after the other."""
    chance = random.Random(f"access {SEED}")
    return [f"{chance.getrandbits(256):064x}" for _ in range(TOKENS_MAX)]


def sung(where: str, text: str | bytes) -> list[str]:
    """The canaries in a text, by the place and their first letters."""
    data = text if isinstance(text, bytes) else text.encode()
    return [f"{where}: {each[:12]}…" for each in (*CANARIES, *tokens()) if each.encode() in data]


def canary_exchange() -> Exchange:
    exchange = Exchange(now=real().clock.now, seed=SEED)
    exchange.open_account(ACCOUNT, KEY, SECRET, FUNDS)
    return exchange


def echo(exchange: Exchange, path: str, status: int, times: int | None = 1) -> None:
    """Refuse, and repeat the credentials in the reason."""
    message = f"This action is unauthorized for {KEY} with {SECRET}"
    body = msgspec.json.encode({"code": 0, "message": message, "errors": {}}).decode()
    exchange.faults.add(
        Rule(point=Point.REQUEST, act=Answer(status, body), name=f"/api/v4/{path}", times=times)
    )


def more(folder: Path, port: int) -> str:
    """Configuration of hooks that all fail, one of which shows what it was given."""
    secret, hook = folder / "hook.secret", folder / "hook"
    secret.write_text(HOOK_SECRET)
    hook.write_text(f'#!/bin/sh\n{{ echo "$@"; env; cat; }} >> {folder}/given\nenv >&2\nexit 1\n')
    hook.chmod(0o755)
    return f"""
[log]
level = "debug"
[[alerts]]
type = "exec"
command = ["{hook}"]
[[alerts]]
type = "webhook"
url = "http://127.0.0.1:{port}/{HOOK_PATH}"
secret_file = "{secret}"
"""


async def free_port() -> int:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        return int(listener.socket.getsockname()[1])


def processes() -> Iterator[tuple[str, bytes]]:
    """What everybody may see of each process; of ours the environment would be for us alone."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield f"arguments of {entry.name}", (entry / "cmdline").read_bytes()
            except OSError:
                continue


def kept(database: Database) -> Iterator[tuple[str, str | bytes]]:
    """All that the database holds: each row of each table, the bytes of the file, what was kept of
    the wire as it was before it was compressed."""
    if database.dialect.name == "sqlite":
        path = Path(str(database.url.database))
        for file in path.parent.glob(f"{path.name}*"):
            yield file.name, file.read_bytes()
        with closing(sqlite3.connect(path)) as plain:
            yield "dump", "\n".join(plain.iterdump())
    else:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        for (table,) in rows(database, tables):
            yield f"table {table}", str(rows(database, f"SELECT * FROM {table}"))
    for row in journal(database):
        for batch in opened(row):
            for frame in batch:
                yield "a kept frame", f"{frame.asked} {frame.text!r}"


def with_password(url: str) -> str:
    return url.replace("test@", f"test:{PASSWORD}@")


def test_no_secret_is_in_anything_that_a_run_leaves_or_shows(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found: list[str] = []
    exchange, log = canary_exchange(), tmp_path / "log"
    database = open_database(database_url)

    async def main() -> None:
        page = f"127.0.0.1:{await free_port()}"
        async with serve(exchange) as server:
            changes = {"key": KEY, "secret": SECRET, "listen": page}
            changes["more"] = more(tmp_path, await free_port())
            config = write_config(tmp_path, server, with_password(database_url), **changes)
            for path in ("mining/rewards", "convert/history", "codes/history"):
                echo(exchange, path, 403, times=None)
            echo(exchange, "trade-account/executed-history", 400)
            bad = Rule(point=Point.REQUEST, act=Answer(502, "<html>"), name=f"/api/v4/{ORDERS}")
            exchange.faults.add(bad)
            async with daemon(config, log) as process:
                await until_logged(log, "session.live")
                echo(exchange, "trade-account/balance", 422)
                exchange.faults.cut()
                some_of_everything(exchange)
                await until_logged(log, "session.live", 2)
                exchange.phantom(ACCOUNT, "USDT", "-15")
                # The second time the key is refused altogether.
                echo(exchange, "profile/websocket_token", 401, times=2)
                exchange.faults.cut()
                await until_logged(log, "auth.rejected")
                await until(lambda: bool(alerts_told(database)), pause=0.1)
                found.extend(each for seen in processes() for each in sung(*seen))
                async with httpx.AsyncClient(base_url=f"http://{page}") as client:
                    for path in ("/", "/metrics", "/api/status", "/healthz", "/readyz"):
                        answer = await client.get(path)
                        found.extend(sung(path, f"{answer.headers} {answer.text}"))
                process.terminate()
                await process.wait()
            exchange.faults.rules.clear()
            await commands(config)

    async def commands(config: Path) -> None:
        call = caller(config, monkeypatch, capsys)
        for words in ("status --json", "check", "alerts test", "--debug db backup /no/such/x"):
            said = await called(call, *words.split())
            assert said.out + said.err
            found.extend(sung(words, said.out + said.err))

    run(main, seconds=120)
    text = log.read_text()
    given_out = [each for each in tokens() if exchange.access.account_of_token(each) == ACCOUNT]
    assert len(given_out) > 1, "these are the tokens that were used"
    assert "unauthorized for" in text, "the exchange did repeat them"
    assert '"rest.retry"' in text, "it was told in all detail"
    found += sung("the log", text)
    found += sung("what the hook was given", (tmp_path / "given").read_bytes())
    found += [each for place in kept(database) for each in sung(*place)]
    assert sorted(set(found)) == []


def alerts_told(database: Database) -> list[tuple[object, ...]]:
    """Deliveries that failed by each of the hooks."""
    query = "SELECT DISTINCT hook FROM v_alerts WHERE last_error IS NOT NULL"
    found = rows(database, query)
    return found if len(found) == 2 else []


def test_refused_at_the_start_it_shows_none(sqlite_url: str, tmp_path: Path) -> None:
    async def main() -> str:
        exchange = canary_exchange()
        echo(exchange, "profile/websocket_token", 401, times=None)
        async with serve(exchange) as server:
            config = write_config(tmp_path, server, sqlite_url, key=KEY, secret=SECRET)
            said = await ended("run", "--debug", "--config", config)
        assert said.code == 3
        assert "Traceback" in said.err
        return said.out + said.err

    assert sung("the traceback", run(main)) == []


@pytest.mark.parametrize(
    "database_url", corners(["postgres"], ["sqlite", "postgres"]), indirect=True
)
def test_a_crash_with_its_traceback_shows_none(database_url: str, tmp_path: Path) -> None:
    """A writer that meets a bug ends the process, and shows where."""
    with open_database(database_url).writing() as connection:
        for statement in BOOM[connection.dialect.name]:
            connection.exec_driver_sql(statement)

    async def main() -> str:
        exchange = canary_exchange()
        some_of_everything(exchange)
        async with serve(exchange) as server:
            url = with_password(database_url)
            config = write_config(tmp_path, server, url, key=KEY, secret=SECRET)
            said = await ended("run", "--debug", "--config", config)
        assert said.code == 1
        assert "boom" in said.err
        return said.out + said.err

    text = run(main, seconds=60)
    assert "Traceback" in text
    assert sung("the traceback", text) == []


BOOM = {
    "sqlite": ["CREATE TRIGGER boom BEFORE INSERT ON deals BEGIN SELECT RAISE(ABORT, 'boom'); END"],
    "postgresql": [
        "CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'boom' USING ERRCODE = 'check_violation'; END $$",
        "CREATE TRIGGER boom BEFORE INSERT ON deals EXECUTE FUNCTION boom()",
    ],
}


def test_nothing_in_the_program_shows_one_by_being_printed(tmp_path: Path) -> None:
    config = write_config(
        tmp_path,
        None,
        f"postgresql://test:{PASSWORD}@127.0.0.1:1/none",
        key=KEY,
        secret=SECRET,
        more=more(tmp_path, 1),
    )
    loaded = load(str(config), {})
    shown: list[object] = [loaded.config.accounts, loaded.config.alerts, loaded.alerts()]
    shown += [loaded.credentials(account) for account in loaded.config.accounts]
    shown.append(open_database(loaded.config.database.url))

    async def main() -> None:
        async with open_hooks(loaded.alerts(), real()) as hooks:
            shown.extend(hooks)

    run(main)
    assert [each for thing in shown for each in sung("repr", f"{thing!r} {thing}")] == []
