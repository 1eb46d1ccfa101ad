"""One WebSocket: replies find their questions, facts keep their order, every end is noticed."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import trio
import trio.testing
import wsproto.events
from trio_websocket import WebSocketConnection

from reconciler.domain.facts import BalanceReport, Deal, Fact, Unreadable
from reconciler.domain.moments import SECOND
from reconciler.domain.words import Source, Wallet
from reconciler.feed import websocket as module
from reconciler.feed.link import (
    DEAF_SECONDS,
    REPLY_SECONDS_MAX,
    REQUESTS_PER_MINUTE,
    RequestRefused,
    open_link,
)
from reconciler.feed.websocket import (
    BYTES_TAKEN_MAX,
    BYTES_WAITING_MAX,
    CLOSE_SECONDS_MAX,
    CONNECT_SECONDS_MAX,
    FRAMES_WAITING_MAX,
    LinkLost,
)
from reconciler.inbox import BATCH_FACTS_MAX, BATCHES_WAITING_MAX, open_inbox
from reconciler.wire import frames
from reconciler.wire.records import Unintelligible
from reconciler.wire.replay import facts_of
from tests.feed.memory import listener, run, world
from tests.feed.peers import (
    Peer,
    acknowledged,
    answering,
    deal_ids,
    deal_push,
    ending,
    glued,
    linked,
    websocket,
)

DEALS = frames.subscribe_deals()
BALANCES = frames.query_balances(Wallet.SPOT)


def balances(reply: frames.Reply, at: int) -> tuple[None, tuple[Fact, ...]]:
    return None, frames.balances_result(reply.result, Wallet.SPOT, at)


@pytest.fixture(params=["gathered", "one by one"])
def receiving(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways in which frames come: where we stand in the library's place, and where its private
    name is gone, so that nothing can be put there."""
    if request.param == "one by one":
        monkeypatch.setattr(module, "_gather", lambda _: module._Gathered())


# Requests and replies


def test_replies_find_their_questions_by_id_whatever_comes_between() -> None:
    async def script(socket: WebSocketConnection) -> None:
        requests = [json.loads(await socket.get_message()) for _ in range(3)]
        for number, request in enumerate(reversed(requests)):
            await socket.send_message(deal_push(number))
            error = {"code": number, "message": request["method"]}
            await socket.send_message(
                json.dumps({"id": request["id"], "result": None, "error": error})
            )

    async def main() -> None:
        told: dict[str, int] = {}

        async def ask(request: frames.Request) -> None:
            with pytest.raises(RequestRefused) as refused:
                await line.link.ask(request)
            assert refused.value.method in str(refused.value)
            told[request.method] = refused.value.code

        async with linked(websocket(script)) as line:
            async with trio.open_nursery() as nursery:
                for request in (DEALS, BALANCES, frames.ping()):
                    nursery.start_soon(ask, request)
                    await trio.testing.wait_all_tasks_blocked()
            assert told == {"ping": 0, "balanceSpot_request": 1, "deals_subscribe": 2}
            assert deal_ids(line.facts()) == [0, 1, 2]

    run(main)


def test_facts_are_handed_over_in_the_order_of_their_frames_and_a_reply_after_its_own(
    receiving: None,
) -> None:
    def pushes(request: dict[str, Any]) -> list[str]:
        result = {"BTC": {"available": "1", "freeze": "0"}}
        return [
            deal_push(1),
            json.dumps({"id": request["id"], "result": result, "error": None}),
            deal_push(2),
        ]

    async def main() -> None:
        async with linked(answering(pushes)) as line:
            await line.link.read(BALANCES, balances)
            asked, *_ = (batches := line.handed_over())[1].facts
            assert isinstance(asked, BalanceReport)
            await trio.testing.wait_all_tasks_blocked()
            batches += line.handed_over()
            assert [batch.source for batch in batches][:3] == [
                Source.STREAM,
                Source.QUERY,
                Source.STREAM,
            ]
            assert deal_ids([fact for batch in batches for fact in batch.facts]) == [1, 2]

    run(main)


def test_a_request_that_is_never_answered_ends_the_link_in_time() -> None:
    async def main() -> None:
        began = trio.current_time()
        with ending("no reply to deals_subscribe within 10s"):
            async with linked(websocket(_deaf), ping_interval=50 * SECOND) as line:
                await line.link.ask(DEALS)
        assert trio.current_time() - began <= REPLY_SECONDS_MAX + 2 * CLOSE_SECONDS_MAX

    run(main)


