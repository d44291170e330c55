"""Histograms of weights, gradients or activations of chosen layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bqplot as bq
import numpy as np
import torch
from torch import nn

from torchdial.figures.colors import LINE_COLORS
from torchdial.figures.interactive.figure_parts import Legend, figure
from torchdial.figures.static.printable_names import line
from torchdial.inputs.arguments import one_of, to_names
from torchdial.inputs.errors import describe, refusal, refuse_non_finite
from torchdial.inputs.numbers import to_whole
from torchdial.inputs.probability_maps import to_tensor

MOST_BINS = 10_000


def histogram_figure(
    source: Any, layers: Any = None, *, of: str = "weights", bins: int = 60, log: bool = False
) -> bq.Figure:
    """Return histograms of tensors, over common bins, as a bqplot figure.

    Args:
        source: a dict of tensors by name, or a module, whose parameters are taken.
        layers: names of the tensors or parameters to draw; None takes all, at most eight.
        of: for a module, "weights" or "gradients".
        bins: how many, at most 10,000.
        log: whether to count magnitudes in bins of equal ratio instead; zeros are left out.

    Returns:
        A figure with a `bqplot.Lines` for each layer, from the edge of each bin to the next: the
        share of its values in the bin, and 0 at the last edge.

    Raises:
        ValueError: no such layer, values that are not finite, more than eight layers, or a source
            of another kind.

    Example:
        >>> histogram_figure({"a": torch.randn(100), "b": torch.rand(100)}).marks[0].labels
        ['a']
    """
    bins = to_whole("bins", bins, 1, MOST_BINS, remedy="60 is enough to see a shape.")
    tensors = _chosen(_tensors(source, of), layers)
    values = {name: _numbers(name, tensor, log) for name, tensor in tensors.items()}
    everything = np.concatenate(list(values.values()))
    edges = np.histogram_bin_edges(everything, bins)
    x, y = bq.LinearScale(), bq.LinearScale(min=0.0)
    marks = [
        bq.Lines(
            x=edges,
            y=np.append(np.histogram(numbers, edges)[0] / max(len(numbers), 1), 0.0),
            scales={"x": x, "y": y},
            colors=[LINE_COLORS[i]],
            labels=[name],
            interpolation="step-after",
            fill="bottom",
            fill_opacities=[0.15],
        )
        for i, (name, numbers) in enumerate(values.items())
    ]
    what = of if isinstance(source, nn.Module) else "values"
    label = f"log₁₀ |{what}|" if log else what
    share = "share of the values" if len(marks) > 1 else f"share of {line(marks[0].labels[0])}"
    made = figure(marks, (label, x), (share, y), "")
    Legend().name(made, marks)
    return made


def _tensors(source: Any, of: str) -> dict[str, torch.Tensor]:
    if isinstance(source, Mapping):
        return {str(name): to_tensor(f"source[{name!r}]", value) for name, value in source.items()}
    if not isinstance(source, nn.Module):
        raise refusal(
            "source",
            expected="a dict of tensors or a module",
            got=describe(source),
            remedy='Pass {"name": tensor}.',
        )
    remedy = "Pass activations as a dict of tensors."
    one_of("of", of, ("weights", "gradients"), remedy)
    named = dict(source.named_parameters())
    if of == "weights":
        return {name: p.detach() for name, p in named.items()}
    return {name: p.grad for name, p in named.items() if p.grad is not None}


def _chosen(tensors: dict[str, torch.Tensor], layers: Any) -> dict[str, torch.Tensor]:
    names = list(tensors) if layers is None else to_names("layers", layers)
    unknown = [name for name in names if name not in tensors]
    if unknown or not names:
        raise refusal(
            "layers",
            expected=f"names among {', '.join(list(tensors)[:8]) or '– there are none'}",
            got=repr(unknown[0] if unknown else layers),
            remedy="Gradients are there after backward() only.",
        )
    if len(names) > len(LINE_COLORS):
        raise refusal(
            "layers",
            expected=f"at most {len(LINE_COLORS)} layers, which colours tell apart",
            got=f"{len(names)}",
            remedy='Choose some: layers=["layer1.weight", …].',
        )
    return {name: tensors[name] for name in names}


def _numbers(name: str, tensor: torch.Tensor, log: bool) -> Any:
    values = tensor.detach().flatten().float()
    refuse_non_finite(name, values)
    if log:
        values = values[values != 0].abs().log10()
    return values.cpu().numpy()
