"""Run in the daemon's sandbox, as a second process of its unit: says what it may and what not."""

import ctypes
import mmap
import os
import socket
from collections.abc import Callable
from pathlib import Path


def write(path: str) -> Callable[[], object]:
    return lambda: Path(path).write_text("x")


def renamed() -> None:
    if ctypes.CDLL(None, use_errno=True).sethostname(b"x", 1):
        raise OSError(ctypes.get_errno(), "sethostname")


FORBIDDEN: dict[str, Callable[[], object]] = {
    "write to the configuration": write("/etc/reconciler/x"),
    "write to the program": write("/opt/reconciler/x"),
    "write to the system": write("/usr/x"),
    "write to the root folder": write("/x"),
    "see home folders": lambda: os.scandir("/root"),
    "see other configuration": lambda: os.scandir("/etc/ssh"),
    "read the shadow file": lambda: Path("/etc/shadow").read_text(),
    "read the keys' own files": lambda: os.scandir("/etc/reconciler/keys"),
    "see process 1": lambda: os.scandir("/proc/1"),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "open a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "make memory that is written and run": lambda: mmap.mmap(-1, 4096, prot=7),
    "change the host's name": renamed,
    "become another user": lambda: os.setuid(0),
    "make a device": lambda: os.mknod("/tmp/x", 0o020666, os.makedev(1, 1)),
}


def main() -> None:
    for what, attempt in FORBIDDEN.items():
        try:
            attempt()
        except OSError as refusal:
            print(f"refused to {what}: {refusal}")
        else:
            print(f"may {what}")
    state = Path(os.environ["STATE_DIRECTORY"]) / "probe"
    state.write_text("x")
    state.unlink()
    print(f"root holds {' '.join(sorted(path.name for path in Path('/').iterdir()))}")


main()