def test_a_refused_request_says_method_code_and_message_and_the_link_goes_on() -> None:
    async def script(socket: WebSocketConnection) -> None:
        request = json.loads(await socket.get_message())
        error = {"code": 6, "message": "require authentication"}
        await socket.send_message(json.dumps({"id": request["id"], "result": None, "error": error}))
        request = json.loads(await socket.get_message())
        await socket.send_message(acknowledged(request["id"]))

    async def main() -> None:
        async with linked(websocket(script)) as line:
            with pytest.raises(
                RequestRefused, match=r"deals_subscribe .*require authentication"
            ) as why:
                await line.link.ask(DEALS)
            assert why.value.code == 6
            await line.link.ask(DEALS)

    run(main)


def test_an_answer_that_is_no_acknowledgement_ends_the_link() -> None:
    async def script(socket: WebSocketConnection) -> None:
        request = json.loads(await socket.get_message())
        await socket.send_message(
            json.dumps({"id": request["id"], "result": {"status": "perhaps"}, "error": None})
        )

    async def main() -> None:
        with ending("not with an acknowledgement"):
            async with linked(websocket(script)) as line:
                await line.link.ask(DEALS)

    run(main)


def test_an_answer_to_nobody_is_kept_as_unreadable() -> None:
    def stray(_: dict[str, Any]) -> list[str]:
        return [acknowledged(999)]

    async def main() -> None:
        async with linked(answering(stray)) as line:
            await line.link.ask(DEALS)
            [batch] = line.handed_over()
            [fact] = batch.facts
            assert isinstance(fact, Unreadable)
            assert (fact.reason, fact.excerpt) == ("answers no open request", "id 999")
            [frame] = batch.frames
            assert facts_of(frame) == (fact,)
            assert line.on.figures.unreadable == 1

    run(main)


def test_an_answer_that_cannot_be_understood_is_kept_and_ends_the_link() -> None:
    async def script(socket: WebSocketConnection) -> None:
        request = json.loads(await socket.get_message())
        await socket.send_message(json.dumps({"id": request["id"], "result": 5, "error": None}))

    async def main() -> None:
        with ending("balanceSpot", Unintelligible):
            async with linked(websocket(script)) as line:
                try:
                    await line.link.read(BALANCES, balances)
                finally:
                    [batch] = line.handed_over()
                    [fact] = batch.facts
                    assert isinstance(fact, Unreadable)
                    assert (fact.stream, fact.excerpt) == ("balanceSpot", "5")
                    [frame] = batch.frames
                    assert facts_of(frame) == (fact,)

    run(main)


# Receiving


def test_frames_that_come_with_the_handshake_are_not_lost_and_not_overtaken(
    receiving: None,
) -> None:
    async def main() -> None:
        async with linked(glued(*(deal_push(number) for number in range(20)))) as line:
            await trio.testing.wait_all_tasks_blocked()
            assert deal_ids(line.facts()) == list(range(20))

    run(main)


def test_a_burst_comes_whole_and_in_its_order(receiving: None) -> None:
    def burst(_: dict[str, Any]) -> list[str]:
        return [deal_push(number) for number in range(1_000)]

    async def main() -> None:
        async with linked(answering(burst)) as line, trio.open_nursery() as nursery:
            nursery.start_soon(line.link.ask, DEALS)
            batches = []
            while nursery.child_tasks:
                await trio.testing.wait_all_tasks_blocked()
                batches += line.handed_over()
            found = [fact for batch in batches for fact in batch.facts]
            assert deal_ids(found) == list(range(1_000))
            assert all(len(batch.facts) <= BATCH_FACTS_MAX for batch in batches)

    run(main)


def test_a_full_inbox_stops_the_reading(receiving: None) -> None:
    """Memory stays flat: what the writer does not take stays with the exchange."""
    sent = 0

    async def flood(socket: WebSocketConnection) -> None:
        nonlocal sent
        for number in range(100_000):
            await socket.send_message(deal_push(number))
            sent += 1

    async def main() -> None:
        # Neither side's ping may end it: nobody can answer one.
        async with linked(websocket(flood), lockstep=True, ping_interval=50 * SECOND) as line:
            await trio.testing.wait_all_tasks_blocked()
            stuck = sent
            most = (BATCHES_WAITING_MAX + 1) * BATCH_FACTS_MAX + FRAMES_WAITING_MAX + 1_000
            assert FRAMES_WAITING_MAX < stuck <= most
            await trio.sleep(5)
            assert sent == stuck
            found = deal_ids(line.facts())
            while len(found) < stuck + 5_000:
                await trio.testing.wait_all_tasks_blocked()
                found += deal_ids(line.facts())
            assert found == list(range(len(found)))

    run(main)


