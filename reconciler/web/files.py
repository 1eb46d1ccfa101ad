"""The style, the script and the icon: read once, served with a tag, so that a browser keeps them.

Whoever asks with the tag of the present build may keep the file for ever, as the page asks for the
next build's by another.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

TYPES = {
    "page.css": "text/css",
    "live.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    tag: str
    type: str


class Files:
    """The files that the page needs."""

    def __init__(self) -> None:
        folder = files("reconciler.web") / "static"
        self._files = {
            name: _File(body, f'"{sha256(body).hexdigest()[:32]}"', type_)
            for name, type_ in TYPES.items()
            for body in [(folder / name).read_bytes()]
        }
        tags = "".join(file.tag for file in self._files.values())
        self.build = sha256(tags.encode()).hexdigest()[:12]
        """Another one for other files."""

    async def __call__(self, request: Request) -> Response:
        """As a route answers."""
        file = self._files.get(request.path_params["name"])
        if file is None:
            return PlainTextResponse("no such file\n", 404)
        is_ours = request.query_params.get("v") == self.build
        headers = {"ETag": file.tag, "Cache-Control": FOR_EVER if is_ours else ASK_AGAIN}
        known = request.headers.get("if-none-match", "")
        if file.tag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(file.body, headers=headers, media_type=file.type)
