"""Calls that another deployment answers; by the id that its caller gave it (`x-request-id`), one is ended by another.

A caller that wants no answer any more hangs up; but not every proxy passes that on (docs/scaling.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ray.exceptions import TaskCancelledError
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentResponse

from .answers import Answer, refusal

RETRY_AFTER_SECONDS = 1
"""A queue of shards moves on within a second."""

EARLY_MAX = 4_096
"""Ids that were ended before their call came: far more than one caller has in flight, and 64 characters each."""


class Calls:
    """Those that one replica has in hand. Not for threads."""

    def __init__(self) -> None:
        self._responses: dict[str, DeploymentResponse] = {}
        self._early: dict[str, None] = {}

    async def carry(self, call: str | None, begin: Callable[[], DeploymentResponse]) -> Answer:
        """The answer to what `begin` asks for, unless `call` is ended first."""
        if call is None or call in self._responses:
            return await forward(begin())
        if call in self._early:
            del self._early[call]
            return _ended()
        response = self._responses[call] = begin()
        try:
            return await forward(response)
        except TaskCancelledError:
            if not response.cancelled():
                raise
            return _ended()
        finally:
            del self._responses[call]

    def end(self, calls: Iterable[str]) -> int:
        """Ends those that are in hand, and says how many; one of the others, if it comes yet, is ended then."""
        found = 0
        for call in calls:
            if (response := self._responses.get(call)) is None:
                self._early[call] = None
            elif not response.cancelled():
                response.cancel()
                found += 1
        while len(self._early) > EARLY_MAX:
            del self._early[next(iter(self._early))]
        return found


async def forward(response: DeploymentResponse) -> Answer:
    """What the other deployment answers. If the caller goes away, Serve cancels this, and what it waits for."""
    try:
        return await response
    except BackPressureError:
        headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
        return refusal(429, "busy", "as many requests wait as may; try again", headers=headers)


def _ended() -> Answer:
    return refusal(499, "cancelled", "its caller said that it wants no answer any more")
