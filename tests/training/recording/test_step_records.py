"""One record an attempt of one optimizer, against values worked out by hand.

Each weight is w = (3, 4) of norm 5, and the loss g · w has the gradient g.
"""

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from tests.memory import little_memory
from torchdial.training import History
from torchdial.training.recording.current_gradients import gradients_now
from torchdial.training.runs import compare_runs
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.live.run_packing import PlotContents, Sent, keyframe
from torchdial.widgets.live.run_status import RunEnd, run_end

INF = math.inf


class Weight(nn.Module):
    def __init__(self, values=(3.0, 4.0), dtype=torch.float32):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([values], dtype=dtype))

    def forward(self, gradient):
        return (self.w * torch.tensor([gradient], dtype=self.w.dtype)).sum()


def two():
    """Two models and an optimizer for each."""
    models = {"first": Weight(), "second": Weight()}
    return models, [torch.optim.SGD(model.parameters(), lr=0.5) for model in models.values()]


def attempt(model, optimizer, gradient):
    optimizer.zero_grad()
    model(gradient).backward()
    optimizer.step()


def recorded(monitor):
    monitor.close()
    assert monitor.problem == ""
    return monitor.history


def points(history, name):
    series = history[name]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def column(history, kind, k=0):
    matrix = history.layers[kind]
    return dict(zip(matrix.names, matrix.max[:, k].tolist(), strict=True))


@pytest.mark.parametrize("clips", [True, False])
def test_each_of_two_optimizers_is_sampled(clips):
    models, optimizers = two()
    monitor = td.TrainingMonitor(models, optimizers, budget=1)
    for _ in range(2):
        pairs = zip(models.values(), optimizers, ((3.0, 4.0), (0.0, 10.0)), strict=True)
        for model, optimizer, gradient in pairs:
            optimizer.zero_grad()
            model(gradient).backward()
            if clips:
                monitor.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
    history = recorded(monitor)
    assert points(history, "optim/grad_norm/0") == [(1, 5.0), (2, 5.0)]
    assert points(history, "optim/grad_norm/1") == [(1, 10.0), (2, 10.0)]
    assert points(history, "optim/grad_norm") == [
        (step, pytest.approx(math.sqrt(125))) for step in (1, 2)
    ]
    assert column(history, "weight_norm") == {"first.w": 5.0, "second.w": 5.0}
    ratios = {"first.w": 0.5 * (2 if clips else 5) / 5, "second.w": 0.5 * (2 if clips else 10) / 5}
    assert column(history, "update_ratio") == pytest.approx(ratios, rel=1e-5)
    step, counts = history.histograms.at(1)
    assert step == 1
    bins = [{e: int(n) for e, n in enumerate(row, -41) if n} for row in counts]
    assert bins == [{1: 1, 2: 1}, {-41: 1, 3: 1}]  # 3 and 4; 0 and 10
    assert column(history, "grad_norm") == {"first.w": 5.0, "second.w": 10.0}


