"""A hook delivers with the newest secret; what else its section says is not taken over."""

from collections.abc import Sequence

import pytest

from reconciler.alerts.hook import Message
from reconciler.alerts.opening import open_hooks
from reconciler.alerts.renewal import HookSecrets
from reconciler.alerts.webhook import signatures
from reconciler.config import Alert, AppriseAlert, Duration, ExecAlert, WebhookAlert
from reconciler.secret import Secret
from tests.alerts.sinks import GOOD, listening
from tests.alerts.test_webhook import UNTRUSTING
from tests.running import run

MESSAGE = Message(id="0193-7", event="drift.detected", body=b"{}")
EXEC = ExecAlert(command=("true",))


def webhook(secret: str | None, url: str = "https://ops.test/", **more: object) -> WebhookAlert:
    said = None if secret is None else Secret(secret)
    return WebhookAlert(url=Secret(url), secret=said, **more)  # type: ignore[arg-type]


def test_a_webhook_signs_with_the_new_one_from_the_next_delivery_on() -> None:
    async def main() -> None:
        async with listening(GOOD) as sink:
            alerts = [webhook("old", sink.url)]
            secrets = HookSecrets(alerts)
            async with open_hooks(alerts, UNTRUSTING, secrets) as (hook,):
                await hook.deliver(MESSAGE)
                assert secrets.renew([webhook("new", sink.url)]) == ["webhook"]
                await hook.deliver(MESSAGE)
                assert secrets.renew([webhook(None, sink.url)]) == ["webhook"]
                await hook.deliver(MESSAGE)
        signed = [request.headers.get("x-reconciler-signature") for request in sink.requests]
        old, new = (signatures(Secret(each), MESSAGE.body, 0) for each in ("old", "new"))
        assert signed[:2] == [each["X-Reconciler-Signature"] for each in (old, new)]
        assert signed[2] is None

    run(main)


def test_of_apprise_it_is_the_address() -> None:
    secrets = HookSecrets([AppriseAlert(url=Secret("json://old.test"))])
    assert secrets.renew([AppriseAlert(url=Secret("json://new.test"))]) == ["apprise"]
    assert secrets["apprise"] == Secret("json://new.test")


@pytest.mark.parametrize(
    "alerts",
    [
        [webhook("new", "https://elsewhere.test/")],
        [webhook("new", timeout=Duration(5_000_000))],
        [webhook("new", name="ops")],
        [AppriseAlert(url=Secret("json://ops.test"), name="webhook")],
        [EXEC],
        [],
        # An unnamed one before it takes its name, and is another.
        [webhook("new", "https://first.test/"), webhook("old")],
    ],
    ids=["address", "timeout", "name", "kind", "another", "none", "one before it"],
)
def test_a_section_that_differs_otherwise_wants_a_restart(alerts: Sequence[Alert]) -> None:
    secrets = HookSecrets([webhook("old")])
    assert secrets.renew(alerts) == []
    assert secrets["webhook"] == Secret("old")
    assert secrets.wants_restart(alerts)


def test_the_same_ones_are_no_news_and_neither_is_where_they_are_read_from() -> None:
    secrets = HookSecrets([EXEC, webhook("old")])
    same: list[Alert] = [EXEC, webhook("old", secret_file="/run/elsewhere", url_file="/run/url")]
    assert secrets.renew(same) == []
    assert not secrets.wants_restart(same)
    assert secrets["exec"] is None
