"""Time that watching adds to a training step of about 1, 43 and 140 ms.

Each way of watching has a copy of the network of its own. Its blocks of steps alternate with
blocks of the bare network, and what it adds is its block minus the mean of the bare ones before and
after it. Medians over such blocks; ± is half the width of the median's 95 % interval. An aim within
that is neither met nor missed. Times of what happens every hundred steps are those of blocks of a
hundred. The first round is left out.

- ours: `TrainingMonitor` with its defaults and `log(loss=loss)`: loss, learning rate, gradient
  norms per layer, ratios, histograms on sampled steps, diagnosis. Nothing is drawn.
- wandb: `watch(model)` and `log`, offline, gradients every 1,000 steps (its default), 100 or 1.
- TensorBoard: a scalar every step, `add_histogram` of every gradient every 100 steps or every one.
- livelossplot: the figure drawn to PNG and closed, as in a notebook, after 100 steps or every one.
- loss.item(): the simplest loop.

`--rounds N --block K --networks …`: N rounds, blocks of K steps for what happens every hundred. The
smallest network takes 3 minutes, the others about 13 and 25.
"""

import argparse
import io
import itertools
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager

import matplotlib
import numpy as np
import torch
from _measure import Median, Result, at_most, report
from torch import nn

import torchdial as td

SELDOM = 100  # steps between two histograms or figures
# Of what ours adds: the ways that do their work at every step.
AIMS = {"wandb every step": 20, "TensorBoard every step": 50, "livelossplot every step": 100}
SHORT_BLOCK = 20  # of ways that do the same at every step; the others take blocks of a hundred
HUNDREDS = {"ours", "wandb every 1,000 steps", "wandb every 100 steps"}
HUNDREDS |= {"TensorBoard every 100 steps", "livelossplot every 100 steps"}


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.down = nn.Identity()
        if stride > 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.down = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.down(x))


def residual_net():
    """Return a network with ResNet-18's 62 tensors and 11.7 million parameters."""
    widths = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1)]
    widths += [(128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)]
    blocks = [Block(*width) for width in widths]
    return nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1), *blocks, *head)


def small_cnn():
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 64, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


def small_mlp():
    return nn.Sequential(
        nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    )


# How it is made, its input, its classes, how much of a step ours may add, in per cent, and rounds.
NETWORKS = {
    "1 ms": (small_mlp, (128, 256), 10, 5, 36),
    "43 ms": (small_cnn, (92, 3, 32, 32), 10, 1, 9),
    "140 ms": (residual_net, (16, 3, 64, 64), 1000, 1, 5),
}


@contextmanager
def bare(*_):
    yield lambda _: None


@contextmanager
def item(*_):
    losses = []
    yield lambda loss: losses.append(loss.item())


@contextmanager
def ours(model, optimizer):
    with td.TrainingMonitor(model, optimizer) as monitor:
        ours.monitor = monitor
        yield lambda loss: monitor.log(loss=loss)
    assert monitor.problem == "", monitor.problem


def wandb_watch(log_freq):
    @contextmanager
    def watch(model, _):
        import wandb

        with tempfile.TemporaryDirectory() as folder:
            settings = wandb.Settings(mode="offline", silent=True, console="off")
            with wandb.init(project="overhead", dir=folder, settings=settings) as run:
                run.watch(model, log="gradients", log_freq=log_freq)
                yield lambda loss: run.log({"loss": loss})

    return watch


def tensorboard(every):
    @contextmanager
    def watch(model, _):
        from torch.utils.tensorboard import SummaryWriter

        with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
            steps = itertools.count(1)

            def log(loss):
                step = next(steps)
                writer.add_scalar("loss", loss, step)
                if step % every == 0:
                    for name, parameter in model.named_parameters():
                        writer.add_histogram(name, parameter.grad, step)

            yield log

    return watch


def livelossplot(every):
    @contextmanager
    def watch(*_):
        from livelossplot import PlotLosses
        from livelossplot.outputs import MatplotlibPlot

        def render(figure):
            figure.tight_layout()
            figure.savefig(io.BytesIO(), format="png")
            matplotlib.pyplot.close(figure)

        plot = PlotLosses(outputs=[MatplotlibPlot(after_plots=render)])
        steps = itertools.count(1)

        def log(loss):
            if next(steps) % every == 0:
                plot.update({"loss": loss.item()})
                plot.send()

        yield log

    return watch


