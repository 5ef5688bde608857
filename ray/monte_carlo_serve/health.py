"""The deployment that answers HTTP: health by itself, at once and without a core; the rest by `Simulations`."""

from __future__ import annotations

import asyncio
import logging
import time

from monte_carlo_engine import ENGINE_VERSION, PROTOCOL
from ray import serve
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle, DeploymentResponse
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .answers import Answer, refusal, told

BODY_BYTES_MAX = 32 << 20
"""The engine's own limit of a frame (`wire::FRAME_BYTES_MAX`)."""

RETRY_AFTER_SECONDS = 1
"""A queue of shards moves on within a second."""

REPLICAS_KEPT_SECONDS = 1.0
"""How long the number of replicas is believed: asking goes to Serve's controller, of which there is one."""

_log = logging.getLogger("ray.serve")


# Forwarding takes no core; the bound is on what is held in memory.
@serve.deployment(
    ray_actor_options={"num_cpus": 0},
    num_replicas=1,
    max_ongoing_requests=256,
    max_queued_requests=256,
    backpressure_config={"status_code": 429, "retry_after_s": RETRY_AFTER_SECONDS},
    graceful_shutdown_timeout_s=60,
)
class Health:
    def __init__(self, simulations: DeploymentHandle) -> None:
        self._simulations = simulations
        self._replicas = (0, -REPLICAS_KEPT_SECONDS)

    async def __call__(self, request: Request) -> Response:
        answer = await self._answer(request)
        return answer.to_response()

    async def _answer(self, request: Request) -> Answer:
        match request.method, request.url.path.rstrip("/"):
            case "GET", "/health":
                return await self._health()
            case "POST", "/shards":
                body = await body_of(request)
                return body if isinstance(body, Answer) else await forward(self._simulations.shard.remote(body))
            case "POST", "/simulate":
                body = await body_of(request)
                if isinstance(body, Answer):
                    return body
                return await forward(self._simulations.simulate.remote(body, seconds_of(request)))
            case _, "/health" | "/shards" | "/simulate":
                return refusal(405, "method_not_allowed", f"{request.method} is not for this path")
            case _:
                return refusal(404, "not_found", "there are GET /health, POST /shards and POST /simulate")

    async def _health(self) -> Answer:
        replicas, at = self._replicas
        if time.monotonic() - at >= REPLICAS_KEPT_SECONDS:
            replicas = await asyncio.to_thread(running_replicas)
            self._replicas = (replicas, time.monotonic())
        return told(status="healthy", engine=ENGINE_VERSION, protocols=[PROTOCOL], replicas=replicas)


async def body_of(request: Request) -> bytes | Answer:
    """The whole body, or why it is refused."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return refusal(413, "too_large", f"a body may have at most {BODY_BYTES_MAX} bytes")
    except ClientDisconnect:
        return refusal(400, "unreadable_body", "the body broke off")
    return bytes(body)


def seconds_of(request: Request) -> float | None:
    """The time that the caller gives, where it says a number; Serve ends the request by the same header."""
    try:
        return float(request.headers["x-request-timeout-seconds"])
    except (KeyError, ValueError):
        return None


async def forward(response: DeploymentResponse) -> Answer:
    """What `Simulations` answers. If the caller goes away, Serve cancels this, and what it waits for."""
    try:
        return await response
    except BackPressureError:
        headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
        return refusal(429, "busy", "as many requests wait as may; try again", headers=headers)


def running_replicas() -> int:
    """Replicas of `Simulations` that are there; 0 where Serve's controller does not say."""
    try:
        applications = serve.status().applications.values()
        deployments = [app.deployments["Simulations"] for app in applications if "Simulations" in app.deployments]
        return sum(deployment.replica_states.get("RUNNING", 0) for deployment in deployments)
    except Exception:
        # Health is about this door; it must not fail because something else did.
        _log.warning("the number of replicas is not known", exc_info=True)
        return 0
