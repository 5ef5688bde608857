"""numpy_cumsum.py HISTORY counts|full early|whole PATHS STEPS: the peer in numpy, in the form that comes to mind.

Paths side by side in blocks, one cumulative sum over the days, then the first crossing. Early: a stretch of days at a time, and
between two stretches the paths that ended are taken out.
"""

import numpy as np
from course import Course, Outcome, serve
from numpy_best import Tally

BLOCK = 2_048
STRETCH = 32


def stretch(course: Course, draw: np.random.Generator, x: np.ndarray, days: int) -> tuple[np.ndarray, ...]:
    """The states after each of `days` days from `x`, and where a path is broken or has passed, were it not ended before."""
    rows = draw.integers(0, len(course.move), (days, len(x)), dtype=np.uint8 if len(course.move) <= 256 else np.uint16)
    moves = course.move.take(rows)
    moves[0] += x
    states = np.cumsum(moves, axis=0, out=moves)
    broken = states <= course.floor
    if course.has_daily_loss:
        before = np.vstack((x[np.newaxis], states[:-1]))
        broken |= before >= course.too_much_from.take(rows)
    return states, broken, (states >= course.target) & ~broken


def walk_block(course: Course, draw: np.random.Generator, tally: Tally, paths: int, days_at_once: int, early: bool) -> None:
    steps = tally.days.shape[1]
    x, peak, depth = (np.zeros(paths, np.int32) for _ in range(3))
    for first_day in range(0, steps, days_at_once):
        days = min(days_at_once, steps - first_day)
        states, broken, passed = stretch(course, draw, x, days)
        ends = broken | passed
        on, column = ends.argmax(axis=0), np.arange(len(x))
        ended = ends[on, column]
        on[~ended] = days - 1
        # From its end on, a path keeps its state.
        last = states[on, column]
        late = np.arange(days)[:, np.newaxis] > on
        np.copyto(states, last, where=late)
        peaks = np.maximum.accumulate(np.vstack((peak[np.newaxis], states)), axis=0)
        np.maximum(depth, (peaks[1:] - states).max(axis=0), out=depth)
        peak, x = peaks[-1], last
        if tally.full:
            for day, row in enumerate(states):
                tally.see(first_day + day, row)
        is_last = first_day + days == steps
        done = np.ones_like(ended) if is_last else ended
        tally.finish(x[done], depth[done], first_day + on[done], broken[on, column][done], passed[on, column][done])
        tally.stay(first_day + days, x[done])
        x, peak, depth = x[~done], peak[~done], depth[~done]
        if len(x) == 0:
            return


def run(course: Course, full: bool, early: bool, paths: int, steps: int) -> Outcome:
    draw = np.random.Generator(np.random.SFC64(7))
    tally = Tally(course, full, steps)
    for first in range(0, paths, BLOCK):
        walk_block(course, draw, tally, min(BLOCK, paths - first), STRETCH if early else steps, early)
    if early:
        tally.fan += np.cumsum(tally.ended, axis=0)
    return Outcome(tally.breaches, tally.passes, tally.total, tally.squares, tally.fan)


if __name__ == "__main__":
    serve(run)
