"""The compiled half of the package: `crates/python/src`."""

ENGINE_VERSION: str
"""Changes whenever the same request would give other bits."""

PROTOCOL: str
"""What frames are written in."""

class EngineError(Exception):
    """Any fault of a call of this package."""

class BadFrame(EngineError):
    """The bytes are no request that this engine reads."""

class EngineVersionMismatch(EngineError):
    """The request is of an engine whose results have other bits, or of another format."""

class BadRequest(EngineError):
    """The request is not JSON, or not of the form that `/simulate` takes."""

class CannotBeSimulated(EngineError):
    """Understood, but no such simulation can be run."""

    field: str
    """What is at fault, as a dotted path."""

class Cancelled(EngineError):
    """Its `CancelFlag` was set."""

class DeadlineExceeded(EngineError):
    """It was not done in the time it had."""

class EngineFailed(EngineError):
    """The engine panicked: a fault of its own, which the same request may bring about again."""

class CancelFlag:
    """Stops one call, from any thread. A flag serves one call: it stays set."""

    def __init__(self) -> None: ...
    def set(self) -> None:
        """The call that was given this flag ends within some milliseconds, with `Cancelled`."""
    def is_set(self) -> bool: ...
    @property
    def paths_done(self) -> int:
        """Paths that the call has walked so far."""

def run_shard(frame: bytes, cancel: CancelFlag | None = None, *, waited_seconds: float = 0.0) -> bytes:
    """Simulate the shard that `frame` asks for and answer with its tally, as a frame.

    It ends when the time that the frame gives it is over, less `waited_seconds`, which it spent before this call.

    Raises:
        BadFrame, EngineVersionMismatch, CannotBeSimulated, Cancelled, DeadlineExceeded, EngineFailed
    """

def shard_frame(
    request: bytes, *, first_path: int, paths: int, time_left_ms: int, default_paths: int = 1_000_000
) -> bytes:
    """The frame that asks for `paths` paths from `first_path` on of what `request`, a JSON text, asks for.

    It is what the service sends.

    Raises:
        BadRequest
    """

def simulate_json(
    request: bytes,
    cancel: CancelFlag | None = None,
    *,
    executed_on: str = "python",
    default_paths: int = 1_000_000,
    threads: int = 1,
    timeout_seconds: float | None = None,
) -> bytes:
    """Simulate what the JSON text `request` asks for and answer with the result as JSON.

    Raises:
        BadRequest, CannotBeSimulated, Cancelled, DeadlineExceeded, EngineFailed
    """
