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

from reconciler.backoff import delays, retry_after
from reconciler.clock import Clock, steady
from reconciler.domain.facts import Frame
from reconciler.domain.moments import seconds
from reconciler.feed.budget import Budget, Share
from reconciler.feed.exchange_clock import ExchangeClock
from reconciler.feed.gate import Permit
from reconciler.feed.key import Key, Recall, Reserve, nothing, nowhere
from reconciler.feed.limits import NotSent
from reconciler.log import Logger
from reconciler.secret import Credentials
from reconciler.wire import rest as wire
from reconciler.wire.signing import sign
from reconciler.world import World

ATTEMPTS_MAX = 5
CALL_SECONDS_MAX = 30
TOKEN_CALL = wire.websocket_token().name

TOKEN_REUSED_FOR = 50
"""Seconds after it was given.  How long one lives is not documented; clients that keep them keep
them for a minute (PROTOCOL § 3.0)."""

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

    def __init__(
        self, message: str, kind: wire.Refused = wire.Refused.INVALID, status: int = 0
    ) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status


@dataclass(frozen=True, slots=True)
class Common:
    """What all keys of a process share at one exchange: its limits for our address, its clock."""

    budget: Budget
    clock: ExchangeClock

    @classmethod
    def of(cls, world: World, *, keys: int = 1) -> "Common":
        """For so many keys."""
        return cls(Budget(world.chance, keys=keys), ExchangeClock(world.clock))


@asynccontextmanager
async def open_rest(
    world: World,
    root: str,
    credentials: Credentials | None,
    log: Logger,
    *,
    common: Common | None = None,
    recall: Recall = nothing,
    reserve: Reserve = nowhere,
) -> AsyncIterator["Rest"]:
    """REST calls under one key, for as long as the block lasts; without a key, public ones only.

    `recall` tells what was committed of the key's use, and `reserve` commits more.  Each key has
    connections of its own, so that none waits for another's slow answers.
    """
    common = common or Common.of(world)
    async with httpx.AsyncClient(
        base_url=root,
        transport=world.http(),
        timeout=httpx.Timeout(CALL_SECONDS_MAX),
        trust_env=False,
        follow_redirects=False,
        headers={"User-Agent": "reconciler", "Accept": "application/json"},
    ) as client:
        yield Rest(
            client,
            credentials,
            Key(common.clock, world.chance, recall, reserve),
            common.budget.share(),
            common.clock,
            world.clock,
            world.chance,
            log,
        )


