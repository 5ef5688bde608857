"""The application of ray/, but the first shard of a job of the seed FATAL_SEED kills whichever replica takes it."""

from __future__ import annotations

import json
import os
import signal
import zlib

from monte_carlo_serve.answers import Answer
from monte_carlo_serve.health import Health
from monte_carlo_serve.simulations import Simulations

FATAL_SEED = 666


class FatalSimulations(Simulations.func_or_class):
    async def shard(self, frame: bytes) -> Answer:
        simulation, first_path = read(frame)
        if simulation["config"].get("seed") == FATAL_SEED and first_path == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().shard(frame)


def read(frame: bytes) -> tuple[dict, int]:
    """What is asked, and the shard's first path; `crates/engine/src/wire/request.rs` writes it so."""
    # Magic (4), format (1), the version's length (1), the version, the document's length, the document, the shard.
    length, at = number(frame, 6 + frame[5])
    document = zlib.decompress(frame[at : at + length], wbits=-zlib.MAX_WBITS)
    first_path, _ = number(frame, at + length)
    return json.loads(document), first_path


def number(frame: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        value |= (frame[at] & 0x7F) << shift
        at, shift, more = at + 1, shift + 7, frame[at] & 0x80
        if not more:
            return value, at


app = Health.bind(Simulations.options(func_or_class=FatalSimulations).bind())
