"""The wheel by itself, without a server."""

from __future__ import annotations

import ast
import json
import threading
import time
from pathlib import Path

import monte_carlo_engine as engine
import pytest
from conftest import frame, long_frame, until

ENDLESS = {"paths": 100_000_000, "steps": 5_000}


def test_a_flag_stops_a_shard_soon() -> None:
    flag = engine.CancelFlag()
    stop = threading.Timer(0.2, flag.set)
    stop.start()
    began = time.monotonic()
    with pytest.raises(engine.Cancelled):
        engine.run_shard(long_frame(), flag)
    assert time.monotonic() - began < 1.0
    assert flag.is_set()
    assert flag.paths_done > 0


def test_a_flag_that_is_set_already_stops_at_once() -> None:
    flag = engine.CancelFlag()
    flag.set()
    with pytest.raises(engine.Cancelled):
        engine.run_shard(frame(), flag)


def test_the_time_that_was_waited_counts() -> None:
    began = time.monotonic()
    with pytest.raises(engine.DeadlineExceeded):
        engine.run_shard(long_frame(seconds=50.2), waited_seconds=50.0)
    assert time.monotonic() - began < 1.0


def test_other_threads_run_meanwhile() -> None:
    """Were the interpreter's lock held, nobody could set the flag before the deadline ends the shard."""
    ended: list[type[Exception]] = []
    flag = engine.CancelFlag()

    def simulate() -> None:
        try:
            engine.run_shard(long_frame(seconds=20.0), flag)
        except Exception as why:
            ended.append(type(why))

    thread = threading.Thread(target=simulate)
    thread.start()
    until(lambda: flag.paths_done > 0)
    flag.set()
    thread.join()
    assert ended == [engine.Cancelled]


def test_a_job_is_planned_once() -> None:
    """Planning a long history takes much longer than walking one path of it."""
    trades = [{"id": str(n), "pnl": (n * 31 % 17) - 8, "timestamp": n * 60_000} for n in range(60_000)]
    pnl_data = {"balance": 1_000_000, "peak": 1_000_000, "realized": 0, "unrealized": 0}
    asked = json.dumps({"tradeHistory": trades, "pnlData": pnl_data, "config": {"paths": 100, "steps": 2}}).encode()
    frames = [engine.shard_frame(asked, first_path=n, paths=1, time_left_ms=60_000) for n in range(6)]

    def seconds(frame: bytes) -> float:
        began = time.perf_counter()
        engine.run_shard(frame)
        return time.perf_counter() - began

    first, *others = map(seconds, frames)
    assert min(others) < first / 3, (first, others)


def test_simulate_takes_numbers_and_trades_alike() -> None:
    pnls = [120.0, -80.5, 45.0, 310.0, -150.0]
    trades = [{"id": f"{n:06}", "type": "close", "pnl": pnl, "timestamp": n * 86_400_000} for n, pnl in enumerate(pnls)]
    config = {"paths": 3_000, "steps": 10}
    results = [
        engine.simulate(history, balance=50_244.5, peak=50_394.5, config=config, threads=threads)
        for history, threads in [(pnls, 1), (trades, 3)]
    ]
    assert results[0]["resultDigest"] == results[1]["resultDigest"]
    assert results[0]["peakBalance"] == engine.simulate(pnls, balance=50_244.5, config=config)["peakBalance"]
    own = engine.simulate(
        pnls, balance=50_244.5, rules={"drawdown": {"kind": "static", "fraction": 0.001}}, config=config
    )
    assert own["breachProbability"]["value"] > results[0]["breachProbability"]["value"]


def test_simulate_ends_in_time_and_by_a_flag() -> None:
    with pytest.raises(engine.DeadlineExceeded):
        engine.simulate([1.0, -1.0] * 50, balance=1_000, config=ENDLESS, timeout_seconds=0.2)
    flag = engine.CancelFlag()
    flag.set()
    with pytest.raises(engine.Cancelled):
        engine.simulate([1.0, -1.0] * 50, balance=1_000, config=ENDLESS, cancel=flag)


def test_a_field_at_fault_is_named() -> None:
    with pytest.raises(engine.CannotBeSimulated) as raised:
        engine.simulate([], balance=1_000)
    assert raised.value.field == "inputData.tradeHistory"
    with pytest.raises(engine.BadRequest):
        engine.simulate_json(b"{}")
    assert issubclass(engine.CannotBeSimulated, engine.EngineError)


def test_every_name_has_its_type() -> None:
    folder = Path(engine.__file__).parent
    assert (folder / "py.typed").exists()
    stub = ast.parse((folder / "_native.pyi").read_text())
    named = {node.name for node in stub.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    named |= {node.target.id for node in stub.body if isinstance(node, ast.AnnAssign)}
    native = {name for name in dir(engine._native) if not name.startswith("__")}
    assert named == native
    assert native | {"simulate"} == set(engine.__all__)
