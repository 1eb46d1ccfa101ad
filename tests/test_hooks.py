"""docs/alerts.md says what there is, and each of its samples does what it says."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from reconciler import hookconfig
from reconciler.alerts import attempts, process, routing, webhook
from reconciler.alerts.hook import Hook, HookFailed, Message
from reconciler.alerts.opening import open_hooks
from reconciler.config import Alert, AppriseAlert, ExecAlert, WebhookAlert
from reconciler.configfile import load
from reconciler.domain.events import (
    LISTED_MAX,
    DatabaseNews,
    DeliveryNews,
    DriftNews,
    DriftsNews,
    Event,
    FeedNews,
    GapNews,
    News,
    SignNews,
    alert_body,
)
from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND, from_iso
from reconciler.hookconfig import named
from reconciler.secret import Secret
from reconciler.world import real
from tests.alerts.sinks import GOOD, answer, listening
from tests.running import run

DOCS = Path(__file__).parent.parent / "docs"
TEXT = (DOCS / "alerts.md").read_text()
SECTIONS = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
HOOKS = DOCS / "hooks"
AT = from_iso("2026-01-02T03:04:05.678901Z")

DRIFT = DriftNews(
    account="treasury",
    wallet="spot",
    asset="USDT",
    drift_id=3,
    expected=Decimal("1000.5"),
    reported=Decimal("985.5"),
    difference=Decimal(-15),
    detected_at=AT,
    closed_at=AT,
    explanation="é",
    candidates=("a deal",),
)
FEED = FeedNews(account="treasury", since=AT, reason="cut")
GAP = GapNews(account="treasury", stream="deals", gap_from=AT, gap_until=AT, reason="too old")
DELIVERY = DeliveryNews(hook="chat", since=AT, alert_id="1", alert_event="test", reason="404")
SIGN = SignNews(name="box pid 1", at=AT)
DATABASE = DatabaseNews(since=AT, until=AT)
NEWS: dict[Event, News] = {
    Event.DRIFT_DETECTED: msgspec.structs.replace(DRIFT, closed_at=None, explanation=None),
    Event.DRIFT_CHANGED: DriftsNews(account="treasury", count=1, drifts=(DRIFT,), detected_at=AT),
    Event.DRIFT_RESOLVED: DRIFT,
    Event.FEED_DOWN: FEED,
    Event.FEED_RECOVERED: FeedNews(account="treasury", since=AT),
    Event.AUTH_REJECTED: FEED,
    Event.BACKFILL_GAP: GAP,
    Event.DATABASE_DEGRADED: DatabaseNews(since=AT),
    Event.DATABASE_RECOVERED: DATABASE,
    Event.DELIVERY_FAILED: DELIVERY,
    Event.DELIVERY_RECOVERED: DeliveryNews(hook="chat", since=AT),
    Event.HEARTBEAT: SIGN,
    Event.TEST: SIGN,
}


def message(event: Event, id_: str = "0193-7") -> Message:
    """One such event."""
    return Message(id=id_, event=event, body=alert_body(event, NEWS[event], id_))


@asynccontextmanager
async def opened(alert: Alert) -> AsyncIterator[Hook]:
    async with open_hooks([alert], real()) as (hook,):
        yield hook


def sections() -> dict[str, Alert]:
    """Those of the document, by their names there."""
    found: dict[str, Alert] = {}
    for number, text in enumerate(SECTIONS):
        raw = msgspec.toml.decode(text)
        environment = {"RECONCILER_ALERTS": _inline(raw["alerts"])}
        for alert in named(load(os.devnull, environment).config.alerts):
            found[f"{number} {alert.name}"] = alert
    return found


def _inline(alerts: list[dict[str, Any]]) -> str:
    return (
        "["
        + ", ".join(
            "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in alert.items()) + "}"
            for alert in alerts
        )
        + "]"
    )


ALERTS = sections()


def section(name: str) -> Alert:
    """The one of that name; the first ones, which have none, are found by their types."""
    return next(alert for key, alert in ALERTS.items() if key.partition(" ")[2] == name)


@pytest.mark.parametrize("event", Event)
def test_every_event_is_told_with_all_its_fields(event: Event) -> None:
    told = TEXT[TEXT.index("## Events") :]
    (row,) = re.findall(rf"^\| `{re.escape(event)}` \|.*$", told, re.MULTILINE)
    rows = TEXT if "the same" in row else row
    of_all = {"event", "id", "dedupe_key", "message", "count", "drifts"}
    fields = json.loads(message(event).body).keys() - of_all
    assert fields
    assert {field for field in fields if f"`{field}`" not in rows} == set()


@pytest.mark.parametrize("kind", [ExecAlert, WebhookAlert, AppriseAlert])
def test_every_key_of_a_section_is_told(kind: type[msgspec.Struct]) -> None:
    keys = kind.__struct_fields__
    assert [key for key in keys if not re.search(rf"^\|.*`{key}`.*\|", TEXT, re.MULTILINE)] == []


def test_every_header_is_told() -> None:
    source = Path(webhook.__file__).read_text()
    headers = set(re.findall(r"X-Reconciler-[\w-]+", source))
    assert len(headers) == 5
    assert {header for header in headers if f"| `{header}` |" not in TEXT} == set()


@pytest.mark.parametrize(
    ("said", "limits", "are"),
    [
        ("`2m` at most", (hookconfig.ALERT_TIMEOUT_MAX,), (2 * MINUTE,)),
        (
            "more than five of one account within two seconds",
            (routing.HANDFUL, routing.GROUP_WINDOW),
            (5, 2 * SECOND),
        ),
        ("the first fifty of them", (LISTED_MAX,), (50,)),
        (
            "more than three times within an hour",
            (routing.FLAPS_MAX, routing.FLAP_WINDOW),
            (3, HOUR),
        ),
        ("for ten minutes", (routing.FLAP_STABLE,), (10 * MINUTE,)),
        (
            "from a second to ten minutes",
            (attempts.PAUSE_MIN, attempts.PAUSE_MAX),
            (SECOND, 10 * MINUTE),
        ),
        ("up to an hour", (attempts.ASKED_MAX,), (HOUR,)),
        ("After a quarter of an hour", (attempts.TOLD_AFTER,), (15 * MINUTE,)),
        ("after a day", (attempts.TRIED_FOR,), (DAY,)),
        ("SIGKILL two seconds later", (process.TERM_SECONDS_MAX,), (2,)),
        ("408, 425 and 429", webhook.HELPED_BY_TIME, (408, 425, 429)),
    ],
)
def test_every_limit_is_told_as_it_is(
    said: str, limits: tuple[int, ...], are: tuple[int, ...]
) -> None:
    assert said in " ".join(TEXT.split())
    assert limits == are


def test_the_example_of_an_event_is_one() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    said, is_so = json.loads(text), json.loads(message(Event.DRIFT_DETECTED).body)
    for field in ("event", "dedupe_key", "difference", "expected", "reported", "detected_at"):
        assert said[field] == is_so[field]
    assert is_so["message"].startswith(said["message"].removesuffix("…"))


def test_every_sample_is_shown_and_every_shown_one_is_a_sample() -> None:
    samples = {f"hooks/{path.name}" for path in HOOKS.iterdir() if path.suffix in (".py", ".sh")}
    assert samples == set(re.findall(r"\]\((hooks/[^)]+)\)", TEXT))


def test_what_is_shown_of_the_receiver_is_how_it_is() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert code in (HOOKS / "receiver.py").read_text()


def sample(alert: Alert, *arguments: str) -> ExecAlert:
    """The section of a sample, with the file of this checkout and these arguments in it."""
    assert isinstance(alert, ExecAlert)
    _, file, *_ = alert.command
    command = (sys.executable, str(HOOKS / Path(file).name), *arguments)
    return msgspec.structs.replace(alert, command=command)


def test_the_mailer_hands_a_letter_to_sendmail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sendmail = tmp_path / "sendmail"
    sendmail.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/letter\n')
    sendmail.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    async def main() -> None:
        async with opened(sample(section("mail"), "ops@example.com")) as hook:
            await hook.deliver(message(Event.DRIFT_RESOLVED))

    run(main)
    letter = message_from_bytes((tmp_path / "letter").read_bytes(), policy=policy.default)
    assert (tmp_path / "arguments").read_text() == "-t -i\n"
    assert letter["To"] == "ops@example.com"
    assert letter["Subject"] == "reconciler: drift.resolved treasury"
    assert letter["Message-ID"] == "<0193-7@reconciler.invalid>"
    text = letter.get_content()
    assert text.startswith("treasury, spot USDT: the difference of -15 is over: é.\n")


def test_a_mailer_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sendmail").write_text("#!/bin/sh\necho mailbox full >&2; exit 75\n")
    (tmp_path / "sendmail").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    async def main() -> None:
        async with opened(sample(section("mail"), "ops@example.com")) as hook:
            with pytest.raises(HookFailed, match=r"ended with 75: mailbox full"):
                await hook.deliver(message(Event.TEST))

    run(main)


@pytest.mark.parametrize("event", Event)
def test_alertmanager_is_told_what_begins_and_what_ends(event: Event) -> None:
    async def main() -> None:
        async with (
            listening(GOOD) as sink,
            opened(sample(section("alertmanager"), f"{sink.url}/")) as hook,
        ):
            before = datetime.now(UTC)
            await hook.deliver(message(event))
        (request,) = sink.requests
        assert request.line.startswith("POST /api/v2/alerts ")
        (alert,) = json.loads(request.body)
        ends_at = datetime.fromisoformat(alert["endsAt"])
        is_over = event.endswith(("resolved", "recovered"))
        assert (ends_at - before < timedelta(minutes=1)) is is_over
        assert datetime.fromisoformat(alert["startsAt"]) <= ends_at
        assert all(isinstance(value, str) and value for value in alert["labels"].values())
        assert all(re.fullmatch(r"[a-z_]+", name) for name in alert["labels"])

    run(main)


def test_what_ends_bears_the_labels_of_what_began() -> None:
    async def main() -> list[Any]:
        async with (
            listening(GOOD) as sink,
            opened(sample(section("alertmanager"), sink.url)) as hook,
        ):
            for event in (Event.DRIFT_DETECTED, Event.DRIFT_RESOLVED):
                await hook.deliver(message(event))
        return [json.loads(request.body)[0]["labels"] for request in sink.requests]

    began, ended = run(main)
    assert began == ended
    assert began["alertname"] == "ReconcilerDrift"
    assert {began["account"], began["wallet"], began["asset"]} == {"treasury", "spot", "USDT"}


def test_an_alertmanager_that_refuses_is_tried_again() -> None:
    async def main() -> None:
        async with (
            listening(answer(500)) as sink,
            opened(sample(section("alertmanager"), sink.url)) as hook,
        ):
            with pytest.raises(HookFailed, match=r"HTTP Error 500"):
                await hook.deliver(message(Event.TEST))

    run(main)


@asynccontextmanager
async def receiving(secret: str, folder: Path) -> AsyncIterator[tuple[str, trio.Process]]:
    """The sample receiver: its address, and its process, which says what it has acted on."""
    (folder / "secret").write_text(f"{secret}\n")
    process = await trio.lowlevel.open_process(
        [sys.executable, str(HOOKS / "receiver.py"), "0", str(folder / "secret")],
        stdout=subprocess.PIPE,
    )
    try:
        yield f"http://127.0.0.1:{(await said(process)).split()[-1]}", process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            assert process.stdout is not None
            await process.stdout.aclose()


async def said(process: trio.Process) -> str:
    """The next line."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        line += await process.stdout.receive_some(1)
    return line.decode().rstrip()


