"""Every rule, on a real training that has its fault planted."""

import pytest

from tests.training.diagnosis import faults


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (faults.rate_too_high, {"divergence", "dead_layer"}),
        (faults.explosion, {"divergence", "exploding_gradient", "nonfinite_loss"}),
        (faults.dead_relu, {"dead_layer"}),
        (faults.vanishing, {"vanishing_gradient"}),
        (faults.nan_in_a_batch, {"nonfinite_loss"}),
        (faults.nan_in_backward, {"nonfinite_gradient", "nonfinite_loss"}),
        (faults.bad_batches, {"loss_spike"}),
        (faults.slow_loader, {"starved"}),
        (faults.unused_head, {"no_gradient"}),
        (faults.rate_of_zero, {"zero_lr"}),
        (faults.rate_too_low, {"update_ratio", "plateau"}),
        (faults.targets_of_chance, {"plateau"}),
        (faults.float16_that_overflows, {"amp_collapse"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_fault_is_named_and_nothing_else(run, expected):
    events = run().finish()
    assert {event.kind for event in events} == expected
    assert len(events) == len(expected)  # once each


@pytest.mark.parametrize(
    ("run", "kind", "step", "where"),
    [
        (faults.dead_relu, "dead_layer", 1, "layers.1.weight"),
        (faults.vanishing, "vanishing_gradient", None, "layers.0.weight"),
        (faults.nan_in_a_batch, "nonfinite_loss", 61, "loss"),
        (faults.nan_in_backward, "nonfinite_gradient", 61, "0.weight"),
        (faults.bad_batches, "loss_spike", 201, "loss"),
        (faults.unused_head, "no_gradient", 100, "unused.weight"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_step_and_place_are_those_of_the_fault(run, kind, step, where):
    (event,) = (event for event in run().finish() if event.kind == kind)
    assert event.where == where
    if step is not None:
        assert event.step == step
    assert event.message.startswith(f"step {event.step}: ")
