"""The page in a real browser: current without reloading, harmless, readable, at any width."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconciler.store.engine import Database, open_database
from reconciler.web.serving import Web
from reconciler.world import real
from tests.browser import Tab, browser, open_tab
from tests.running import run
from tests.store.samples import apply, batch, deal
from tests.web.asking import live, open_pages, port_of
from tests.web.hostile import hostile_running, hostile_world, make_hostile

WIDTHS = (320, 360, 768, 1280)
JUDGE = (Path(__file__).parent / "judge.js").read_text()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with browser() as found:
        yield found


@pytest.fixture
def record(sqlite_url: str) -> Database:
    return open_database(sqlite_url)


def url(web: Web) -> str:
    return f"http://127.0.0.1:{port_of(web)}/"


def add_deal(record: Database, number: int, market: str = "ETH_USDT") -> None:
    now = real().clock.now()
    apply(record, batch(deal(number, market=market, executed_at=now, amount=Decimal(number))))


def test_a_new_deal_is_seen_without_reloading_and_what_is_open_stays_open(
    record: Database, port: int
) -> None:
    async def main() -> None:
        make_hostile(record, real().clock.now())
        async with open_pages(record) as web, open_tab(port) as tab:
            await tab.go(url(web))
            await tab.run(
                "window.same = true; document.querySelector('#coverage details').open = true"
            )
            await tab.run("document.querySelector('#coverage summary').focus()")
            add_deal(record, 77)
            await tab.until("document.querySelector('#deals tbody').innerText.includes('ETH_USDT')")
            assert await tab.run("window.same")
            assert await tab.run("document.querySelector('#coverage details').open")
            assert await tab.run("document.activeElement.nodeName") == "SUMMARY"
            rows = "document.querySelectorAll('#deals tbody tr').length"
            assert await tab.run(rows) == 2
            assert tab.complaints == []

    run(main, seconds=60)


def test_what_others_wrote_does_no_harm(record: Database, port: int) -> None:
    async def main() -> None:
        make_hostile(record, real().clock.now())
        async with (
            open_pages(record, hostile_running(), world=hostile_world()) as web,
            open_tab(port) as tab,
        ):
            await tab.go(url(web))
            await tab.until(
                "document.getElementById('link').textContent === 'updated as it happens'"
            )
            add_deal(record, 2, market="<script>alert(1)</script>_USDT")
            await tab.until("document.body.innerText.includes('<script>alert(1)</script>_USDT')")
            assert await tab.run("document.querySelectorAll('main img, main script').length") == 0
            assert "hacked" not in await tab.run("document.title.slice(0, 6)")
            assert tab.complaints == []

    run(main, seconds=60)


def test_the_policy_of_the_page_is_in_force(record: Database, port: int) -> None:
    async def main() -> None:
        async with open_pages(record) as web, open_tab(port) as tab:
            await tab.go(url(web))
            await tab.run(
                "const made = document.createElement('script');"
                "made.textContent = 'window.hacked = true'; document.body.append(made)"
            )
            assert await tab.run("window.hacked") is None
            await tab.until("true")
            assert any("Content Security Policy" in said for said in tab.complaints)

    run(main, seconds=60)


def test_a_daemon_that_goes_is_told_of_and_its_return_is_noticed(
    record: Database, port: int
) -> None:
    async def main() -> None:
        add_deal(record, 1)
        async with open_tab(port) as tab:
            async with open_pages(record) as web:
                address = f"127.0.0.1:{port_of(web)}"
                await tab.go(url(web))
                await tab.until(
                    "document.getElementById('link').textContent === 'updated as it happens'"
                )
                await tab.run("window.same = true")
            await tab.until("/^Not connected since ..:..:.. UTC$/.test(line.textContent)")
            assert await tab.run("document.getElementById('link').textContent === line.textContent")
            add_deal(record, 2, market="SOL_USDT")
            async with open_pages(record, listen=address):
                await tab.until("document.getElementById('deals').innerText.includes('SOL_USDT')")
                await tab.until("!document.body.classList.contains('not-connected')")
                assert await tab.run("window.same")

    run(main, seconds=60)


async def _judged(tab: Tab) -> list[str]:
    """What is wrong with the page for who sees little, or listens to it."""
    found: list[str] = await tab.run(f"({JUDGE.partition(chr(10))[2]})()")
    return found


@pytest.fixture
def hostile(record: Database) -> Database:
    """Long words without a space, in every place, are the hardest to lay out."""
    make_hostile(record, real().clock.now())
    for number in range(10, 16):
        add_deal(record, number, market="BTC_USDT")
    return record


def test_every_width_and_theme_is_readable(hostile: Database, port: int) -> None:
    async def main() -> None:
        async with (
            open_pages(hostile, hostile_running(), world=replace(real(), name="a" * 200)) as web,
            open_tab(port) as tab,
        ):
            await tab.go(url(web))
            await tab.run("for (const one of document.querySelectorAll('details')) one.open = true")
            backgrounds = set()
            for dark in (False, True):
                for width in WIDTHS:
                    await tab.look(width=width, dark=dark)
                    wide = await tab.run("document.documentElement.scrollWidth")
                    assert wide <= width, f"{wide} at {width}"
                    assert await _judged(tab) == [], (width, dark)
                backgrounds.add(await tab.run("getComputedStyle(document.body).backgroundColor"))
            assert len(backgrounds) == 2
            assert tab.complaints == []

    run(main, seconds=90)


def test_the_browser_itself_understands_the_structure(hostile: Database, port: int) -> None:
    async def main() -> None:
        async with open_pages(hostile, live()) as web, open_tab(port) as tab:
            await tab.look(width=320)
            await tab.go(url(web))
            await tab.ask("Accessibility.enable")
            nodes = (await tab.ask("Accessibility.getFullAXTree"))["nodes"]
            named = [(role(node), name(node)) for node in nodes if not node["ignored"]]
            roles = [role for role, _ in named]
            for landmark in ("banner", "main", "contentinfo"):
                assert roles.count(landmark) == 1, landmark
            # On a narrow screen a row is laid out as a card, and still is one of a table.
            assert roles.count("table") == 2
            assert roles.count("columnheader") == 14
            assert "rowheader" in roles
            assert "status" in roles
            for role_, name_ in named:
                if role_ in ("img", "image", "link", "region", "table", "heading"):
                    assert name_, role_
            assert ("region", "Open drifts") in named

    run(main, seconds=60)


def role(node: dict[str, Any]) -> str:
    return str(node["role"]["value"])


def name(node: dict[str, Any]) -> str:
    return str(node.get("name", {}).get("value", ""))


def test_who_wants_no_motion_gets_none(record: Database, port: int) -> None:
    async def main() -> None:
        add_deal(record, 1)
        async with open_pages(record) as web, open_tab(port) as tab:
            still = {"name": "prefers-reduced-motion", "value": "reduce"}
            await tab.ask("Emulation.setEmulatedMedia", features=[still])
            await tab.go(url(web))
            add_deal(record, 2)
            await tab.until("document.querySelectorAll('#deals tbody tr').length === 2")
            assert await tab.run("document.getAnimations().length") == 0

    run(main, seconds=60)