def test_two_groups_that_are_clipped_before_one_step_make_one_total():
    model = nn.ModuleList([Weight(), Weight()])
    optimizer = torch.optim.SGD([{"params": part.parameters()} for part in model], lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    (model[0]((0.0, 12.0)) + model[1]((0.0, math.sqrt(112.0)))).backward()
    for part, most in zip(model, (6.0, 100.0), strict=True):
        monitor.clip_grad_norm_(part.parameters(), most)
    optimizer.step()
    history = recorded(monitor)
    assert points(history, "optim/grad_norm") == [(1, pytest.approx(16.0))]  # √(144 + 112)
    after = math.sqrt(36 + 112) / 16
    assert points(history, "optim/clip_coefficient") == [(1, pytest.approx(after))]


def test_a_group_that_is_clipped_alone_adds_to_what_the_others_are():
    model = nn.ModuleList([Weight(), Weight()])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    (model[0]((0.0, 12.0)) + model[1]((0.0, 5.0))).backward()
    monitor.clip_grad_norm_(model[0].parameters(), 1.0)
    optimizer.step()
    assert points(recorded(monitor), "grad_norm") == [(1, pytest.approx(13.0))]


def test_a_norm_that_overflows_in_torchs_clipping_is_known_by_the_layers():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model((3e30, 4e30)).backward()
    monitor.clip_grad_norm_(max_norm=1.0)
    optimizer.step()
    assert points(recorded(monitor), "grad_norm") == [(1, pytest.approx(5e30))]


def test_gradients_that_are_clipped_twice_are_known_from_before_the_first_time():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model((30.0, 40.0)).backward()
    monitor.clip_grad_norm_(max_norm=10.0)
    monitor.clip_grad_norm_(max_norm=5.0)
    optimizer.step()
    history = recorded(monitor)
    assert points(history, "grad_norm") == [(1, 50.0)]
    assert points(history, "clip_coefficient") == [(1, pytest.approx(0.1))]


@pytest.mark.parametrize("set_to_none", [True, False])
def test_a_clip_whose_step_never_came_says_nothing_of_the_next(set_to_none):
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model((30.0, 40.0)).backward()
    monitor.clip_grad_norm_(max_norm=10.0)
    optimizer.zero_grad(set_to_none)
    model((3.0, 4.0)).backward()
    monitor.clip_grad_norm_(max_norm=10.0)
    optimizer.step()
    assert points(recorded(monitor), "grad_norm") == [(1, 5.0)]


def test_an_optimizer_that_steps_before_the_first_one_belongs_to_the_step_that_follows():
    models, (first, second) = two()
    monitor = td.TrainingMonitor(models, [first, second], budget=1)
    for norm in (1.0, 2.0):
        for _ in range(2):
            attempt(models["second"], second, (0.0, norm))
        attempt(models["first"], first, (0.0, 10 * norm))
        monitor.log(loss=norm)
    history = recorded(monitor)
    assert points(history, "optim/grad_norm/0") == [(1, 10.0), (2, 20.0)]
    assert points(history, "optim/grad_norm/1") == [(1, 1.0), (1, 1.0), (2, 2.0), (2, 2.0)]
    assert points(history, "loss") == [(1, 1.0), (2, 2.0)]
    assert "optim/grad_norm" not in history  # one stepped twice


def test_five_steps_of_one_optimizer_for_one_of_the_other_are_five_records():
    models, (first, second) = two()
    monitor = td.TrainingMonitor(models, [first, second], budget=1)
    for _ in range(3):
        attempt(models["first"], first, (3.0, 4.0))
        for k in range(5):
            attempt(models["second"], second, (0.0, float(k)))
    history = recorded(monitor)
    assert monitor.step == 3
    assert history["optim/grad_norm/1"].values.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0] * 3
    assert history["optim/lr/1"].steps.tolist() == [1] * 5 + [2] * 5 + [3] * 5


def test_an_optimizer_for_each_parameter_has_a_total():
    model = nn.ModuleList([Weight(), Weight(), Weight()])
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.1) for part in model]
    monitor = td.TrainingMonitor(model, optimizers, budget=1)
    for scale in (1.0, 2.0, 3.0):
        parts = zip(model, optimizers, (2.0, 3.0, 6.0), strict=True)
        for part, optimizer, norm in parts:
            attempt(part, optimizer, (0.0, scale * norm))
    history = recorded(monitor)
    assert points(history, "grad_norm") == [(1, 7.0), (2, 14.0), (3, 21.0)]  # 4 + 9 + 36 = 49


def test_there_is_no_total_over_optimizers_that_share_a_parameter():
    model = Weight()
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for _ in range(2)]
    monitor = td.TrainingMonitor(model, optimizers, budget=1)
    for _ in range(2):
        for optimizer in optimizers:
            attempt(model, optimizer, (3.0, 4.0))
    history = recorded(monitor)
    assert "optim/grad_norm" not in history
    assert points(history, "optim/grad_norm/1") == [(1, 5.0), (2, 5.0)]


def test_two_fused_optimizers_that_overflow_in_one_step_count_one_step_less():
    models = {"first": Weight(), "second": Weight()}
    optimizers = [torch.optim.AdamW(m.parameters(), lr=0.1, fused=True) for m in models.values()]
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    monitor = td.TrainingMonitor(models, optimizers, scaler, budget=1)
    for gradient in ((3.0, 4.0), (INF, 0.0), (3.0, 4.0)):
        for model, optimizer in zip(models.values(), optimizers, strict=True):
            optimizer.zero_grad()
            scaler.scale(model(gradient)).backward()
            scaler.step(optimizer)
        scaler.update()
        monitor.log(loss=1.0)
    history = recorded(monitor)
    assert monitor.step == 2
    assert points(history, "optim/skipped") == [(1, 1.0), (1, 1.0)]
    assert points(history, "optim/grad_norm/0") == [(1, 5.0), (2, 5.0)]
    assert points(history, "optim/grad_norm/1") == [(1, 5.0), (2, 5.0)]
    assert history["loss"].steps.tolist() == [1, 1, 2]


