"""The short calls, and the steps they were made for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from tests.widgets.live.kernel import kernel


@pytest.fixture(autouse=True)
def _no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("agg")


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))


def test_the_steps_of_an_evening(model: nn.Module) -> None:
    """Show images, train a little, show loss and gradients, run on a batch, show what came out."""
    look = td.Visualization(model, "cpu")
    images, masks = torch.rand(6, 3, 12, 12), torch.rand(6, 1, 12, 12)
    assert len(look.display_images(images)._source) == 6  # type: ignore[attr-defined]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(images), masks)
        loss.backward()
        optimizer.step()
        losses.append(loss)
    shown = look.display_loss(losses)
    assert isinstance(shown, td.LossPlot)
    assert isinstance(look.display_grads(model), td.GradientPlot)
    prediction = look.run(images, masks)
    assert isinstance(look.display(prediction), td.ImageGrid)
    model.eval()
    np.testing.assert_array_equal(prediction, model(images).detach().numpy())


def test_run_shows_the_gradient_of_the_mean_squared_error(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = torch.rand(2, 3, 6, 6), torch.rand(2, 1, 6, 6)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    shown: list[torch.Tensor] = []
    monkeypatch.setattr(td.Visualization, "display_grads", lambda _, grads: shown.append(grads))
    td.Visualization(model).run(x.numpy(), y)
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.eval()
    step = torch.zeros_like(x)
    step[1, 2, 3, 4] = 1e-3
    with torch.no_grad():
        up, down = ((model(x + s) - y).square().mean() for s in (step, -step))
    assert shown[0][1, 2, 3, 4].item() == pytest.approx(((up - down) / 2e-3).item(), rel=0.02)


@pytest.mark.parametrize(
    ("grads", "kind", "pictures"),
    [
        pytest.param(torch.randn(5), td.LossPlot, None, id="a vector"),
        pytest.param(torch.randn(4, 7), td.ImageGrid, 1, id="a matrix"),
        pytest.param(torch.randn(3, 8, 8), td.ImageGrid, 1, id="an image"),
        pytest.param(torch.randn(5, 3, 8, 8), td.ImageGrid, 5, id="a batch"),
        pytest.param({"a": torch.randn(3), "b": None}, td.GradientPlot, None, id="by name"),
    ],
)
def test_gradients_are_shown_by_what_they_are(grads: Any, kind: Any, pictures: int | None) -> None:
    shown = td.Visualization().display_grads(grads)
    assert isinstance(shown, kind)
    if pictures is not None:
        assert len(shown._source) == pictures  # type: ignore[attr-defined]


def test_signs_have_colors_around_zero() -> None:
    grads = torch.zeros(2, 1, 3)
    grads[0, 0], grads[1, 0] = torch.tensor([0.1, 4.0, 0.0]), torch.tensor([-2.0, 1.0, 0.0])
    picture = td.Visualization().display_grads(grads).picture(0)  # type: ignore[attr-defined]
    assert picture.values[0].tolist() == [-2.0, 4.0, 0.0]
    assert picture.range == (-4.0, 4.0)
    blue, red, grey = picture.pixels[0].astype(int)
    assert blue[2] > blue[0]
    assert red[0] > red[2]
    assert abs(grey[0] - grey[2]) < 5


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        pytest.param(0.5, ["loss"], id="a number"),
        pytest.param(torch.tensor([1.0, 0.5], requires_grad=True), ["loss"], id="a tensor"),
        pytest.param({"a": [1, 2], "b": np.ones(3)}, ["a", "b"], id="by name"),
    ],
)
def test_losses_are_shown_by_what_they_are(loss: Any, names: list[str]) -> None:
    shown = td.Visualization().display_loss(loss)
    assert [n for run in shown._runs for n in run.history.names] == names  # type: ignore[attr-defined]


def test_a_vector_among_images_is_a_line() -> None:
    assert isinstance(td.Visualization().display_images(torch.rand(9)), td.LossPlot)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda v: v.run(torch.rand(1), 0.0), "model: expected", id="no model"),
        pytest.param(lambda v: v.display_loss("high"), "loss: expected a number", id="a word"),
        pytest.param(lambda v: v.display_grads({}), "Call loss.backward", id="no gradients"),
        pytest.param(
            lambda v: v.display_grads(torch.rand(1, 2, 3, 4, 5)), "at most four", id="a video"
        ),
    ],
)
def test_refuses_with_a_reason(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(td.Visualization())


def test_run_refuses_what_would_be_compared_wrongly(model: nn.Module) -> None:
    look = td.Visualization(model)
    with pytest.raises(ValueError, match=r"y: expected the prediction's shape \(1, 1, 4, 4\)"):
        look.run(torch.rand(1, 3, 4, 4), torch.rand(1, 4, 4))
    with pytest.raises(ValueError, match="x: expected floating point"):
        look.run(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), torch.rand(1, 1, 4, 4))
    with pytest.raises(ValueError, match="device: expected cpu, where the model is"):
        look.run(torch.rand(1, 3, 4, 4), torch.rand(1, 1, 4, 4), device="meta")


def test_outside_a_notebook_matplotlib_shows_it(tmp_path: Path) -> None:
    script = (
        "import matplotlib; matplotlib.use('agg')\n"
        "import matplotlib.pyplot as plt, torch, torchdial as td\n"
        f"plt.show = lambda: plt.savefig({str(tmp_path / 'shown.png')!r})\n"
        "td.Visualization().display_images(torch.rand(2, 3, 8, 8))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert (tmp_path / "shown.png").read_bytes().startswith(b"\x89PNG")


def test_in_a_notebook_each_is_shown_once() -> None:
    with kernel() as client:
        client.run("import torch, torchdial as td; look = td.Visualization()")

        def widgets(code: str) -> int:
            client.published.clear()
            client.run(code)
            assert client.errors == {}
            shown = [c["data"] for kind, c in client.published if kind in SHOWN]
            return sum("application/vnd.jupyter.widget-view+json" in data for data in shown)

        assert widgets("look.display_images(torch.rand(2, 3, 8, 8))") == 1
        assert widgets("grid = look.display_images(torch.rand(2, 3, 8, 8)); 1") == 1
        assert widgets("grid") == 1, "in a later cell it is shown as any widget"
        assert widgets("grid") == 1
        assert widgets("look.display_loss([1.0, 0.5]); look.display(torch.rand(8, 8))") == 2


SHOWN = ("display_data", "execute_result")
