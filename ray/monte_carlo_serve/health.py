"""The deployment that answers HTTP: health by itself, at once and without a core; the rest by `Simulations`."""

from __future__ import annotations

import asyncio
import json
import logging
import time

from monte_carlo_engine import ENGINE_VERSION, PROTOCOL
from ray import serve
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .answers import Answer, refusal, told
from .calls import RETRY_AFTER_SECONDS, Calls, forward

BODY_BYTES_MAX = 32 << 20
"""The engine's own limit of a frame (`wire::FRAME_BYTES_MAX`)."""

REPLICAS_KEPT_SECONDS = 1.0
"""How long the number of replicas is believed: asking goes to Serve's controller, of which there is one."""

CALLS_MAX = 256
"""Ids in one `POST /shards/cancel`: four times what one caller has in flight."""

CALL_CHARACTERS_MAX = 64
"""Of an id; a UUID has 36."""

TOLD_SECONDS = 1.0
"""Within which the other replicas of `Health` hear what is cancelled; what misses it runs to its end."""

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
        self._calls = Calls()

    async def __call__(self, request: Request) -> Response:
        answer = await self._answer(request)
        return answer.to_response()

    async def _answer(self, request: Request) -> Answer:
        match request.method, request.url.path.rstrip("/"):
            case "GET", "/health":
                return await self._health()
            case "POST", "/shards":
                body = await body_of(request)
                if isinstance(body, Answer):
                    return body
                return await self._calls.carry(call_of(request), lambda: self._simulations.shard.remote(body))
            case "POST", "/shards/cancel":
                body = await body_of(request)
                return body if isinstance(body, Answer) else await self._cancel(body)
            case "POST", "/simulate":
                body = await body_of(request)
                if isinstance(body, Answer):
                    return body
                return await forward(self._simulations.simulate.remote(body, seconds_of(request)))
            case _, "/health" | "/shards" | "/shards/cancel" | "/simulate":
                return refusal(405, "method_not_allowed", f"{request.method} is not for this path")
            case _:
                return refusal(404, "not_found", "there are GET /health, POST /shards, /shards/cancel and /simulate")

    async def _health(self) -> Answer:
        replicas, at = self._replicas
        if time.monotonic() - at >= REPLICAS_KEPT_SECONDS:
            replicas = await asyncio.to_thread(running_replicas)
            self._replicas = (replicas, time.monotonic())
        return told(status="healthy", engine=ENGINE_VERSION, protocols=[PROTOCOL], replicas=replicas)

    async def _cancel(self, body: bytes) -> Answer:
        """Ends calls for shards by their ids, whichever replica of this deployment has them in hand."""
        calls = calls_in(body)
        if isinstance(calls, Answer):
            return calls
        found = self.end(calls)
        if found < len(calls):
            here = serve.get_replica_context()
            others = serve.get_deployment_handle(here.deployment, here.app_name).broadcast("end", calls)
            try:
                answers = await others.results_async(timeout_s=TOLD_SECONDS, return_exceptions=True)
                found += sum(answer for answer in answers if isinstance(answer, int))
            except (TimeoutError, RayServeException):
                _log.warning("not every replica heard what is cancelled", exc_info=True)
        return told(cancelled=found)

    def end(self, calls: list[str]) -> int:
        """What another replica was told to end; how many of them were here."""
        return self._calls.end(calls)


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


def call_of(request: Request) -> str | None:
    """The id of this call, where its caller gives one."""
    call = request.headers.get("x-request-id", "")
    return call if 0 < len(call) <= CALL_CHARACTERS_MAX else None


def calls_in(body: bytes) -> list[str] | Answer:
    """The ids in `{"calls": [...]}`, or why they are refused."""
    try:
        calls = json.loads(body)["calls"]
    except (ValueError, KeyError, TypeError):
        return refusal(400, "invalid_request", 'the body must be {"calls": [...]}', at="calls")
    if not isinstance(calls, list) or len(calls) > CALLS_MAX:
        return refusal(400, "invalid_request", f"calls must be a list of at most {CALLS_MAX} ids", at="calls")
    if not all(isinstance(call, str) and 0 < len(call) <= CALL_CHARACTERS_MAX for call in calls):
        error = f"each of calls must be text of 1 to {CALL_CHARACTERS_MAX} characters"
        return refusal(400, "invalid_request", error, at="calls")
    return calls


def seconds_of(request: Request) -> float | None:
    """The time that the caller gives, where it says a number; Serve ends the request by the same header."""
    try:
        return float(request.headers["x-request-timeout-seconds"])
    except (KeyError, ValueError):
        return None


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