@pytest.mark.parametrize("explicit", [False, True], ids=["implicit", "unscale_ called"])
def test_clipped_gradients_of_a_fused_optimizer_are_recorded_unscaled(explicit):
    model = Weight()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    monitor = td.TrainingMonitor(model, optimizer, scaler, budget=1)
    scaler.scale(model((3.0, 4.0))).backward()
    if explicit:
        scaler.unscale_(optimizer)
    monitor.clip_grad_norm_(max_norm=1e9)
    scaler.step(optimizer)
    scaler.update()
    history = recorded(monitor)
    assert points(history, "grad_norm") == [(1, 5.0)]
    assert column(history, "grad_norm") == {"w": 5.0}
    assert column(history, "grad_max") == {"w": 4.0}
    assert np.flatnonzero(history.histograms.at(1)[1][0]).tolist() == [42, 43]  # 3 and 4


def test_rates_go_by_the_names_of_groups_and_keep_them_when_groups_are_added():
    model = nn.ModuleList([Weight() for _ in range(4)])
    parts = [list(part.parameters()) for part in model]
    optimizer = torch.optim.SGD([{"params": parts[0]}], lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer)
    sum(part((1.0, 1.0)) for part in model).backward()
    optimizer.step()
    optimizer.add_param_group({"params": parts[1], "lr": 0.2})
    optimizer.add_param_group({"params": parts[2], "lr": 0.3, "name": "head"})
    optimizer.add_param_group({"params": parts[3], "lr": 0.4, "name": "head"})
    optimizer.step()
    history = recorded(monitor)
    rates = {name: points(history, name) for name in history if name.startswith("optim/lr")}
    assert rates == {
        "optim/lr": [(1, 0.1), (2, 0.1)],
        "optim/lr/1": [(2, 0.2)],
        "optim/lr/head": [(2, 0.3)],
        "optim/lr/head/3": [(2, 0.4)],
    }


def test_what_a_user_logs_under_a_name_of_ours_stays_apart():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    attempt(model, optimizer, (3.0, 4.0))
    assert points(monitor.history, "lr") == points(monitor.history, "optim/lr") == [(1, 0.5)]
    assert points(monitor.history, "grad_norm") == [(1, 5.0)]
    monitor.log({"lr": 7.0, "grad_norm": 8.0, "time": 9.0, "run": 10.0, "points": 11.0})
    history = recorded(monitor)
    assert points(history, "lr") == [(1, 7.0)]
    assert points(history, "grad_norm") == [(1, 8.0)]
    assert points(history, "optim/lr") == [(1, 0.5)]
    table = history.to_pandas()
    assert table["logged/time"].tolist() == [9.0]
    assert 0 <= table["time"].tolist()[0] < 60
    (row,) = compare_runs([history])
    assert (row["run"], row["logged/run"]) == (history.name, 10.0)
    assert (row["points"], row["logged/points"]) == (sum(len(history[n]) for n in history), 11.0)


def log_with_steps(steps, start_step=0):
    """Take an optimizer step before each log; return the monitor."""
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    monitor = td.TrainingMonitor(model, optimizer, budget=1, start_step=start_step)
    for step in steps:
        attempt(model, optimizer, (3.0, 4.0))
        monitor.log({"loss": 1.0}, step=step)
    return monitor


def test_a_global_step_that_advances_with_the_optimizer_is_the_runs():
    monitor = log_with_steps([5001, 5002, 5003])
    history = recorded(monitor)
    assert monitor.step == 5003
    assert history["loss"].steps.tolist() == [5001, 5002, 5003]
    assert history["optim/grad_norm"].steps.tolist() == [5001, 5002, 5003]
    assert history.layers["grad_norm"].steps.tolist() == [5001, 5002, 5003]
    assert history.histograms.steps.tolist() == [5001]
    assert (history["loss"].x_name, history.start_step) == ("step", 5000)


