"""What our own code answers: always with the mark, so that it is told apart from what Serve and proxies answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from monte_carlo_engine import ENGINE_VERSION
from starlette.responses import Response

MARK = {"x-monte-carlo-engine": ENGINE_VERSION}
"""Present on every answer of ours, good or bad."""

JSON = "application/json"
FRAME = "application/octet-stream"


@dataclass(frozen=True)
class Answer:
    """An answer that crosses between replicas as a value, since an exception would arrive as an infrastructure's."""

    status: int
    media_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def to_response(self) -> Response:
        return Response(self.body, self.status, {**self.headers, **MARK}, self.media_type)


def good(body: bytes, media_type: str) -> Answer:
    return Answer(200, media_type, body)


def told(**fields: object) -> Answer:
    return good(json.dumps(fields).encode(), JSON)


def refusal(status: int, code: str, error: str, at: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    """`at` is the field at fault."""
    body = {"error": error, "code": code, **({"field": at} if at else {})}
    return Answer(status, JSON, json.dumps(body).encode(), headers or {})
