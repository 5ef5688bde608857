"""The server's replicas, seen as processes."""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS_S = os.sysconf("SC_CLK_TCK")


def replicas() -> list[int]:
    """Processes of `Simulations` below the server that TEST_RAY_PID names."""
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [
        pid
        for pid in found
        if _title(pid).startswith("ray::ServeReplica") and "Simulations" in _title(pid) and _is_ours(pid)
    ]


def cpu_s(pids: list[int]) -> float:
    """CPU time that they have taken."""
    return sum(_cpu_s(pid) for pid in pids)


WINDOW_S = 0.3

IDLE_CORES = 0.1
"""A replica that simulates takes a core, or its part of one; one that waits takes a few hundredths."""


def are_idle() -> bool:
    """Whether no replica simulates, as seen over a short while."""
    pids = replicas()
    before = cpu_s(pids)
    time.sleep(WINDOW_S)
    return cpu_s(pids) - before <= IDLE_CORES * WINDOW_S


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_s(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_S if fields else 0.0


def _is_ours(pid: int) -> bool:
    server = int(os.environ["TEST_RAY_PID"])
    while pid > 1:
        if pid == server:
            return True
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0
    return False
