"""Time that watching adds to a training step: torchdial against its alternatives.

Two networks, with one copy for each way of watching. In each round every copy takes a block of
steps, in rotating order, so that they share the state of the machine. The overhead is the mean of
(its step − the bare step of the same round); ± is the standard error of that mean. Means, because
torchdial reads gradients only at some steps, which medians would hide. The first round is left out.

- ours: `TrainingMonitor` with its default budget and `log(loss=loss)`: loss, learning rate,
  gradient norms per layer, ratios, histograms on sampled steps, diagnosis. Nothing is drawn.
- wandb.watch: `watch(model, log_freq=1)` and `wandb.log`, offline, in a temporary folder.
- TensorBoard: `add_scalar` and `add_histogram` of every gradient.
- livelossplot: `update` and `send`, its figure rendered to PNG and closed as a notebook would.
- loss.item(): the simplest loop.

`--rounds N --block K`: N rounds of K steps.
"""

import argparse
import io
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager

import matplotlib
import numpy as np
import torch
from _measure import Result, at_least, at_most, report
from torch import nn

import torchdial as td

AIMS = {"wandb.watch": 20, "TensorBoard histograms": 50, "livelossplot": 100}


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


NETWORKS = {"small CNN": (small_cnn, (64, 3, 32, 32), 10)}
NETWORKS["residual net"] = (residual_net, (16, 3, 64, 64), 1000)


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


@contextmanager
def wandb_watch(model, _):
    import wandb

    with tempfile.TemporaryDirectory() as folder:
        settings = wandb.Settings(mode="offline", silent=True, console="off")
        with wandb.init(project="overhead", dir=folder, settings=settings) as run:
            run.watch(model, log="gradients", log_freq=1)
            yield lambda loss: run.log({"loss": loss})


@contextmanager
def tensorboard(model, _):
    from torch.utils.tensorboard import SummaryWriter

    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        steps = iter(range(10**9))

        def log(loss):
            step = next(steps)
            writer.add_scalar("loss", loss, step)
            for name, parameter in model.named_parameters():
                writer.add_histogram(name, parameter.grad, step)

        yield log


@contextmanager
def livelossplot(*_):
    from livelossplot import PlotLosses
    from livelossplot.outputs import MatplotlibPlot

    def render(figure):
        figure.tight_layout()
        figure.savefig(io.BytesIO(), format="png")
        matplotlib.pyplot.close(figure)

    plot = PlotLosses(outputs=[MatplotlibPlot(after_plots=render)])

    def log(loss):
        plot.update({"loss": loss.item()})
        plot.send()

    yield log


WAYS = {
    "bare": bare,
    "ours": ours,
    "wandb.watch": wandb_watch,
    "TensorBoard histograms": tensorboard,
    "livelossplot": livelossplot,
    "loss.item()": item,
}


def stepper(network, way, stack):
    """Return a function that takes one step of a new network, watched in one way."""
    make, shape, classes = network
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


def measure(network, rounds, block):
    """Return milliseconds a step, (rounds,) a way, and our monitor."""
    with ExitStack() as stack:
        steps = {name: stepper(network, way, stack) for name, way in WAYS.items()}
        times = {name: [] for name in steps}
        names, ended = list(steps), None
        for i in range(1 + rounds):
            for name in names[i % len(names) :] + names[: i % len(names)]:
                began = time.perf_counter()
                if name == "ours" and ended is not None:
                    ours.monitor.control.waited += (
                        began - ended
                    )  # the turns of the others are no part of a step
                for _ in range(block):
                    steps[name]()
                ended_now = time.perf_counter()
                ended = ended_now if name == "ours" else ended
                times[name].append(1000 * (ended_now - began) / block)
    return {name: np.array(ms[1:]) for name, ms in times.items()}, ours.monitor


def results(name, rounds, block):
    times, monitor = measure(NETWORKS[name], rounds, block)
    overhead, notes = monitor.overhead, monitor.notes
    bare = times.pop("bare")
    added = {way: ms - bare for way, ms in times.items()}
    mean = {way: float(ms.mean()) for way, ms in added.items()}
    step = float(np.median(bare))
    yield Result(f"{name}: bare step", f"median {step:.3g} ms, {rounds} × {block} steps")
    for way, ms in added.items():
        error = ms.std(ddof=1) / np.sqrt(len(ms))
        yield Result(f"{name}: {way} adds", f"{mean[way]:.3g} ± {error:.2g} ms")
    say = f", as it says itself ({' '.join(notes) or 'gradients read at every step'})"
    percent = 100 * overhead
    if name == "residual net":
        yield at_most(f"{name}: ours", 100 * mean["ours"] / step, 1, "% of a step")
        yield at_most(f"{name}: ours", percent, 1, "% of a step", say)
    else:
        yield Result(f"{name}: ours", f"{percent:.2g} % of a step{say}")
    # Of two measures of the same the larger one, which also keeps noise out of a ratio.
    least = max(mean["ours"], overhead * step)
    for way, aim in AIMS.items():
        yield at_least(f"{name}: {way} adds, of what ours does", mean[way] / least, aim, "×")


if __name__ == "__main__":
    os.environ["WANDB_MODE"] = "offline"
    matplotlib.use("agg")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--block", type=int, default=20)
    asked, _ = parser.parse_known_args()
    lines = [line for name in NETWORKS for line in results(name, asked.rounds, asked.block)]
    report("step_overhead", lines, ["wandb", "tensorboard", "livelossplot"])
