"""Which scalars are taken for losses."""

import pytest

from torchdial.training.diagnosis.losses import losses


@pytest.mark.parametrize(
    ("names", "judged"),
    [
        pytest.param(["loss"], ["loss"], id="the usual name"),
        pytest.param(["train/loss", "val/loss"], ["train/loss"], id="held-out by group"),
        pytest.param(["train_loss", "val_loss"], ["train_loss"], id="held-out by prefix"),
        pytest.param(["eval_loss", "loss"], ["loss"], id="transformers"),
        pytest.param(["train_loss_step", "train_loss_epoch"], ["train_loss_step"], id="Lightning"),
        pytest.param(["trainLoss"], ["trainLoss"], id="camel case"),
        pytest.param(["loss", "loss/box", "loss/class"], ["loss"], id="a sum and its parts"),
        pytest.param(["loss/box", "loss/class"], ["loss/box", "loss/class"], id="parts alone"),
        pytest.param(["d_loss", "g_loss"], ["d_loss", "g_loss"], id="GAN"),
        pytest.param(["nll"], ["nll"], id="likelihood"),
        pytest.param(["accuracy", "lr", "grad_norm", "system/loss_time"], [], id="none"),
    ],
)
def test_training_losses_are_recognised_by_their_names(names, judged):
    assert list(losses(names).judged) == judged


def test_held_out_losses_are_losses_too():
    assert losses(["loss", "val/loss", "val/acc"]).all == ("loss", "val/loss")
