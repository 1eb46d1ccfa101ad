"""Who comes in, and what every answer carries: before and around all pages.

Only reading, only by a name of ours, only so many at once, and none for ever.  A bug in a page is
told in the log and ends nothing but the request.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import trio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response

from reconciler.log import Logger
from reconciler.web.hosts import Hosts

REQUESTS_MAX = 16
"""At once; each is a few milliseconds of work."""

REQUEST_S_MAX = 8
"""From the last header to the first byte of the answer."""

ALWAYS = frozenset({"/healthz"})
"""Costs nothing and must not fail because others ask too much."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


class Door:
    """The ASGI application around the pages."""

    def __init__(self, pages: App, hosts: Hosts, log: Logger) -> None:
        self._pages = pages
        self._hosts = hosts
        self._log = log
        self._inside = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        answer = _Answer(send)
        refused = self._refusal(scope)
        if refused is None:
            self._inside += 1
            try:
                refused = await self._within(scope, receive, answer)
            finally:
                self._inside -= 1
        if refused is not None and not answer.has_begun:
            await refused(scope, receive, answer)

    def _refusal(self, scope: Message) -> Response | None:
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or not self._hosts.allow(hosts[0]):
            return _plain(421, "this server does not go by that name; add it to http.hosts")
        if scope["method"] not in ("GET", "HEAD"):
            return _plain(405, "nothing can be changed here; only GET and HEAD", Allow="GET, HEAD")
        if self._inside >= REQUESTS_MAX and scope["path"] not in ALWAYS:
            return _plain(503, "too many requests at once; try again", **{"Retry-After": "1"})
        return None

    async def _within(self, scope: Message, receive: Receive, answer: Send) -> Response | None:
        """What to say instead, if the page says nothing."""
        with trio.move_on_after(REQUEST_S_MAX):
            try:
                await self._pages(scope, receive, answer)
            except Exception:
                self._log.exception("web.bug", path=scope["path"][:100])
                return _plain(500, "this page has a bug; the log says which, the record is safe")
            return None
        return _plain(503, "this took too long; try again", **{"Retry-After": "5"})


class _Answer:
    """Sends what a page says, with the headers that all have."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _plain(status: int, said: str, **headers: str) -> Response:
    return PlainTextResponse(said + "\n", status, headers=headers)
