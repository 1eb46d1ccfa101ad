"""Every mistake in the configuration is named by key and place; no secret is ever shown."""

import pickle
import sys
from pathlib import Path

import pytest

from reconciler.config import (
    AppriseAlert,
    ConfigError,
    ExecAlert,
    WebhookAlert,
)
from reconciler.configfile import Loaded, load
from reconciler.domain.moments import DAY
from reconciler.hookconfig import hook_secrets, named
from reconciler.secret import Secret

GOOD = """
[database]
url = "sqlite:///x.db"
[[accounts]]
name = "treasury"
api_key = "k3y"
api_secret = "s3cr3t"
"""
EXEC = "[[alerts]]\ntype='exec'\ncommand=['true']\n"
WEBHOOK = "[[alerts]]\ntype='webhook'\n"


def write(folder: Path, text: str) -> str:
    file = folder / "reconciler.toml"
    file.write_text(text)
    return str(file)


def problem(folder: Path, text: str, **environment: str) -> str:
    def read() -> None:
        loaded = load(write(folder, text), environment)
        for account in loaded.config.accounts:
            loaded.credentials(account)
        loaded.alerts()

    with pytest.raises(ConfigError) as error:
        read()
    return str(error.value).replace(str(folder), "")


def test_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    config = load(write(tmp_path, ""), {}).config
    assert config.exchange.rest == "https://whitebit.com"
    assert config.exchange.ws == "wss://api.whitebit.com/ws"
    assert config.feed.ping_interval == 20_000_000
    assert config.backfill.since == "180d"
    assert config.http.listen == "127.0.0.1:9464"


