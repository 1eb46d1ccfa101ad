"""A webhook is told exactly the event, signed; whatever the other side does, it takes no longer
than it may, goes nowhere else, and no secret gets into what is said of it."""

import hashlib
import hmac
import shutil
import ssl
import subprocess
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import hypothesis
import pytest
import trio
from hypothesis import strategies as st

from reconciler.alerts.hook import Hook, HookFailed, Message
from reconciler.alerts.opening import open_hooks
from reconciler.config import Duration, WebhookAlert
from reconciler.domain.moments import MILLISECOND
from reconciler.hookconfig import address_problem
from reconciler.secret import Secret
from reconciler.world import World, real
from tests.alerts.sinks import GOOD, Answer, Sink, answer, listening, silent
from tests.running import run

MESSAGE = Message(id="0193-7", event="drift.detected", body='{"message": "é"}'.encode())
TOKEN, PASSWORD, KEY = "T0pS3cretPath", "p4ssw0rd", "s1gn1ng"

UNTRUSTING = replace(real(), http=lambda: httpx.AsyncHTTPTransport(verify=False))
"""The real world without its certificates, as reading them takes longer than most tests."""


@asynccontextmanager
async def hooked(url: str, world: World | None = None, **terms: Any) -> AsyncIterator[Hook]:
    """The hook that the configuration would make of that address."""
    alert = WebhookAlert(url=Secret(url), **terms)
    async with open_hooks([alert], world or UNTRUSTING) as (hook,):
        yield hook


async def failure(hook: Hook) -> HookFailed:
    with pytest.raises(HookFailed) as failed:
        await hook.deliver(MESSAGE)
    return failed.value


def resolving(*addresses: str) -> World:
    """The real world, but for its names."""

    async def resolve(host: str) -> Sequence[str]:
        return addresses

    return replace(UNTRUSTING, resolve=resolve)


def test_it_is_told_the_body_as_it_is_and_what_it_needs_to_know_of_it() -> None:
    async def main() -> None:
        async with listening(GOOD) as sink, hooked(f"{sink.url}/hook?a=b") as hook:
            await hook.deliver(MESSAGE)
        (request,) = sink.requests
        assert request.line == "POST /hook?a=b HTTP/1.1"
        assert request.body == MESSAGE.body
        assert request.headers == {
            "host": f"127.0.0.1:{sink.port}",
            "user-agent": "reconciler",
            "content-type": "application/json",
            "content-length": str(len(MESSAGE.body)),
            "accept": "*/*",
            "x-reconciler-event": "drift.detected",
            "x-reconciler-delivery": "0193-7",
        }

    run(main)


