"""compare.py FOLDER [--repeats N] [--daily-loss FRACTION]: the engine and its peers, interleaved, on the same history.

FOLDER holds the two compiled programs, `walk` and `monte-carlo-bench`; histories are written there. Exits with 1 where two
programs do not agree within four standard errors. bench/README.md says how to read what it prints.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
STEPS, ROWS = 252, 250
PATHS = {"cumsum": 32_768, "numpy": 65_536, "numba": 131_072, "cpp": 131_072, "ours": 262_144}
GROWTH = {"paths": (16_384, 65_536, 262_144, 1_048_576), "steps": (63, 252, 1_008), "rows": (50, 250, 1_000, 4_000)}
ERRORS_MAX = 4
CORE, CORES = "0", "0,1"


class Program:
    """One warmed process; a run is asked for by a line."""

    def __init__(self, command: list[str], paths: int, steps: int = STEPS, cores: str = CORE) -> None:
        self.path_steps, self.paths = paths * steps, paths
        self.process = subprocess.Popen(
            ["taskset", "-c", cores, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        # The clock of another process's processor time: see clock_getcpuclockid(3) on Linux.
        self.clock = (~self.process.pid << 3) | 2
        self.processor, self.wall = [], []
        self.run()
        self.processor, self.wall = [], []

    def run(self) -> None:
        began = time.clock_gettime(self.clock)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.wall.append(float(self.process.stdout.readline()))
        self.processor.append(time.clock_gettime(self.clock) - began)

    def end(self) -> dict:
        self.process.stdin.close()
        said = json.loads(self.process.stdout.readline())
        self.process.wait()
        return said

    @property
    def nanoseconds(self) -> float:
        """Of processor time for a nominal path-step."""
        return statistics.median(self.processor) / self.path_steps * 1e9

    @property
    def seconds(self) -> float:
        return statistics.median(self.wall)


@dataclass
class Bench:
    folder: Path
    repeats: int
    daily_loss: float

    def history(self, rows: int = ROWS) -> str:
        file = self.folder / f"history-{rows}"
        with file.open("w") as out:
            subprocess.run([sys.executable, HERE / "history.py", str(rows), str(self.daily_loss)], stdout=out, check=True)
        return str(file)

    def peer(self, name: str, mode: str, exits: str) -> Program:
        command = {
            "cumsum": [sys.executable, str(HERE / "peers/numpy_cumsum.py")],
            "numpy": [sys.executable, str(HERE / "peers/numpy_best.py")],
            "numba": [sys.executable, str(HERE / "peers/numba_walk.py")],
            "cpp": [str(self.folder / "walk")],
        }[name]
        return Program([*command, self.history(), mode, exits, str(PATHS[name]), str(STEPS)], PATHS[name])

    def ours(self, mode: str, paths: int = PATHS["ours"], steps: int = STEPS, rows: int = ROWS, threads: int = 1) -> Program:
        command = [str(self.folder / "monte-carlo-bench"), self.history(rows), mode, str(paths), str(steps), str(threads)]
        return Program(command, paths, steps, CORE if threads == 1 else CORES)

    def interleave(self, programs: list[Program]) -> None:
        for _ in range(self.repeats):
            for program in programs:
                program.run()


def disagreements(programs: dict[str, Program], said: dict[str, dict]) -> list[str]:
    """Each program against ours; the C++ one says where a median may lie."""
    faults = []
    ours, here = said["ours"], programs["ours"].paths
    for name, theirs in said.items():
        there = programs[name].paths
        share = 1 / here + 1 / there
        for what in ("breach", "pass", "mean"):
            variance = ours["deviation"] ** 2 if what == "mean" else ours[what] * (1 - ours[what])
            errors = abs(theirs[what] - ours[what]) / math.sqrt(max(variance, 1 / here) * share)
            if errors > ERRORS_MAX:
                faults.append(f"{name}: {what} {theirs[what]}, ours {ours[what]}: {errors:.1f} standard errors apart")
    cpp = said["cpp"]
    if cpp["middle"] and not cpp["middleLow"] <= ours["middle"] <= cpp["middleHigh"]:
        faults.append(f"the median half the way: ours {ours['middle']}, C++ {cpp['middleLow']} to {cpp['middleHigh']}")
    return faults


def table(bench: Bench) -> tuple[dict[str, float], list[str]]:
    """Nanoseconds a path-step by `mode.program`, the better of each program's forms; and what does not agree."""
    best, faults = {}, []
    print(f"{'':16}" + "".join(f"{name:>10}" for name in PATHS) + "   million nominal path-steps a second")
    for mode in ("counts", "full"):
        for exits in ("early", "whole"):
            programs = {name: bench.peer(name, mode, exits) for name in PATHS if name != "ours"}
            programs["ours"] = bench.ours(mode)
            bench.interleave(list(programs.values()))
            said = {name: program.end() for name, program in programs.items()}
            faults += [f"{mode}, {exits}: {fault}" for fault in disagreements(programs, said)]
            rates = {name: 1e3 / program.nanoseconds for name, program in programs.items()}
            print(f"{mode.upper():7}{exits:9}" + "".join(f"{rate:10.1f}" for rate in rates.values()), flush=True)
            for name, program in programs.items():
                best[f"{mode}.{name}"] = min(program.nanoseconds, best.get(f"{mode}.{name}", math.inf))
    print("cumsum: numpy's obvious form, one cumulative sum and the first crossing; numpy: its best one, day by day.")
    print("early: what has ended costs nothing; whole: every path walks all steps. Ours has one form, and stands in both lines.")
    print(f"breach {said['ours']['breach']:.4f}, pass {said['ours']['pass']:.4f}, mean {said['ours']['mean']:.0f} dollars")
    return best, faults