def test_every_key_of_the_contract_is_understood(tmp_path: Path) -> None:
    text = """
    [database]
    url = "postgresql+psycopg://user@host/db"
    [exchange]
    region = "eu"
    [[accounts]]
    name = "a"
    api_key = "k"
    api_secret_file = "/run/secrets/s"
    markets = ["BTC_USDT"]
    wallets = ["spot", "main"]
    [feed]
    ping_interval = "15s"
    ping_timeout = "500ms"
    backoff_min = "1s"
    backoff_max = "2m"
    [backfill]
    since = "2026-01-01"
    overlap = "60s"
    sweep = "60s"
    [journal]
    keep = "7d"
    size = "512MiB"
    [reconcile]
    poll = "30s"
    settle = "5s"
    display_decimals = 8
    tolerance.USDT = "0.01"
    [http]
    listen = ""
    [log]
    format = "json"
    level = "debug"
    [[alerts]]
    type = "exec"
    command = ["/usr/local/bin/on-drift"]
    events = ["drift.*"]
    name = "pager"
    timeout = "5s"
    repeat = "off"
    heartbeat = "1m"
    [[alerts]]
    type = "webhook"
    url = "https://ops.example/hook"
    secret_file = "/run/secrets/hook"
    allow_http = true
    allow_private = true
    [[alerts]]
    type = "apprise"
    url_file = "/run/secrets/chat"
    """
    config = load(write(tmp_path, text), {}).config
    assert config.exchange.ws == "wss://api.whitebit.eu/ws"
    assert config.reconcile.tolerance == {"USDT": "0.01"}
    assert config.feed.ping_timeout == 500_000
    assert config.journal.size == 512 << 20
    assert [alert.name for alert in named(config.alerts)] == ["pager", "webhook", "apprise"]
    assert [alert.timeout for alert in config.alerts] == [5_000_000, 30_000_000, 30_000_000]
    assert [alert.repeat for alert in config.alerts] == [0, DAY, DAY]
    assert [alert.heartbeat for alert in config.alerts] == [60_000_000, 0, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[feed]\nping_intervall = '5s'",
            "feed.ping_intervall: unknown key; did you mean ping_int",
        ),
        ("[fed]\n", "fed: unknown key; did you mean feed?"),
        ("[feed]\nping_interval = 5", "feed.ping_interval: expected a duration"),
        ("[feed]\nping_interval = 'soon'", "feed.ping_interval: 'soon' is not a duration"),
        ("[feed]\nping_interval = '55s'", "feed.ping_interval: the exchange cuts at 60s"),
        ("[feed]\nbackoff_min = '1m'", "feed.backoff_min: is longer than feed.backoff_max"),
        ("[exchange]\nregion = 'us'", "exchange.region: invalid enum value 'us'"),
        (
            "[exchange]\nrest_url = 'http://x.example'",
            "exchange.rest_url: 'http://x.example' would",
        ),
        ("[exchange]\nws_url = 'https://x.example'", "exchange.ws_url: 'https://x.example' is not"),
        ("[[accounts]]\napi_key = 'k'", "accounts[0].name: missing"),
        ("[[accounts]]\nname = 'a b'", "accounts[0].name: expected `str` matching"),
        ("[[accounts]]\nname='a'\nwallets=['sopt']", "accounts[0].wallets[0]: invalid enum value"),
        ("[[accounts]]\nname='a'\nwallets=[]", "accounts[0].wallets: at least one"),
        ("[[accounts]]\nname='a'\nkey='k'", "accounts[0].key: unknown key"),
        (GOOD + "[[accounts]]\nname='treasury'", "accounts[1].name: 'treasury' is there twice"),
        (GOOD + "api_key_file='/k'", "accounts.treasury.api_key: give either"),
        (
            "[[accounts]]\nname='a'\napi_key_file='/no/such'",
            "accounts.a.api_key_file: /no/such can",
        ),
        ("[[accounts]]\nname='a'", "accounts.a.api_key: missing: give api_key, api_key_file or"),
        ("[[accounts]]\nname='a'\napi_key=' '", "accounts.a.api_key: is empty"),
        ("[reconcile]\ntolerance = 'NaN'", "reconcile.tolerance: 'NaN' is not a decimal"),
        ("[reconcile]\ntolerance.BTC = 'x'", "reconcile.tolerance.BTC: 'x' is not a decimal"),
        ("[backfill]\nsince = 'ever'", "backfill.since: 'ever' is neither a duration nor a date"),
        ("[journal]\nkeep = '0s'", "journal.keep: a duration of zero"),
        ("[journal]\nsize = '4GB'", "journal.size: expected a size such as"),
        ("[journal]\nsize = 0", "journal.size: expected a size such as"),
        ("[[alerts]]\ntype = 'mail'", "alerts[0].type: invalid value 'mail'"),
        (EXEC + "evnts=['*']", "alerts[0].evnts: unknown key; did you mean events?"),
        (EXEC + "url='x'", "alerts[0].url: not with this type"),
        ("[[alerts]]\ntype='exec'", "alerts[0].command: missing"),
        ("[[alerts]]\ntype='exec'\ncommand=[]", "alerts[0].command: expected `array` of length"),
        ("[[alerts]]\ntype='exec'\ncommand=['bin/x']", "alerts[0].command[0]: 'bin/x' is no abs"),
        (
            EXEC + "events=['drfit.*']",
            "alerts[0].events[0]: 'drfit.*' matches no event; did you mea",
        ),
        (
            EXEC + "events=['*', 'Test']",
            "alerts[0].events[1]: 'Test' matches no event; did you mean",
        ),
        (EXEC + "events=['#']", "alerts[0].events[0]: '#' matches no event; there are drift.det"),
        (EXEC + "events=[]", "alerts[0].events: matches no event; leave it out"),
        (EXEC + "name='x y'", "alerts[0].name: expected `str` matching"),
        (EXEC + "name='x'\n" + EXEC + "name='x'", "alerts[1].name: 'x' is there twice"),
        (EXEC + "timeout='3m'", "alerts[0].timeout: 2m at most"),
        (EXEC + "timeout='off'", "alerts[0].timeout: 'off' is not a duration"),
        (EXEC + "repeat='0s'", "alerts[0].repeat: a duration of zero"),
        (EXEC + "repeat='never'", "alerts[0].repeat: 'never' is not a duration"),
        (EXEC + "heartbeat='1ms'", 'alerts[0].heartbeat: 1s at least, or "off"'),
        (
            WEBHOOK,
            "alerts.webhook.url: missing: give url, url_file or a systemd credential webhook.u",
        ),
        (WEBHOOK + "url='x'", "alerts.webhook.url: is not an https:// address"),
        (WEBHOOK + "url='ftp://x.example'", "alerts.webhook.url: is not an https:// address"),
        (
            WEBHOOK + "url='http://x.example/y'",
            "alerts.webhook.url: http://x.example would be told",
        ),
        (
            WEBHOOK + "url='http://127.x.example/'",
            "alerts.webhook.url: http://127.x.example would be",
        ),
        (
            WEBHOOK + "url='https://x.example/'\nurl_file='/u'",
            "alerts.webhook.url: give either url",
        ),
        (WEBHOOK + "url_file='/no/such'", "alerts.webhook.url_file: /no/such can't be read"),
        (
            WEBHOOK + "name='ops'\nurl='https://x.example/'\nsecret_file='/no/such'",
            "alerts.ops.secret_file: /no/such can't be read",
        ),
        ("[[alerts]]\ntype='apprise'", "alerts.apprise.url: missing: give url, url_file or"),
        ("[feed", "is not TOML"),
    ],
)
def test_a_mistake_is_named_by_key_and_file(tmp_path: Path, text: str, said: str) -> None:
    told = problem(tmp_path, text)
    assert told.startswith("/reconciler.toml: ")
    assert said in told


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: no such file"):
        load(str(tmp_path / "nowhere.toml"), {})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    loaded = load(
        write(tmp_path, GOOD),
        {
            "RECONCILER_DATABASE__URL": "sqlite:///y.db",
            "RECONCILER_RECONCILE__SETTLE": "9s",
            "RECONCILER_JOURNAL__SIZE": "0",
            "RECONCILER_RECONCILE__DISPLAY_DECIMALS": "6",
            "RECONCILER_ACCOUNTS__0__MARKETS": '["BTC_USDT"]',
        },
    )
    assert loaded.config.database.url == "sqlite:///y.db"
    assert loaded.config.reconcile.settle == 9_000_000
    assert loaded.config.journal.size == 0
    assert loaded.config.reconcile.display_decimals == 6
    assert loaded.config.accounts[0].markets == ("BTC_USDT",)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    told = problem(tmp_path, "", RECONCILER_FEED__PING_INTERVAL="soon")
    assert told.startswith("environment RECONCILER_FEED__PING_INTERVAL: feed.ping_interval: 'soon'")
    told = problem(tmp_path, "", RECONCILER_FEED__PONG="1")
    assert told.startswith("environment RECONCILER_FEED__PONG: feed.pong: unknown key")


