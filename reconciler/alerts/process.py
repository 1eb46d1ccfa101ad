"""A program that is told something on its standard input: started, limited, ended with all of it.

It gets no shell, no environment but what is given, and a session of its own, so that a signal
reaches all that it started.  Linux only: `pidfd_open` tells of its end without forgetting its
number, which its group still bears.
"""

import os
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePath

import trio

from reconciler.alerts.hook import REASON_CHARS_MAX, HookFailed, one_line

TAIL_BYTES_MAX = 2048
"""Of what it printed, the end; more than fits in a reason."""
SAID_CHARS_MAX = REASON_CHARS_MAX - 100
"""Room for the program's name and how it ended."""
NAME_CHARS_MAX = 40
READ_PAUSE = 0.001
"""Seconds between two readings of 64 KiB: who prints without end takes a tenth of a core."""
REST_SECONDS_MAX = 0.2
"""For its last words after its end: what it left in the background may hold the pipe for ever."""
TERM_SECONDS_MAX = 2
"""Between being asked to end and being ended; a daemon that stops waits for it."""
KILL_SECONDS_MAX = 1
"""Nothing outlives SIGKILL but what hangs in the kernel, which is not waited for."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended, and the end of what it printed."""

    code: int | None
    """Negative: the signal that ended it; None: it had not ended in time."""
    said: str


async def tell(
    command: Sequence[str], body: bytes, environment: Mapping[str, str], *, limit_s: float
) -> Ended:
    """How the program ended; what it left running after success goes on alone.

    If it fails or takes longer, and when this is cancelled, its whole process group is ended.
    Raises HookFailed if it can't be started.
    """
    try:
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise HookFailed(f"{_name(command)} can't be started: {why}", permanent=True) from None
    said = _Tail()
    try:
        with trio.move_on_after(limit_s):
            await _attend(process, body, said)
        code = _status(process.pid)
    finally:
        with trio.CancelScope(shield=True):
            await _end(process)
    return Ended(code, said.text())


def told(command: Sequence[str], ended: Ended, *, limit_s: float) -> str:
    """How it failed, for a person.  Of its command line only the name: the rest may be secret."""
    if ended.code is None:
        how = f"did not end within {limit_s:g}s"
    elif ended.code < 0:
        how = f"was ended by {_SIGNALS.get(-ended.code, f'signal {-ended.code}')}"
    else:
        how = f"ended with {ended.code}"
    return f"{_name(command)} {how}" + (f": {ended.said}" if ended.said else "")


_SIGNALS = {number.value: number.name for number in signal.Signals}


def _name(command: Sequence[str]) -> str:
    return PurePath(command[0]).name[:NAME_CHARS_MAX]


@dataclass(slots=True)
class _Tail:
    """The last of what was printed."""

    _chunks: deque[bytes] = field(default_factory=deque)
    _size: int = 0

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk[-TAIL_BYTES_MAX:])
        self._size += len(self._chunks[-1])
        while self._size - len(self._chunks[0]) >= TAIL_BYTES_MAX:
            self._size -= len(self._chunks.popleft())

    def text(self) -> str:
        return one_line(b"".join(self._chunks).decode(errors="replace"), SAID_CHARS_MAX)


async def _attend(process: trio.Process, body: bytes, said: _Tail) -> None:
    """Until it has ended; it is not reaped yet."""
    assert process.stdin is not None
    assert process.stdout is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_write, process.stdin, body)
        nursery.start_soon(_read, process.stdout, said)
        await _ended(process.pid)
        nursery.cancel_scope.deadline = trio.current_time() + REST_SECONDS_MAX


async def _write(stream: trio.abc.SendStream, body: bytes) -> None:
    async with stream:
        with suppress(trio.BrokenResourceError):  # who doesn't read it doesn't need it
            await stream.send_all(body)


async def _read(stream: trio.abc.ReceiveStream, said: _Tail) -> None:
    async for chunk in stream:
        said.add(bytes(chunk))
        await trio.sleep(READ_PAUSE)


async def _end(process: trio.Process) -> None:
    """Nothing of it is left when this returns, but what a success left in the background."""
    if (code := _status(process.pid)) is None:
        _signal(process.pid, signal.SIGTERM)
        with trio.move_on_after(TERM_SECONDS_MAX):
            await _ended(process.pid)
    if code != 0:
        # Before it is reaped, or the group's number could be another's by now.
        _signal(process.pid, signal.SIGKILL)
    with trio.move_on_after(KILL_SECONDS_MAX):
        await process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        await pipe.aclose()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(PermissionError):  # all of it runs as somebody else by now, as with sudo
        os.killpg(group, number)


async def _ended(pid: int) -> None:
    watched = os.pidfd_open(pid)
    try:
        await trio.lowlevel.wait_readable(watched)
    finally:
        os.close(watched)


def _status(pid: int) -> int | None:
    """As `Popen.returncode`, but without reaping."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
