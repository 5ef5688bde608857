"""Exact, mergeable Monte Carlo simulation of a trading account under a firm's rules.

`simulate` is for people. `run_shard` and `simulate_json` are for servers: bytes in, bytes out, the interpreter's lock
released meanwhile.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ._native import (
    ENGINE_VERSION,
    PROTOCOL,
    BadFrame,
    BadRequest,
    CancelFlag,
    Cancelled,
    CannotBeSimulated,
    DeadlineExceeded,
    EngineError,
    EngineFailed,
    EngineVersionMismatch,
    run_shard,
    shard_frame,
    simulate_json,
)

__all__ = [
    "ENGINE_VERSION",
    "PROTOCOL",
    "BadFrame",
    "BadRequest",
    "CancelFlag",
    "Cancelled",
    "CannotBeSimulated",
    "DeadlineExceeded",
    "EngineError",
    "EngineFailed",
    "EngineVersionMismatch",
    "run_shard",
    "shard_frame",
    "simulate",
    "simulate_json",
]

_DAY_MS = 86_400_000


def simulate(
    history: Sequence[Mapping[str, Any] | float],
    *,
    balance: float,
    realized: float | None = None,
    peak: float | None = None,
    rules: str | Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    account: Mapping[str, Any] | None = None,
    threads: int | None = None,
    cancel: CancelFlag | None = None,
    timeout_seconds: float | None = None,
) -> dict[str, Any]:
    """Simulate what an account may do next.

    Args:
        history: Closing trades, oldest first: numbers, each a trade's profit in US dollars, one a day; or trades as the
            platform's Core Service tells them, with at least `pnl` and `timestamp` (ISO-8601, or ms since 1970).
        balance: The account's balance today, US dollars.
        realized: Its profit so far; by default the sum of the history's.
        peak: Its highest balance so far; by default the highest that the history reached.
        rules: `"funded"`, `"assessment"` or your own, as `{"drawdown": {"kind": "trailing", "fraction": 0.1}}`.
        config: What else may be asked, as `{"paths": 100_000, "horizonDays": 30, "model": "iid", "seed": 7}`.
        account: More about it: `assessmentId` or `fundedAccountId`, `startingBalance`, `totalWithdrawals`, `tier`.
        threads: Threads; by default as many as there are cores.
        cancel: Stops the call from another thread.
        timeout_seconds: Stops the call.

    Returns:
        The result, as the service's API documents it.

    Raises:
        CannotBeSimulated: No such simulation can be run; `field` says which field is at fault.
        BadRequest: A field has a value of the wrong kind.
        Cancelled, DeadlineExceeded: It was stopped.
    """
    trades = [_trade(n, item) for n, item in enumerate(history)]
    pnls = [trade.get("pnl", 0) for trade in trades]
    realized = sum(pnls) if realized is None else realized
    request = {
        "tradeHistory": trades,
        "pnlData": {
            "balance": balance,
            "peak": _highest(balance - realized, pnls, balance) if peak is None else peak,
            "realized": realized,
            "unrealized": 0,
        },
        **(account or {}),
        "config": {**(config or {}), **({} if rules is None else {"rules": rules})},
    }
    answer = simulate_json(
        json.dumps(request, allow_nan=False).encode(),
        cancel,
        threads=threads or os.cpu_count() or 1,
        timeout_seconds=timeout_seconds,
    )
    return json.loads(answer)


def _trade(n: int, item: Mapping[str, Any] | float) -> Mapping[str, Any]:
    if isinstance(item, Mapping):
        return item
    return {"id": f"{n:06}", "type": "close", "pnl": float(item), "timestamp": n * _DAY_MS}


def _highest(start: float, pnls: Sequence[float], balance: float) -> float:
    highest = max(start, balance)
    for pnl in pnls:
        start += pnl
        highest = max(highest, start)
    return highest
