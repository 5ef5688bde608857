"""The deployment that simulates: as many requests at once as its replica has cores, the rest wait their turn."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import ray
from monte_carlo_engine import CancelFlag, EngineError, run_shard, simulate_json
from ray import serve

from .answers import FRAME, JSON, Answer, good
from .faults import answer_to

SIMULATE_SECONDS_MAX = 300.0
"""What callers of an old deployment wait for at the most; one that says less is heard."""


# The figures are for a replica of one core; config.yaml says them again, for operators to change. One request runs and
# one is there already when it ends, so that the core never waits for the network.
@serve.deployment(
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=2,
    max_queued_requests=64,
    graceful_shutdown_timeout_s=60,
    autoscaling_config={
        "min_replicas": 1,
        "max_replicas": 10,
        "target_ongoing_requests": 1.5,
        "upscale_delay_s": 5,
        "downscale_delay_s": 120,
    },
)
class Simulations:
    def __init__(self) -> None:
        cores = cores_of_this_replica()
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="simulation")
        self._cores = asyncio.Semaphore(cores)

    async def shard(self, frame: bytes) -> Answer:
        """One shard, in frames."""
        return await self._run(
            lambda flag, waited: good(run_shard(frame, flag, waited_seconds=waited), FRAME),
        )

    async def simulate(self, request: bytes, seconds: float | None) -> Answer:
        """A whole simulation, in JSON, on one core."""
        limit = min(SIMULATE_SECONDS_MAX, math.inf if seconds is None else seconds)
        return await self._run(
            lambda flag, waited: good(
                simulate_json(request, flag, executed_on="ray", timeout_seconds=limit - waited), JSON
            ),
        )

    async def _run(self, work: Callable[[CancelFlag, float], Answer]) -> Answer:
        """Runs `work` on a core of its own. A caller that goes away cancels this task, and so what runs for it."""
        began = time.monotonic()
        flag = CancelFlag()
        try:
            async with self._cores:
                waited = time.monotonic() - began
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, flag, waited)
        except EngineError as fault:
            return answer_to(fault)
        except asyncio.CancelledError:
            flag.set()
            raise


def cores_of_this_replica() -> int:
    """What Ray reserved for it; at least one."""
    reserved = ray.get_runtime_context().get_assigned_resources().get("CPU", 0)
    return min(max(1, int(reserved)), os.cpu_count() or 1)
