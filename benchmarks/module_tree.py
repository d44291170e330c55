"""The table of a model of 2,000 modules against torchinfo's summary: without and with a forward.

torchinfo sums up to its deepest level and prints to a string; ours is what `ModelTree` needs, and
the whole widget with its state packed.
"""

import statistics

import torch
import torchinfo
from _measure import Result, at_least, interleave, median_of_ratios, report
from torch import nn

from torchdial import ModelTree
from torchdial.structure import module_table

RUNS = 7
BLOCKS = 500  # of four modules each


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear, self.act = nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.act(self.linear(self.norm(x)))


if __name__ == "__main__":
    model, example = nn.Sequential(*(Block() for _ in range(BLOCKS))), torch.rand(2, 16)
    times = interleave(
        RUNS,
        table=lambda: module_table(model).text(),
        torchinfo=lambda: str(torchinfo.summary(model, verbose=0, depth=9)),
        watched=lambda: module_table(model, example).text(),
        torchinfo_forward=lambda: str(
            torchinfo.summary(model, input_data=example, verbose=0, depth=9)
        ),
        widget=lambda: ModelTree(model, example).close(),
    )
    medians = {name: statistics.median(values) for name, values in times.items()}
    count = f"{len(module_table(model)):,} modules"
    more = lambda ours, theirs: f" ({medians[ours]:.0f} against {medians[theirs]:.0f} ms)"  # noqa: E731
    report(
        "module_tree",
        [
            at_least(
                f"{count}, no forward, torchinfo over ours",
                median_of_ratios(times["torchinfo"], times["table"]),
                1,
                "×",
                more("table", "torchinfo"),
            ),
            at_least(
                f"{count}, with a forward, FLOPs and times (torchinfo: no times)",
                median_of_ratios(times["torchinfo_forward"], times["watched"]),
                1,
                "×",
                more("watched", "torchinfo_forward"),
            ),
            Result("the widget, constructed", f"median {medians['widget']:.0f} ms"),
        ],
        ["torchinfo"],
    )
