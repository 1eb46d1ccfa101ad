"""A program is told the event on its standard input and nothing else of ours; whatever it does, it
is over in time, and what it printed is bounded."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from reconciler.alerts.hook import REASON_CHARS_MAX, Hook, HookFailed, Message
from reconciler.alerts.opening import open_hooks
from reconciler.config import Duration, ExecAlert
from reconciler.domain.moments import MILLISECOND
from reconciler.world import real
from tests.desk import until
from tests.running import run

MESSAGE = Message(id="0193-7", event="drift.detected", body='{"message": "é"}'.encode())


@asynccontextmanager
async def hooked(*command: str, ms: int = 10_000) -> AsyncIterator[Hook]:
    alert = ExecAlert(command=command, timeout=Duration(ms * MILLISECOND))
    async with open_hooks([alert], real()) as (hook,):
        yield hook


def deliver(*command: str, ms: int = 10_000, message: Message = MESSAGE) -> None:
    """Tell that command."""

    async def main() -> None:
        async with hooked(*command, ms=ms) as hook:
            await hook.deliver(message)

    run(main)


def failure(*command: str, ms: int = 10_000) -> str:
    """Why it could not be told."""
    with pytest.raises(HookFailed) as failed:
        deliver(*command, ms=ms)
    return failed.value.reason


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


def all_gone(file: Path) -> None:
    """Wait until none of the processes is there whose numbers the file has: a signal takes time."""
    pids = [int(line) for line in file.read_text().split()]
    assert pids
    run(until, lambda: not any(map(is_running, pids)))


def is_running(pid: int) -> bool:
    """Whether it is there and no corpse that nobody has buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_it_reads_the_body_as_it_is(tmp_path: Path) -> None:
    deliver("cp", "/dev/stdin", str(tmp_path / "told"))
    assert (tmp_path / "told").read_bytes() == MESSAGE.body


def test_its_environment_is_what_every_program_needs_and_what_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_ACCOUNTS__0__API_SECRET", "s3cr3t")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    deliver("cp", "/proc/self/environ", str(tmp_path / "environ"))
    found = (tmp_path / "environ").read_text().rstrip("\0").split("\0")
    assert dict(line.split("=", 1) for line in found) == {
        "PATH": os.environ["PATH"],
        "LANG": "de_DE.UTF-8",
        "RECONCILER_EVENT": "drift.detected",
        "RECONCILER_DELIVERY": "0193-7",
    }


def test_it_stands_in_the_root_folder_and_leads_a_session_of_its_own(tmp_path: Path) -> None:
    said = tmp_path / "said"
    deliver(*shell(f'pwd > {said}; cut -d" " -f1,5,6 /proc/$$/stat >> {said}'))
    folder, numbers = said.read_text().splitlines()
    pid, group, session = numbers.split()
    assert folder == "/"
    assert pid == group == session


def test_it_has_no_shell_between_and_no_file_of_ours(tmp_path: Path) -> None:
    deliver("sh", "-c", f'printf "%s" "$1" > {tmp_path}/said; ls /proc/$$/fd > {tmp_path}/fds', "-")
    assert (tmp_path / "said").read_text() == ""
    deliver("cp", "/dev/stdin", str(tmp_path / "$(id); *"))
    assert (tmp_path / "$(id); *").exists()
    assert set((tmp_path / "fds").read_text().split()) <= {"0", "1", "2", "3", "10", "255"}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (shell("echo no room >&2; exit 75"), "sh ended with 75: no room"),
        (shell("echo one; echo two >&2; exit 1"), "sh ended with 1: one two"),
        (("false",), "false ended with 1"),
        (shell("kill -SEGV $$"), "sh was ended by SIGSEGV"),
        (shell("kill -41 $$"), "sh was ended by signal 41"),
        (("/no/such/program",), "program can't be started: No such file or directory"),
        (("/etc/passwd",), "passwd can't be started: Permission denied"),
        (("",), "can't be started: "),
        (("a\0b",), "can't be started: embedded null byte"),
        (
            shell("printf '\\033[31m\\377red\\n'; exit 1"),
            "sh ended with 1: [31m\N{REPLACEMENT CHARACTER}red",
        ),
    ],
)
def test_what_goes_wrong_is_said_on_one_line(command: tuple[str, ...], reason: str) -> None:
    assert reason in failure(*command)


def test_its_arguments_are_not_repeated() -> None:
    assert "s3cr3t" not in failure("false", "--token=s3cr3t")


def test_of_what_it_prints_only_the_end_is_kept() -> None:
    reason = failure(*shell("yes | head -c 100000000; echo; echo the end; exit 1"), ms=25_000)
    assert reason.startswith("sh ended with 1: …y y y")
    assert reason.endswith("y y the end")
    assert len(reason) <= REASON_CHARS_MAX


def test_who_does_not_read_is_told_all_the_same() -> None:
    deliver("true", message=Message(id="1", event="test", body=bytes(1_000_000)))


def test_who_does_not_end_is_ended() -> None:
    assert failure(*shell("echo busy; exec sleep 60"), ms=200) == (
        "sh did not end within 0.2s: busy"
    )


def test_who_does_not_listen_to_the_first_signal_is_ended_with_all_it_started(
    tmp_path: Path,
) -> None:
    script = f"""
    trap '' TERM
    sh -c 'trap "" TERM; echo $$ >> {tmp_path}/pids; sleep 60; sleep 60' &
    echo $$ >> {tmp_path}/pids
    while :; do sleep 60; done
    """
    assert failure(*shell(script), ms=500) == "sh did not end within 0.5s"
    all_gone(tmp_path / "pids")


def test_a_cancelled_delivery_ends_it_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def main() -> None:
        script = (
            f"trap '' TERM; sleep 60 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait; wait"
        )
        async with hooked(*shell(script)) as hook, trio.open_nursery() as nursery:
            nursery.start_soon(hook.deliver, MESSAGE)
            await until(pids.exists)
            nursery.cancel_scope.cancel()

    run(main)
    all_gone(pids)


def test_what_a_failure_leaves_in_the_background_is_ended(tmp_path: Path) -> None:
    assert failure(*shell(f"sleep 60 & echo $! > {tmp_path}/pid; exit 1")) == "sh ended with 1"
    all_gone(tmp_path / "pid")


def test_what_a_success_leaves_in_the_background_goes_on_and_holds_nobody_up(
    tmp_path: Path,
) -> None:
    """A mailer may have handed the letter to a child of its own."""
    deliver(*shell(f"(sleep 0.5; touch {tmp_path}/later) & exit 0"))
    assert not (tmp_path / "later").exists()
    run(until, (tmp_path / "later").exists)


def test_two_hooks_run_side_by_side() -> None:
    async def main() -> None:
        async with (
            hooked(*shell("sleep 60"), ms=60_000) as slow,
            hooked("true") as quick,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(slow.deliver, MESSAGE)
            await trio.testing.wait_all_tasks_blocked()
            await quick.deliver(MESSAGE)
            nursery.cancel_scope.cancel()

    run(main)
