"""The hook that posts the event to a URL, signed.

It connects to an address that was looked at, follows no redirect, reads nothing of an answer but
its head, and shows of the URL only scheme and host: the rest may be as good as a password.  HTTP is
spoken by the transport that the world gives, below the library's client, which would keep cookies.
"""

import hashlib
import hmac
import ssl
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import trio

from reconciler.address import is_loopback
from reconciler.alerts.addresses import is_own, is_public
from reconciler.alerts.hook import HookFailed, Message, Terms
from reconciler.alerts.renewal import HookSecrets
from reconciler.backoff import retry_after
from reconciler.clock import Clock
from reconciler.domain.moments import SECOND, seconds
from reconciler.secret import Secret
from reconciler.world import Resolve

CONNECT_SECONDS_MAX = 5
"""For each address, so that one that is silent leaves time for the next."""
ADDRESSES_MAX = 4
HELPED_BY_TIME = (408, 425, 429)
"""Of the 4xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookHook(Terms):
    """Implements Hook."""

    url: Secret
    secrets: HookSecrets
    """Where is what it signs with, if it does."""
    allow_http: bool
    allow_private: bool
    transport: httpx.AsyncBaseTransport
    resolve: Resolve
    clock: Clock

    async def deliver(self, message: Message) -> None:
        """As Hook says."""
        url = httpx.URL(self.url.reveal())
        place = f"{url.scheme}://{url.netloc.decode()}"
        try:
            with trio.fail_after(seconds(self.timeout)):
                status, after = await self._post(url, message)
        except trio.TooSlowError:
            why = f"no answer within {seconds(self.timeout):g}s"
            raise HookFailed(f"{place}: {why}") from None
        except _Refused as refused:
            raise HookFailed(f"{place}: {refused}", permanent=True) from None
        except (OSError, httpx.RequestError) as error:
            raise HookFailed(f"{place}: {_why(error)}") from None
        if not 200 <= status < 300:
            asked = retry_after(after, self.clock.now())
            raise HookFailed(
                f"{place}: answered {_meaning(status)}",
                retry_after_s=None if asked is None else seconds(asked),
                permanent=status < 500 and status not in HELPED_BY_TIME,
            )

    async def _post(self, url: httpx.URL, message: Message) -> tuple[int, str]:
        """Status and Retry-After, from the first address that can be connected to."""
        failure: httpx.RequestError | None = None
        for address in await self._addresses(url):
            try:
                response = await self.transport.handle_async_request(
                    self._request(url, address, message)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
            else:
                await response.aclose()
                return response.status_code, response.headers.get("Retry-After", "")
        assert failure is not None
        raise failure

    async def _addresses(self, url: httpx.URL) -> Sequence[str]:
        """Where to connect to.  Raises _Refused if that is nowhere an event may go."""
        host = _host(url)
        found = (await self.resolve(host))[:ADDRESSES_MAX]
        leads = f"leads to {', '.join(found) or 'no address'}"
        if is_loopback(host):
            # `localhost` is a name too, and the clear is allowed for what it should mean only.
            if own := [address for address in found if is_own(address)]:
                return own
            raise _Refused(f"{leads}, which is not this machine")
        if url.scheme == "http" and not self.allow_http:
            raise _Refused("would be told in the clear; only loopback may, or allow_http = true")
        if allowed := [each for each in found if self.allow_private or is_public(each)]:
            return allowed
        raise _Refused(
            f"{leads}, which is not of the public Internet; "
            "set allow_private = true if that is meant"
        )

    def _request(self, url: httpx.URL, address: str, message: Message) -> httpx.Request:
        headers = {
            "Host": url.netloc.decode(),
            "User-Agent": "reconciler",
            "Content-Type": "application/json",
            "Accept": "*/*",
            "X-Reconciler-Event": message.event,
            "X-Reconciler-Delivery": message.id,
        }
        if url.userinfo:
            said = f"{url.username}:{url.password}".encode()
            headers["Authorization"] = f"Basic {b64encode(said).decode()}"
        if (secret := self.secrets[self.name]) is not None:
            headers |= signatures(secret, message.body, self.clock.now() // SECOND)
        return httpx.Request(
            "POST",
            url.copy_with(host=address, userinfo=b""),
            headers=headers,
            content=message.body,
            extensions={"timeout": {"connect": CONNECT_SECONDS_MAX}, "sni_hostname": _host(url)},
        )


class _Refused(Exception):
    """We don't send it there.  Remedy: another configuration."""


def signatures(secret: Secret, body: bytes, now_s: int) -> dict[str, str]:
    """The headers by which the receiver knows us: of the body, and of body and time together, so
    that a message that was overheard can't be sent again later."""

    def of(text: bytes) -> str:
        digest = hmac.new(secret.reveal().encode(), text, hashlib.sha256).hexdigest()
        return f"sha256={digest}"

    return {
        "X-Reconciler-Signature": of(body),
        "X-Reconciler-Timestamp": str(now_s),
        "X-Reconciler-Timestamp-Signature": of(b"%d." % now_s + body),
    }


def _host(url: httpx.URL) -> str:
    """As it is resolved, and as its certificate must say."""
    return url.raw_host.decode()


def _meaning(status: int) -> str:
    """A status in the standard's words; the server's own could repeat the address."""
    if 300 <= status < 400:
        return f"{status}, a redirect, which is not followed: configure where it leads"
    known = {each.value: each.phrase for each in HTTPStatus}
    return f"{status} {known.get(status, '')}".rstrip()


def _why(error: Exception) -> str:
    """What happened, without what the other side wrote."""
    match error:
        case httpx.ConnectTimeout():
            return f"can't be connected to within {CONNECT_SECONDS_MAX}s"
        case httpx.ConnectError():
            return f"can't be connected to: {_below(error)}"
        case httpx.ProtocolError():
            return "answered nothing that is HTTP"
        case OSError():
            return f"can't be resolved: {error.strerror or type(error).__name__}"
    return "hung up before it answered"


def _below(error: BaseException) -> str:
    """What OpenSSL says, where it was that: the libraries above it don't repeat it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason}"
        cause = cause.__cause__ or cause.__context__
    return str(error) or "it hung up"
