"""Reads a setting from one line of text, as `export()` and the widgets' copy button give it.

js/src/lib/settings/pasted_setting.ts reads the same; tests/golden/settings.json tests both.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any

from torchdial.inputs.arguments import of_kind
from torchdial.inputs.errors import refusal
from torchdial.inputs.numbers import to_float

MAX_LENGTH = 100_000
REMEDY = "Paste what export() or the copy button of such a preview gives."


def segmentation_traits(
    given: Any,
    task: str,
    num_classes: int,
    connectivity: int | None = 4,
    scores: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """Return the traits of a segmentation's or a classification's setting.

    Args:
        given: a line of text, or what `export()` returns.
        task: of the preview.
        num_classes: of the preview.
        connectivity: of the preview; None for one of samples, which have no minimum size.
        scores: the range of the preview's stops, where they are of scores.

    Raises:
        ValueError: it is no such setting, or one of another task, number of classes, connectivity
            or range, or of scores in place of probabilities.
    """
    names = ("threshold", "class_thresholds", "task", "label")
    of_maps = () if connectivity is None else ("min_size", "connectivity", "of_scores")
    setting = _to_setting(given, (*names, *of_maps))
    if setting.get("task", task) != task:
        raise _refusal(f"task={task!r}", repr(setting["task"]))
    of_scores = scores is not None
    if setting.get("of_scores", of_scores) is not of_scores:
        raise _refusal(f"of_scores={of_scores}", _text(setting["of_scores"]))
    least = setting.get("min_size")
    if least is not None and setting.get("connectivity", 4) != connectivity:
        raise _refusal(f"connectivity={connectivity}", _text(setting.get("connectivity", 4)))
    if least is not None and (type(least) is not int or least < 0):
        raise _refusal("a min_size from 0", _text(least))
    if "threshold" not in setting and "class_thresholds" not in setting:
        raise _refusal("threshold or class_thresholds", "neither")
    shown = setting.get("label")
    if shown is not None and (type(shown) is not int or not 0 <= shown < num_classes):
        raise _refusal(f"a label in 0 … {num_classes - 1}", _text(shown))
    own = setting.get("class_thresholds", [])
    lengths = (0, num_classes) if num_classes > 1 else (0,)
    if not isinstance(own, list) or len(own) not in lengths:
        raise _refusal(f"one threshold for each of {num_classes} classes", _text(own))
    each = [_fraction("a threshold", threshold) for threshold in own]
    traits: dict[str, Any] = {"class_thresholds": each, "label": shown}
    if "threshold" in setting:
        traits["threshold"] = _fraction("a threshold", setting["threshold"], scores or (0, 1))
    if least is not None:
        traits["min_size"] = least
    return traits


def detection_traits(given: Any, labels: Sequence[int], class_agnostic: bool) -> dict[str, Any]:
    """Return the traits of a detection's setting.

    Args:
        given: a line of text, or what `export()` returns.
        labels: of the preview's classes.
        class_agnostic: how the preview was made.

    Raises:
        ValueError: it is no such setting, or the preview was made with another `class_agnostic`.
    """
    names = ("score_threshold", "nms_iou", "class_thresholds", "class_agnostic", "max_det")
    setting = _to_setting(given, names)
    if setting.pop("class_agnostic", class_agnostic) != class_agnostic:
        raise _refusal(f"class_agnostic={class_agnostic}", str(not class_agnostic))
    if not setting:
        raise _refusal("score_threshold, nms_iou, class_thresholds or max_det", "none")
    own = setting.pop("class_thresholds", {})
    if not isinstance(own, Mapping):
        raise _refusal("thresholds by label", _text(own))
    by_label = {str(label): _fraction("a threshold", value) for label, value in own.items()}
    if by_label and len(labels) == 1:
        raise _refusal("a score_threshold for the single class", _text(own))
    unknown = [label for label in by_label if label not in map(str, labels)]
    if unknown:
        raise _refusal(f"labels among {', '.join(map(str, labels[:8]))}", unknown[0])
    traits = {name: setting[name] for name in names if name in setting}
    for name in ("score_threshold", "nms_iou"):
        if name in traits:
            traits[name] = _fraction(f"a{'n' * (name == 'nms_iou')} {name}", traits[name])
    most = traits.get("max_det", 1)
    if type(most) is not int or most < 1:
        raise _refusal("a max_det of 1 or more", _text(most))
    each = [by_label.get(str(label)) for label in labels]
    return traits | {"class_thresholds": each if by_label else []}


def _to_setting(given: Any, names: Sequence[str]) -> dict[str, Any]:
    setting = _read(given) if isinstance(given, str) else given
    expected = "a dict in one line, or one that export() returned"
    of_kind("setting", setting, Mapping, expected=expected, remedy=REMEDY)
    unknown = [name for name in setting if name not in names]
    if unknown:
        raise _refusal(" | ".join(names), _text(unknown[0]))
    return dict(setting)


def _read(text: str) -> Any:
    """Return the dict of a line in the notation of Python or JSON."""
    if len(text) <= MAX_LENGTH:
        for read in (json.loads, ast.literal_eval):
            try:
                found = read(text.strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(found, dict):
                return found
    raise _refusal("a dict in one line", _text(text))


def _fraction(name: str, value: Any, within: tuple[float, float] = (0, 1)) -> float:
    number, (low, high) = to_float(value), within
    if not low <= number <= high:
        raise _refusal(f"{name} in [{low:.6g}, {high:.6g}]", _text(value))
    return number


def _text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:60]
    except (TypeError, ValueError):
        return repr(value)[:60]


def _refusal(expected: str, got: str) -> ValueError:
    return refusal("setting", expected=expected, got=got, remedy=REMEDY)
