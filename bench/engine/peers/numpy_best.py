"""numpy_best.py HISTORY counts|full early|whole PATHS STEPS: the peer in numpy, in its best form.

Paths side by side in blocks that stay in the second-level cache, day by day, all in place. Early: every few days the
paths that ended are taken out.
"""

import numpy as np
from course import DRAWDOWN_BINS, DRAWDOWN_SHIFT, FAN_BINS, FINAL_BINS, ONE, Course, Outcome, serve

BLOCK = 16_384
STRETCH = 8


class Tally:
    def __init__(self, course: Course, full: bool, steps: int) -> None:
        self.course, self.full = course, full
        self.breaches = self.passes = 0
        self.total = self.squares = 0.0
        self.days = np.zeros((2, steps), np.int64)
        self.final_state, self.drawdown = np.zeros(FINAL_BINS, np.int64), np.zeros(DRAWDOWN_BINS, np.int64)
        self.fan = np.zeros((steps if full else 0, FAN_BINS), np.int64)
        self.ended = np.zeros_like(self.fan)

    def finish(self, x: np.ndarray, depth: np.ndarray, day: np.ndarray, broken: np.ndarray, passed: np.ndarray) -> None:
        course = self.course
        self.breaches += int(broken.sum())
        self.passes += int(passed.sum())
        for cause, happened in enumerate((broken, passed)):
            self.days[cause] += np.bincount(day[happened], minlength=self.days.shape[1])
        self.final_state += np.bincount((x - course.low) >> course.final_shift, minlength=FINAL_BINS)
        self.drawdown += np.bincount(np.minimum(depth >> DRAWDOWN_SHIFT, DRAWDOWN_BINS - 1), minlength=DRAWDOWN_BINS)
        balance = course.start * np.exp(x / ONE)
        self.total += float(balance.sum())
        self.squares += float(balance @ balance)

    def see(self, day: int, x: np.ndarray) -> None:
        self.fan[day] += np.bincount((x - self.course.low) >> self.course.fan_shift, minlength=FAN_BINS)

    def stay(self, day: int, x: np.ndarray) -> None:
        """From `day` on, at the same state."""
        if day < len(self.ended):
            self.ended[day] += np.bincount((x - self.course.low) >> self.course.fan_shift, minlength=FAN_BINS)


class Draws:
    """Rows, equally likely, by Lemire's multiply-shift without rejection; numpy's own `integers` is slower."""

    def __init__(self, rows: int) -> None:
        self.bits, self.rows = np.random.SFC64(7), np.uint64(rows)

    def next(self, count: int) -> np.ndarray:
        words = self.bits.random_raw((count + 1) // 2).view(np.uint32)[:count].astype(np.uint64)
        words *= self.rows
        words >>= np.uint64(32)
        return words.view(np.int64)


def walk_block(course: Course, draws: Draws, tally: Tally, paths: int, early: bool) -> None:
    steps = tally.days.shape[1]
    x, peak, depth = (np.zeros(paths, np.int32) for _ in range(3))
    on = np.full(paths, steps, np.int32)  # the day of its end
    broken = np.zeros(paths, bool)
    move, below = (np.empty(paths, np.int32) for _ in range(2))
    for day in range(steps):
        rows = draws.next(len(x))
        walks = on == steps
        course.move.take(rows, out=move, mode="clip")
        np.multiply(move, walks, out=move)
        breaks = x >= course.too_much_from.take(rows) if course.has_daily_loss else np.zeros(len(x), bool)
        np.add(x, move, out=x)
        np.maximum(peak, x, out=peak)
        np.maximum(depth, np.subtract(peak, x, out=below), out=depth)
        breaks |= x <= course.floor
        ends = (breaks | (x >= course.target)) & walks
        on[ends] = day
        broken[ends] = breaks[ends]
        if tally.full:
            tally.see(day, x)
        if day + 1 == steps or early and day % STRETCH == STRETCH - 1:
            ended = on < steps
            done = ended if day + 1 < steps else np.ones_like(ended)
            tally.finish(x[done], depth[done], on[done], broken[done], ended[done] & ~broken[done])
            tally.stay(day + 1, x[done])
            x, peak, depth, on, broken = (kept[~done] for kept in (x, peak, depth, on, broken))
            move, below = move[: len(x)], below[: len(x)]
            if len(x) == 0:
                return


def run(course: Course, full: bool, early: bool, paths: int, steps: int) -> Outcome:
    draws = Draws(len(course.move))
    tally = Tally(course, full, steps)
    for first in range(0, paths, BLOCK):
        walk_block(course, draws, tally, min(BLOCK, paths - first), early)
    if early:
        tally.fan += np.cumsum(tally.ended, axis=0)
    return Outcome(tally.breaches, tally.passes, tally.total, tally.squares, tally.fan)


if __name__ == "__main__":
    serve(run)