@pytest.mark.parametrize(
    "frame", ["{", '{"method":"deals_update","params":[1]}', b"\xff\x00", '{"id":1}', "[]", ""]
)
def test_a_frame_that_cannot_be_read_is_handed_over_in_its_place(frame: str | bytes) -> None:
    async def script(socket: WebSocketConnection) -> None:
        for each in (deal_push(1), frame, deal_push(2)):
            await socket.send_message(each)

    async def main() -> None:
        async with linked(websocket(script)) as line:
            await trio.testing.wait_all_tasks_blocked()
            assert [type(fact) for fact in line.facts()] == [Deal, Unreadable, Deal]

    run(main)


def test_memory_stays_flat_when_frames_are_large_too(receiving: None) -> None:
    sent = 0

    async def flood(socket: WebSocketConnection) -> None:
        nonlocal sent
        for _ in range(1_000):
            await socket.send_message('"' + "x" * 200_000 + '"')
            sent += 1

    async def main() -> None:
        async with linked(websocket(flood), lockstep=True, ping_interval=50 * SECOND) as line:
            await trio.testing.wait_all_tasks_blocked()
            batches = line.handed_over()
            assert len(batches) == BATCHES_WAITING_MAX + 1  # with the one that waits for room
            sizes = [sum(len(frame.text) for frame in batch.frames) for batch in batches]
            assert max(sizes) <= BYTES_TAKEN_MAX + 200_002
            assert sent * 200_000 <= (
                (BATCHES_WAITING_MAX + 1) * (BYTES_TAKEN_MAX + 200_002) + BYTES_WAITING_MAX + 10**6
            )

    run(main)


# Evidence


def test_facts_are_handed_over_with_the_frames_that_they_were_read_from(receiving: None) -> None:
    result = {"BTC": {"available": "1", "freeze": "0"}}

    def pushes(request: dict[str, Any]) -> list[str]:
        reply = json.dumps({"id": request["id"], "result": result, "error": None})
        return [deal_push(1), "{", deal_push(2), reply, deal_push(3)]

    async def main() -> None:
        async with linked(answering(pushes)) as line:
            await line.link.read(BALANCES, balances)
            await trio.testing.wait_all_tasks_blocked()
            batches = line.handed_over()
            for batch in batches:
                assert batch.facts == tuple(f for frame in batch.frames for f in facts_of(frame))
            frames_ = [frame for batch in batches for frame in batch.frames]
            assert [frame.text.decode() for frame in frames_][:5] == [
                deal_push(1),
                "{",
                deal_push(2),
                json.dumps({"id": 1, "result": result, "error": None}),
                deal_push(3),
            ]
            asked = '{"method":"balanceSpot_request","params":[]}'
            assert [frame.asked for frame in frames_][:5] == ["", "", "", asked, ""]

    run(main)


def test_what_tells_nothing_of_the_account_is_not_kept() -> None:
    async def main() -> None:
        async with linked(answering()) as line:
            await line.link.ask(frames.authorize("secret"))
            await line.link.ask(DEALS)
            await trio.sleep(100)  # with pings
            assert line.on.figures.frames > 5
            assert line.handed_over() == []

    run(main)


def test_an_answer_of_which_a_part_cannot_be_understood_is_its_own_evidence() -> None:
    async def script(socket: WebSocketConnection) -> None:
        request = json.loads(await socket.get_message())
        result = {"BTC": {"available": "x", "freeze": "0"}}
        await socket.send_message(json.dumps({"id": request["id"], "result": result}))

    async def main() -> None:
        async with linked(websocket(script)) as line:
            await line.link.read(BALANCES, balances)
            [batch] = line.handed_over()
            [frame] = batch.frames
            [fact] = batch.facts
            assert isinstance(fact, Unreadable)
            assert facts_of(frame) == (fact,)

    run(main)


# Liveness


async def _deaf(socket: WebSocketConnection) -> None:
    """Takes everything and says nothing."""
    while True:
        await socket.get_message()


@pytest.mark.parametrize("clogged", [False, True])
def test_a_link_that_says_nothing_is_lost_within_interval_and_timeout(clogged: bool) -> None:
    """Whether the way out still takes what we say or is full."""

    async def main() -> None:
        began = trio.current_time()
        with ending(
            "ping could not be sent within 7s" if clogged else "no reply to ping within 7s"
        ):
            async with linked(websocket(_deaf), ping_timeout=7 * SECOND) as line:
                if clogged:
                    [stream] = line.streams
                    stream.send_stream.send_all_hook = trio.sleep_forever
                await trio.sleep_forever()
        assert 27 <= trio.current_time() - began <= 27 + CLOSE_SECONDS_MAX + 0.1

    run(main)


