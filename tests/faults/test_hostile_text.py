"""Names that are markup, formulas, paths or no text at all go through as what they are."""

from __future__ import annotations

import io
import itertools
import re
import unicodedata
import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.training import Event, History

TEXTS = {
    "html": "<img src=x onerror=alert(1)>&amp;",
    "a script": "</script><script>alert(1)</script><!--",
    "css": "</style>*{display:none}",
    "a formula": "$x^2$",
    "half a formula": "cost in $",
    "a broken formula": r"$\frac{$",
    "an escaped formula": r"\$x\$",
    "an underscore": "_hidden",
    "a percent sign": "%s %(a)s {0} {x!r}",
    "a path": "../../etc/passwd",
    "a folder": "a/b",
    "dots": "..",
    "bidi": "\u202eabc\u2066",
    "emoji": "🧠👩‍🔬",
    "newlines": "a\nb\r\nc\u2028d",
    "nul": "a\0b",
    "controls": "\x1b[31m\x07\x7f",
    "half a character": "\ud800",
    "nothing": "",
    "a space": " ",
    "very long": "x" * 100_000,
}
texts = pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))


def of_each(kinds: Collection[str]) -> pytest.MarkDecorator:
    """Try each text with each kind of thing; in the short form with one of them, in turn."""
    cases = [
        pytest.param(kind, text, id=f"{kind}-{name}", marks=[pytest.mark.wide] * (kind != turn))
        for turn, (name, text) in zip(itertools.cycle(kinds), TEXTS.items(), strict=False)
        for kind in kinds
    ]
    return pytest.mark.parametrize(("kind", "text"), cases)


def shown_in(figure: Any) -> str:
    """Return the text in a figure, as a browser would read it in the SVG that matplotlib writes."""
    with warnings.catch_warnings(), mpl.rc_context({"svg.fonttype": "none"}):
        warnings.simplefilter("ignore")  # of glyphs that the font lacks
        file = io.BytesIO()
        figure.savefig(file, format="svg")
        figure.savefig(io.BytesIO(), format="png")
    root = ElementTree.fromstring(file.getvalue())
    return " ".join("".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text"))


def readable(text: str) -> str:
    """Return what is asked to stand there: the first line's beginning, in plain characters."""
    first = re.split(r"[\n\r\u2028\0\x1b\x07\x7f\ud800]", text)[0].strip()[:12]
    return "".join(c for c in first if unicodedata.category(c)[0] not in "CM" and ord(c) < 0x2000)


# Histories


def run_with(text: str) -> History:
    history = History(text, {text: text})
    for step in range(12):
        history.record(step, {text: 1 / (1 + step), "loss": 0.5})
        history.record_layers("grad_norm", [text, "head"], step, np.ones(2))
    history.add_event(Event(3, text, text, text, {text: 1.0}, 0.1))
    return history


@texts
def test_a_history_comes_back_from_a_file(text: str, tmp_path: Path) -> None:
    history = run_with(text)
    history.save(tmp_path / "run")
    loaded = History.load(tmp_path / "run")
    assert (loaded.name, loaded.config) == (text, {text: text})
    assert loaded.names == [text, "loss"]
    assert loaded.layers["grad_norm"].names == [text, "head"]
    assert repr(loaded.events) == repr(history.events)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert list(loaded.to_pandas().columns) == ["time", text, "loss"]
    assert f"{text!r}" in repr(loaded)
    table = pd.DataFrame(td.compare_runs([loaded, History("b")]))
    assert table["run"].tolist() == [text, "b"]
    assert f"config/{text}" in table.columns
    if text != TEXTS["half a character"]:  # which pandas cannot encode, as it says
        assert table.to_csv()


@texts
def test_a_monitor_records_names(text: str, tmp_path: Path) -> None:
    received: list[Event] = []
    model = nn.ModuleDict({"layer": nn.Linear(1, 1)})
    monitor = td.TrainingMonitor(
        model, name=text, config={text: text}, on_event=received.append, autosave=tmp_path / "run"
    )
    monitor.log({text: 1.0})
    monitor.log({text: float("nan")})
    monitor.close()
    assert monitor.problem == ""
    assert len(monitor.history[text]) == 2
    assert len(History.load(tmp_path / "run")[text]) == 2
    assert repr(monitor)


PLOTS: dict[str, Callable[[str], Any]] = {
    "LossPlot": lambda text: td.LossPlot({text: run_with(text)}),
    "LossPlot of values": lambda text: td.LossPlot({text: [1.0, 0.5]}),
    "GradientPlot": lambda text: td.GradientPlot(run_with(text)),
}


@of_each(PLOTS)
def test_plots_of_histories(kind: str, text: str) -> None:
    widget = PLOTS[kind](text)
    shown = shown_in(widget.to_matplotlib())
    if kind == "LossPlot of values":  # whose panel is named by the group alone
        assert readable(text.split("/")[0]) in shown
    else:
        assert readable(text) in shown
    assert repr(widget)
    widget.get_state()
    widget.close()


# Previews


def segmentation(text: str) -> Any:
    maps = torch.rand(2, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    preview = td.SegmentationPreview(
        torch.rand(2, 3, 8, 8),
        maps,
        task="multilabel",
        class_names=[text, "other"],
    )
    preview.class_thresholds = [0.3, None]
    preview.label = 0
    return preview


def classification(text: str) -> Any:
    return td.ClassificationPreview(
        torch.rand(4, 2),
        torch.randint(0, 2, (4, 2)),
        [text or "none", "b", "c", "d"],
        task="multilabel",
        class_names=[text, "other"],
    )


def detection(text: str) -> Any:
    found = {
        "boxes": torch.tensor([[1.0, 1, 6, 6]]),
        "scores": torch.tensor([0.9]),
        "labels": torch.tensor([0]),
    }
    preview = td.DetectionPreview(torch.rand(1, 3, 8, 8), [found], class_names=[text, "other"])
    preview.class_thresholds = [0.3, None]
    return preview


def grid(text: str) -> Any:
    return td.ImageGrid(torch.rand(2, 3, 8, 8), captions=[text, "b"])


def tree(text: str) -> Any:
    model = nn.Sequential()
    name = text.replace(".", "·") or "empty"
    model.add_module(name, nn.Linear(2, 2))
    return td.ModelTree(model, torch.ones(1, 2))


PREVIEWS: dict[str, Callable[[str], Any]] = {
    "ClassificationPreview": classification,
    "SegmentationPreview": segmentation,
    "DetectionPreview": detection,
    "ImageGrid": grid,
    "ModelTree": tree,
}


@of_each(PREVIEWS)
def test_previews(kind: str, text: str) -> None:
    """Shown without a warning; or an error says in words that this cannot be a name."""
    try:
        widget = PREVIEWS[kind](text)
    except ValueError as error:
        message = str(error)
        assert text in ("", " ")
        assert re.match(r"(class_names|captions)[^:]*: expected .*, got .*\. .*\.$", message)
        return
    shown = shown_in(widget.to_matplotlib())
    if kind in ("DetectionPreview", "ImageGrid") and readable(text):
        assert readable(text)[:5] in shown  # names in a legend are short
    widget.get_state()
    assert repr(widget)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "image/png" in widget._repr_mimebundle_()[0]
    widget.close()
