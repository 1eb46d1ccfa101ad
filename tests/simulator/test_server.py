"""Doors that open, break and close: in memory, under a mock clock, and over TCP."""

import logging
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_client_stream

from reconciler.simulator.faults import Answer, Cut
from reconciler.simulator.server import Server, serve
from tests.running import run
from tests.simulator.client import Ear, calling, listening, opened, opening


def test_rest_and_websocket_share_a_port() -> None:
    async def main() -> None:
        async with serve(opened()) as server, calling(server) as rest:
            assert server.ws_url == f"{server.rest_url.replace('http', 'ws')}/ws"
            async with listening(server, rest) as ear:
                assert (await ear.ask("ping"))["result"] == "pong"

    run(main)


async def in_memory(server: Server, nursery: trio.Nursery) -> trio.abc.Stream:
    ours, theirs = trio.testing.memory_stream_pair()
    nursery.start_soon(server.serve_stream, theirs)
    return ours


async def in_memory_websocket(server: Server, nursery: trio.Nursery) -> WebSocketConnection:
    stream: Any = await in_memory(server, nursery)  # annotated as a socket, it takes any stream
    return await wrap_client_stream(nursery, stream, "exchange.test", "/ws")


def test_streams_that_never_touched_a_network_are_served_and_cut() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange, port=None) as server, trio.open_nursery() as nursery:
            link = await in_memory_websocket(server, nursery)
            assert (await Ear(link).ask("ping"))["result"] == "pong"
            exchange.faults.cut()
            with pytest.raises(ConnectionClosed):
                await link.get_message()
            http = await in_memory(server, nursery)
            await http.send_all(b"GET /api/v4/public/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = bytes(await http.receive_some())
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"date:" not in answer
            await http.aclose()

    run(main)


def test_a_client_that_is_silent_for_a_minute_is_hung_up_on_however_much_it_hears() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange, port=None) as server, trio.open_nursery() as nursery:
            link = await in_memory_websocket(server, nursery)
            await trio.sleep(59)
            assert (await Ear(link).ask("ping"))["result"] == "pong"
            for _ in range(6):
                await trio.sleep(9.9)
                exchange.faults.send_raw("{}")
                assert await link.get_message() == "{}"
            began = trio.current_time()
            with pytest.raises(ConnectionClosed):
                await link.get_message()
            assert trio.current_time() - began < 1

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_leaving_ends_every_connection_at_once_with_a_close_frame() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            async with serve(opened(), port=None) as server:
                link = await in_memory_websocket(server, nursery)
                idle = await in_memory(server, nursery)
                began = trio.current_time()
            with pytest.raises(ConnectionClosed) as closed:
                await link.get_message()
            assert closed.value.reason is not None
            assert closed.value.reason.code == 1001
            assert await idle.receive_some() == b""
            assert trio.current_time() - began <= 1

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_leaving_does_not_wait_for_a_client_that_never_reads() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange) as server:
            stream = await trio.open_tcp_stream("127.0.0.1", server.port)
            await stream.send_all(
                b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            await stream.receive_some()
            for _ in range(20):
                exchange.faults.send_raw("x" * 1_000_000)
            await trio.testing.wait_all_tasks_blocked(0.1)
            began = trio.current_time()
        assert trio.current_time() - began < 1
        await stream.aclose()

    run(main)


def test_cancelling_from_outside_ends_it_too() -> None:
    async def main() -> None:
        with trio.move_on_after(0.2) as scope:
            async with serve(opened()) as server, listening(server):
                await trio.sleep_forever()
        assert scope.cancelled_caught

    run(main)


def test_a_port_that_is_taken_is_an_os_error() -> None:
    async def main() -> None:
        async with serve(opened()) as server:
            with pytest.raises(OSError, match="in use"):
                async with serve(opened(), port=server.port):
                    pass

    run(main)


def test_while_it_is_down_connections_are_reset_and_then_it_is_back() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange) as server, calling(server) as rest:
            async with listening(server, rest) as ear:
                with exchange.faults.outage():
                    with pytest.raises(ConnectionClosed):
                        await ear.link.get_message()
                    async with httpx.AsyncClient() as fresh:
                        with pytest.raises(httpx.TransportError):
                            await fresh.get(f"{server.rest_url}/api/v4/public/ping")
            async with listening(server, rest) as ear:
                assert (await ear.ask("ping"))["result"] == "pong"

    run(main)


def test_an_outage_can_refuse_handshakes_and_calls_instead() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange) as server, calling(server) as rest:
            with exchange.faults.outage(Answer(503, "<html>", "text/html")):
                answer = await rest.get("public/ping")
                assert (answer.status_code, answer.content) == (503, b"<html>")
                with pytest.raises(ExceptionGroup) as refused:
                    async with opening(server):
                        pass
                assert refused.group_contains(HandshakeError)
            assert (await rest.get("public/ping")).status_code == 200

    run(main)


def test_a_websocket_elsewhere_is_not_found() -> None:
    async def main() -> None:
        async with serve(opened()) as server:
            with pytest.raises(ExceptionGroup) as refused:
                async with opening(server, "/else"):
                    pass
            assert refused.group_contains(HandshakeError)

    run(main)


def test_garbage_ends_a_connection_and_not_the_exchange(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serve(opened()) as server, calling(server) as rest:
            for garbage in (b"\x00" * 100, b"GET / HTTP/9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"):
                stream = await trio.open_tcp_stream("127.0.0.1", server.port)
                await stream.send_all(garbage)
                with trio.move_on_after(0.2):
                    while await stream.receive_some():
                        pass
                await stream.aclose()
            assert (await rest.get("public/ping")).status_code == 200

    with caplog.at_level(logging.CRITICAL):
        run(main)


def test_a_bug_in_the_exchange_is_raised_not_logged() -> None:
    async def main() -> None:
        exchange = opened()
        del exchange.engine.accounts["treasury"]
        async with serve(exchange) as server, calling(server) as rest:
            await rest.call("trade-account/balance")
            await trio.sleep(1)

    with pytest.raises(ExceptionGroup) as bug:
        run(main)
    assert bug.group_contains(KeyError)


def test_a_reset_is_a_reset_on_the_wire() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange) as server:
            with exchange.faults.outage(Cut()):
                stream = await trio.open_tcp_stream("127.0.0.1", server.port)
                with pytest.raises(trio.BrokenResourceError) as broken:
                    await stream.receive_some()
                assert isinstance(broken.value.__cause__, ConnectionResetError)
                await stream.aclose()

    run(main)