def test_a_database_that_is_away_ends_no_link_and_nothing_is_lost(receiving: None) -> None:
    """The inbox is full, so we don't hear the pong: the silence is ours.  We go on pinging, or the
    exchange would cut us."""
    pinged: list[float] = []

    async def noting(socket: WebSocketConnection) -> None:
        async def push() -> None:
            for number in range(100_000):
                await socket.send_message(deal_push(number))
                await trio.sleep(0.5)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(push)
            while True:
                request = json.loads(await socket.get_message())
                pinged.append(trio.current_time())
                await socket.send_message(acknowledged(request["id"], request["method"]))

    async def main() -> None:
        async with linked(websocket(noting)) as line:
            await trio.sleep(600)
            found = deal_ids(line.facts())
            assert len(found) == BATCHES_WAITING_MAX + 1  # with the one that waits for room
            while len(found) < 1_500:
                await trio.sleep(1)
                found += deal_ids(line.facts())
            assert found == list(range(len(found)))
        assert max(b - a for a, b in pairwise([0, *pinged])) < 60

    run(main)


def test_a_link_that_died_while_the_database_was_away_is_lost_soon_after(receiving: None) -> None:
    async def dying(socket: WebSocketConnection) -> None:
        for number in range(100):
            await socket.send_message(deal_push(number))
            await trio.sleep(1)
        await _deaf(socket)

    async def main() -> None:
        with ending("no reply to ping within 10s"):
            async with linked(websocket(dying)) as line:
                await trio.sleep(1_000)
                back = trio.current_time()
                try:
                    while True:
                        await trio.sleep(DEAF_SECONDS / 2)
                        line.handed_over()
                finally:
                    assert trio.current_time() - back <= 20 + 2 * 10 + 1

    run(main)


def test_a_patience_longer_than_that_for_replies_is_had_with_pings() -> None:
    async def script(socket: WebSocketConnection) -> None:
        while True:
            request = json.loads(await socket.get_message())
            await trio.sleep(25)
            await socket.send_message(acknowledged(request["id"], request["method"]))

    async def main() -> None:
        async with linked(websocket(script), ping_timeout=30 * SECOND):
            await trio.sleep(300)

    run(main)


def test_pings_keep_a_quiet_link_for_hours() -> None:
    async def main() -> None:
        async with linked(answering()) as line:
            await trio.sleep(3 * 3600)
            assert line.on.figures.frames == pytest.approx(540, abs=1)

    run(main)


def test_our_own_limit_on_requests_neither_breaks_theirs_nor_looks_like_a_dead_link() -> None:
    """The exchange allows 200 messages a minute, and cuts who is silent for sixty seconds."""
    at: list[float] = []

    def noted(_: dict[str, Any]) -> list[str]:
        at.append(trio.current_time())
        return []

    async def main() -> None:
        async with linked(answering(noted)) as line:
            for _ in range(1_000):
                await line.link.ask(DEALS)
        for start in at:
            assert sum(start <= moment < start + 60 for moment in at) <= REQUESTS_PER_MINUTE
        assert max(b - a for a, b in pairwise(at)) < 60

    run(main)


# Ends


async def _hang_up(stream: trio.abc.Stream) -> None:
    await stream.receive_some()
    await stream.aclose()


async def _reset(stream: trio.abc.Stream) -> None:
    await trio.aclose_forcefully(stream)


