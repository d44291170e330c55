"""NaN and infinity: which parameter, and which went first."""

import math

import numpy as np
import pytest

from torchdial.training import History
from torchdial.training.diagnosis import Diagnosis
from torchdial.training.diagnosis.nonfinite_values import culprit, onsets

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "first", "expected"),
    [
        pytest.param([1, 2, 3], 0, [], id="all finite"),
        pytest.param([1, NAN, NAN, INF], 0, [1], id="an episode begins once"),
        pytest.param([NAN, 1, INF], 0, [0, 2], id="from the first point, and again"),
        pytest.param([NAN, NAN, 1], 1, [], id="goes on from before"),
        pytest.param([1, -INF], 1, [1], id="minus infinity"),
    ],
)
def test_onsets(values, first, expected):
    assert onsets(np.array(values, float), first) == expected


@pytest.mark.parametrize(
    ("norms", "where", "count"),
    [
        pytest.param([NAN, NAN, 1.0], "body", 2, id="backward carried it to the input"),
        pytest.param([NAN, NAN, NAN], "head", 3, id="all of them"),
        pytest.param([1.0, INF, 1.0], "body", 1, id="one alone"),
    ],
)
def test_culprit_is_nearest_to_the_output(norms, where, count):
    found = culprit(["stem", "body", "head"], np.array(norms, np.float32))
    assert found is not None
    assert (found[0], len(found[1])) == (where, count)


def test_no_culprit_among_finite_gradients():
    assert culprit(["stem"], np.ones(1, np.float32)) is None


def run(losses, norms, skipped=()):
    history = History()
    for step, (loss, norm) in enumerate(zip(losses, norms, strict=True), start=1):
        history.record_layers("grad_norm", ["stem", "head"], step, [norm, 1.0])
        history.record(step, {"grad_norm": norm, "loss": loss})
        if step in skipped:
            history.record(step, {"skipped": 1.0})
    return Diagnosis(history).look(final=True)


def test_loss_first_is_one_event():
    (event,) = run([1, 1, NAN, NAN], [1, 1, NAN, NAN])
    assert (event.step, event.kind, event.where) == (3, "nonfinite_loss", "loss")
    assert "went first" in event.message
    assert event.evidence["loss_step"] == event.evidence["gradient_step"] == 3


def test_gradient_first_is_named_with_its_parameter_and_then_the_loss():
    gradient, loss = run([1, 1, 1, NAN], [1, 1, INF, NAN])
    assert (gradient.step, gradient.kind, gradient.where) == (3, "nonfinite_gradient", "stem")
    assert gradient.evidence["loss"] == 1
    assert gradient.evidence["bad"] == 1
    assert gradient.evidence["present"] == 2
    assert (loss.step, loss.kind) == (4, "nonfinite_loss")
    assert "after gradients that were not finite (step 3)" in loss.message


def test_of_two_losses_only_one_is_said_to_have_gone_first():
    history = History("spoilt")
    for step in range(1, 6):
        spoilt = NAN if step >= 3 else 1.0
        history.record(step, {"grad_norm": spoilt, "loss": spoilt})
    history.record(5, {"val/loss": NAN})
    loss, later = Diagnosis(history).look(final=True)
    assert (loss.where, later.where) == ("loss", "val/loss")
    assert "went first" in loss.message
    assert "first" not in later.message


def test_a_later_gradient_is_not_blamed_for_an_earlier_loss():
    loss, *_ = run([1, 1, NAN, 1, 1, 1], [1, 1, 1, 1, NAN, 1])
    assert (loss.step, loss.kind) == (3, "nonfinite_loss")
    assert "gradient_step" not in loss.evidence
    assert "first" not in loss.message


def test_each_optimizer_has_its_gradients():
    history = History()
    for step in range(1, 5):
        history.record(step, {"grad_norm": 1.0, "grad_norm/1": 1.0 if step < 3 else NAN, "loss": 1})
    (event,) = Diagnosis(history).look(final=True)
    assert (event.step, event.kind) == (3, "nonfinite_gradient")


def test_overflow_that_amp_skipped_is_no_fault():
    assert run([1, 1, 1, 1], [1, INF, INF, 1], skipped=[2, 3]) == []


def test_loss_that_was_not_logged_leaves_the_order_open():
    history = History()
    for step in range(1, 5):
        history.record(step, {"grad_norm": 1.0 if step < 3 else NAN})
    (event,) = Diagnosis(history).look(final=True)
    assert event.kind == "nonfinite_gradient"
    assert "cannot be said" in event.message


def test_a_step_is_judged_when_it_is_whole():
    history = History()
    diagnosis = Diagnosis(history)
    history.record(1, {"grad_norm": 1.0, "loss": 1.0})
    history.record(2, {"grad_norm": NAN})
    assert diagnosis.look() == []
    history.record(2, {"loss": NAN})
    history.record(3, {"grad_norm": NAN})
    assert [event.kind for event in diagnosis.look()] == ["nonfinite_loss"]
