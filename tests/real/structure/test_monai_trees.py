"""The model tree of MONAI's networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from monai.networks import nets
from monai.networks.nets.restormer import Restormer
from torch import nn

from tests.real.cases import Cases
from tests.real.structure.tree_checks import check_tree, without_initialisation

pytestmark = pytest.mark.real("monai")

FLAT, DEEP = torch.rand(1, 1, 64, 64), torch.rand(1, 1, 32, 32, 32)
WIDTHS = ((4, 8, 16), (2, 2))
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[Any, ...]]] = {
    "AttentionUnet": (lambda: nets.AttentionUnet(2, 1, 2, *WIDTHS), (FLAT,)),
    "AutoEncoder": (lambda: nets.AutoEncoder(2, 1, 1, (4, 8), (2, 2)), (FLAT,)),
    "AutoencoderKL": (
        lambda: nets.AutoencoderKL(
            2,
            num_res_blocks=(1, 1),
            channels=(8, 8),
            attention_levels=(False, True),
            norm_num_groups=4,
        ),
        (FLAT,),
    ),
    "BasicUNet": (lambda: nets.BasicUNet(2, features=(4, 4, 8, 8, 16, 4)), (FLAT,)),
    "BasicUNetPlusPlus": (
        lambda: nets.BasicUNetPlusPlus(2, features=(4, 4, 8, 8, 16, 4)),
        (FLAT,),
    ),
    "Classifier": (
        lambda: nets.Classifier((1, 64, 64), 3, channels=(4, 8), strides=(2, 2)),
        (FLAT,),
    ),
    "DenseNet121": (lambda: nets.DenseNet121(2, 1, 3), (FLAT,)),
    "DiffusionModelUNet": (
        lambda: nets.DiffusionModelUNet(
            2,
            1,
            1,
            channels=(8, 8),
            num_res_blocks=1,
            attention_levels=(False, True),
            norm_num_groups=4,
            num_head_channels=8,
        ),
        (FLAT, torch.tensor([3])),
    ),
    "DynUNet": (
        lambda: nets.DynUNet(2, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], filters=[4, 8, 8]),
        (FLAT,),
    ),
    "EfficientNetBN": (
        lambda: nets.EfficientNetBN("efficientnet-b0", False, spatial_dims=2, in_channels=1),
        (FLAT,),
    ),
    "FlexibleUNet": (lambda: nets.FlexibleUNet(1, 2, "efficientnet-b0"), (FLAT,)),
    "FullyConnectedNet": (lambda: nets.FullyConnectedNet(10, 2, [8, 8]), (torch.rand(2, 10),)),
    "Generator": (
        lambda: nets.Generator(12, (4, 8, 8), (4, 4, 1), (2, 2, 1)),
        (torch.rand(1, 12),),
    ),
    "HighResNet": (lambda: nets.HighResNet(2), (FLAT,)),
    "MedNeXt": (lambda: nets.MedNeXt(2, 8, 1, 2), (FLAT,)),
    "PatchDiscriminator": (lambda: nets.PatchDiscriminator(2, 4, 1), (FLAT,)),
    "Quicknat": (lambda: nets.Quicknat(), (FLAT,)),
    "ResNet": (lambda: nets.resnet10(spatial_dims=3, n_input_channels=1), (DEEP,)),
    "RegUNet": (lambda: nets.RegUNet(3, 1, 4, depth=2), (DEEP,)),
    "Restormer": (
        lambda: Restormer(2, 1, 1, dim=8, num_blocks=(1, 1), heads=(1, 1), num_refinement_blocks=1),
        (FLAT,),
    ),
    "SEResNet50": (
        lambda: nets.SEResNet50(spatial_dims=2, in_channels=1, num_classes=3),
        (FLAT,),
    ),
    "SegResNet": (lambda: nets.SegResNet(3, 8), (DEEP,)),
    "SegResNetDS": (lambda: nets.SegResNetDS(3, 8), (DEEP,)),
    "SegResNetVAE": (lambda: nets.SegResNetVAE((32, 32, 32)), (DEEP,)),
    "SwinUNETR": (
        lambda: nets.SwinUNETR(1, 2, feature_size=12, spatial_dims=2),
        (FLAT,),
    ),
    "UNETR": (
        lambda: nets.UNETR(1, 2, 64, hidden_size=48, mlp_dim=32, num_heads=4, spatial_dims=2),
        (FLAT,),
    ),
    "UNet": (lambda: nets.UNet(3, 1, 2, *WIDTHS, num_res_units=1), (DEEP,)),
    "VNet": (lambda: nets.VNet(), (DEEP,)),
    "VQVAE": (
        lambda: nets.VQVAE(
            2,
            1,
            1,
            channels=(8, 8),
            num_res_channels=(8, 8),
            num_embeddings=8,
            embedding_dim=4,
            downsample_parameters=((2, 4, 1, 1),) * 2,
            upsample_parameters=((2, 4, 1, 1, 0),) * 2,
        ),
        (torch.rand(1, 1, 64, 64),),
    ),
    "VarAutoEncoder": (
        lambda: nets.VarAutoEncoder(2, (1, 32, 32), 1, 4, (4, 8), (2, 2)),
        (torch.rand(1, 1, 32, 32),),
    ),
    "ViT": (
        lambda: nets.ViT(1, (64, 64), 16, 48, 32, 2, 4, spatial_dims=2, classification=True),
        (FLAT,),
    ),
    "ViTAutoEnc": (
        lambda: nets.ViTAutoEnc(1, (64, 64), 16, hidden_size=48, num_heads=4, spatial_dims=2),
        (FLAT,),
    ),
    "VoxelMorph": (
        lambda: nets.VoxelMorphUNet(3, 2, 4, channels=(4, 4, 8, 8, 8, 8), final_conv_channels=(4,)),
        (torch.rand(1, 2, 32, 32, 32),),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_an_architecture(name: str, cases: Cases) -> None:
    make, arguments = NETWORKS[name]
    with without_initialisation():
        model = make()
    check_tree(model, arguments, cases)
    assert cases.differing == []
