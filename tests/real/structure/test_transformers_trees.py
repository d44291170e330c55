"""The model tree of every architecture of transformers, on the meta device."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModel, MixtralConfig, MixtralModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING, model_type_to_module_name
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

import torchdial as td
from tests.real.cases import Cases
from tests.real.structure.tree_checks import check_tree

pytestmark = pytest.mark.real("transformers")

# One of each package; the others are parts of these.
KINDS = sorted(
    kind
    for kind in MODEL_MAPPING_NAMES
    if model_type_to_module_name(kind) == kind.replace("-", "_")
)


def example(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return an input of the usual shape; where the model takes another, both say so."""
    given = model.main_input_name
    name = given if isinstance(given, str) else given[0]
    if name == "pixel_values":
        size = getattr(model.config, "image_size", 224)
        height, width = size if isinstance(size, (tuple, list)) else (size, size)
        return {name: torch.rand(1, 3, height, width, device="meta")}
    if name == "input_features":
        return {name: torch.rand(1, 80, 3000, device="meta")}
    if name == "input_values":
        return {name: torch.rand(1, 16000, device="meta")}
    return {name: torch.zeros(1, 8, dtype=torch.int64, device="meta")}


def make(kind: str) -> nn.Module:
    """Return a model of the default size, of two layers where it has so many of a kind."""
    config: Any = CONFIG_MAPPING[kind]()
    for name in ("num_hidden_layers", "encoder_layers", "decoder_layers"):
        if isinstance(getattr(config, name, None), int):
            setattr(config, name, 2)
    with torch.device("meta"):
        return AutoModel.from_config(config)


@pytest.mark.parametrize("kind", KINDS)
def test_an_architecture(kind: str, cases: Cases) -> None:
    try:
        model = make(kind)
    except Exception as error:
        pytest.skip(f"transformers makes no model of these defaults: {error!s:.80}")
    check_tree(model, (), cases, **example(model))
    assert cases.differing == []


def test_a_mixture_of_experts() -> None:
    config = MixtralConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        num_local_experts=4,
        experts_implementation="grouped_mm",
    )
    tree = td.ModelTree(MixtralModel(config).bfloat16(), torch.zeros(1, 8, dtype=torch.int64))
    assert tree.table.failure is None
    assert "_grouped_mm" in tree.table.text()