WAYS = {
    "ours": ours,
    "wandb every 1,000 steps": wandb_watch(1000),
    "wandb every 100 steps": wandb_watch(SELDOM),
    "wandb every step": wandb_watch(1),
    "TensorBoard every 100 steps": tensorboard(SELDOM),
    "TensorBoard every step": tensorboard(1),
    "livelossplot every 100 steps": livelossplot(SELDOM),
    "livelossplot every step": livelossplot(1),
    "loss.item()": item,
}


def stepper(network, way, stack):
    """Return a function that takes one step of a new network, watched in one way."""
    make, shape, classes, *_ = network
    torch.manual_seed(0)
    model, x = make(), torch.randn(shape)
    target = torch.randint(0, classes, shape[:1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    log = stack.enter_context(way(model, optimizer))

    def step():
        loss = nn.functional.cross_entropy(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        log(loss)

    return step


def block_of(step, count):
    """Return the mean milliseconds of some steps."""
    began = time.perf_counter()
    for _ in range(count):
        step()
    return 1000 * (time.perf_counter() - began) / count


def measure(network, rounds, block):
    """Return milliseconds that each way adds, (rounds,) each, those of bare blocks, our monitor."""
    with ExitStack() as stack:
        plain = stepper(network, bare, stack)
        steps = {name: stepper(network, way, stack) for name, way in WAYS.items()}
        added, plains, ended = {name: [] for name in steps}, [], None
        for _ in range(1 + rounds):
            for name, step in steps.items():
                count = (
                    SHORT_BLOCK if name.endswith("every step") or name == "loss.item()" else block
                )
                before = block_of(plain, count)
                if name == "ours" and ended is not None:
                    # The turns of the others are no part of a step.
                    ours.monitor.control.waited += time.perf_counter() - ended
                watched = block_of(step, count)
                ended = time.perf_counter() if name == "ours" else ended
                after = block_of(plain, count)
                plains += [before, after]
                added[name].append(watched - (before + after) / 2)
    return {name: ms[1:] for name, ms in added.items()}, plains, ours.monitor


def results(name, rounds, block):
    network = NETWORKS[name]
    *_, aim, usual_rounds = network
    rounds = rounds or usual_rounds
    times, plains, monitor = measure(network, rounds, block)
    step, added = float(np.median(plains)), {way: Median.of(ms) for way, ms in times.items()}
    yield Result(f"{name}: bare step", f"{Median.of(plains)} ms, {rounds} rounds")
    for way, ms in added.items():
        yield Result(f"{name}: {way} adds", f"{ms} ms")
    ratio = 100 / step
    mine = added["ours"]
    yield at_most(
        f"{name}: ours adds", ratio * mine.value, aim, "% of a step", noise=ratio * mine.noise
    )
    notes = " ".join(monitor.notes) or "gradients are read at every step"
    difference = abs(monitor.overhead * step - mine.value)
    inside = "within" if difference <= mine.noise else "outside"
    said = f"{100 * monitor.overhead:.2g} % of a step, {inside} the measured noise ({notes})"
    yield Result(f"{name}: ours, as it says itself", said)
    for way, least in AIMS.items():
        yield against_ours(f"{name}: {way} adds, of what ours does", added[way], mine, least)


def against_ours(what, theirs, mine, aim):
    """Return how often what ours adds goes into what another way does."""
    low = (theirs.value - theirs.noise) / (max(mine.value, 0) + mine.noise)
    if mine.value <= mine.noise:
        measured = f"≥ {low:.3g} ×: ours is below the noise of ±{mine.noise:.2g} ms"
        return Result(what, measured, f"≥ {aim} ×", True if low >= aim else None)
    high = (theirs.value + theirs.noise) / (mine.value - mine.noise)
    met = None if low < aim <= high else low >= aim
    return Result(
        what, f"{theirs.value / mine.value:.3g} × ({low:.3g} … {high:.3g})", f"≥ {aim} ×", met
    )


if __name__ == "__main__":
    os.environ["WANDB_MODE"] = "offline"
    matplotlib.use("agg")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--block", type=int, default=SELDOM)
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=[*NETWORKS])
    asked, _ = parser.parse_known_args()
    lines = [line for name in asked.networks for line in results(name, asked.rounds, asked.block)]
    report("step_overhead", lines, ["wandb", "tensorboard", "livelossplot"])