def log_three_epochs(validation=1.0):
    """Four steps an epoch, and a validation loss at each end whose x is the epoch."""
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    for epoch in range(3):
        for _ in range(4):
            attempt(model, optimizer, (3.0, 4.0))
            monitor.log(loss=1.0)
        monitor.log({"val/loss": validation}, step=epoch)
    assert monitor.step == 12
    return monitor


def test_a_step_that_counts_epochs_is_the_series_own_x():
    history = recorded(log_three_epochs())
    assert history["val/loss"].steps.tolist() == [0, 1, 2]
    assert (history["val/loss"].x_name, history["loss"].x_name) == ("x", "step")
    assert history["loss"].steps.tolist() == list(range(1, 13))


def test_tables_and_plots_place_a_scalar_with_an_x_of_its_own_where_it_was_logged(tmp_path):
    history = recorded(log_three_epochs())
    history.save(tmp_path / "run.td")
    for run in (history, History.load(tmp_path / "run.td")):
        assert (run["val/loss"].x_name, run["loss"].x_name) == ("x", "step")
        assert run["val/loss"].steps.tolist() == [0, 1, 2]
        table = run.to_pandas()
        assert table["val/loss"].dropna().index.tolist() == [4, 8, 12]
        assert table.index.tolist() == list(range(1, 13))
        contents = PlotContents(scalars="val/loss".__eq__, layers=False)
        packed = keyframe([ShownRun(run, "run")], contents, Sent())
        (scalar,) = packed.head["runs"][0]["scalars"]
        assert np.frombuffer(packed.data, "<f8", 3, scalar["step"]["at"]).tolist() == [4, 8, 12]


def test_the_last_point_before_counts_whichever_scalar_it_is_of():
    history = History()
    for name, steps in (("warmup/loss", range(1, 6)), ("main/loss", range(6, 9))):
        for step in steps:
            history.record(step, {name: 1.0}, time=float(step))
    own = history.series("val/loss")
    own.extend([2, 1, 0], [1.0, 2.0, 3.0], [0.5, 3.5, 8.5])
    own.x_name = "x"
    assert history.along_run(own)[0].tolist() == [0, 3, 8]  # 0 is where the run began
    assert history.along_run(own, 1)[0].tolist() == [3, 8]
    assert history.points_along_run(own, np.array([2, 0]))[0].tolist() == [8, 0]
    picture = history.picture_along_run(own, 10)
    assert (picture.x.tolist(), picture.y.tolist()) == ([0, 3, 8], [1.0, 2.0, 3.0])