def _saying(answer: bytes) -> Peer:
    async def peer(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        await trio.sleep_forever()

    return peer


FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
UPGRADED_WRONGLY = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: bm8=\r\n\r\n"
)


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (_hang_up, "hung up during the handshake"),
        (_reset, "hung up during the handshake"),
        (_saying(FORBIDDEN), "refused with HTTP 403"),
        (_saying(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "HTTP 503"),
        (_saying(b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), "HTTP 301"),
        (_saying(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n"), "no WebSocket is spoken"),
        (_saying(UPGRADED_WRONGLY), "no WebSocket is spoken"),
        (_saying(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000), "no WebSocket is spoken"),
    ],
    ids=["hang-up", "reset", "403", "503", "301", "garbage", "wrong accept", "endless head"],
)
def test_a_handshake_that_fails_is_lost_at_once_and_leaves_no_socket(peer: Peer, why: str) -> None:
    async def main() -> None:
        began = trio.current_time()
        with ending(why):
            async with linked(peer):
                raise AssertionError("this is no WebSocket")
        assert trio.current_time() - began <= 2 * CLOSE_SECONDS_MAX

    run(main)


async def _silent(stream: trio.abc.Stream) -> None:
    await trio.sleep_forever()


HALF_A_HEAD = b"HTTP/1.1 101 Switching Protocols\r\n"


@pytest.mark.parametrize(
    "peer", [_silent, _saying(HALF_A_HEAD), _saying(b"SSH-2.0-OpenSSH_9.2\r\n")]
)
def test_a_handshake_that_does_not_come_is_waited_for_only_so_long(peer: Peer) -> None:
    async def main() -> None:
        began = trio.current_time()
        with ending("did not open a WebSocket in 15s"):
            async with linked(peer):
                raise AssertionError("this is no WebSocket")
        assert trio.current_time() - began <= CONNECT_SECONDS_MAX + 2 * CLOSE_SECONDS_MAX

    run(main)


def test_a_host_that_cannot_be_reached_is_told_as_such() -> None:
    async def main() -> None:
        inbox, _ = open_inbox()
        async with listener(world(), inbox) as on:
            with ending("exchange.test:80 can't be reached: there is no network here"):
                async with open_link(on):
                    raise AssertionError

    run(main)


def test_a_host_that_does_not_answer_is_waited_for_only_so_long() -> None:
    async def nobody(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        await trio.sleep_forever()
        raise AssertionError

    async def main() -> None:
        inbox, _ = open_inbox()
        async with listener(world(dial=nobody), inbox, ws_url="wss://exchange.test/ws") as on:
            with ending("exchange.test:443 did not answer in 15s"):
                async with open_link(on):
                    raise AssertionError
        assert trio.current_time() <= CONNECT_SECONDS_MAX + 0.1

    run(main)


async def _good_bye(socket: WebSocketConnection) -> None:
    await socket.send_message(deal_push(1))
    await socket.aclose(1001, "maintenance")


async def _break(socket: WebSocketConnection) -> None:
    await socket.send_message(deal_push(1))
    await trio.aclose_forcefully(socket._stream)


async def _garble(socket: WebSocketConnection) -> None:
    await socket.send_message(deal_push(1))
    await socket._stream.send_all(b"\xff\xff\xff\xff")


async def _good_bye_on_an_open_stream(socket: WebSocketConnection) -> None:
    """As behind a proxy that is in no hurry."""
    await socket.send_message(deal_push(1))
    await socket._send(wsproto.events.CloseConnection(code=1001))
    await trio.sleep_forever()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (_good_bye, r"closed with code 1001 \(maintenance\)"),
        (_break, "closed with code 1006"),
        (_garble, "closed with code 1002"),
        (_good_bye_on_an_open_stream, "closed with code 1001"),
    ],
    ids=["good-bye", "break", "garbage", "good-bye, stream open"],
)
def test_whoever_ends_it_what_came_before_is_handed_over_and_the_reason_told(
    script: Callable[[WebSocketConnection], Any], why: str, receiving: None
) -> None:
    async def main() -> None:
        began = trio.current_time()
        with ending(why):
            async with linked(websocket(script)) as line:
                try:
                    await trio.sleep_forever()
                finally:
                    assert deal_ids(line.facts()) == [1]
        assert trio.current_time() - began <= 2 * CLOSE_SECONDS_MAX

    run(main)


def test_a_question_that_is_open_when_the_link_ends_is_not_waited_for() -> None:
    async def script(socket: WebSocketConnection) -> None:
        await socket.get_message()
        await socket.aclose(1011)

    async def main() -> None:
        with ending("closed with code 1011"):
            async with linked(websocket(script)) as line:
                await line.link.ask(DEALS)
        assert trio.current_time() <= 2 * CLOSE_SECONDS_MAX

    run(main)


def test_leaving_the_block_says_good_bye_and_is_no_failure() -> None:
    async def main() -> None:
        async with linked(answering()) as line:
            await line.link.ask(DEALS)
        assert trio.current_time() <= 2 * CLOSE_SECONDS_MAX

    run(main)


def test_what_the_block_raises_comes_out() -> None:
    async def main() -> None:
        with ending("enough", ZeroDivisionError):
            async with linked(answering()):
                raise ZeroDivisionError("enough")
        with ending("mine"):
            async with linked(answering()):
                raise LinkLost("mine")

    run(main)
