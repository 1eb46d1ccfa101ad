"""Nobody can hold the server, whatever they send or leave unread."""

import socket
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
import trio
import trio.testing

from reconciler.config import Http
from reconciler.log import open_log
from reconciler.store.engine import Database, open_database
from reconciler.web.serving import REQUEST_BYTES_MAX, Limits, Web, open_web
from reconciler.world import real
from tests.desk import until
from tests.running import run
from tests.web.asking import connect, exchanged, get, live, open_pages, parsed, port_of, rest_of

HOST = b"Host: localhost\r\n"
LAST = b"Connection: close\r\n"


@pytest.fixture
def record(sqlite_url: str) -> Database:
    return open_database(sqlite_url)


async def _refuses(web: Web, request: bytes, status: int) -> None:
    answer = parsed(await exchanged(web, request))
    assert answer.status == status, request[:60]


def test_a_request_that_is_none_of_ours_is_refused_in_a_plain_sentence(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record) as web:
            for host in (b"Host: evil.example\r\n", b"Host: \r\n"):
                request = b"GET / HTTP/1.1\r\n" + LAST + host + b"\r\n"
                answer = parsed(await exchanged(web, request))
                assert answer.status == 421
                assert answer.text == (
                    "this server does not go by that name; add it to http.hosts\n"
                )
            await _refuses(web, b"GET / HTTP/1.0\r\n\r\n", 421)
            await _refuses(web, b"GET / HTTP/1.1\r\n\r\n", 400)
            await _refuses(web, b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n", 400)
            for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
                answer = await get(web, "/", method=method, Content_Length="0")
                assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD"), method
            assert (await get(web, "/../etc/passwd")).status == 404
            assert (await get(web, "/static/..%2fpage.py")).status == 404
            await _refuses(web, b"nonsense\r\n\r\n", 400)
            assert (await get(web, "/healthz")).status == 200

    run(main)


def test_a_websocket_is_not_spoken(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record) as web:
            answer = await get(
                web,
                "/",
                Connection="upgrade",
                Upgrade="websocket",
                Sec_WebSocket_Version="13",
                Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==",
            )
            assert answer.status == 403

    run(main)


def test_head_has_the_headers_of_get_and_no_body(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record) as web:
            for path in ("/", "/live", "/healthz", "/metrics", "/api/status", "/static/page.css"):
                head, whole = await get(web, path, method="HEAD"), await get(web, path)
                assert (head.status, head.body) == (200, b""), path
                assert head.headers.keys() == whole.headers.keys()
                assert int(head.headers["content-length"]) > 0

    run(main)


def test_headers_beyond_the_limit_are_refused_before_they_are_read(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record) as web:
            big = b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 40_000 + b"\r\n\r\n"
            said = await exchanged(web, big)
            assert said == b"" or parsed(said).status == 431
            assert (await get(web, "/healthz")).status == 200

    run(main)


def test_a_body_that_nobody_asked_for_is_not_taken(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record) as web:
            head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000000\r\n\r\n"
            async with await connect(web) as stream, trio.open_nursery() as nursery:
                answered = bytearray()

                async def listen() -> None:
                    answered.extend(await rest_of(stream))

                nursery.start_soon(listen)
                sent = 0
                with suppress(trio.BrokenResourceError):
                    await stream.send_all(head)
                    while sent < 100 * REQUEST_BYTES_MAX:
                        await stream.send_all(b"x" * 10_000)
                        sent += 10_000
            assert sent < 100 * REQUEST_BYTES_MAX
            assert bytes(answered[:12]) in (b"", b"HTTP/1.1 405")
            await until(lambda: web.connections == 0)

    run(main)


def test_headers_that_drip_are_hung_up_on(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record, limits=Limits(idle_s=0.2)) as web:
            async with await connect(web) as stream, trio.open_nursery() as nursery:

                async def drip() -> None:
                    with suppress(trio.BrokenResourceError):
                        await stream.send_all(b"GET / HTTP/1.1\r\nX: ")
                        while True:
                            await stream.send_all(b"x")
                            await trio.sleep(0.01)

                nursery.start_soon(drip)
                assert await rest_of(stream) == b""
            await until(lambda: web.connections == 0)
            assert web.connections == 0

    run(main)


def test_an_answer_that_is_not_taken_is_dropped_with_its_connection(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record, limits=Limits(send_s=0.2)) as web:
            small = trio.socket.socket()
            small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await small.connect(("127.0.0.1", port_of(web)))
            async with trio.SocketStream(small) as stream:
                await until(lambda: web.connections == 1)
                request = b"GET /static/page.css HTTP/1.1\r\n" + HOST + b"\r\n"
                with suppress(trio.BrokenResourceError):
                    for _ in range(2_000):
                        await stream.send_all(request)
                await until(lambda: web.connections == 0)

    run(main)


def test_connections_beyond_the_limit_are_turned_away_and_others_go_on(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record, limits=Limits(connections=2)) as web:
            async with await connect(web), await connect(web) as second:
                await until(lambda: web.connections == 2)
                turned = parsed(await exchanged(web, b"GET /healthz HTTP/1.1\r\n\r\n"))
                assert (turned.status, turned.text) == (503, "too many connections at once")
                await second.send_all(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
                assert (await second.receive_some()).startswith(b"HTTP/1.1 200")
            await until(lambda: web.connections == 0)
            assert (await get(web, "/healthz")).status == 200

    run(main)


def test_a_connection_ends_however_busy_it_is(record: Database) -> None:
    async def main() -> None:
        async with (
            open_pages(record, limits=Limits(connection_s=0.3)) as web,
            await connect(web) as stream,
        ):
            answers = 0
            with suppress(trio.BrokenResourceError):
                await stream.send_all(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
                while await stream.receive_some():
                    answers += 1
                    await stream.send_all(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
            assert answers > 0

    run(main)


def test_leaving_does_not_wait_for_who_reads_slowly(record: Database) -> None:
    async def main() -> None:
        async with open_pages(record, limits=Limits(send_s=600)) as web:
            stream = await connect(web)
            request = b"GET /static/page.css HTTP/1.1\r\n" + HOST + b"\r\n"
            asked = 0
            with trio.move_on_after(1):  # until neither side takes anything any more
                while True:
                    await stream.send_all(request)
                    asked += 1
            assert asked > 100
            assert web.connections == 1
        await stream.aclose()

    run(main)


def test_an_address_that_is_taken_is_told_once_and_waited_for(record: Database) -> None:
    async def main() -> None:
        said = StringIO()
        async with open_pages(record) as first:
            taken = f"127.0.0.1:{port_of(first)}"
            async with open_pages(record, listen=taken, log_to=said):
                assert (await get(first, "/healthz")).status == 200
        assert said.getvalue().count('"event": "web.unavailable"') == 1
        assert taken in said.getvalue()

    run(main)


def test_an_address_for_others_is_warned_of(record: Database) -> None:
    async def main() -> None:
        said = StringIO()
        async with open_pages(record, listen="0.0.0.0:0", log_to=said) as web:
            assert (await get(web, "/healthz")).status == 200
        assert '"event": "web.exposed"' in said.getvalue()

    run(main)


def test_no_address_no_server(record: Database) -> None:
    async def main() -> None:
        world = real()
        log = open_log(clock=world.clock, to=StringIO())
        async with open_web(Http(listen=""), live(), record, world, log) as web:
            assert web is None

    run(main)


def test_a_socket_in_the_file_system_is_taken_over_from_the_dead_and_left_clean(
    record: Database, tmp_path: Path
) -> None:
    async def main() -> None:
        path = tmp_path / "http.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        async with open_pages(record, listen=f"unix:{path}"):
            assert path.stat().st_mode & 0o777 == 0o660
            async with await trio.open_unix_socket(str(path)) as stream:
                request = b"GET /healthz HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n"
                await stream.send_all(request)
                assert parsed(await rest_of(stream)).text == "ok\n"
            said = StringIO()
            async with open_pages(record, listen=f"unix:{path}", log_to=said):
                assert "another process listens there" in said.getvalue()
            assert path.exists()
        assert not path.exists()

    run(main)
