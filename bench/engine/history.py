"""history.py ROWS DAILY_LOSS: one trader's history and rules on standard output, as every program here reads them.

A line is a name and a number: `start` (dollars), `floor`, `target`, `daily_loss` (fractions of it; 0 is none), and a
`return` for each row, one trade a day.
"""

import random
import sys

SEED = 20_260_101
START = 100_000
MEAN, DEVIATION = 0.0002, 0.008


def main(rows: int, daily_loss: float) -> None:
    draw = random.Random(SEED)
    for name, value in (("start", START), ("floor", 0.10), ("target", 0.08), ("daily_loss", daily_loss)):
        print(name, value)
    rows_drawn = [draw.gauss(0, DEVIATION) for _ in range(rows)]
    # A sample's own mean would decide how many paths end, and how soon.
    drift = MEAN - sum(rows_drawn) / rows
    for drawn in rows_drawn:
        print("return", round(drawn + drift, 6))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