class Rest:
    """The calls of one key."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        credentials: Credentials | None,
        key: Key,
        share: Share,
        exchange: ExchangeClock,
        clock: Clock,
        chance: Random,
        log: Logger,
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._key = key
        self._share = share
        self.exchange = exchange
        """The exchange's clock."""
        self._clock = clock
        self._chance = chance
        self._log = log
        self._token: wire.Token | None = None
        self._served = False
        self._served_until = 0.0

    def under(self, credentials: Credentials) -> "Rest":
        """The same, signing with another key.  The nonces go on: the record keeps those of the
        account, whatever key it has."""
        return Rest(
            self._client,
            credentials,
            self._key,
            self._share,
            self.exchange,
            self._clock,
            self._chance,
            self._log,
        )

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
            before = problem.kind if isinstance(problem, wire.RestError) else None
            try:
                return await self._once(call, before)
            except wire.RestError as error:
                problem = error
                if not await self._helped(call.name, error):
                    raise _by_remedy(call.name, error) from None
                mended = error.kind in _NONCE_KINDS and error.kind is not before
                # Who is throttled waits for the next permit, as everybody does.
                hurry = mended or _is_throttled(error, before)
            except (httpx.RequestError, NotSent, wire.Unintelligible, trio.TooSlowError) as error:
                problem, hurry = error, False
            if attempt < attempts and not hurry:
                pause = next(pauses)
                self._log.debug("rest.retry", call=call.name, why=_why(problem), pause_s=pause)
                await trio.sleep(pause)
        assert problem is not None
        raise ExchangeAway(f"{call.name}: {_why(problem)}") from problem

    async def token(self) -> wire.Token:
        """A token for one WebSocket; `authorized` says that it served.

        Each connection gets a fresh one, but while the exchange allows no more of them, the last
        that served does so again.  Attempts beyond a stale nonce are the supervisor's, who has the
        pauses that were agreed on.
        """
        if self._served and self._key.would_wait() and trio.current_time() < self._served_until:
            self._served = False
            assert self._token is not None
            return self._token
        self._served = False
        self._token = await self.ask(wire.websocket_token(), attempts=2)
        self._served_until = trio.current_time() + TOKEN_REUSED_FOR
        return self._token

    def authorized(self) -> None:
        """The exchange has taken the last token."""
        self._served = True

    async def calibrate(self, *, samples: int = 1) -> int:
        """Measure the exchange's clock against ours; what to add to ours, in microseconds.

        The first answer comes at once; each further one waits for the moment, at most a second
        away, at which it halves what is not known.
        """
        for number in range(samples):
            if number:
                await trio.sleep(seconds(self.exchange.until_telling()))
            before = steady()
            told = await self.ask(wire.server_time(), attempts=1)
            stepped = self.exchange.learn(told, before, steady())
            if stepped:
                self._log.warning("clock.stepped", by_s=round(seconds(stepped), 3))
        return self.exchange.offset

    async def _once(self, call: wire.Call[T], before: wire.Refused | None) -> Answer[T]:
        async with self._allowed(call) as permit:
            request = await self._request(call)
            with trio.fail_after(CALL_SECONDS_MAX):
                status, after, body = await self._fetch(request)
            received_at = self._clock.now()
            failure = call.failure(status, body)
            if failure is None:
                permit.accepted()
            else:
                failure.retry_after = retry_after(after, self.exchange.now())
                if _is_throttled(failure, before):
                    self._pause(call.name, permit, failure)
        if failure is not None:
            raise failure
        frame = Frame(received_at=received_at, asked=call.asked, text=call.kept(body))
        return Answer(value=call.decode(body, received_at), frame=frame)

    @asynccontextmanager
    async def _allowed(self, call: wire.Call[T]) -> AsyncIterator[Permit]:
        async with self._share.permit(call.path) as permit:
            if call.name != TOKEN_CALL:
                yield permit
            else:
                async with self._key.token() as of_tokens:
                    yield of_tokens

    def _pause(self, name: str, permit: Permit, failure: wire.RestError) -> None:
        after = failure.retry_after
        if pause := permit.refused(None if after is None else seconds(after)):
            said = failure.message
            self._log.warning("rest.limited", call=name, message=said, pause_s=round(pause, 3))

    async def _request(self, call: wire.Call[T]) -> httpx.Request:
        if call.method == "GET":
            return self._client.build_request("GET", call.path)
        assert self._credentials is not None, "a private call without credentials"
        signed = sign(
            call.path,
            call.params,
            nonce=await self._key.nonce(),
            key=self._credentials.key.reveal(),
            secret=self._credentials.secret.reveal(),
        )
        return self._client.build_request(
            "POST", call.path, content=signed.body, headers=signed.headers
        )

    async def _fetch(self, request: httpx.Request) -> tuple[int, str, bytes]:
        """Status, Retry-After, body."""
        try:
            response = await self._client.send(request, stream=True)
        except _NOT_SENT as error:
            raise NotSent(_why(error)) from error
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > wire.BODY_BYTES_MAX:
                    break  # the decoder refuses it by its length
        finally:
            await response.aclose()
        after = response.headers.get("Retry-After", "")
        return response.status_code, after, self._without_credentials(bytes(body))

    def _without_credentials(self, body: bytes) -> bytes:
        """Whoever repeats what we signed with, as in a refusal, would have it kept and logged."""
        if self._credentials is not None:
            for secret in (self._credentials.key, self._credentials.secret):
                body = body.replace(secret.reveal().encode(), b"***")
        return body

    async def _helped(self, name: str, error: wire.RestError) -> bool:
        """Whether another attempt may succeed; mends what it can."""
        match error.kind:
            case wire.Refused.RATE_LIMIT | wire.Refused.UNAVAILABLE:
                return True
            case wire.Refused.STALE_NONCE:
                self._key.stale()
                return True
            case wire.Refused.CLOCK:
                self._log.warning("clock.off", call=name, message=error.message)
                await self.calibrate()
                return True
        return False


_NONCE_KINDS = (wire.Refused.STALE_NONCE, wire.Refused.CLOCK)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def _is_throttled(error: wire.RestError, before: wire.Refused | None) -> bool:
    """Whether everybody has to wait.  A nonce that is stale twice is the real limit in the same
    words (PROTOCOL § 9, trap 93)."""
    return (
        error.kind is wire.Refused.RATE_LIMIT
        or (error.kind is before is wire.Refused.STALE_NONCE)
        or (error.kind is wire.Refused.UNAVAILABLE and error.retry_after is not None)
    )


def _by_remedy(name: str, error: wire.RestError) -> Exception:
    said = error.message.rstrip(".")
    if error.kind is wire.Refused.CREDENTIALS:
        return CredentialsRefused(f"the exchange refused the credentials: {said}")
    if error.kind is wire.Refused.PERMISSION and name == TOKEN_CALL:
        return CredentialsRefused(f"this key may not open the private feed: {said}")
    return CallRefused(f"{name}: {error}", error.kind, error.status)


def _why(error: Exception) -> str:
    if isinstance(error, trio.TooSlowError | httpx.TimeoutException):
        return f"no answer within {CALL_SECONDS_MAX}s"
    return str(error) or type(error).__name__
