"""Every code block of docs/recipes runs with the library that its page is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.docs.site import PAGES, python_blocks

# The pages and the libraries whose version the table of docs/real_libraries.md gives.
LIBRARIES = {
    "coco": "pycocotools",
    "lightning": "lightning",
    "monai": "monai",
    "supervision": "supervision",
    "torchmetrics": "torchmetrics",
    "torchvision": "torchvision",
    "trackers": "tensorboard",
    "transformers": "transformers",
    "ultralytics": "ultralytics",
}


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.real(name)) for page, name in LIBRARIES.items()]
)
def test_a_recipe_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from page_code import run

    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names: dict[str, Any] = {"__name__": "__main__"}
    blocks = python_blocks(f"recipes/{page}.md")
    assert blocks
    for number, code in enumerate(blocks, start=1):
        run(code, names, f"{page}.md, block {number}")


@pytest.mark.real("torchmetrics")
def test_every_recipe_is_run() -> None:
    pages = {path.stem for path in (PAGES / "recipes").glob("*.md")}
    assert pages == {*LIBRARIES, "index"}
