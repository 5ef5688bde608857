"""order.py URL PID ACCOUNTS PATHS: orders a job an account of the service at URL, the process PID; waits for all.

Prints how long that took, and the most memory that the process has held.
"""

from __future__ import annotations

import json
import random
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PEAK_MIB_MAX = 512
"""What a pod of the service is given."""

TRADES = 250
DAY_MS = 86_400_000
BEGIN_MS = 1_767_225_600_000
READY_SECONDS_MAX = 60


def ask(url: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def await_ready(url: str) -> None:
    began = time.monotonic()
    while True:
        try:
            ask(f"{url}/ready")
        except (urllib.error.URLError, OSError):
            if time.monotonic() - began > READY_SECONDS_MAX:
                raise
            time.sleep(0.1)
        else:
            return


def order(account: int, paths: int) -> dict:
    """A year of one trade a day: of each account its own."""
    dice = random.Random(account)
    pnls = [round(dice.gauss(20, 400), 2) for _ in range(TRADES)]
    trades = [
        {"id": f"{account}-{day}", "type": "close", "pnl": pnl, "timestamp": BEGIN_MS + day * DAY_MS}
        for day, pnl in enumerate(pnls)
    ]
    balance = 50_000 + sum(pnls)
    pnl_data = {"balance": balance, "peak": max(balance, 50_000), "realized": sum(pnls), "unrealized": 0}
    return {
        "fundedAccountId": f"account-{account}",
        "inputData": {"tradeHistory": trades, "pnlData": pnl_data},
        "config": {"paths": paths},
    }


def peak_mib(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def main(url: str, pid: int, accounts: int, paths: int) -> None:
    await_ready(url)
    before = peak_mib(pid)
    began = time.monotonic()
    ordered = [ask(f"{url}/simulations", order(account, paths))["jobId"] for account in range(accounts)]
    taken = time.monotonic() - began
    waiting = list(ordered)
    jobs = []
    while waiting:
        job = ask(f"{url}/simulations/{waiting[-1]}")
        if job["status"] in ("pending", "running"):
            time.sleep(0.2)
        else:
            jobs.append(job)
            waiting.pop()
    seconds = time.monotonic() - began
    on_ray = sum(job.get("result", {}).get("executedOn") == "ray" for job in jobs)
    attempts = sum(job["attempts"] for job in jobs)
    peak = peak_mib(pid)
    print(
        f"book: accounts={accounts} paths={paths} on_ray={on_ray} attempts={attempts} ordered_s={taken:.1f} "
        f"seconds={seconds:.1f} peak_mib={peak:.0f} idle_mib={before:.0f}"
    )
    if on_ray < accounts or peak >= PEAK_MIB_MAX:
        sys.exit(1)


main(sys.argv[1], *map(int, sys.argv[2:]))