def test_the_receiver_acts_once_on_what_is_signed_and_on_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with receiving("s1gn", tmp_path) as (url, process):
            signed = WebhookAlert(url=Secret(url), secret=Secret("s1gn"))
            async with opened(signed) as hook:
                await hook.deliver(message(Event.TEST))
                await hook.deliver(message(Event.TEST))
                await hook.deliver(message(Event.FEED_DOWN, "0193-8"))
            for wrong in (None, Secret("other")):
                async with opened(WebhookAlert(url=Secret(url), secret=wrong)) as hook:
                    with pytest.raises(HookFailed, match="answered 403 Forbidden"):
                        await hook.deliver(message(Event.TEST, "0193-9"))
            assert (await said(process)).startswith("A test by box pid 1")
            assert (await said(process)).startswith("treasury: the feed is down")

    run(main)


def test_the_receiver_believes_nothing_that_is_stale_or_changed() -> None:
    import runpy

    is_genuine = runpy.run_path(str(HOOKS / "receiver.py"))["is_genuine"]
    headers = webhook.signatures(Secret("s1gn"), b"{}", 1_000_000)
    assert is_genuine(headers, b"{}", b"s1gn", 1_000_010)
    assert not is_genuine(headers, b"{ }", b"s1gn", 1_000_010)
    assert not is_genuine(headers, b"{}", b"s1gm", 1_000_010)
    assert not is_genuine(headers, b"{}", b"s1gn", 1_000_301)
    assert not is_genuine(
        headers | {"X-Reconciler-Timestamp": "1000009"}, b"{}", b"s1gn", 1_000_010
    )
    assert not is_genuine({}, b"{}", b"s1gn", 1_000_010)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_shell_checks_a_signature_too(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s1gn\n")
    headers = webhook.signatures(Secret("s1gn"), b'{"a": 1}', 1_000_000)
    signature = headers["X-Reconciler-Timestamp-Signature"]

    def checked(timestamp: str, body: bytes) -> int:
        command = ["sh", str(HOOKS / "verify.sh"), str(tmp_path / "secret"), timestamp, signature]
        return subprocess.run(command, input=body, check=False).returncode

    assert checked("1000000", b'{"a": 1}') == 0
    assert checked("1000001", b'{"a": 1}') == 1
    assert checked("1000000", b'{"a": 2}') == 1


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_apprise_knows_every_address_that_is_shown() -> None:
    apprise = pytest.importorskip("apprise")
    urls = [a.url for a in ALERTS.values() if isinstance(a, AppriseAlert) and a.url is not None]
    assert len(urls) == 3
    assert [url for url in urls if apprise.Apprise.instantiate(url.reveal()) is None] == []


def test_a_phone_is_told_by_ntfy() -> None:
    alert = section("phone")
    assert isinstance(alert, AppriseAlert)
    assert alert.url is not None
    topic = alert.url.reveal().rpartition("/")[2]

    async def main() -> None:
        async with listening(answer(200, body=b"{}")) as sink:
            here = Secret(f"ntfy://127.0.0.1:{sink.port}/{topic}")
            async with opened(msgspec.structs.replace(alert, url=here)) as hook:
                await hook.deliver(message(Event.DRIFT_DETECTED))
        (request,) = sink.requests
        told = json.loads(request.body)
        assert told["topic"] == topic
        assert told["title"] == "reconciler: drift.detected treasury"
        assert "spot USDT differs by -15" in told["message"]

    run(main)


def test_the_dead_mans_switch_hears_nothing_but_heartbeats() -> None:
    alert = section("alive")
    assert isinstance(alert, WebhookAlert)
    assert alert.events == ("heartbeat",)
    assert alert.heartbeat == 60_000_000
