"""Shared by the benchmarks: data, medians, the tables in RESULTS.md."""

from __future__ import annotations

import ast
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

RESULTS = Path(__file__).with_name("RESULTS.md")
TITLE = (
    "# Benchmarks\n\nWritten by `make bench`: ours against what a user would pick instead, "
    "interleaved in one run. Each file in this folder says exactly what it measures.\n"
)
SUMMARY = "summary"
MARKS = ("met", "MISSED", "within the noise")
HEADER = "| what | measured | aim | |\n|---|---|---|---|\n"


@dataclass(frozen=True)
class Result:
    """One line of a table; `met` is None without an aim, and where the noise hides the answer."""

    what: str
    measured: str
    aim: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, str, str, str]:
        met, missed, unknown = MARKS
        mark = {None: unknown if self.aim else "", True: met, False: missed}[self.met]
        return self.what, self.measured, self.aim, mark


def at_most(
    what: str, value: float, aim: float, unit: str, more: str = "", noise: float = 0.0
) -> Result:
    """Return a result whose aim is an upper bound; `noise` is what the value is known to within."""
    met = None if abs(value - aim) < noise else value <= aim
    return Result(what, f"{_measured(value, noise)} {unit}{more}", f"≤ {aim:g} {unit}", met)


def at_least(
    what: str, value: float, aim: float, unit: str, more: str = "", noise: float = 0.0
) -> Result:
    """Return a result whose aim is a lower bound; `noise` is what the value is known to within."""
    met = None if abs(value - aim) < noise else value >= aim
    return Result(what, f"{_measured(value, noise)} {unit}{more}", f"≥ {aim:g} {unit}", met)


@dataclass(frozen=True)
class Median:
    """A median, and the half width of its 95 % interval from 2,000 resamples."""

    value: float
    noise: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Median:
        drawn = np.random.default_rng(0).choice(np.asarray(values), (2000, len(values)))
        low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
        return cls(float(np.median(values)), float(high - low) / 2)

    def __str__(self) -> str:
        return _measured(self.value, self.noise)


def report(
    name: str, results: Sequence[Result], packages: Iterable[str] = (), more: str = ""
) -> None:
    """Print the results and replace those of the benchmark in RESULTS.md."""
    rows = [result.cells() for result in results]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    print(f"{name} — {_machine(packages)}{more}")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    table = HEADER + "".join(f"| {' | '.join(row)} |\n" for row in rows)
    section = f"## {name}\n\n{_machine(packages)}{more}\n\n{table}"
    sections = _sections() | {name: section}
    sections.pop(SUMMARY, None)
    parts = [TITLE, _summary(sections), *(sections[key] for key in sorted(sections))]
    RESULTS.write_text("\n".join(parts), "utf-8")


def _summary(sections: dict[str, str]) -> str:
    """Return a table with a row for each benchmark: what it measures, its aims, those missed."""
    lines = []
    for name in sorted(sections):
        table = [row.strip("| ").split(" | ") for row in sections[name].splitlines()]
        marked = {mark: [row for row in table if row[-1] == mark] for mark in MARKS}
        counts = ", ".join(f"{len(rows)} {mark.lower()}" for mark, rows in marked.items() if rows)
        missed = "; ".join(f"{row[0]}: {row[1].split(' (')[0]}" for row in marked["MISSED"])
        lines.append(f"| [{name}](#{name}) | {_question(name)} | {counts} | {missed} |\n")
    head = "| benchmark | what it measures | aims | missed |\n|---|---|---|---|\n"
    return f"## {SUMMARY}\n\n{head}{''.join(lines)}"


def _question(name: str) -> str:
    """Return the first line of a benchmark's docstring."""
    module = ast.parse(RESULTS.with_name(f"{name}.py").read_text("utf-8"))
    return (ast.get_docstring(module) or "").partition("\n")[0].rstrip(".")


def keep_bytecode(code: str) -> None:
    """Run code in a process that keeps the bytecode of what it imports, as an installation does.

    Else a new process would compile each source that has changed, or with PYTHONDONTWRITEBYTECODE
    all of them, and that be measured.
    """
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", code]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


def interleave(runs: int, **functions: Callable[[], object]) -> dict[str, list[float]]:
    """Return the milliseconds of each call; functions take turns, after one call to warm up."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(runs):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(1000 * (time.perf_counter() - start))
    return times


def median_of_ratios(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the median ratio of neighbours in time, which share the state of the machine."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def spread(times: Sequence[float]) -> str:
    """Return "median 3.1 ms, p95 4.0 ms"."""
    p95 = np.percentile(times, 95)
    return f"median {_short(statistics.median(times))} ms, p95 {_short(p95)} ms"


def scenes(count: int, size: int, seed: int = 0) -> tuple[np.ndarray, torch.Tensor, torch.Tensor]:
    """Return RGB images uint8 (N, H, W, 3), smooth maps float32 (N, H, W) and targets int64."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 1, 24, 24, generator=generator)
    logits = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")[:, 0]
    noise = torch.randn(count, size, size, generator=generator)
    images = torch.randint(0, 256, (count, size, size, 3), generator=generator, dtype=torch.uint8)
    targets = (logits + 0.2 * noise > 0.3).to(torch.int64)
    return images.numpy(), torch.sigmoid(3 * logits + 0.3 * noise), targets


def box_scenes(
    images: int, boxes: int, classes: int = 10, targets: int = 8
) -> tuple[list[dict[str, torch.Tensor]], list[dict[str, torch.Tensor]]]:
    """Return candidates around targets, most of the right class, with a few crowds.

    Boxes begin within 600 pixels and are 12 to 245 pixels wide and high; labels begin at 1.
    """
    generator = torch.Generator().manual_seed(0)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator)

    found, true = [], []
    for _ in range(images):
        size = torch.exp(2.5 + 3 * rand(targets, 2))
        low = 600 * rand(targets, 2)
        corners, labels = torch.cat([low, low + size], 1), (classes * rand(targets)).long() + 1
        near = (targets * rand(boxes)).long()
        noise = torch.randn(boxes, 4, generator=generator) * size[near].repeat(1, 2)
        moved = corners[near] + 0.1 * noise
        ends = torch.stack([moved[:, :2], moved[:, 2:]])
        other = (classes * rand(boxes)).long() + 1
        found.append(
            {
                "boxes": torch.cat([ends.amin(0), ends.amax(0)], 1),
                "scores": rand(boxes),
                "labels": torch.where(rand(boxes) < 0.8, labels[near], other),
            }
        )
        true.append({"boxes": corners, "labels": labels, "iscrowd": rand(targets) < 0.05})
    return found, true


def _measured(value: float, noise: float) -> str:
    return f"{_short(value)} ± {noise:.2g}" if noise else _short(value)


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def _machine(packages: Iterable[str]) -> str:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    versions = ", ".join(f"{name} {version(name)}" for name in ["torch", *packages])
    return (
        f"{date.today()}, {os.cpu_count()} CPU cores (load {os.getloadavg()[0]:.1f}), {gpu}, "
        f"Python {platform.python_version()}, {versions}"
    )


def _sections() -> dict[str, str]:
    if not RESULTS.exists():
        return {}
    _, *parts = RESULTS.read_text("utf-8").split("\n## ")
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in parts}
