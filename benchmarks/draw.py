"""Draw a benchmark's JSON (standard input) as bars: python draw.py FILE, which needs matplotlib."""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def main() -> None:
    """Draw wall time and CPU seconds of every row, side by side."""
    content = json.load(sys.stdin)
    rows = {name: row for name, row in content["figures"].items() if "wall_s" in row}
    names = list(rows)[::-1]
    figure, panels = plt.subplots(
        1, 2, sharey=True, figsize=(9, 0.8 + 0.42 * len(names)), layout="constrained"
    )
    for panel, column, label in zip(panels, ("wall_s", "cpu_s"), ("wall time", "CPU"), strict=True):
        values = [rows[name][column] for name in names]
        ours = [name.startswith("bossflow") for name in names]
        colours = ["#c2410c" if mine else "#7a8ca3" for mine in ours]
        bars = panel.barh(names, values, color=colours)
        panel.bar_label(bars, [f"{value:,.3g}" for value in values], padding=3, fontsize=9)
        panel.set_xlabel(f"{label}, seconds")
        panel.margins(x=0.15)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(content["title"], fontsize=11)
    figure.savefig(sys.argv[1], dpi=150)


if __name__ == "__main__":
    main()
