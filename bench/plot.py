"""The plot of the results: each pair a dot, the median a bar, and what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.measure import Result

PLOT: Final = Path(__file__).parents[1] / "docs" / "bench.svg"
_OURS: Final = "#1f5fa8"
_WANTED: Final = "#b3441c"


def draw(found: Sequence[Result], to: Path = PLOT) -> None:
    """Draw the results into an SVG file."""
    import matplotlib as mpl  # noqa: PLC0415 - only `make bench` installs it

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "pytest-sr"  # the same results, the same file
    from matplotlib import pyplot as plt  # noqa: PLC0415 - see above

    figure, axes = plt.subplots(figsize=(8, 0.9 + 0.75 * len(found)))
    for row, each in enumerate(reversed(found)):
        sign, limit = each.wanted.split()
        axes.plot(each.runs, [row] * len(each.runs), "o", color=_OURS, alpha=0.35)
        axes.plot([each.ratio] * 2, [row - 0.28, row + 0.28], color=_OURS, linewidth=3)
        axes.plot(
            [float(limit)] * 2,
            [row - 0.38, row + 0.38],
            "--",
            color=_WANTED,
            linewidth=1.5,
        )
        axes.annotate(
            f"{each.ratio:.2f}  (wanted {sign} {limit})",
            (each.ratio, row + 0.3),
            ha="center",
            va="bottom",
            fontsize=8,
        )
    axes.set_yticks(range(len(found)), [each.name for each in reversed(found)])
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.set_xlabel(
        "ratio to the floor measured in the same run; dots are pairs of runs"
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.tick_params(axis="x", which="both", labelsize=8)
    axes.set_ylim(-0.6, len(found) - 0.2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(to, metadata={"Date": None})
    plt.close(figure)
