"""The table of a model of 2,000 modules against torchinfo's summary: without and with a forward.

torchinfo sums up to its deepest level and prints to a string; ours is what `ModelTree` needs, and
the whole widget with its state packed. Then the widget in real JupyterLab: from the start of the
cell to its painted rows, and the frames while all rows are open and scrolled from end to end.
"""

import statistics
from unittest.mock import patch

import torch
import torchinfo
from _browser import PACKAGES, browser_of, notebook
from _measure import Result, at_least, at_most, interleave, median_of_ratios, report
from torch import nn

from torchdial import ModelTree
from torchdial.structure import forward_pass, module_table

RUNS = 7
OPENINGS = 5
BLOCKS = 500  # of four modules each
IN_A_PAGE = 400  # of six modules each


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear, self.act = nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.act(self.linear(self.norm(x)))


SETUP = f"""
from torch import nn
import torch
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.linear, self.act = nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()
model = nn.Sequential(*(nn.Sequential(Block(), nn.Identity()) for _ in range({IN_A_PAGE})))
"""
RUN_CELL = """async code => {
  const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  content.activeCell.model.sharedModel.setSource(code);
  window.painted = new Promise(resolve => {
    const look = () => {
      if (document.querySelector('.torchdial-tree-line')) {
        stopwatch.painted(() => resolve(Date.now() / 1000));
      } else requestAnimationFrame(look);
    };
    look();
  });
  await jupyterapp.commands.execute('notebook:run-cell');
}"""
SCROLL = """async () => {
  const body = document.querySelector('.torchdial-tree-body');
  const frames = [];
  let last = performance.now();
  for (let i = 0; i <= 100; i++) {
    body.scrollTop = (body.scrollHeight * i) / 100;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames.slice(2);
}"""


def in_the_browser():
    """Return the seconds of each opening, and the milliseconds of each frame of scrolling."""
    opened = []
    with notebook("tree", [SETUP, "pass"]) as page:
        page.wait_for_timeout(3000)
        for _ in range(OPENINGS):
            page.evaluate(RUN_CELL, 'print("start", time.time()); display(td.ModelTree(model))')
            painted = page.evaluate("() => painted")
            printed = page.locator(".jp-OutputArea-output", has_text="start").last.inner_text()
            opened.append(painted - float(printed.split("start ")[1].split()[0]))
            if len(opened) < OPENINGS:
                page.evaluate("() => jupyterapp.commands.execute('notebook:clear-cell-output')")
                page.wait_for_timeout(500)
        page.get_by_label("depth").select_option("all")
        page.locator(".torchdial-tree-times").first.click()
        page.wait_for_timeout(500)
        return opened, page.evaluate(SCROLL), browser_of(page)


def untimed(model, example):
    """Return the table without the second forward pass, which takes the time of each module."""
    run = forward_pass._run

    def once(*given):
        return None if isinstance(given[-1], forward_pass._Times) else run(*given)

    with patch.object(forward_pass, "_run", once):
        return module_table(model, example)


if __name__ == "__main__":
    model, example = nn.Sequential(*(Block() for _ in range(BLOCKS))), torch.rand(2, 16)
    times = interleave(
        RUNS,
        table=lambda: module_table(model).text(),
        torchinfo=lambda: str(torchinfo.summary(model, verbose=0, depth=9)),
        watched=lambda: module_table(model, example).text(),
        untimed=lambda: untimed(model, example).text(),
        torchinfo_forward=lambda: str(
            torchinfo.summary(model, input_data=example, verbose=0, depth=9)
        ),
        widget=lambda: ModelTree(model, example).close(),
    )
    medians = {name: statistics.median(values) for name, values in times.items()}
    count = f"{len(module_table(model)):,} modules"
    more = lambda ours, theirs: f" ({medians[ours]:.0f} against {medians[theirs]:.0f} ms)"  # noqa: E731
    opened, frames, machine = in_the_browser()
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
                f"{count}, with a forward, the columns of torchinfo",
                median_of_ratios(times["torchinfo_forward"], times["untimed"]),
                1,
                "×",
                more("untimed", "torchinfo_forward"),
            ),
            Result("the same and the time of each module", f"median {medians['watched']:.0f} ms"),
            Result("the widget with a forward, constructed", f"median {medians['widget']:.0f} ms"),
            at_most(
                f"{1 + 6 * IN_A_PAGE:,} modules, cell start to painted",
                statistics.median(opened),
                1,
                "s",
            ),
            at_most("scrolling them, a frame", statistics.median(frames), 17, "ms"),
        ],
        [*PACKAGES, "torchinfo"],
        machine,
    )
