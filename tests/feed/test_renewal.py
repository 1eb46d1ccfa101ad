"""New credentials are tried before the old ones are given up, and cost the account one session."""

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from reconciler.domain.words import Phase
from reconciler.feed.renewal import Keyring, listen_renewed
from reconciler.secret import Credentials, Secret
from reconciler.simulator.faults import Answer, Point, Rule
from tests.desk import until
from tests.feed.memory import ACCOUNT, CREDENTIALS, Stage, open_stage, run

OTHER_KEY, OTHER_SECRET = "n" * 32, "m" * 32


def credentials(key: str, secret: str) -> Credentials:
    return Credentials(key=Secret(key), secret=Secret(secret))


OTHER = credentials(OTHER_KEY, OTHER_SECRET)


def listening(url: str, main: Callable[[Stage, Keyring], Awaitable[None]]) -> None:
    async def staged() -> None:
        async with open_stage(url) as stage:
            keyring = Keyring({ACCOUNT: CREDENTIALS})
            stage.nursery.start_soon(partial(listen_renewed, keyring, stage.on))
            await stage.on.figures.until_live()
            stage.exchange.access.grant(ACCOUNT, OTHER_KEY, OTHER_SECRET)
            await main(stage, keyring)

    run(staged)


def test_the_account_gets_a_new_session_under_the_new_key_and_nothing_is_missing(
    sqlite_url: str,
) -> None:
    async def main(stage: Stage, keyring: Keyring) -> None:
        assert keyring.offer(ACCOUNT, OTHER)
        await stage.on.figures.until_live(2)
        assert keyring[ACCOUNT] is OTHER
        assert len(stage.logged("credentials.renewed")) == 1
        stage.exchange.fill(ACCOUNT, "BTC_USDT", "buy", "0.5", "40000")
        await trio.sleep(70)
        assert (await stage.verdict()).is_equal
        assert (stage.on.figures.sessions, stage.on.figures.bugs) == (2, 0)

    listening(sqlite_url, main)


def test_refused_ones_change_nothing_but_the_log(sqlite_url: str) -> None:
    async def main(stage: Stage, keyring: Keyring) -> None:
        assert keyring.offer(ACCOUNT, credentials(OTHER_KEY, "wrong"))
        with trio.fail_after(120):
            await until(lambda: bool(stage.logged("credentials.kept")), pause=1)
        [line] = stage.logged("credentials.kept")
        assert line["level"] == "error"
        assert line["why"].startswith("the new ones were not taken: the exchange refused the cred")
        assert line["do"].startswith(f"mend accounts.{ACCOUNT}.api_key")
        assert "wrong" not in stage.log.getvalue()
        assert keyring[ACCOUNT] is CREDENTIALS
        assert (stage.on.figures.phase, stage.on.figures.sessions) == (Phase.LIVE, 1)
        # And good ones are taken all the same after that.
        assert keyring.offer(ACCOUNT, OTHER)
        await stage.on.figures.until_live(2)

    listening(sqlite_url, main)


def test_what_cannot_be_tried_now_is_not_taken(sqlite_url: str) -> None:
    async def main(stage: Stage, keyring: Keyring) -> None:
        token = "/api/v4/profile/websocket_token"
        away = Rule(point=Point.REQUEST, act=Answer(503, "<html>"), name=token, times=2)
        stage.exchange.faults.add(away)
        assert keyring.offer(ACCOUNT, OTHER)
        with trio.fail_after(120):
            await until(lambda: bool(stage.logged("credentials.kept")), pause=1)
        assert keyring[ACCOUNT] is CREDENTIALS
        assert stage.on.figures.sessions == 1

    listening(sqlite_url, main)


def test_the_same_ones_are_no_news(sqlite_url: str) -> None:
    async def main(stage: Stage, keyring: Keyring) -> None:
        same = credentials(CREDENTIALS.key.reveal(), CREDENTIALS.secret.reveal())
        assert not keyring.offer(ACCOUNT, same)
        await trio.sleep(60)
        assert stage.on.figures.sessions == 1

    listening(sqlite_url, main)


def test_those_of_an_account_that_waits_for_its_turn_are_simply_the_next() -> None:
    keyring = Keyring({ACCOUNT: CREDENTIALS})
    assert keyring.offer(ACCOUNT, OTHER)
    assert keyring[ACCOUNT] is OTHER
    assert dict(keyring) == {ACCOUNT: OTHER}
