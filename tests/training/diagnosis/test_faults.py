"""Every rule, on a real training that has its fault planted."""

import pytest

from tests.training.diagnosis import faults


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (faults.rate_too_high, {"divergence": "loss", "dead_layer": "layers.2.weight"}),
        (
            faults.explosion,
            {"divergence": "loss", "exploding_gradient": "bias", "nonfinite_loss": "loss"},
        ),
        (faults.dead_relu, {"dead_layer": "layers.1.weight"}),
        (faults.vanishing, {"vanishing_gradient": "layers.0.weight"}),
        (faults.nan_in_a_batch, {"nonfinite_loss": "loss"}),
        (faults.nan_in_backward, {"nonfinite_gradient": "0.weight", "nonfinite_loss": "loss"}),
        (faults.bad_batches, {"loss_spike": "loss"}),
        (faults.slow_loader, {"starved": None}),
        (faults.unused_head, {"no_gradient": "unused.weight"}),
        (faults.rate_of_zero, {"zero_lr": "optim/lr"}),
        (faults.rate_too_low, {"update_ratio": None, "plateau": "loss"}),
        (faults.targets_of_chance, {"plateau": "loss"}),
        (faults.float16_that_overflows, {"amp_collapse": None}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_fault_is_named_once_with_its_place_and_nothing_else(run, expected):
    events = run().finish()
    assert {event.kind: event.where for event in events} == expected
    assert len(events) == len(expected)
    for event in events:
        assert event.message.startswith(f"step {event.step}: ")
        if run.__name__ in STEPS.get(event.kind, {}):
            assert event.step == STEPS[event.kind][run.__name__]


STEPS = {
    "nonfinite_gradient": {"nan_in_backward": 61},
    "nonfinite_loss": {"nan_in_a_batch": 61, "nan_in_backward": 62},
    "loss_spike": {"bad_batches": 201},
}
"""The steps at which the faults were planted, or the next."""
