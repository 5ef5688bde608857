"""What each of the engine's exceptions is over HTTP; the service's client acts by this table."""

from __future__ import annotations

from monte_carlo_engine import (
    BadFrame,
    BadRequest,
    CannotBeSimulated,
    DeadlineExceeded,
    EngineError,
    EngineFailed,
    EngineVersionMismatch,
)

from .answers import Answer, refusal

_STATUS_AND_CODE: dict[type[EngineError], tuple[int, str]] = {
    BadFrame: (400, "bad_frame"),
    BadRequest: (400, "invalid_request"),
    EngineVersionMismatch: (409, "engine_version"),
    CannotBeSimulated: (422, "cannot_be_simulated"),
    EngineFailed: (500, "engine_failed"),
    DeadlineExceeded: (504, "deadline"),
}


def answer_to(fault: EngineError) -> Answer:
    status, code = _STATUS_AND_CODE.get(type(fault), (500, "engine_failed"))
    return refusal(status, code, str(fault), getattr(fault, "field", None))
