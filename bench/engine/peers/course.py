"""What the peers in Python share: the history and rules as integers, and how they are asked and answer."""

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

ONE = 1 << 24
NEVER = np.iinfo(np.int32).max
FAN_BINS, FINAL_BINS, DRAWDOWN_BINS, DRAWDOWN_SHIFT = 2_048, 16_384, 4_096, 10


@dataclass
class Course:
    """Log-equity × 2²⁴. `too_much_from` is the state from which on a row loses too much for one day."""

    start: float
    floor: int
    target: int
    has_daily_loss: bool
    move: np.ndarray
    too_much_from: np.ndarray
    low: int
    fan_shift: int
    final_shift: int


@dataclass
class Outcome:
    """What a run adds up to; `fan` has a row a day, and none where only counts are asked for."""

    breaches: int
    passes: int
    balance_sum: float
    balance_squares: float
    fan: np.ndarray = field(repr=False)


def read(file: str, steps: int) -> Course:
    with open(file, encoding="utf-8") as lines:
        pairs = [(name, float(value)) for name, value in (line.split() for line in lines)]
    rules = dict(pairs)
    returns = np.array([value for name, value in pairs if name == "return"])
    moves = np.log1p(returns) * ONE
    too_much_from = np.full(len(returns), NEVER, np.int32)
    if rules["daily_loss"] > 0:
        losing = returns < 0
        too_much_from[losing] = np.rint(np.log(rules["daily_loss"] / -returns[losing]) * ONE)
    # Eight deviations to either side: nothing falls outside.
    reach = 8 * moves.std() * math.sqrt(steps)
    low = int(min(moves.mean() * steps - reach, moves.min()))
    high = int(max(moves.mean() * steps + reach, moves.max()))

    def shift(bins: int) -> int:
        return next(shift for shift in range(40) if (high - low) >> shift < bins)

    return Course(
        rules["start"],
        round(math.log1p(-rules["floor"]) * ONE),
        round(math.log1p(rules["target"]) * ONE),
        rules["daily_loss"] > 0,
        np.rint(moves).astype(np.int32),
        too_much_from,
        low,
        shift(FAN_BINS),
        shift(FINAL_BINS),
    )


def serve(run: Callable[[Course, bool, bool, int, int], Outcome]) -> None:
    """Each line of standard input asks for a run, which answers with its seconds; the end asks what came of the last."""
    file, mode, exits, paths, steps = sys.argv[1:]
    course, paths, steps = read(file, int(steps)), int(paths), int(steps)
    full, early = mode == "full", exits == "early"
    outcome = None
    for _ in sys.stdin:
        began = time.perf_counter()
        outcome = run(course, full, early, paths, steps)
        print(time.perf_counter() - began, flush=True)
    if outcome:
        print(json.dumps(said(course, outcome, paths, steps)))


def said(course: Course, outcome: Outcome, paths: int, steps: int) -> dict:
    mean = outcome.balance_sum / paths
    middle = None
    if len(outcome.fan):
        bin_ = int(np.searchsorted(np.cumsum(outcome.fan[steps // 2 - 1]), paths / 2))
        middle = course.start * math.exp((course.low + (bin_ + 0.5) * (1 << course.fan_shift)) / ONE)
    return {
        "breach": outcome.breaches / paths,
        "pass": outcome.passes / paths,
        "mean": mean,
        "deviation": math.sqrt(outcome.balance_squares / paths - mean * mean),
        "middle": middle,
    }
