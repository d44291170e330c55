"""The record of a run."""

from torchdial.training import History


def test_points_are_kept_in_order_of_arrival():
    history = History("run 1")
    for step, loss in [(1, 0.5), (3, 0.3), (2, 0.4), (2, 0.41)]:
        history.record(step, {"loss": loss})
    assert history["loss"].steps.tolist() == [1, 3, 2, 2]
    assert history["loss"].values.tolist() == [0.5, 0.3, 0.4, 0.41]
