"""`reconciler alerts test`: every hook is told a test event, and each says how it went."""

import json
from pathlib import Path

from reconciler.simulator.server import serve
from tests.alerts.sinks import GOOD, answer, listening
from tests.cli.calling import Within, called, is_one_line
from tests.cli.daemon import Ended, daemon, write_config
from tests.desk import open_exchange, until
from tests.drifting import make_drift
from tests.running import run

TOKEN, KEY = "T0pS3cretPath", "s1gn1ngK3y"


def write_alerts(folder: Path, *sections: str) -> Path:
    """A configuration with these, whose database is not there."""
    more = "".join(f"[[alerts]]\n{section}\n" for section in sections)
    return write_config(folder, None, f"sqlite:///{folder / 'absent.db'}", more=more)


def test_every_hook_is_told_whatever_events_it_asks_for(tmp_path: Path, within: Within) -> None:
    async def main() -> None:
        async with listening(GOOD) as sink:
            config = write_alerts(
                tmp_path,
                f'type = "webhook"\nurl = "{sink.url}/{TOKEN}"\nevents = ["drift.*"]',
                f'type = "exec"\nname = "file"\ncommand = ["cp", "/dev/stdin", "{tmp_path}/told"]',
                f'type = "apprise"\nurl = "json://127.0.0.1:{sink.port}/{TOKEN}"',
            )
            left = await called(within(config), "alerts", "test")
        assert left == Ended(
            0,
            "ok    webhook  has been told\nok    file     has been told\n"
            "ok    apprise  has been told\n",
            "",
        )
        told = json.loads((tmp_path / "told").read_bytes())
        assert told["event"] == "test"
        posted = next(each for each in sink.requests if "x-reconciler-event" in each.headers)
        assert json.loads(posted.body) == told
        assert posted.headers["x-reconciler-event"] == "test"
        assert posted.headers["x-reconciler-delivery"] == told["id"]
        chatted = next(each for each in sink.requests if each is not posted)
        assert json.loads(chatted.body)["message"] == told["message"]

    run(main)


def test_one_that_fails_is_said_and_keeps_no_other_from_being_told(
    tmp_path: Path, within: Within
) -> None:
    async def main() -> None:
        async with listening(answer(500, body=TOKEN.encode())) as sink:
            config = write_alerts(
                tmp_path,
                f'type = "webhook"\nurl = "http://u:{TOKEN}@127.0.0.1:{sink.port}/{TOKEN}"',
                'type = "exec"\ncommand = ["sleep", "60"]\ntimeout = "100ms"',
                'type = "exec"\nname = "good"\ncommand = ["true"]',
            )
            people = await called(within(config), "alerts", "test")
            programs = await called(within(config), "alerts", "test", "--json")
        said = f"{sink.url}: answered 500 Internal Server Error"
        late = "sleep did not end within 0.1s"
        assert people.code == programs.code == 1
        assert people.out.splitlines() == [
            f"FAIL  webhook  {said}",
            f"FAIL  exec     {late}",
            "ok    good     has been told",
        ]
        assert json.loads(programs.out) == {
            "hooks": [
                {"name": "webhook", "type": "webhook", "ok": False, "problem": said},
                {"name": "exec", "type": "exec", "ok": False, "problem": late},
                {"name": "good", "type": "exec", "ok": True, "problem": None},
            ]
        }
        assert TOKEN not in people.out + people.err + programs.out + programs.err

    run(main)


def test_without_hooks_it_says_how_to_have_one(tmp_path: Path, within: Within) -> None:
    left = within(write_alerts(tmp_path))("alerts", "test")
    assert left.code == 2
    assert is_one_line(left)
    assert "alerts: there is none; add [[alerts]] with a type" in left.err


def test_a_hook_that_cant_be_is_a_mistake_in_the_configuration(
    tmp_path: Path, within: Within
) -> None:
    config = write_alerts(tmp_path, f'type = "webhook"\nurl = "http://ops.example/{TOKEN}"')
    left = within(config)("alerts", "test")
    assert left.code == 2
    assert is_one_line(left)
    assert "alerts.webhook.url: http://ops.example would be told in the clear" in left.err
    assert TOKEN not in left.err


def test_a_daemon_tells_its_hooks_what_is_on_record_and_that_it_is_well(
    tmp_path: Path, sqlite_url: str
) -> None:
    make_drift(sqlite_url)

    async def main() -> None:
        log, beats = tmp_path / "log", tmp_path / "beats"
        async with serve(open_exchange()) as server, listening(GOOD) as sink:
            more = f"""
            [[alerts]]
            type   = "webhook"
            url    = "{sink.url}/{TOKEN}"
            secret = "{KEY}"
            events = ["drift.*"]
            [[alerts]]
            type      = "exec"
            command   = ["cp", "/dev/stdin", "{beats}"]
            events    = ["heartbeat"]
            heartbeat = "1s"
            """
            config = write_config(tmp_path, server, sqlite_url, more=more)
            heard: list[dict[str, str]] = []

            def has_heard() -> bool:
                heard.append(_whole(beats))
                return bool(sink.requests) and bool(heard[-1])

            async with daemon(config, log):
                await until(has_heard)
        told = json.loads(sink.requests[0].body)
        assert (told["event"], told["difference"]) == ("drift.detected", "-15")
        assert heard[-1]["event"] == "heartbeat"
        assert TOKEN not in log.read_text()
        assert KEY not in log.read_text()

    run(main)


def _whole(beats: Path) -> dict[str, str]:
    """The last heartbeat; empty while there is none, or it is being written."""
    try:
        beat: dict[str, str] = json.loads(beats.read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return beat
