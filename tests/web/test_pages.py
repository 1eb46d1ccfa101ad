"""Each page says what the record says, escapes what others wrote, and never shows a traceback."""

from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from reconciler.address import Tcp
from reconciler.daemon import Running
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures
from reconciler.pulse import Pulse
from reconciler.store.engine import Database, open_database
from reconciler.web.door import HEADERS, REQUESTS_MAX, Door
from reconciler.web.hosts import Hosts
from reconciler.world import real
from tests.running import run
from tests.store.samples import ACCOUNT, NOON, apply, batch, deal
from tests.web.asking import get, live, open_pages
from tests.web.hostile import EVIL, hostile_running, hostile_world, make_hostile

DOCS = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
HERE = Tcp("127.0.0.1", 9464)
PATHS = ("/", "/live", "/healthz", "/readyz", "/metrics", "/api/status")


@pytest.fixture
def record(sqlite_url: str) -> Database:
    return open_database(sqlite_url)


class Tags(HTMLParser):
    """Which elements a page has, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(text)
    return parser.found


def test_every_answer_has_the_headers_that_keep_browsers_in(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record) as web:
            for path in (*PATHS, "/static/live.js", "/nowhere"):
                answer = await get(web, path)
                for name, value in HEADERS.items():
                    assert answer.headers[name.lower()] == value, path
            assert (await get(web, "/")).headers["cache-control"] == "no-store"

    run(main)


def test_what_others_wrote_is_text_and_nothing_else(database: Database) -> None:
    async def main() -> None:
        make_hostile(database, real().clock.now())
        async with open_pages(database, hostile_running(), world=hostile_world()) as web:
            for path in ("/", "/live"):
                page = (await get(web, path)).text
                assert 'onerror="' not in page
                assert page.count("&lt;img src=x onerror") > 10
                found = tags(page)
                assert not [tag for tag, _ in found if tag in ("img", "iframe", "style", "base")]
                scripts = [attributes for tag, attributes in found if tag == "script"]
                assert all(script["src"].startswith("/static/") for script in scripts)  # type: ignore[union-attr]
                for tag, attributes in found:
                    odd = [name for name in attributes if name[:2] == "on" or name == "style"]
                    assert not odd, (tag, odd)
            assert (await get(web, "/api/status")).json["process"] == EVIL
            assert (await get(web, "/metrics")).status == 200

    run(main)


def test_health_needs_no_database_and_names_what_is_stuck(record: Database) -> None:
    async def main() -> None:
        overdue = Pulse(due=0)
        running = Running(feeds={}, loops={"writer thread": overdue})
        Path(str(record.url.database)).write_bytes(b"no database")  # noqa: ASYNC240
        async with open_pages(record, running) as web:
            answer = await get(web, "/healthz")
            assert (answer.status, answer.text) == (503, "stuck: writer thread\n")
            overdue.rest()
            answer = await get(web, "/healthz")
            assert (answer.status, answer.text) == (200, "ok\n")

    run(main)


def test_readiness_names_each_account_that_is_not_live(record: Database) -> None:
    async def main() -> None:
        feeds = {
            "one": Figures("one", Phase.LIVE),
            "two": Figures("two", Phase.DOWN, last_reason="connection reset"),
        }
        async with open_pages(record, Running(feeds=feeds)) as web:
            answer = await get(web, "/readyz")
            assert (answer.status, answer.text) == (503, "two: connection reset\n")
            feeds["two"].tell(Phase.LIVE)
            answer = await get(web, "/readyz")
            assert (answer.status, answer.text) == (200, "ready\n")

    run(main)


def test_a_broken_database_is_told_and_what_needs_none_goes_on(record: Database) -> None:
    async def main() -> None:
        Path(str(record.url.database)).write_bytes(b"no database" * 100)  # noqa: ASYNC240
        said = StringIO()
        async with open_pages(record, log_to=said) as web:
            page = await get(web, "/")
            assert page.status == 200
            assert "The record can&#39;t be read" in page.text
            assert "restore a backup" in page.text
            status = await get(web, "/api/status")
            assert status.status == 503
            assert status.json["database"]["read"] is False
            assert status.json["state"] == "wrong"
            metrics = await get(web, "/metrics")
            assert "reconciler_database_up 0.0" in metrics.text
            assert "reconciler_deals" not in metrics.text
            assert (await get(web, "/healthz")).status == 200
        assert "web.bug" not in said.getvalue()
        assert "Traceback" not in page.text + status.text + metrics.text

    run(main)


def test_a_database_that_hangs_keeps_no_page_from_saying_so(postgres_url: str) -> None:
    async def main() -> None:
        database = open_database(postgres_url)
        apply(database, batch(deal(1)))
        with database.writing() as other:
            other.exec_driver_sql("LOCK TABLE deals IN ACCESS EXCLUSIVE MODE")
            async with open_pages(database) as web:
                page = await get(web, "/")
                assert page.status == 200
                assert "The record can&#39;t be read" in page.text
                assert (await get(web, "/healthz")).text == "ok\n"

    run(main)


def test_an_empty_record_has_a_page(database: Database) -> None:
    async def main() -> None:
        async with open_pages(database, Running(feeds={ACCOUNT: Figures(ACCOUNT)})) as web:
            page = await get(web, "/")
            assert page.status == 200
            assert "treasury is connecting; nothing is proven yet" in page.text
            status = (await get(web, "/api/status")).json
            assert status["accounts"][0]["record"] is None

    run(main)


def test_a_bug_in_a_page_is_told_in_the_log_and_to_nobody_else(record: Database) -> None:
    async def main() -> None:
        said = StringIO()
        running = live()
        running.feeds[ACCOUNT].swept = None  # type: ignore[assignment]
        async with open_pages(record, running, log_to=said) as web:
            answer = await get(web, "/api/status")
            assert answer.status == 500
            assert answer.text == "this page has a bug; the log says which, the record is safe\n"
            assert (await get(web, "/static/page.css")).status == 200
        lines = [msgspec.json.decode(line) for line in said.getvalue().splitlines()]
        bug = next(line for line in lines if line["event"] == "web.bug")
        assert bug["path"] == "/api/status"
        assert "AttributeError" in bug["exception"]

    run(main)


def test_too_many_requests_at_once_are_put_off_but_for_health() -> None:
    async def main() -> None:
        release = trio.Event()

        async def slow(scope: object, receive: object, send: object) -> None:
            await release.wait()

        door = Door(slow, Hosts(HERE), log=None)  # type: ignore[arg-type]
        statuses: list[int] = []

        async def ask(path: str) -> None:
            async def send(message: dict[str, object]) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])  # type: ignore[arg-type]

            scope = {
                "type": "http",
                "method": "GET",
                "path": path,
                "headers": [(b"host", b"localhost")],
            }
            await door(scope, None, send)  # type: ignore[arg-type]

        async with trio.open_nursery() as nursery:
            for _ in range(REQUESTS_MAX):
                nursery.start_soon(ask, "/")
            await trio.testing.wait_all_tasks_blocked()
            await ask("/")
            assert statuses == [503]
            nursery.start_soon(ask, "/healthz")
            await trio.testing.wait_all_tasks_blocked()
            assert statuses == [503]
            release.set()
        await ask("/")
        assert statuses == [503]

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_page_that_takes_too_long_is_given_up() -> None:
    async def main() -> None:
        async def hanging(scope: object, receive: object, send: object) -> None:
            await trio.sleep_forever()

        door = Door(hanging, Hosts(HERE), log=None)  # type: ignore[arg-type]
        said: list[dict[str, object]] = []

        async def send(message: dict[str, object]) -> None:
            said.append(message)

        headers = [(b"host", b"localhost")]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
        await door(scope, None, send)  # type: ignore[arg-type]
        assert said[0]["status"] == 503
        assert said[1]["body"] == b"this took too long; try again\n"

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_files_are_kept_by_their_tag(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record) as web:
            page = (await get(web, "/")).text
            links = [
                value
                for _, attributes in tags(page)
                for name, value in attributes.items()
                if name in ("src", "href") and value and value.startswith("/static/")
            ]
            assert len(links) == 3
            for link in links:
                whole = await get(web, link)
                assert whole.status == 200
                assert "immutable" in whole.headers["cache-control"]
                again = await get(web, link, If_None_Match=f'"x", W/{whole.headers["etag"]}')
                assert (again.status, again.body) == (304, b"")
                assert again.headers["etag"] == whole.headers["etag"]
            assert (await get(web, "/static/page.css?v=old")).headers["cache-control"] == "no-cache"

    run(main)


def test_nothing_on_the_page_comes_from_elsewhere(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record) as web:
            for path in ("/", "/static/page.css", "/static/live.js", "/static/icon.svg"):
                text = (await get(web, path)).text.replace("http://www.w3.org/2000/svg", "")
                assert "://" not in text, path
                assert "url(" not in text

    run(main)


def test_the_page_works_without_a_script(record: Database) -> None:
    async def main() -> None:
        apply(record, batch(deal(1, executed_at=NOON)))
        async with open_pages(record) as web:
            page = (await get(web, "/")).text
            assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page
            assert "BTC_USDT" in page

    run(main)


def test_every_key_of_the_status_is_documented(record: Database) -> None:
    async def main() -> None:
        make_hostile(record, real().clock.now())
        async with open_pages(record, hostile_running()) as web:
            status = (await get(web, "/api/status")).json
        for key in keys(status, parents=("swept", "covered_until", "waiting")):
            assert f"`{key}`" in DOCS, key

    run(main)


def keys(value: object, parents: tuple[str, ...]) -> set[str]:
    """All names in it, but for those below `parents`, which are the user's."""
    if isinstance(value, list):
        return {key for each in value for key in keys(each, parents)}
    if not isinstance(value, dict):
        return set()
    found = set(value)
    for key, below in value.items():
        if key not in parents:
            found |= keys(below, parents)
    return found


def test_times_are_iso_and_amounts_text(record: Database) -> None:
    async def main() -> None:
        now = real().clock.now()
        make_hostile(record, now)
        async with open_pages(record, hostile_running()) as web:
            account = (await get(web, "/api/status")).json["accounts"][0]
        [found] = account["record"]["drifts"]
        assert (found["expected"], found["reported"], found["difference"]) == (
            "27.5",
            "12.5",
            "-15",
        )
        assert account["record"]["session"]["disconnected_at"].endswith("Z")
        assert account["reason"] == EVIL

    run(main)