def test_a_secret_comes_from_a_file_or_a_systemd_credential(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k3y\n")
    (tmp_path / "a.api_secret").write_text("s3cr3t\n")
    text = f"[[accounts]]\nname='a'\napi_key_file='{tmp_path}/key'"
    loaded = load(write(tmp_path, text), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    keys = loaded.credentials(loaded.config.accounts[0])
    assert (keys.key.reveal(), keys.secret.reveal()) == ("k3y", "s3cr3t")


def test_a_secret_cannot_be_printed_or_written(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, GOOD), {})
    keys = loaded.credentials(loaded.config.accounts[0])
    for shown in (repr(loaded), str(loaded.config), repr(keys), f"{keys.secret}", f"{keys.key!s}"):
        assert "s3cr3t" not in shown
        assert "k3y" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(Secret("x"))


def test_a_mistyped_secret_is_not_shown_in_the_error(tmp_path: Path) -> None:
    told = problem(tmp_path, "[[accounts]]\nname='a'\napi_key=12345678")
    assert "12345678" not in told


def alerts_of(folder: Path, text: str, **environment: str) -> Loaded:
    return load(write(folder, text), environment)


def test_a_hook_is_called_by_its_type_and_a_number_where_it_has_no_name(tmp_path: Path) -> None:
    loaded = alerts_of(tmp_path, EXEC + EXEC + EXEC + "name='exec'\n" + EXEC)
    assert [alert.name for alert in loaded.alerts()] == ["exec-2", "exec-3", "exec", "exec-4"]


def test_what_a_hook_must_not_show_comes_from_files_and_systemd_credentials(
    tmp_path: Path,
) -> None:
    (tmp_path / "url").write_text("https://ops.example/t0k3n\n")
    (tmp_path / "ops.secret").write_text("s1gn\n")
    (tmp_path / "chat.url").write_text("json://t0k3n@ops.example\n")
    text = f"{WEBHOOK}name='ops'\nurl_file='{tmp_path}/url'\n"
    text += "[[alerts]]\ntype='apprise'\nname='chat'\n"
    loaded = alerts_of(tmp_path, text + EXEC, CREDENTIALS_DIRECTORY=str(tmp_path))
    webhook, chat, program = loaded.alerts()
    assert isinstance(webhook, WebhookAlert)
    assert isinstance(chat, AppriseAlert)
    assert isinstance(program, ExecAlert)
    assert webhook.url is not None
    assert webhook.secret is not None
    assert chat.url is not None
    assert webhook.url.reveal() == "https://ops.example/t0k3n"
    assert webhook.secret.reveal() == "s1gn"
    assert chat.url.reveal() == "json://t0k3n@ops.example"
    hidden = [secret.reveal() for secret in hook_secrets(loaded.alerts())]
    assert hidden == ["https://ops.example/t0k3n", "s1gn", "json://t0k3n@ops.example"]
    for shown in (repr(loaded), repr(loaded.alerts())):
        assert "t0k3n" not in shown
        assert "s1gn" not in shown


@pytest.mark.parametrize(
    "url",
    [
        "https://t0k3n:t0k3n@127.0.0.1\\@ops.example/",
        "https://ops.example/t0k3n space",
        "https://ops.example/#t0k3n",
        "https:///t0k3n",
        "https://ops.example:65536/t0k3n",
        "https://2130706433/t0k3n",
        "https://127.1/t0k3n",
        "https://[::::]/t0k3n",
        "https://ops..example/t0k3n",
        "http://t0k3n@ops.example/t0k3n",
    ],
)
def test_a_bad_address_is_not_repeated_as_it_may_be_a_password(tmp_path: Path, url: str) -> None:
    told = problem(tmp_path, f"{WEBHOOK}url='{url}'")
    assert "alerts.webhook.url: " in told
    assert "t0k3n" not in told


@pytest.mark.parametrize(
    "url",
    [
        "https://ops.example",
        "https://user:pass@ops.example:8443/a/b?c=d&e=%20",
        "https://[2620:fe::fe]:8443/",
        "http://localhost:9093/api/v2/alerts",
        "http://127.0.0.1/",
        "http://[::1]:80/?a",
    ],
)
def test_a_good_address_is_taken(tmp_path: Path, url: str) -> None:
    (alert,) = alerts_of(tmp_path, f"{WEBHOOK}url='{url}'").alerts()
    assert isinstance(alert, WebhookAlert)


def test_a_missing_extra_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    told = problem(tmp_path, "[[alerts]]\ntype='apprise'\nurl='json://ops.example'")
    assert "alerts.apprise.type: needs the extra: pip install 'reconciler[apprise]'" in told


def test_only_loopback_itself_is_spoken_to_in_the_clear(tmp_path: Path) -> None:
    told = problem(tmp_path, "[exchange]\nrest_url = 'http://127.0.0.1.example'")
    assert "would send signed requests in the clear" in told
