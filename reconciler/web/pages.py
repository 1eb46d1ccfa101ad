"""What can be asked for, and what each answer is made of.

`/healthz` and `/readyz` need nothing but the running figures, so a broken database does not change
them; the others look at the record and say so where they can't.  Answers are written in a
thread, so that the feeds do not wait for them.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, Router

from reconciler.web.api import status
from reconciler.web.door import App, Message, Receive, Send
from reconciler.web.files import Files
from reconciler.web.metrics import exposition
from reconciler.web.page import Page
from reconciler.web.sight import Facts, Sight


def pages(sight: Sight, *, amounts: bool) -> App:
    """All pages, as an ASGI application; anything else is a 404."""
    files = Files()
    page = Page(files.build)

    async def healthz(_: Request) -> Response:
        stuck = sight.stuck()
        said = "".join(f"stuck: {what}\n" for what in stuck)
        return PlainTextResponse(said or "ok\n", 503 if stuck else 200)

    async def readyz(_: Request) -> Response:
        degraded = sight.degraded()
        said = "".join(f"{what}\n" for what in degraded)
        return PlainTextResponse(said or "ready\n", 503 if degraded else 200)

    async def metrics(request: Request) -> Response:
        facts = await sight.facts()
        accept = request.headers.get("accept", "")
        text, type_ = await sight.apart(exposition, facts, accept, amounts)
        return Response(text, headers={"Content-Type": type_})

    async def api(_: Request) -> Response:
        facts = await sight.facts()
        body = await sight.apart(_json, facts)
        return Response(body, 200 if facts.is_seen else 503, media_type="application/json")

    async def whole(_: Request) -> Response:
        facts = await sight.facts()
        return HTMLResponse(await sight.apart(page.whole, facts))

    async def live(_: Request) -> Response:
        facts = await sight.facts()
        return HTMLResponse(await sight.apart(page.live, facts))

    return Router(
        routes=[
            Route("/", whole),
            Route("/live", live),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Route("/api/status", api),
            Route("/static/{name}", files.__call__),
        ],
        redirect_slashes=False,
        default=_nothing,
    )


def _json(facts: Facts) -> bytes:
    return msgspec.json.encode(status(facts))


async def _nothing(scope: Message, receive: Receive, send: Send) -> None:
    response = PlainTextResponse("there is no such page; the status is at /\n", 404)
    await response(scope, receive, send)
