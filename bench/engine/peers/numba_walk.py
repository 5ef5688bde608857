"""numba_walk.py HISTORY counts|full early|whole PATHS STEPS: the peer in numba, in the very form of walk.cpp.

Scalar xoshiro128++, Lemire's multiply-shift without rejection, log-equity × 2²⁴ in 32 bits, compiled before it is timed.
"""

import math

import numpy as np
from course import DRAWDOWN_BINS, DRAWDOWN_SHIFT, FAN_BINS, FINAL_BINS, ONE, Course, Outcome, serve
from numba import njit, uint32, uint64

BLOCK = 256


@njit(inline="always")
def rotl(x, k):
    return uint32(uint32(x << uint32(k)) | uint32(x >> uint32(32 - k)))


@njit(inline="always")
def mixed(z):
    y = uint64((z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9))
    y = uint64((y ^ (y >> uint64(27))) * uint64(0x94D049BB133111EB))
    return uint64(y ^ (y >> uint64(31)))


@njit(fastmath=True, boundscheck=False, cache=True)
def walk(
    move, too_much_from, daily, floor, target, start, low, fan_shift, final_shift, full, early, paths, steps,
    seen, here, fan, ended, breach_day, pass_day, final_state, drawdown,
):  # fmt: skip
    rows = uint64(len(move))
    gold = uint64(0x9E3779B97F4A7C15)
    breaches, passes, total, squares = 0, 0, 0.0, 0.0
    for first in range(0, paths, BLOCK):
        for path in range(first, min(first + BLOCK, paths)):
            a = mixed(uint64(uint64(7) + uint64(2 * path + 1) * gold))
            b = mixed(uint64(uint64(7) + uint64(2 * path + 2) * gold))
            s0, s1, s2, s3 = uint32(a), uint32(a >> uint64(32)), uint32(b), uint32(b >> uint64(32))
            x, peak, depth = np.int32(0), np.int32(0), np.int32(0)
            end, ended_on = 0, steps - 1
            for day in range(steps):
                out = uint32(rotl(uint32(s0 + s3), 7) + s0)
                t = uint32(s1 << uint32(9))
                s2 = uint32(s2 ^ s0)
                s3 = uint32(s3 ^ s1)
                s1 = uint32(s1 ^ s2)
                s0 = uint32(s0 ^ s3)
                s2 = uint32(s2 ^ t)
                s3 = rotl(s3, 11)
                row = (uint64(out) * rows) >> uint64(32)
                if early or end == 0:
                    too_much = daily and x >= too_much_from[row]
                    x = np.int32(x + move[row])
                    peak = max(peak, x)
                    depth = max(depth, np.int32(peak - x))
                    if x <= floor or too_much:
                        end, ended_on = 1, day
                    elif x >= target:
                        end, ended_on = 2, day
                if early and end != 0:
                    break
                if full:
                    seen[day, here[day]] = np.int32(x - low) >> fan_shift
                    here[day] += uint32(1)
            if full and early and end != 0:
                ended[ended_on, np.int32(x - low) >> fan_shift] += uint32(1)
            if end == 1:
                breaches += 1
                breach_day[ended_on] += uint32(1)
            elif end == 2:
                passes += 1
                pass_day[ended_on] += uint32(1)
            final_state[np.int32(x - low) >> final_shift] += uint32(1)
            drawdown[min(depth >> DRAWDOWN_SHIFT, DRAWDOWN_BINS - 1)] += uint32(1)
            balance = start * math.exp(x / ONE)
            total += balance
            squares += balance * balance
        if full:
            for day in range(steps):
                for index in range(here[day]):
                    fan[day, seen[day, index]] += uint32(1)
                here[day] = uint32(0)
    if full and early:
        standing = np.zeros(FAN_BINS, np.uint32)
        for day in range(steps):
            for bin_ in range(FAN_BINS):
                standing[bin_] += ended[day, bin_]
                fan[day, bin_] += standing[bin_]
    return breaches, passes, total, squares


def run(course: Course, full: bool, early: bool, paths: int, steps: int) -> Outcome:
    days = steps if full else 0
    fan = np.zeros((days, FAN_BINS), np.uint32)
    sums = walk(
        course.move, course.too_much_from, course.has_daily_loss, np.int32(course.floor), np.int32(course.target),
        course.start, np.int32(course.low), np.int32(course.fan_shift), np.int32(course.final_shift),
        full, early, paths, steps,
        np.empty((days, BLOCK), np.uint16), np.zeros(days, np.uint32), fan, np.zeros_like(fan),
        np.zeros(steps, np.uint32), np.zeros(steps, np.uint32),
        np.zeros(FINAL_BINS, np.uint32), np.zeros(DRAWDOWN_BINS, np.uint32),
    )  # fmt: skip
    return Outcome(*sums, fan)


if __name__ == "__main__":
    serve(run)