def test_with_a_secret_the_body_is_signed_and_so_is_the_time() -> None:
    async def main() -> None:
        async with listening(GOOD) as sink, hooked(sink.url, secret=Secret(KEY)) as hook:
            await hook.deliver(MESSAGE)
        (request,) = sink.requests
        now = request.headers["x-reconciler-timestamp"]

        def signature(text: bytes) -> str:
            return "sha256=" + hmac.new(KEY.encode(), text, hashlib.sha256).hexdigest()

        assert abs(real().clock.now() // 1_000_000 - int(now)) < 60
        assert request.headers["x-reconciler-signature"] == signature(MESSAGE.body)
        both = request.headers["x-reconciler-timestamp-signature"]
        assert both == signature(now.encode() + b"." + MESSAGE.body)

    run(main)


def test_name_and_password_of_the_address_are_said_as_http_says_them() -> None:
    async def main() -> None:
        async with listening(GOOD) as sink:
            url = f"http://ops:p%40ss@127.0.0.1:{sink.port}/"
            async with hooked(url) as hook:
                await hook.deliver(MESSAGE)
        (request,) = sink.requests
        assert request.headers["authorization"] == httpx.BasicAuth("ops", "p@ss")._auth_header
        assert "@" not in request.headers["host"]

    run(main)


@pytest.mark.parametrize(
    ("given", "reason", "retry_after_s", "permanent"),
    [
        (answer(500), "answered 500 Internal Server Error", None, False),
        (answer(503, "Retry-After: 7"), "answered 503 Service Unavailable", 7, False),
        (answer(429, "Retry-After: 20"), "answered 429 Too Many Requests", 20, False),
        (answer(429, "Retry-After: soon"), "answered 429 Too Many Requests", None, False),
        (answer(408), "answered 408 Request Timeout", None, False),
        (answer(404), "answered 404 Not Found", None, True),
        (answer(410), "answered 410 Gone", None, True),
        (answer(302), "answered 302, a redirect, which is not followed: configure", None, True),
        (answer(304), "answered 304, a redirect, which is not followed: configure", None, True),
        (b"HTTP/1.1 799 " + TOKEN.encode() + b"\r\n\r\n", "answered 799", None, False),
        (b"", "answered nothing that is HTTP", None, False),
        (b"SSH-2.0-" + TOKEN.encode() + b"\r\n", "answered nothing that is HTTP", None, False),
        (answer(200, "Content-Length: 6"), "answered nothing that is HTTP", None, False),
    ],
)
def test_what_is_no_success_is_said_in_our_own_words(
    given: bytes, reason: str, retry_after_s: float | None, permanent: bool
) -> None:
    async def main() -> None:
        async with listening(given) as sink, hooked(f"{sink.url}/{TOKEN}") as hook:
            failed = await failure(hook)
        assert failed.reason.startswith(f"{sink.url}: ")
        assert reason in failed.reason
        assert TOKEN not in failed.reason
        assert (failed.retry_after_s, failed.permanent) == (retry_after_s, permanent)

    run(main)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_one(status: int) -> None:
    async def main() -> None:
        async with listening(answer(status)) as sink, hooked(sink.url) as hook:
            await hook.deliver(MESSAGE)

    run(main)


def test_a_redirect_is_not_followed_not_even_to_a_metadata_service() -> None:
    async def main() -> None:
        async with listening(GOOD) as metadata:
            lure = answer(307, f"Location: {metadata.url}/latest/meta-data/{TOKEN}")
            async with listening(lure) as sink, hooked(sink.url) as hook:
                failed = await failure(hook)
        assert "a redirect" in failed.reason
        assert TOKEN not in failed.reason
        assert not metadata.requests

    run(main)


async def dripping(stream: trio.abc.Stream) -> None:
    while True:
        await stream.send_all(b"H")
        await trio.sleep(0.01)


async def dripping_headers(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\n")
    while True:
        await stream.send_all(b"X-A: b\r\n")
        await trio.sleep(0.01)


@pytest.mark.parametrize("never", [silent, dripping, dripping_headers])
def test_who_never_answers_is_given_up_in_time(never: Answer) -> None:
    async def main() -> None:
        async with (
            listening(never) as sink,
            hooked(sink.url, timeout=Duration(300 * MILLISECOND)) as hook,
        ):
            assert (await failure(hook)).reason == f"{sink.url}: no answer within 0.3s"

    run(main)


async def endless_body(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await stream.send_all(bytes(65_536))


async def endless_head(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        await stream.send_all(b"x" * 65_536)


def test_of_an_answer_nothing_but_the_head_is_read_and_that_only_if_it_ends() -> None:
    async def main() -> None:
        async with listening(endless_body, endless_head) as sink, hooked(sink.url) as hook:
            await hook.deliver(MESSAGE)
            assert "nothing that is HTTP" in (await failure(hook)).reason

    run(main)


def test_who_is_not_there_is_said() -> None:
    async def main() -> None:
        async with listening(GOOD) as sink:
            url = sink.url
        async with hooked(f"{url}/{TOKEN}") as hook:
            failed = await failure(hook)
        assert failed.reason.startswith(f"{url}: can't be connected to: ")
        assert TOKEN not in failed.reason

    run(main)


def test_a_name_without_an_address_is_said() -> None:
    async def resolve(host: str) -> Sequence[str]:
        raise OSError(1, "Name or service not known")

    async def main() -> None:
        async with hooked("https://ops.test/", replace(UNTRUSTING, resolve=resolve)) as hook:
            reason = (await failure(hook)).reason
        assert reason == "https://ops.test: can't be resolved: Name or service not known"

    run(main)


def test_a_name_that_takes_too_long_to_resolve_counts_as_no_answer() -> None:
    async def resolve(host: str) -> Sequence[str]:
        await trio.sleep_forever()
        raise AssertionError

    async def main() -> None:
        world = replace(UNTRUSTING, resolve=resolve)
        async with hooked("https://ops.test/", world, timeout=Duration(50 * MILLISECOND)) as hook:
            assert (await failure(hook)).reason == "https://ops.test: no answer within 0.05s"

    run(main)


class Ears(httpx.AsyncBaseTransport):
    """A network in which every address takes what it is sent; knows where that was."""

    def __init__(self) -> None:
        self.connected: list[tuple[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await trio.lowlevel.checkpoint()
        self.connected.append((request.url.host, request.extensions["sni_hostname"]))
        return httpx.Response(200)


@pytest.mark.parametrize(
    ("host", "addresses", "terms", "connected"),
    [
        ("https://ops.test", ["10.0.0.7"], {}, []),
        ("https://ops.test", ["169.254.169.254"], {}, []),
        ("https://ops.test", ["127.0.0.1"], {}, []),
        ("https://ops.test", ["::ffff:10.0.0.7"], {}, []),
        ("https://ops.test", [], {}, []),
        ("https://2130706433", ["127.0.0.1"], {}, []),
        ("https://[fd00:ec2::254]", ["fd00:ec2::254"], {}, []),
        ("https://ops.test", ["9.9.9.9"], {}, ["9.9.9.9"]),
        ("https://ops.test", ["10.0.0.7", "9.9.9.9"], {}, ["9.9.9.9"]),
        ("https://ops.test", ["2620:fe::fe"], {}, ["2620:fe::fe"]),
        ("https://ops.test", ["10.0.0.7"], {"allow_private": True}, ["10.0.0.7"]),
        ("https://ops.test", ["127.0.0.1"], {"allow_private": True}, ["127.0.0.1"]),
        ("http://ops.test", ["9.9.9.9"], {}, []),
        ("http://ops.test", ["9.9.9.9"], {"allow_http": True}, ["9.9.9.9"]),
        ("http://ops.test", ["10.0.0.7"], {"allow_http": True}, []),
        ("http://localhost", ["127.0.0.1"], {}, ["127.0.0.1"]),
        ("http://localhost", ["::1"], {}, ["::1"]),
        ("http://localhost", ["9.9.9.9"], {}, []),
        ("http://localhost", ["9.9.9.9"], {"allow_http": True, "allow_private": True}, []),
    ],
)
def test_it_connects_only_to_addresses_that_may_be_told(
    host: str, addresses: list[str], terms: dict[str, bool], connected: list[str]
) -> None:
    async def main() -> None:
        ears = Ears()
        world = replace(resolving(*addresses), http=lambda: ears)
        async with hooked(f"{host}/{TOKEN}", world, **terms) as hook:
            if connected:
                await hook.deliver(MESSAGE)
            else:
                failed = await failure(hook)
                assert failed.permanent
                assert TOKEN not in failed.reason
        name = host.partition("//")[2].strip("[]")
        assert ears.connected == [(address, name) for address in connected]

    run(main)


def test_where_one_address_is_dead_the_next_is_told() -> None:
    async def main() -> None:
        async with listening(GOOD) as sink:
            url = f"http://ops.test:{sink.port}"
            world = resolving("127.0.0.9", "127.0.0.1")
            async with hooked(url, world, allow_http=True, allow_private=True) as hook:
                await hook.deliver(MESSAGE)
        assert [each.headers["host"] for each in sink.requests] == [f"ops.test:{sink.port}"]

    run(main)


def test_localhost_is_found_by_the_systems_own_resolver() -> None:
    async def main() -> None:
        async with listening(GOOD) as sink, hooked(f"http://localhost:{sink.port}") as hook:
            await hook.deliver(MESSAGE)
        assert len(sink.requests) == 1

    run(main)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of `ops.test`, signed by itself."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("needs openssl")
    file = tmp_path_factory.mktemp("tls") / "ops.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=ops.test"]
    command += ["-addext", "subjectAltName=DNS:ops.test", "-keyout", str(file), "-out", "-"]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    with file.open("a") as both:
        both.write(made.stdout)
    return file


@pytest.mark.parametrize(
    ("host", "trusted", "problem"),
    [
        ("ops.test", True, ""),
        ("other.test", True, "Hostname mismatch"),
        ("ops.test", False, "self-signed certificate"),
    ],
)
def test_the_certificate_must_be_of_the_name_not_of_the_address(
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    trusted: bool,
    problem: str,
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trust = certificate if trusted else tmp_path  # an empty folder: nobody
    monkeypatch.setenv("SSL_CERT_FILE" if trusted else "SSL_CERT_DIR", str(trust))
    world = replace(resolving("127.0.0.1"), http=real().http)

    async def main() -> None:
        async with listening(GOOD, tls=server) as sink:
            url = f"https://{host}:{sink.port}/{TOKEN}"
            async with hooked(url, world, allow_private=True) as hook:
                if problem:
                    failed = await failure(hook)
                    assert problem in failed.reason
                    assert TOKEN not in failed.reason
                else:
                    await hook.deliver(MESSAGE)
        assert len(sink.requests) == (0 if problem else 1)

    run(main)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with listening(GOOD) as proxy, listening(GOOD) as sink:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            async with hooked(sink.url, real()) as hook:
                await hook.deliver(MESSAGE)
        assert len(sink.requests) == 1
        assert not proxy.requests

    run(main)


async def echo(stream: trio.abc.Stream) -> None:
    """Answers with what a careless server repeats: the address, and all it was told."""
    said = f"POST /{TOKEN} {PASSWORD} {KEY}".encode()
    await stream.send_all(b"HTTP/1.1 400 " + said + b"\r\nLocation: /" + said + b"\r\n\r\n" + said)


@pytest.mark.parametrize("behaviour", [echo, silent, b"", f"{TOKEN}\r\n\r\n".encode()])
def test_no_secret_is_in_what_is_said_of_a_failure(behaviour: Answer) -> None:
    async def main() -> tuple[Hook, HookFailed]:
        async with listening(behaviour) as sink:
            url = f"http://ops:{PASSWORD}@127.0.0.1:{sink.port}/{TOKEN}?key={TOKEN}"
            short = Duration(200 * MILLISECOND)
            async with hooked(url, secret=Secret(KEY), timeout=short) as hook:
                return hook, await failure(hook)

    hook, failed = run(main)
    shown = [repr(hook), str(failed), repr(failed), failed.reason]
    shown += traceback.format_exception(failed)
    for secret in (TOKEN, PASSWORD, KEY):
        assert not [each for each in shown if secret in each]


LABEL = st.from_regex(r"[A-Za-z0-9_-]{1,63}", fullmatch=True)
URLS = st.tuples(
    st.sampled_from(["https://", "http://"]),
    st.text("aZ09:%@!-._~", max_size=8).map(lambda text: text and f"{text}@"),
    st.lists(LABEL, min_size=1, max_size=3).map(".".join)
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map("[{}]".format),
    st.sampled_from(["", ":", ":0", ":443", ":80", ":65535", ":65536"]),
    st.text("/aZ09?&=%:@[]\\#. ", max_size=12),
).map("".join)


@hypothesis.given(URLS)
def test_of_an_address_that_is_taken_all_readers_read_the_same_host(url: str) -> None:
    if address_problem(Secret(url), allow_http=True):
        return
    read = httpx.URL(url)
    assert read.raw_host.decode() == urlsplit(url).hostname
    assert read.scheme == urlsplit(url).scheme


def test_a_sink_that_comes_back_is_told() -> None:
    """Nothing of a failure is left in the hook."""

    async def main() -> None:
        async with listening(b"", answer(500), GOOD) as sink, hooked(sink.url) as hook:
            await failure(hook)
            await failure(hook)
            await hook.deliver(MESSAGE)
        assert told(sink) == [MESSAGE.id] * 3

    run(main)


def told(sink: Sink) -> list[str]:
    return [request.headers["x-reconciler-delivery"] for request in sink.requests]
