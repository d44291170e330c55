"""The built JavaScript and CSS: every bundle is sent with each instance, so it stays small."""

import pytest

from torchdial.js_bundle import STATIC

LIMITS = {  # bytes; the live plots carry uPlot
    "loss_plot": 120_000,
    "gradient_plot": 120_000,
    "training_panel": 120_000,
    "classification": 80_000,
    "segmentation": 80_000,
    "detection": 80_000,
    "image_grid": 80_000,
    "model_tree": 80_000,
}


def test_every_bundle_has_a_limit() -> None:
    built = {path.stem for path in STATIC.glob("*.js")}
    assert built == {*LIMITS, "report", "boot"}  # these two are only in saved files


@pytest.mark.parametrize("name", LIMITS)
def test_a_bundle_is_small(name: str) -> None:
    assert (STATIC / f"{name}.js").stat().st_size < LIMITS[name]
    assert (STATIC / f"{name}.css").stat().st_size < 14_000
