"""Scores of samples, (N,) or (N, C): read as one map whose pixels are the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from torchdial.inputs.arguments import is_dense
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.probability_maps import (
    MAX_CLASSES,
    Task,
    as_tensor_call,
    to_probabilities,
    to_tensor,
)
from torchdial.inputs.segmentation_targets import to_targets


def are_sample_scores(preds: Any, task: Task) -> bool:
    """Return whether predictions have the shape of samples' scores: binary (N,), else (N, C)."""
    return getattr(preds, "ndim", None) == (1 if task == "binary" else 2)


def as_one_map(preds: Any, target: Any, task: Task, name: str = "target") -> tuple[Any, Any]:
    """Return samples' scores and targets as one map (1, C, N, 1) and its labels.

    Args:
        preds: (N,) for binary, else (N, C).
        target: (N,); for multilabel (N, C).
        task: "binary", "multilabel" or "multiclass".
        name: what to call the target in an error.

    Raises:
        ValueError: the target has another shape, or holds names.
    """
    if isinstance(target, torch.Tensor):
        target = to_tensor(name, target)
    elif _holds_names(target):
        raise refusal(
            name,
            expected="labels as whole numbers",
            got=describe(target),
            remedy="Number the names in their order: "
            f"torch.as_tensor([sorted(set({name})).index(one) for one in {name}]).",
        )
    shape = tuple(preds.shape) if task == "multilabel" else tuple(preds.shape[:1])
    if not isinstance(target, (torch.Tensor, np.ndarray)) or tuple(target.shape) != shape:
        given = as_tensor_call(name, target)
        is_one_hot = task == "multiclass" and getattr(target, "shape", None) == preds.shape
        raise refusal(
            name,
            expected=f"a tensor or array with a label for each sample, of shape {shape}",
            got=describe(target),
            remedy=f"Turn one-hot targets into labels: {given}.argmax(1)."
            if is_one_hot
            else f"Pass {given} in this shape.",
        )
    if task == "binary":
        return preds[None, None, :, None], target[None, None, :, None]
    labels = target.T[None, :, :, None] if task == "multilabel" else target[None, :, None]
    return preds.T[None, :, :, None], labels


def _holds_names(target: Any) -> bool:
    is_flat = isinstance(target, (list, tuple)) or (isinstance(target, np.ndarray) and target.ndim)
    return bool(is_flat) and len(target) > 0 and isinstance(target[0], str)


def without_column(scores: Any, targets: Any, task: Task) -> tuple[Any, Any]:
    """Return binary scores and targets (N, 1), as a model with one output gives, as (N,)."""
    flat = [one[:, 0] if _is_column(one) and task == "binary" else one for one in (scores, targets)]
    return flat[0], flat[1]


def _is_column(values: Any) -> bool:
    known = is_dense(values) if isinstance(values, torch.Tensor) else isinstance(values, np.ndarray)
    return known and values.ndim == 2 and values.shape[1] == 1


def read_samples(
    scores: Any, targets: Any, task: Task, *, from_logits: bool, ignore_index: int | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return samples as one map of probabilities (1, C, N, 1), float32, and its canonical labels.

    Args:
        scores: (N,) or (N, 1) for binary, else (N, C); a tensor or an array.
        targets: (N,), for multilabel (N, C); a tensor or an array.
        task: "binary", "multilabel" or "multiclass".
        from_logits: whether scores are logits.
        ignore_index: a label that enters no count.

    Raises:
        ValueError: wrong shapes or values, with a remedy.
    """
    given, targets = without_column(to_tensor("scores", scores), targets, task)
    _check_scores(given, task)
    preds, labels = as_one_map(given, targets, task, "targets")
    probs = to_probabilities(preds, task, from_logits=from_logits, name="scores")
    truth = to_targets(labels, probs.shape, task, ignore_index=ignore_index)
    return probs, truth.to(probs.device)


def _check_scores(scores: torch.Tensor, task: Task) -> None:
    given = as_tensor_call("scores", scores)
    if are_sample_scores(scores, task):
        _check_classes(given, scores, task)
        return
    remedy = f"Pass {given} of that shape, such as {given}.flatten(1)."
    if task == "binary" and tuple(scores.shape[1:]) == (2,):
        remedy = f"Of two columns pass that of the class: {given}[:, 1]."
    elif task == "binary" and scores.ndim == 2:
        remedy = "Pass task='multiclass' for a softmax, task='multilabel' for a sigmoid a label."
    elif scores.ndim == 1:
        remedy = "Pass task='binary' for a single class."
    raise refusal(
        "scores",
        expected=f"shape {'(N,)' if task == 'binary' else '(N, C)'} for task={task!r}",
        got=describe(scores),
        remedy=remedy,
    )


def _check_classes(given: str, scores: torch.Tensor, task: Task) -> None:
    if task == "binary" or scores.shape[1] <= MAX_CLASSES:
        return
    targets = "targets[:, columns]" if task == "multilabel" else "targets[:, None] == columns"
    raise refusal(
        "scores",
        expected=f"at most {MAX_CLASSES} classes",
        got=describe(scores),
        remedy=f"Keep those of interest, such as columns = torch.tensor([3, 7]): pass "
        f"{given}[:, columns] and {targets} with task='multilabel'.",
    )
