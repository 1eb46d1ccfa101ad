"""Chat, mail and pagers are told in words, by a process that can be ended and repeats no secret."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from reconciler.alerts import telling
from reconciler.alerts.apprise import COMMAND, WHY, worded
from reconciler.alerts.hook import Hook, HookFailed, Message
from reconciler.alerts.opening import open_hooks
from reconciler.config import AppriseAlert, Duration
from reconciler.domain.moments import MILLISECOND, SECOND
from reconciler.secret import Secret
from reconciler.world import real
from tests.alerts.sinks import GOOD, Answer, answer, listening, silent
from tests.desk import until
from tests.running import run

TOKEN = "T0pS3cretPath"
BODY = {"event": "drift.detected", "account": "treasury", "message": "USDT <b>differs</b> by -15."}
MESSAGE = Message(id="0193-7", event="drift.detected", body=json.dumps(BODY).encode())


@asynccontextmanager
async def hooked(url: str, *, timeout: int = 20 * SECOND) -> AsyncIterator[Hook]:
    alert = AppriseAlert(url=Secret(url), timeout=Duration(timeout))
    async with open_hooks([alert], real()) as (hook,):
        yield hook


def failure(url: str, *answers: Answer) -> str:
    """Why `url`, in which PORT is a sink's, could not be told."""

    async def main() -> str:
        async with (
            listening(*answers) as sink,
            hooked(url.replace("PORT", str(sink.port))) as hook,
        ):
            with pytest.raises(HookFailed) as failed:
                await hook.deliver(MESSAGE)
        return failed.value.reason

    return run(main)


def test_a_service_gets_title_and_text_and_what_kind_of_news_it_is() -> None:
    async def main() -> None:
        async with listening(GOOD) as sink, hooked(f"json://127.0.0.1:{sink.port}/") as hook:
            await hook.deliver(MESSAGE)
        (request,) = sink.requests
        told = json.loads(request.body)
        assert told["title"] == "reconciler: drift.detected treasury"
        assert told["message"] == "USDT <b>differs</b> by -15."
        assert told["type"] == "warning"

    run(main)


def test_a_refusal_is_said_without_the_address() -> None:
    said = failure(f"json://ops:{TOKEN}@127.0.0.1:PORT/{TOKEN}", answer(500, body=TOKEN.encode()))
    assert said == WHY[telling.REFUSED]
    assert TOKEN not in said


def test_an_address_of_no_service_is_said() -> None:
    assert failure(f"nosuch://{TOKEN}", GOOD) == WHY[telling.UNKNOWN]


def children() -> Iterator[Path]:
    """The processes that this one has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            yield folder


def test_a_service_that_hangs_is_given_up_and_its_address_was_in_no_process_list() -> None:
    async def main() -> None:
        async with (
            listening(silent) as sink,
            hooked(f"json://127.0.0.1:{sink.port}/{TOKEN}") as hook,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(hook.deliver, MESSAGE)
            await until(lambda: bool(sink.requests))
            listed = b"".join(
                (child / file).read_bytes()
                for child in children()
                for file in ("cmdline", "environ")
            )
            nursery.cancel_scope.cancel()
        assert telling.__name__.encode() in listed
        assert TOKEN.encode() not in listed
        assert not [child for child in children() if b"telling" in (child / "cmdline").read_bytes()]

    run(main)


def test_a_service_that_takes_too_long_is_said() -> None:
    async def main() -> None:
        async with listening(silent) as sink:
            url = f"json://127.0.0.1:{sink.port}/{TOKEN}"
            async with hooked(url, timeout=100 * MILLISECOND) as hook:
                with pytest.raises(HookFailed) as failed:
                    await hook.deliver(MESSAGE)
        assert failed.value.reason == "the service did not take it within 0.1s"

    run(main)


def test_a_missing_library_is_said() -> None:
    code = f"import sys; sys.modules['apprise'] = None\nfrom {telling.__name__} import *\n"
    told = json.dumps({"url": "x", "title": "", "text": "", "kind": "info"})
    ended = subprocess.run(
        [sys.executable, "-c", code + "sys.exit(main())"], input=told, text=True, check=False
    )
    assert ended.returncode == telling.MISSING
    assert "reconciler[apprise]" in WHY[telling.MISSING]


def test_the_library_says_nothing_of_what_it_knows() -> None:
    told = {"url": f"json://127.0.0.1:1/{TOKEN}", "title": "", "text": "x", "kind": "info"}
    ended = subprocess.run(
        COMMAND, input=json.dumps(told), text=True, check=False, capture_output=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (telling.REFUSED, "", "")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("drift.detected", "warning"),
        ("feed.down", "warning"),
        ("drift.resolved", "success"),
        ("feed.recovered", "success"),
        ("heartbeat", "info"),
        ("test", "info"),
    ],
)
def test_good_news_look_like_good_news(event: str, kind: str) -> None:
    assert worded(Message(id="1", event=event, body=b'{"message": "m"}')) == (
        f"reconciler: {event}",
        "m",
        kind,
    )


def test_what_has_no_sentence_is_told_as_it_is() -> None:
    assert worded(Message(id="1", event="test", body=b'{"a": 1}'))[1] == '{"a": 1}'
