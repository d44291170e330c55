"""The content of reports, read with the standard library."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
import torch
from ipywidgets.widgets import widget
from torch import nn

import torchdial as td
from tests.reports import Report
from tests.training.recording.recorded import recorded

# All widgets that are open, by id.
OPEN = widget._instances if hasattr(widget, "_instances") else widget.Widget.widgets
HOSTILE = "</script><!--<script>\u2028\u202e<img src=x onerror=window.hit=1>\n\x00🎛"
KB = 1000
PAGE_TAGS = Counter(["html", "head", "title", "style", "body", "main", "h1", "p", "footer"])
PAGE_TAGS.update({"meta": 3, "script": 4, "p": 1})


def preview(count: int = 3, **options: Any) -> td.SegmentationPreview:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 24, 32, 3), dtype=np.uint8)
    return td.SegmentationPreview(images, rng.random((count, 24, 32)), **options)


def multiclass() -> td.SegmentationPreview:
    rng = np.random.default_rng(0)
    images = rng.random((2, 1, 8, 9))
    scores = torch.from_numpy(rng.normal(size=(2, 3, 8, 9))).softmax(1)
    return td.SegmentationPreview(
        images,
        scores,
        rng.integers(0, 3, (2, 8, 9)),
        task="multiclass",
        class_names=[HOSTILE, *"bc"],
    )


def detection() -> td.DetectionPreview:
    boxes = torch.tensor([[0.0, 0, 8, 8], [1, 1, 9, 9], [10, 10, 20, 20]])
    found = {
        "boxes": boxes,
        "scores": torch.tensor([0.9, 0.8, 0.3]),
        "labels": torch.tensor([0, 0, 1]),
    }
    return td.DetectionPreview([torch.rand(3, 24, 32)] * 2, [found] * 2, class_names=["a", HOSTILE])


def monitor(*, ended: bool = True) -> td.TrainingMonitor:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    made = td.TrainingMonitor(model, optimizer, budget=1, name=HOSTILE)
    for _ in range(5):
        loss = model(torch.rand(4, 3)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        made.log({"loss": loss, f"val/{HOSTILE}": loss})
    if ended:
        made.close()
    return made


def classification() -> td.ClassificationPreview:
    return td.ClassificationPreview(
        torch.rand(6), torch.randint(0, 2, (6,)), [HOSTILE] * 6, class_names=[HOSTILE]
    )


WIDGETS: dict[str, Callable[[], Any]] = {
    "classification": classification,
    "segmentation": preview,
    "segmentation, several classes": multiclass,
    "segmentation, compared": lambda: td.compare(preview(), preview(), names=[HOSTILE, "b"]),
    "detection": detection,
    "image_grid": lambda: td.ImageGrid(torch.rand(70, 1, 6, 6), captions=[HOSTILE] * 70),
    "model_tree": lambda: td.ModelTree(nn.Sequential(nn.Linear(2, 2)), torch.rand(1, 2)),
    "loss_plot": lambda: td.LossPlot({HOSTILE: [1.0, float("nan"), 0.5]}),
    "gradient_plot": lambda: td.GradientPlot(monitor()),
    "training_panel": lambda: td.TrainingPanel(monitor()),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


@pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)
def test_a_file_holds_its_widget_and_no_markup_but_its_own(
    make: Callable[[], Any], path: Path
) -> None:
    make().save_html(path, title=HOSTILE)
    report = Report(path)
    assert Counter(report.tags) == PAGE_TAGS
    assert report.texts["h1"] == report.texts["title"]
    assert report.texts["h1"].replace("\ufffd", "\x00") == HOSTILE
    (widget,) = report.widgets
    assert widget["note"] == ""
    assert not {"_esm", "_css", "layout", "_anywidget_id"} & set(widget["state"])
    without_data = path.stat().st_size - len(report.texts["torchdial-bytes"])
    assert without_data - len(report.texts["torchdial-state"]) <= 180 * KB


def test_the_policy_allows_the_scripts_and_the_style_of_the_file_by_their_hashes(
    path: Path,
) -> None:
    preview().save_html(path)
    report = Report(path)
    parts = (report.texts["boot"].encode(), report.part("code"), report.texts["style"].encode())
    boot, code, style = (
        f"'sha256-{base64.b64encode(hashlib.sha256(part).digest()).decode()}'" for part in parts
    )
    assert report.policy == (
        f"default-src 'none'; script-src {boot} {code}; style-src {style}; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not [
        a for a in report.attributes if a[1] in ("src", "href", "style") or a[1][:2] == "on"
    ]
    assert "://" not in path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")


def test_a_preview_is_saved_with_all_its_planes(path: Path) -> None:
    made = multiclass()
    made.save_html(path)
    (widget,) = Report(path).widgets
    expected = {
        f"{kind}/{image}"
        for image in range(2)
        for kind in ("image", "target", "argmax/0", "maximum/0")
    } | {f"level/0/{image}/{c}" for image in range(2) for c in range(3)}
    assert set(widget["pictures"]) == expected
    for key in expected:
        assert widget["pictures"][key] == made._planes([key])[0].tobytes(), key
    assert widget["state"]["threshold"] == made.threshold


def test_a_grid_is_saved_with_the_values_of_its_pictures(path: Path) -> None:
    pictures = torch.rand(70, 3, 4, 5) * 300 - 20
    td.ImageGrid(pictures).save_html(path)
    (widget,) = Report(path).widgets
    for index in (0, 69):
        values = widget["pictures"][f"values/{index}"]
        assert (values["dtype"], values["width"], values["channels"]) == ("f4", 5, 3)
        found = np.frombuffer(values["data"], "<f4").reshape(4, 5, 3)
        np.testing.assert_array_equal(found, pictures[index].permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (torch.zeros(2, 1, 3, 3, dtype=torch.uint8), "u1"),
        (torch.zeros(2, 1, 3, 3, dtype=torch.bool), "b1"),
        (torch.zeros(2, 3, 3, dtype=torch.int64), "f8"),
        (torch.zeros(2, 1, 3, 3, dtype=torch.float16), "f4"),
    ],
    ids=["uint8", "bool", "label map", "float16"],
)
def test_values_keep_their_kind(values: torch.Tensor, dtype: str, path: Path) -> None:
    td.ImageGrid(values).save_html(path)
    assert Report(path).widgets[0]["pictures"]["values/1"]["dtype"] == dtype


def test_a_run_is_saved_with_all_its_distributions_and_no_controls(path: Path) -> None:
    made = monitor(ended=False)
    made.flush()
    td.save_html([made], path)
    made.close()
    (widget,) = Report(path).widgets
    assert widget["stem"] == "training_panel"
    steps = [entry["head"]["step"] for entry in widget["distributions"]]
    assert steps == made.history.histograms.steps.tolist() != []
    status = widget["state"]["_opening"]["frame"]["status"]
    assert (status["state"], status["dials"], status["reach"]) == ("saved", [], "")


def test_what_only_the_author_of_a_run_needs_is_left_out(path: Path) -> None:
    made = monitor()
    td.save_html([made, td.LossPlot(made)], path)
    for saved in Report(path).widgets:
        status = saved["state"]["_opening"]["frame"]["status"]
        assert [status[name] for name in ("system", "overhead", "notes")] == [{}, None, []]


def test_titles_and_texts_stand_with_their_widgets(path: Path) -> None:
    td.save_html(
        [("Validation", preview()), detection(), (HOSTILE, monitor(), f"one\n\n{HOSTILE}")], path
    )
    widgets = Report(path).widgets
    assert [(w["stem"], w["title"], w["text"]) for w in widgets] == [
        ("segmentation", "Validation", ""),
        ("detection", "", ""),
        ("training_panel", HOSTILE, f"one\n\n{HOSTILE}"),
    ]


def test_date_and_versions_stand_below_the_title(path: Path) -> None:
    preview().save_html(path)
    made = Report(path).texts["p"]
    for words in (str(date.today()), td.__version__, torch.__version__):
        assert words in made


def test_a_report_leaves_no_widget_and_no_subscriber_behind(path: Path) -> None:
    made = monitor(ended=False)
    shown = td.TrainingPanel(made)
    grid = preview()
    before = len(made._subscribers), set(OPEN)
    for _ in range(3):
        td.save_html([("Run", made), shown, grid], path)
        shown.save_html(path)
    with pytest.raises(ValueError, match="widgets"):
        td.save_html([made, np.zeros(3)], path)
    assert (len(made._subscribers), set(OPEN)) == before
    made.close()


def test_widgets_stand_in_the_order_given(path: Path) -> None:
    td.save_html([detection(), preview(), detection()], path)
    assert [w["stem"] for w in Report(path).widgets] == ["detection", "segmentation", "detection"]


@pytest.mark.parametrize("kind", ["segmentation", "image_grid", "detection"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_images_that_do_not_fit_are_left_out_with_a_warning(
    kind: str, share: float, path: Path
) -> None:
    made = {
        "segmentation": lambda: preview(40),
        "image_grid": lambda: td.ImageGrid(torch.rand(40, 3, 24, 24)),
        "detection": lambda: td.DetectionPreview(
            list(torch.rand(40, 3, 24, 32)),
            [{"boxes": torch.rand(0, 4), "scores": torch.rand(0), "labels": torch.rand(0).long()}]
            * 40,
            class_names=["a"],
        ),
    }[kind]()
    made.save_html(path)
    whole = Report(path)
    assert whole.widgets[0]["state"]["_config"].get("in_file") is None
    data = len(whole.texts["torchdial-bytes"])
    limit = int(path.stat().st_size - (1 - share) * data)
    with pytest.warns(UserWarning, match=rf"{kind}: \d+ of 40 images are in this file"):
        made.save_html(path, max_bytes=limit)
    assert limit - 0.15 * data <= path.stat().st_size <= limit
    (widget,) = Report(path).widgets
    kept = widget["state"]["_config"]["in_file"]
    shown = [key for key in widget["pictures"] if key.startswith(("image/", "picture/"))]
    assert [int(key.split("/")[1]) for key in shown] == list(range(kept))
    assert 0 < kept < 40
    assert widget["note"].startswith(f"{kept} of 40 images")
    assert made._config.get("in_file") is None, "the widget itself is unchanged"


def test_a_file_without_all_images_says_that_earlier_steps_are_left_out_too(path: Path) -> None:
    images, targets = torch.rand(40, 1, 24, 24), torch.rand(40, 1, 24, 24) > 0.5
    made = td.SegmentationPreview(images, torch.rand(40, 1, 24, 24), targets, keep=4)
    for step in (1, 2):
        made.refresh(torch.rand(40, 1, 24, 24), step=step)
    made.save_html(path)
    with pytest.warns(UserWarning, match=r"images, at the newest step alone, are in this file"):
        made.save_html(path, max_bytes=path.stat().st_size - 150 * KB)
    (widget,) = Report(path).widgets
    assert widget["frames"] == {}
    assert widget["note"].endswith("metrics cover all images and steps.")
    assert [one["step"] for one in widget["state"]["_steps"]["steps"]] == [0, 1, 2]


def test_many_planes_of_tiny_images_stay_within_the_limit(path: Path) -> None:
    """Where a plane has 16 pixels, its name and place take more room than its bytes."""
    rng = np.random.default_rng(0)
    made = td.SegmentationPreview(
        torch.from_numpy(rng.random((120, 1, 4, 4))),
        torch.from_numpy(rng.random((120, 30, 4, 4))),
        task="multilabel",
        class_names=[f"class {label}" for label in range(30)],
    )
    made.save_html(path)
    whole = Report(path)
    data = sum(len(whole.texts[f"torchdial-{name}"]) for name in ("bytes", "state"))
    limit = path.stat().st_size - data // 4
    with pytest.warns(UserWarning, match=r"\d+ of 120 images are in this file"):
        made.save_html(path, max_bytes=limit)
    assert path.stat().st_size <= limit
    assert Report(path).widgets[0]["state"]["_config"]["in_file"] > 1


def test_widgets_share_the_available_room(path: Path) -> None:
    small, large = preview(2), td.ImageGrid(torch.rand(50, 3, 24, 24))
    with pytest.warns(UserWarning, match="image_grid"):
        td.save_html([large, small], path, max_bytes=210 * KB)
    grid, segmentation = Report(path).widgets
    assert segmentation["note"] == ""
    assert 2 <= grid["state"]["_config"]["in_file"] < 50


def test_an_existing_file_stays_where_nothing_fits(path: Path) -> None:
    path.write_text("earlier")
    with pytest.raises(ValueError, match=r"max_bytes: expected room .* got 1,000\. Pass a larger"):
        preview().save_html(path, max_bytes=1000)
    assert path.read_text() == "earlier"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_without_images_is_as_small_as_it_can_be(path: Path) -> None:
    plot = td.LossPlot({"loss": torch.rand(500)})
    plot.save_html(path)
    size = path.stat().st_size
    plot.save_html(path, max_bytes=size)
    with pytest.raises(
        ValueError, match=rf"max_bytes: expected at least {size:,}, got {size - 1:,}"
    ):
        plot.save_html(path, max_bytes=size - 1)


@pytest.mark.parametrize(
    ("widgets", "words"),
    {
        "a widget without a list": (lambda: preview(), "expected a list.*save_html\\(\\[widget\\]"),
        "nothing": (lambda: [], "expected a list of torchdial's widgets, got list \\[\\]"),
        "a path first": (lambda: "report.html", "expected a list"),
        "another's widget": (lambda: [ipywidgets.IntSlider()], "got IntSlider.*embed_minimal_html"),
        "an array": (lambda: [np.zeros(3)], "got a float64 array of shape \\(3,\\)"),
        "a title after": (lambda: [(preview(), "a")], "expected .*\\(title, widget, text\\)"),
        "a number as text": (lambda: [("a", preview(), 3)], "expected .*\\(title, widget, text\\)"),
        "an array with a title": (lambda: [("a", np.zeros(3))], "got a float64 array"),
    }.values(),
)
def test_refuses(widgets: Callable[[], Any], words: str, path: Path) -> None:
    with pytest.raises(ValueError, match=f"widgets: {words}|widgets: expected .*{words}"):
        td.save_html(widgets(), path)
    assert not path.exists()


def test_a_record_of_an_earlier_process_is_saved_like_a_run(path: Path) -> None:
    td.LossPlot(recorded(50)).save_html(path)
    frame = Report(path).widgets[0]["state"]["_opening"]["frame"]
    assert frame["status"] is None
    assert frame["runs"][0]["scalars"]


def test_golden_numbers_are_those_of_python() -> None:
    golden = json.loads((Path(__file__).parents[1] / "golden/numbers.json").read_text())
    for value, text in golden["cases"]:
        assert format(value, ".4g") == text


def test_the_command_line_trains_and_writes_a_report(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchdial import __main__
    from torchdial.demo import demo_report as report

    whole = report.write_report
    monkeypatch.setattr(report, "write_report", lambda out: whole(out, num_scenes=16, epochs=1))
    __main__.main(["demo", "--out", str(path)])
    assert re.search(r"report\.html: Dice 0\.\d{3} on scenes", capsys.readouterr().out)
    stems = [widget["stem"] for widget in Report(path).widgets]
    assert stems == ["training_panel", "segmentation", "model_tree", "image_grid"]


def test_the_command_line_refuses_a_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from torchdial.__main__ import main

    with pytest.raises(SystemExit):
        main(["demo", "--out", str(tmp_path / "none" / "report.html")])
    assert "expected a file in an existing folder" in capsys.readouterr().err
