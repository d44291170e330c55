"""A person's model runs without a trace."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.models.inference import pick_output, undisturbed

IMAGES = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


class Net(nn.Module):
    """Everything that a careless look would disturb: batch norm, dropout, mixed modes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 3, padding=1)
        self.norm = nn.BatchNorm2d(1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert not torch.is_grad_enabled()
        noise = torch.rand_like(x[:, :1]) if not self.training else 0
        return self.dropout(self.norm(self.conv(x))) + 0 * noise


@pytest.mark.parametrize("device", DEVICES)
def test_leaves_modes_random_state_buffers_and_gradients_alone(device: str) -> None:
    model = Net().to(device)
    model.norm.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    random_state = torch.get_rng_state()
    preview = td.SegmentationPreview.from_model(model, IMAGES, from_logits=True, batch_size=2)
    preview.refresh()
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert torch.is_grad_enabled()


def test_puts_modes_back_when_the_model_raises() -> None:
    class Broken(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("out of luck")

    model = Broken()
    with pytest.raises(RuntimeError, match="out of luck"):
        td.SegmentationPreview.from_model(model, IMAGES, from_logits=True)
    assert all(module.training for module in model.modules())


class KeepsTraining(Net):
    """As Monte Carlo dropout does it: `train` is overridden, and `eval()` changes no mode."""

    def train(self, mode: bool = True) -> KeepsTraining:
        return self


def test_a_module_that_overrides_train_is_evaluated_too_and_put_back() -> None:
    model = nn.Sequential(KeepsTraining())
    assert model.eval()[0].training
    model[0].norm.training = False
    before = [module.training for module in model.modules()]
    with undisturbed(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == before


def test_a_model_that_breaks_during_training_leaves_a_notice() -> None:
    model = nn.Conv2d(3, 1, 1)
    preview = td.SegmentationPreview.from_model(model, IMAGES, from_logits=True)
    with torch.no_grad():
        model.weight.fill_(torch.nan)
    assert not preview.refresh()
    assert "128 of 128 not finite" in preview.notice or "not finite" in preview.notice


def test_shows_the_current_weights() -> None:
    model = nn.Conv2d(3, 1, 1)
    preview = td.SegmentationPreview.from_model(model, IMAGES, from_logits=True, batch_size=2)
    with torch.no_grad():
        model.weight.neg_()
        expected = model(IMAGES).sigmoid()[:, 0] > 0.5
    assert preview.refresh()
    for i in range(5):
        assert torch.equal(torch.from_numpy(preview.mask(i)) > 0, expected[i])


def test_inside_autocast_the_model_is_cast_but_leaves_no_weights_in_its_cache() -> None:
    """Until torch kept those cast without gradient apart, training lost its gradients by them."""
    seen: list[tuple[bool, bool, torch.dtype]] = []

    class Cast(nn.Conv2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result = super().forward(x)
            enabled, cached = torch.is_autocast_enabled("cpu"), torch.is_autocast_cache_enabled()
            seen.append((enabled, cached, result.dtype))
            return result

    model = Cast(3, 1, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        preview = td.SegmentationPreview.from_model(model, IMAGES, from_logits=True)
        loss = model(IMAGES).float().mean()
    assert seen == [(True, False, torch.bfloat16), (True, True, torch.bfloat16)]
    loss.backward()
    assert model.weight.grad is not None
    assert preview.notice == ""


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_images_take_the_models_dtype(dtype: torch.dtype) -> None:
    model = nn.Conv2d(3, 1, 1).to(dtype)
    preview = td.SegmentationPreview.from_model(model, IMAGES, from_logits=True)
    with torch.no_grad():
        expected = model(IMAGES.to(dtype)).to(torch.float32).sigmoid()[0, 0] > 0.5
    assert torch.equal(torch.from_numpy(preview.mask(0)) > 0, expected)


def test_evaluate_runs_the_model() -> None:
    torch.manual_seed(0)
    model = nn.Conv2d(3, 1, 1)
    preview = td.SegmentationPreview.from_model(model, IMAGES, from_logits=True)
    preview.threshold = 0.4
    targets = (IMAGES[:, 0] > 0.5).long()
    sweep = td.ThresholdSweep(from_logits=True)
    sweep.update(model(IMAGES), targets)
    assert preview.evaluate([(IMAGES[:3], targets[:3]), (IMAGES[3:], targets[3:])]) == (
        sweep.compute().at(0.4)
    )


def test_any_callable_will_do() -> None:
    preview = td.SegmentationPreview.from_model(lambda x: x[:, :1], IMAGES, from_logits=False)
    assert torch.equal(torch.from_numpy(preview.mask(0)) > 0, IMAGES[0, 0] > 0.5)


# What models return; of torchvision's, smp's and transformers' own see tests/real/previews.
MAPS = torch.zeros(2, 1, 4, 4)


@pytest.mark.parametrize(
    ("result", "output"),
    [
        pytest.param(MAPS, None, id="a tensor"),
        pytest.param({"out": MAPS, "aux": 0}, None, id="torchvision's out"),
        pytest.param((MAPS,), None, id="the only entry of a tuple"),
        pytest.param({"mask": MAPS}, None, id="the only entry of a dict"),
        pytest.param({"a": 0, "b": MAPS}, "b", id="a key"),
        pytest.param((0, MAPS), 1, id="an index"),
        pytest.param({"deep": (MAPS,)}, lambda r: r["deep"][0], id="a function"),
    ],
)
def test_finds_the_maps(result: Any, output: Any) -> None:
    assert pick_output(result, output) is MAPS


@pytest.mark.parametrize(
    ("result", "output", "message"),
    [
        pytest.param({"a": MAPS, "b": MAPS}, None, r"keys \['a', 'b'\]. Pass output=", id="which"),
        pytest.param({"a": MAPS}, "b", r"got 'b' for dict with the keys \['a'\]", id="no key"),
        pytest.param((MAPS,), 4, r"got 4 for tuple of 1", id="no index"),
        pytest.param(None, None, r"expected a tensor, got NoneType", id="nothing"),
    ],
)
def test_says_where_the_maps_may_be(result: Any, output: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pick_output(result, output)


def test_says_when_the_number_of_images_changes() -> None:
    with pytest.raises(ValueError, match="expected 5 maps for 5 images"):
        td.SegmentationPreview.from_model(lambda x: x[:1, 0], IMAGES, from_logits=False)


def test_a_method_runs_its_module_in_eval_mode() -> None:
    class Wrapped(Net):
        def predict(self, x: torch.Tensor) -> torch.Tensor:
            return self(x).sigmoid()

    model = Wrapped()
    before = model.norm.running_mean.clone()
    td.SegmentationPreview.from_model(model.predict, IMAGES, from_logits=False)
    assert torch.equal(model.norm.running_mean, before)
    assert model.training


def test_does_not_start_cuda_for_a_model_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    forked: list[Any] = []
    fork_rng = torch.random.fork_rng

    def record(devices: Any, device_type: str) -> Any:
        assert device_type == "cuda"
        forked.append([*devices])
        return fork_rng(devices=[])

    monkeypatch.setattr(torch.random, "fork_rng", record)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for in_use, devices in ((False, []), (True, [0, 1])):
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda in_use=in_use: in_use)
        with undisturbed(nn.Conv2d(3, 1, 1)):
            pass
        assert forked.pop() == devices


def test_undisturbed_keeps_a_callable_without_modules() -> None:
    with undisturbed(torch.sigmoid):
        assert not torch.is_grad_enabled()