def growth(bench: Bench) -> None:
    """Nanoseconds a path-step of ours, FULL, as one thing grows."""
    print("\nours, FULL, nanoseconds a nominal path-step, as one thing grows:")
    for what, values in GROWTH.items():
        programs = [bench.ours("full", **{"paths": 65_536, what: value}) for value in values]
        bench.interleave(programs)
        costs = [f"{value:>10,}: {program.nanoseconds:.3f}" for value, program in zip(values, programs, strict=True)]
        print(f"{what:6}" + "".join(costs), flush=True)
        for program in programs:
            program.end()


def two_cores(bench: Bench) -> tuple[float, float]:
    """How much faster two cores are, and the seconds of a million paths of what the platform asks by default."""
    one, two = (bench.ours("full", paths=1_000_000, threads=threads) for threads in (1, 2))
    million = bench.ours("product", paths=1_000_000, threads=2)
    bench.interleave([one, two, million])
    print(f"\na million paths, FULL: {one.seconds:.3f} s on one core, {two.seconds:.3f} s on two;")
    print(f"stationary bootstrap and the rules of a funded account: {million.seconds:.3f} s on two (wall clock)")
    for program in (one, two, million):
        program.end()
    return one.seconds / two.seconds, million.seconds


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--daily-loss", type=float, default=0.02, help="a fraction of the initial balance; 0 is no such rule")
    asked = parser.parse_args()
    bench = Bench(asked.folder, asked.repeats, asked.daily_loss)
    daily = f", daily loss {bench.daily_loss:.1%} of the initial balance" if bench.daily_loss else ""
    print(f"{ROWS} rows, {STEPS} steps; static floor -10 %, target +8 %{daily}; medians of {bench.repeats}, interleaved")
    print(f"load average {os.getloadavg()[0]:.1f} at the start: times of one core are processor time\n")
    best, faults = table(bench)
    growth(bench)
    cores, million = two_cores(bench)
    for fault in faults:
        print("DISAGREES", fault)

    def ratio(mode: str, name: str) -> float:
        return best[f"{mode}.{name}"] / best[f"{mode}.ours"]

    print(f"FULL against numpy's obvious form: {ratio('full', 'cumsum'):.1f}")
    print(
        f"engine: full_numpy={ratio('full', 'numpy'):.1f} full_numba={ratio('full', 'numba'):.2f} "
        f"full_cpp={ratio('full', 'cpp'):.2f} counts_cpp={ratio('counts', 'cpp'):.2f} "
        f"cores2={cores:.2f} million_s={million:.3f}"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
