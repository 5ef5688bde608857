"""The server's replicas, seen as processes."""

from __future__ import annotations

import os
import time
from pathlib import Path


def replicas() -> list[int]:
    """Processes of `Simulations` below the server that TEST_RAY_PID names."""
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [
        pid
        for pid in found
        if _title(pid).startswith("ray::ServeReplica") and "Simulations" in _title(pid) and _is_ours(pid)
    ]


LOOKS = 8
"""For a thread that computes is always ready to run, on however busy a machine; one that waits is so now and then."""

BETWEEN_LOOKS_S = 0.04


def is_simulating() -> bool:
    """Whether a thread of a replica was ready to run at every look."""
    ready = _ready()
    for _ in range(LOOKS):
        time.sleep(BETWEEN_LOOKS_S)
        ready &= _ready()
        if not ready:
            return False
    return True


def is_idle() -> bool:
    return not is_simulating()


def _ready() -> set[int]:
    """Threads of the replicas that run or could; not their first, which imports much when a replica starts."""
    return {
        thread for pid in replicas() for thread in _threads(pid) if thread != pid and _stat(pid, thread)[:1] == ["R"]
    }


def _threads(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _stat(pid: int, thread: int) -> list[str]:
    """State, parent and more; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/task/{thread}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _is_ours(pid: int) -> bool:
    server = int(os.environ["TEST_RAY_PID"])
    while pid > 1:
        if pid == server:
            return True
        fields = _stat(pid, pid)
        pid = int(fields[1]) if fields else 0
    return False
