"""HTTP/1.1 as the machine speaks it; what TLS needs is read when it is first asked for.

The certificates of all the world's authorities are a third of a megabyte to parse, which blocks
for as long as ten calls take.  An exchange in a box or a hook on this machine never needs them.
"""

import ssl

import httpx


class Transport(httpx.AsyncBaseTransport):
    """Made at once, whatever it will be asked for."""

    def __init__(self) -> None:
        # Trusts nobody: nothing that is encrypted can pass here unproven.
        self._clear = _speaking(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        self._encrypted: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As a transport does."""
        if request.url.scheme == "http":
            return await self._clear.handle_async_request(request)
        if self._encrypted is None:
            try:
                self._encrypted = _speaking(httpx.create_ssl_context())
            except OSError as error:
                why = f"the certificates to trust can't be read: {error}"
                raise httpx.ConnectError(why) from error
        return await self._encrypted.handle_async_request(request)

    async def aclose(self) -> None:
        """As a transport does."""
        try:
            await self._clear.aclose()
        finally:
            if self._encrypted is not None:
                await self._encrypted.aclose()


def _speaking(trust: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    """HTTP/2 halves the speed of a backfill, and retries are signed anew, so neither here."""
    return httpx.AsyncHTTPTransport(
        verify=trust, http2=False, retries=0, limits=httpx.Limits(max_connections=8)
    )
