"""What speaks HTTP: certificates are read when something encrypted is asked for."""

from pathlib import Path

import httpx
import pytest
import trio

from reconciler.transport import Transport
from tests.alerts.sinks import GOOD, listening
from tests.running import run


def test_certificates_that_cannot_be_read_hinder_only_what_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))

    async def main() -> None:
        async with listening(GOOD) as sink, Transport() as transport:
            answer = await transport.handle_async_request(httpx.Request("GET", sink.url))
            await answer.aclose()
            assert answer.status_code == 200
            with pytest.raises(httpx.ConnectError, match="certificates"):
                await transport.handle_async_request(httpx.Request("GET", "https://127.0.0.1:1"))

    run(main)


def test_closing_it_hangs_up_in_the_middle_of_an_answer() -> None:
    async def main() -> None:
        is_over = trio.Event()

        async def unfinished(stream: trio.abc.Stream) -> None:
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
            assert await stream.receive_some() == b""
            is_over.set()

        async with listening(unfinished) as sink:
            transport = Transport()
            await transport.handle_async_request(httpx.Request("GET", sink.url))
            await transport.aclose()
            await is_over.wait()

    run(main)
