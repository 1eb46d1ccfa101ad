"""One REST call: limited, signed anew for each attempt, retried where that can help.

Only this module knows the HTTP library.  All calls are reads, so a retry after an unknown outcome
is safe.  What cannot be helped by another attempt is raised by its remedy.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

import httpx
import trio

from reconciler.backoff import delays
from reconciler.clock import Clock
from reconciler.domain.facts import Frame
from reconciler.feed.limits import Limit
from reconciler.feed.nonce import Nonce
from reconciler.log import Logger
from reconciler.secret import Credentials
from reconciler.wire import rest as wire
from reconciler.wire.signing import sign
from reconciler.world import World

ATTEMPTS_MAX = 5
CALL_SECONDS_MAX = 30
TOKEN_CALL = wire.websocket_token().name
TOKENS_PER_MINUTE = 10
CALLS_PER_10_SECONDS = 900
"""The tightest documented limit of the calls that we make is 1000 per 10 s (PROTOCOL § 1.4)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What a call was answered, and the text of it as evidence."""

    value: T
    frame: Frame


class ExchangeAway(Exception):
    """The exchange could not be reached, or did not answer in its own language.  Remedy: later."""


class CredentialsRefused(Exception):
    """The exchange knows neither key nor signature.  Remedy: other credentials."""


class CallRefused(Exception):
    """The exchange will not answer this call for this key.  Remedy: permissions, or our bug."""

    def __init__(self, message: str, kind: wire.Refused = wire.Refused.INVALID) -> None:
        super().__init__(message)
        self.kind = kind


@asynccontextmanager
async def open_rest(
    world: World, root: str, credentials: Credentials | None, log: Logger
) -> AsyncIterator["Rest"]:
    """REST calls under one key, for as long as the block lasts; without a key, public ones only."""
    async with httpx.AsyncClient(
        base_url=root,
        transport=world.http(),
        timeout=httpx.Timeout(CALL_SECONDS_MAX),
        trust_env=False,
        follow_redirects=False,
        headers={"User-Agent": "reconciler", "Accept": "application/json"},
    ) as client:
        yield Rest(client, credentials, world.clock, world.chance, log)


class Rest:
    """The calls of one key: one nonce source, one set of limits."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        credentials: Credentials | None,
        clock: Clock,
        chance: Random,
        log: Logger,
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._clock = clock
        self._chance = chance
        self._log = log
        self.nonce = Nonce(clock)
        self._budget = Limit(CALLS_PER_10_SECONDS, 10)
        self._tokens = Limit(TOKENS_PER_MINUTE, 60)

    async def ask(self, call: wire.Call[T], *, attempts: int = ATTEMPTS_MAX) -> T:
        """What the exchange answers to `call`; raises what `read` raises."""
        return (await self.read(call, attempts=attempts)).value

    async def read(self, call: wire.Call[T], *, attempts: int = ATTEMPTS_MAX) -> Answer[T]:
        """What the exchange answers to `call`, and the very text of it.

        Raises CredentialsRefused, CallRefused, or ExchangeAway when every attempt failed.
        """
        pauses = delays(self._chance, first=1, most=30)
        problem: Exception | None = None
        for attempt in range(1, attempts + 1):
            try:
                return await self._once(call)
            except wire.RestError as error:
                problem = error
                if not await self._helped(call.name, error):
                    raise _by_remedy(call.name, error) from None
                hurry = error.kind in _NONCE_KINDS and attempt == 1
            except (httpx.RequestError, wire.Unintelligible, trio.TooSlowError) as error:
                problem, hurry = error, False
            if attempt < attempts and not hurry:
                pause = next(pauses)
                self._log.debug("rest.retry", call=call.name, why=_why(problem), pause_s=pause)
                await trio.sleep(pause)
        assert problem is not None
        raise ExchangeAway(f"{call.name}: {_why(problem)}") from problem

    async def calibrate(self) -> int:
        """Measure the exchange's clock against ours; the offset in microseconds, ± 0.5 s."""
        before = self._clock.now()
        exchange = await self.ask(wire.server_time(), attempts=1)
        self.nonce.calibrate(exchange, before, self._clock.now())
        return self.nonce.offset

    async def _once(self, call: wire.Call[T]) -> Answer[T]:
        limit = self._tokens if call.name == TOKEN_CALL else self._budget
        await limit.take()
        try:
            with trio.fail_after(CALL_SECONDS_MAX):
                status, body = await self._fetch(call)
        except httpx.ConnectError:
            limit.give_back()
            raise
        received_at = self._clock.now()
        failure = wire.read_failure(status, body)
        if failure is not None:
            raise failure
        frame = Frame(received_at=received_at, asked=call.asked, text=call.kept(body))
        return Answer(value=call.decode(body, received_at), frame=frame)

    async def _fetch(self, call: wire.Call[T]) -> tuple[int, bytes]:
        if call.method == "GET":
            request = self._client.build_request("GET", call.path)
        else:
            assert self._credentials is not None, "a private call without credentials"
            signed = sign(
                call.path,
                call.params,
                nonce=self.nonce.next(),
                key=self._credentials.key.reveal(),
                secret=self._credentials.secret.reveal(),
            )
            request = self._client.build_request(
                "POST", call.path, content=signed.body, headers=signed.headers
            )
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > wire.BODY_BYTES_MAX:
                    break  # the decoder refuses it by its length
        finally:
            await response.aclose()
        return response.status_code, bytes(body)

    async def _helped(self, name: str, error: wire.RestError) -> bool:
        """Whether another attempt may succeed; mends what it can."""
        match error.kind:
            case wire.Refused.STALE_NONCE | wire.Refused.RATE_LIMIT | wire.Refused.UNAVAILABLE:
                return True
            case wire.Refused.CLOCK:
                self._log.warning("clock.off", call=name, message=error.message)
                await self.calibrate()
                return True
        return False


_NONCE_KINDS = (wire.Refused.STALE_NONCE, wire.Refused.CLOCK)


def _by_remedy(name: str, error: wire.RestError) -> Exception:
    if error.kind is wire.Refused.CREDENTIALS:
        return CredentialsRefused(f"the exchange refused the credentials: {error.message}")
    if error.kind is wire.Refused.PERMISSION and name == TOKEN_CALL:
        return CredentialsRefused(f"this key may not open the private feed: {error.message}")
    return CallRefused(f"{name}: {error}", error.kind)


def _why(error: Exception) -> str:
    if isinstance(error, trio.TooSlowError | httpx.TimeoutException):
        return f"no answer within {CALL_SECONDS_MAX}s"
    return str(error) or type(error).__name__
