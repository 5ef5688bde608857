"""Draws the pictures of docs/model.md, one trader's, to the same bytes each time.

pip install ./crates/python matplotlib==3.11.2 && python docs/pictures/draw.py
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from monte_carlo_engine import simulate

HERE = Path(__file__).parent
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#5a5a5a"  # Okabe and Ito's
START = 100_000
FUNDED = {"drawdown": {"kind": "trailing", "fraction": 0.05}}
EVALUATION = {"drawdown": {"kind": "trailing", "fraction": 0.05}, "profitTarget": {"amount": 6_000}}

mpl.rcParams |= {
    "svg.hashsalt": "monte-carlo-service", "svg.fonttype": "path", "font.size": 10, "axes.titlesize": 11,
    "axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#e2e2e2", "axes.axisbelow": True, "figure.constrained_layout.use": True,
}


def trades(count):
    """One trader's closing trades, US dollars: a small edge, and one trade in eight that loses twice as much."""
    state, made = 20_261_124, []
    for n in range(count):
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        unit = (state >> 40) / 2**24
        made.append(round((unit - 0.45) * 2_000 * (2 if n % 8 == 3 and unit < 0.45 else 1), 2))
    return made


def result(history, rules):
    asked = {"paths": 200_000, "steps": 120, "seed": 7}
    account = {"assessmentId": "picture", "tier": {"startingBalance": START}, "startingBalance": START}
    return simulate(history, balance=START + sum(history), rules=rules, config=asked, account=account)


def save(figure, name):
    figure.savefig(HERE / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def fan(told):
    chart = told["fan"]
    steps = chart["steps"]
    figure, axes = plt.subplots(figsize=(7.2, 3.7))
    for low, high, shade, name in [("p5", "p95", 0.15, "5 to 95 %"), ("p25", "p75", 0.35, "25 to 75 %")]:
        axes.fill_between(steps, chart[low], chart[high], color=BLUE, alpha=shade, linewidth=0)
        axes.annotate(name, (steps[-1], chart[high][-1]), (6, -9), textcoords="offset points", color=BLUE)
    axes.plot(steps, chart["p50"], color=BLUE)
    axes.annotate("median", (steps[-1], chart["p50"][-1]), (6, -3), textcoords="offset points", color=BLUE)
    axes.plot(steps, chart["floor"], color=VERMILION, linestyle="--")
    axes.annotate("floor at the start", (steps[-1], chart["floor"][0]), (6, -3), textcoords="offset points", color=VERMILION)
    axes.set(title="The balance on the way, broken accounts included",
             xlabel="trades", ylabel="balance, US dollars", xlim=(0, steps[-1] * 1.22))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    save(figure, "fan")


def ends(told):
    chart = told["fan"]
    figure, axes = plt.subplots(figsize=(7.2, 3.2))
    for name, colour, style in [("breached", VERMILION, "--"), ("passed", GREEN, "-")]:
        shares = [100 * share for share in chart[name]]
        axes.plot(chart["steps"], shares, color=colour, linestyle=style)
        axes.annotate(f"{name}, {shares[-1]:.0f} %", (chart["steps"][-1], shares[-1]), (6, -3), textcoords="offset points",
                      color=colour)
    axes.set(title="An evaluation: what becomes of the paths, and when", xlabel="trades", ylabel="% of paths by then",
             xlim=(0, chart["steps"][-1] * 1.22), ylim=(0, None))
    save(figure, "ends")


def two_errors():
    figure, axes = plt.subplots(figsize=(7.2, 3.5))
    lengths = [30, 60, 120, 250, 500, 1_000]
    for place, length in enumerate(lengths):
        breach = result(trades(length), FUNDED)["breachProbability"]
        history = [100 * breach["historyLower"], 100 * breach["historyUpper"]]
        simulation = [100 * breach["lower"], 100 * breach["upper"]]
        axes.plot([place, place], history, color=BLUE, linewidth=2)
        axes.plot([place, place], simulation, color=VERMILION, linewidth=7, solid_capstyle="butt")
        if place == 0:
            axes.annotate("history", (place, history[1]), (7, -8), textcoords="offset points", color=BLUE)
            axes.annotate("simulation", (place, simulation[0]), (8, -3), textcoords="offset points", color=VERMILION)
    axes.set_xticks(range(len(lengths)), [f"{length:,}" for length in lengths])
    axes.set(title="The chance of a breach with both its 95 % intervals, by the length of the history",
             xlabel="trades in the history", ylabel="chance of a breach, %", ylim=(0, None))
    save(figure, "two_errors")


def main():
    fan(result(trades(250), FUNDED))
    ends(result(trades(250), EVALUATION))
    two_errors()


if __name__ == "__main__":
    main()