def test_a_keyframe_places_only_the_points_that_it_sends():
    history, n = History(), 300_000
    history.series("lr").extend(np.arange(1000), np.ones(1000), 300 * np.arange(1000))
    history.series("own").extend(np.arange(n)[::-1], np.sin(np.arange(n)), np.arange(n))
    history["own"].x_name = "x"
    contents = PlotContents(scalars="own".__eq__, layers=False)
    keyframe([ShownRun(history, "run")], contents, Sent())  # makes what later ones use again
    with little_memory(3_000_000):
        packed = keyframe([ShownRun(history, "run")], contents, Sent())
    (scalar,) = packed.head["runs"][0]["scalars"]
    times, steps = (
        np.frombuffer(packed.data, f"<{entry['dtype']}", entry["length"], entry["at"])
        for entry in (scalar["time"], scalar["step"])
    )
    assert scalar["total"] == n
    assert 15_000 < len(times) < 16_000
    assert steps.tolist() == (times // 300).tolist()


def test_a_loss_by_epochs_that_is_lost_names_the_step_of_the_run():
    history = History()
    for step in range(1, 101):
        history.record(step, {"accuracy": 0.5}, time=float(step))
    for epoch in range(4):
        history.record(epoch, {"loss": 1.0 if epoch < 3 else INF}, time=25.0 * epoch + 25)
    history["loss"].x_name = "x"
    assert run_end(history, "finished", "", 100) == RunEnd(
        "failed", 100, "loss is NaN or infinite from there on"
    )


def test_an_event_names_the_step_of_the_run_not_the_epoch():
    monitor = log_three_epochs(validation=INF)
    monitor.flush()
    (event,) = [event for event in monitor.events if event.where == "val/loss"]
    assert event.step == 4


def test_a_resumed_run_begins_at_its_start_step():
    monitor = log_with_steps([None, None], start_step=100)
    history = recorded(monitor)
    assert (monitor.step, history.start_step) == (102, 100)
    assert history["loss"].steps.tolist() == history["grad_norm"].steps.tolist() == [101, 102]
    with pytest.raises(ValueError, match="start_step: expected a whole number"):
        td.TrainingMonitor(Weight(), start_step=-1)


def empty_gradient(kind):
    """Return a parameter without elements to read, with its gradient."""
    if kind == "sparse":
        parameter = nn.Parameter(torch.ones(4, 2))
        indices, values = torch.zeros(1, 0, dtype=torch.long), torch.zeros(0, 2)
        parameter.grad = torch.sparse_coo_tensor(indices, values, (4, 2), check_invariants=True)
    else:
        parameter = nn.Parameter(torch.zeros(0, 2))
        parameter.grad = torch.zeros(0, 2)
    return parameter


@pytest.mark.parametrize("clips", [True, False])
@pytest.mark.parametrize("kind", ["sparse", "no elements"])
def test_a_gradient_without_values_is_left_out_and_the_others_stay(kind, clips):
    model = Weight()
    model.empty = empty_gradient(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model((3.0, 4.0)).backward()
    if clips:
        monitor.clip_grad_norm_([model.w], 100.0)
    optimizer.step()
    history = recorded(monitor)
    assert points(history, "grad_norm") == [(1, 5.0)]
    assert column(history, "grad_norm")["w"] == 5.0
    assert column(history, "update_ratio")["w"] == 0.5


@pytest.mark.parametrize(
    ("values", "norm"),
    [
        pytest.param(torch.tensor([[3 + 4j]]), 5.0, id="complex"),
        pytest.param(torch.tensor([[3e20, 4e20]]), 5e20, id="its square overflows"),
        pytest.param(torch.tensor([[3.0, 4.0]]), 5.0, id="plain"),
    ],
)
def test_gradients_of_this_moment_are_read_as_those_of_a_step(values, norm):
    model = nn.Module()
    model.w = nn.Parameter(torch.ones_like(values))
    model.w.grad = values
    history = gradients_now(model)
    assert column(history, "grad_norm")["w"] == pytest.approx(norm)
    assert history["grad_norm"].values[0] == pytest.approx(norm)
    optimizer = torch.optim.SGD([model.w], lr=0.0)
    with td.TrainingMonitor(model, optimizer, budget=1) as monitor:
        optimizer.step()
    assert monitor.history["grad_norm"].values[0] == pytest.approx(norm)


def test_an_optimizer_that_never_steps_is_noted_and_logs_are_counted_meanwhile():
    models, (first, never) = two()
    monitor = td.TrainingMonitor(models["second"], never)
    for _ in range(60):
        attempt(models["first"], first, (1.0, 1.0))
        monitor.log(loss=1.0)
    assert any("has not stepped during the last 60 logs" in note for note in monitor.notes)
    assert monitor.step == 10  # the first 50 logs may have been about one long step
    attempt(models["second"], never, (1.0, 1.0))
    assert not any("has not stepped" in note for note in monitor.notes)
    recorded(monitor)


def test_the_first_value_that_is_dropped_is_warned_of_once_also_where_warnings_are_errors():
    monitor = td.TrainingMonitor(Weight())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        monitor.log(loss="a lot")
        monitor.log(loss="more")
    assert [str(w.message).count("loss: expected a number") for w in seen] == [1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = td.TrainingMonitor(Weight())
        other.log(loss="a lot")
        other.log(loss=1.0)
    other.close()
    assert other.history["loss"].values.tolist() == [1.0]


def test_a_strict_monitor_raises():
    monitor = td.TrainingMonitor(Weight(), strict=True)
    with pytest.raises(ValueError, match="loss: expected a number"):
        monitor.log(loss="a lot")
    with pytest.raises(ValueError, match="values: expected numbers by name"):
        monitor.log([1.0])
    monitor.close()


def test_a_strict_monitor_raises_what_went_wrong_while_writing(monkeypatch):
    def broken(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(
        "torchdial.training.recording.record_writer.RecordWriter._write_logged", broken
    )
    monitor = td.TrainingMonitor(Weight(), strict=True)
    monitor.log(loss=1.0)
    monitor.flush()
    with pytest.raises(RuntimeError, match="planted"):
        monitor.log(loss=1.0)
    monkeypatch.undo()
    monitor.close()
