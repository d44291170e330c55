"""The training panel in a bare page: what a person reads of a run, and of the runs before it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import pytest
import torch
from playwright.sync_api import expect

import torchdial as td
from tests.e2e.page import Show
from tests.e2e.panel import FIRST_PIXELS, PanelOnPage
from torchdial.training.history.events import Event
from torchdial.training.history.history import History
from torchdial.training.runs import forget_runs

NAN = math.nan

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _no_runs() -> Iterator[None]:
    forget_runs()
    yield
    forget_runs()


# Elements whose text is cut without an ellipsis or a tooltip, or that reach out of the panel.
CUT = """root => {
  const all = [...root.querySelectorAll('*')].filter(
    e => e.checkVisibility() && !e.closest('.torchdial-spoken, .uplot'));
  const isCut = e => {
    const { overflowX, textOverflow } = getComputedStyle(e);
    const isHidden = overflowX === 'hidden' && e.scrollWidth > e.clientWidth + 1;
    return isHidden && !(textOverflow === 'ellipsis' && e.closest('[title]'));
  };
  const right = root.getBoundingClientRect().right + 1;
  const isOut = e => e.getBoundingClientRect().right > right;
  return all.filter(e => isCut(e) || isOut(e)).map(e => `${e.className} ${e.textContent}`);
}"""


def trained(
    losses: Sequence[float],
    name: str | None = None,
    stop_at: int | None = None,
    **more: float,
) -> td.TrainingMonitor:
    """Train a small model, and log these losses instead of its own, and more at the first step."""
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    monitor = td.TrainingMonitor(model, optimizer, name=name)
    for loss in monitor.loop(losses):
        optimizer.zero_grad()
        model(torch.ones(2, 4)).square().mean().backward()
        optimizer.step()
        monitor.log(loss=loss, **(more if monitor.step == 1 else {}))
        if monitor.step == stop_at:
            monitor.control.request_stop()
    monitor.flush()
    return monitor


def raised() -> td.TrainingMonitor:
    """Return the monitor of a run whose thread ended by an exception."""
    model = torch.nn.Linear(4, 1)
    monitor = td.TrainingMonitor(model, torch.optim.SGD(model.parameters(), lr=0.01))

    def train() -> None:
        raise ValueError("no data")

    with pytest.raises(ValueError, match="no data"):
        monitor.start(train).result()
    return monitor


def shown(show: Show, monitor: td.TrainingMonitor) -> PanelOnPage:
    panel = PanelOnPage(show(td.TrainingPanel(monitor)))
    monitor.close()
    return panel


def test_an_earlier_run_changes_nothing_until_it_is_chosen(show: Show) -> None:
    trained([1.0, 4e13, NAN], "run 1", **{"val/accuracy": 0.9461}).close()
    panel = shown(show, trained([1.0, 0.5, 0.25], "run 2"))
    chart = panel.root.locator("[data-panel=loss]")
    assert panel.y_limits("loss")[1] < 1.2
    expect(panel.root).not_to_contain_text("val/accuracy")
    expect(chart.locator(".torchdial-entry")).to_have_text(["loss0.2500"])

    panel.root.get_by_title("Show or hide run 1").click()
    expect(chart.locator(".torchdial-entry")).to_have_text(
        ["run 2 · loss0.2500", "run 1 · lossNaN"]
    )
    expect(panel.root).to_contain_text("run 1 · val/accuracy")
    panel.eventually(lambda: panel.y_limits("loss")[1] > 1e13)
    colors = chart.locator(".torchdial-stroke").evaluate_all(
        "strokes => strokes.map(stroke => stroke.style.borderTopColor)"
    )
    assert len(set(colors)) == 2

    panel.button("only run 2").click()
    expect(chart.locator(".torchdial-entry")).to_have_text(["loss0.2500"])
    panel.eventually(lambda: panel.y_limits("loss")[1] < 1.2)


def test_the_state_says_how_a_run_ended(show: Show) -> None:
    ends = [
        (trained([1.0, 0.5]), "finished", "finished"),
        (trained([1.0] * 9, stop_at=4), "stopped", "stopped at step 4 of 9"),
        (
            trained([1.0, 0.5, NAN, NAN]),
            "failed",
            "failed at step 3: loss is NaN or infinite from there on",
        ),
        (raised(), "failed", "failed at step 0: ValueError: no data"),
    ]
    page = show(*(td.TrainingPanel(monitor) for monitor, *_ in ends))
    for place, (monitor, kind, words) in enumerate(ends):
        panel = PanelOnPage(page, place)
        panel.show()
        state = panel.root.locator(".torchdial-state")
        expect(state).to_have_text(words)
        expect(state).to_have_attribute("data-kind", kind)
        monitor.close()


def test_the_alarm_stands_first_and_a_click_goes_there_in_every_plot(show: Show) -> None:
    losses = [1.0 + 0.01 * (step % 7) for step in range(600)]
    monitor = trained(losses)
    monitor.history.events.clear()  # what the rules found of this model
    for step, message in ((100, "loss rose"), (400, "bias is dead")):
        monitor.history.add_event(Event(step, "loss_spike", "loss", message))
    panel = shown(show, monitor)
    alarm = panel.root.locator(".torchdial-alarm button")
    expect(alarm).to_have_text("⚠ step 400: bias is dead")
    expect(panel.button("1 more ▾")).to_be_visible()
    box, chart = alarm.bounding_box(), panel.chart.bounding_box()
    assert box
    assert chart
    assert box["y"] < chart["y"]

    alarm.click()
    expect(alarm).to_have_text("⚠ step 100: loss rose")
    expect(panel.root.locator(".torchdial-heat-axis")).to_have_text("385step 414")
    panel.reads_step(0.5, 400)
    assert "◂ step 100" in panel.saved("loss", "svg").decode()
    panel.button("2 events ▾").click()
    events = panel.root.locator(".torchdial-event-list button")
    expect(events).to_have_text(["⚠ step 400: bias is dead", "⚠ step 100: loss rose"])
    panel.button("mark all as read").click()
    expect(panel.root.locator(".torchdial-alarm")).to_have_text("no unread warnings")


def test_charts_and_the_heat_map_share_zoom_and_cursor(show: Show) -> None:
    panel = shown(show, trained([1.0] * 400))
    heat, axis = panel.root.locator(".torchdial-heat"), panel.root.locator(".torchdial-heat-axis")
    expect(axis).to_have_text("1step 400")
    panel.zoom_in(times=1)
    expect(axis).to_have_text(re.compile(r"20\dstep 2[12]\d"))
    panel.button("whole run").click()
    expect(axis).to_have_text("1step 400")

    box = heat.bounding_box()
    assert box
    panel.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 30)
    panel.page.mouse.down()
    panel.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30, steps=4)
    panel.page.mouse.up()
    panel.reads_step(0.5, 151)
    expect(panel.root.locator(".torchdial-heat-cursor")).to_be_visible()
    heat.dblclick()
    expect(axis).to_have_text("1step 400")


def test_a_spike_of_one_step_leaves_the_axis_and_is_marked_with_its_value(show: Show) -> None:
    losses = [1.0 + 0.01 * (step % 7) for step in range(500)]
    losses[250] = 5000.0
    panel = shown(show, trained(losses))
    assert panel.y_limits("loss")[1] < 1.2
    marked = panel.page.evaluate(FIRST_PIXELS)
    panel.root.get_by_label("y axis").select_option("all")
    panel.eventually(lambda: panel.y_limits("loss")[1] > 5000)
    panel.root.get_by_label("y axis").select_option("middle")
    panel.eventually(lambda: panel.page.evaluate(FIRST_PIXELS) == marked)
    panel.zoom_in(times=1)  # around the middle, where the spike is
    panel.eventually(lambda: panel.y_limits("loss")[1] > 5000)


@pytest.mark.parametrize("width", [320, 480])
def test_nothing_is_cut_without_an_ellipsis_and_a_tooltip(show: Show, width: int) -> None:
    name = "a rather long name of a run or a metric, as people write them, with all its settings"
    trained([1.0, 0.5], f"run 1, {name}").close()
    model = torch.nn.ModuleDict({name.replace(" ", "_"): torch.nn.Linear(4, 1)})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    monitor = td.TrainingMonitor(model, optimizer, name=f"run 2, {name}", budget=1)
    for step in monitor.loop(range(200)):
        for layer in model.values():
            layer(torch.ones(2, 4)).square().mean().backward()
        optimizer.step()
        monitor.log({"loss": 1.0, f"val/{name}": 2.0 if step != 100 else NAN})
    monitor.flush()
    panel = shown(show, monitor)
    panel.page.set_viewport_size({"width": width, "height": 800})
    panel.root.get_by_title("Show or hide run 1").click()
    panel.page.mouse.move(*panel.at(0.5))
    for view in ("layers", "lines", "one step"):
        panel.button(view).click()
        panel.eventually(lambda: panel.root.evaluate(CUT) == [])


def test_views_and_folded_layers_are_called_by_what_they_show(show: Show) -> None:
    model = torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in range(9)))
    monitor = td.TrainingMonitor(model, torch.optim.SGD(model.parameters(), lr=0.01), budget=1)
    for _ in monitor.loop(range(3)):
        model(torch.ones(2, 4)).sum().backward()
        monitor.record_gradients()
        monitor.log(loss=1.0)
    monitor.flush()
    panel = shown(show, monitor)
    views = panel.root.get_by_role("group", name="view").get_by_role("button")
    expect(views).to_have_text(["layers", "lines", "total norm", "update ratio", "one step"])
    folded = panel.root.locator(".torchdial-layer-labels button[aria-expanded=false]").first
    expect(folded).to_have_text(re.compile(r"▸ \d · 2 parameters"))


def test_gradients_that_are_nan_are_said_in_words(show: Show) -> None:
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    monitor = td.TrainingMonitor(model, optimizer)
    for _ in range(3):
        optimizer.zero_grad()
        (model(torch.ones(2, 4)).mean() * NAN).backward()
        optimizer.step()
        monitor.log(loss=NAN)
    monitor.flush()
    panel = shown(show, monitor)
    expect(panel.root.locator(".torchdial-spread-title")).to_contain_text(
        "4 of 4 are NaN or infinite"
    )
    expect(panel.root.locator(".torchdial-spread")).to_be_hidden()


def test_the_values_of_a_point_stand_at_the_cursor_and_are_spoken(show: Show) -> None:
    trained([2.0, 1.0, 0.5], "run 1").close()
    panel = shown(show, trained([1.0, 0.5, 0.25], "run 2"))
    panel.root.get_by_title("Show or hide run 1").click()
    panel.page.mouse.move(*panel.at(0.5))
    expect(panel.root.locator("[data-panel=loss] .torchdial-tooltip div")).to_have_text(
        ["step 2", "run 2 · loss 0.5000", "run 1 · loss 1"]
    )
    assert panel.root.locator(".torchdial-tooltip:visible").count() == 1

    panel.page.mouse.move(0, 0)
    expect(panel.root.locator(".torchdial-tooltip:visible")).to_have_count(0)
    panel.root.get_by_role("group", name="curves").focus()
    for _ in range(2):
        panel.page.keyboard.press("ArrowRight")
    spoken = panel.root.locator(".torchdial-loss .torchdial-spoken")
    expect(spoken).to_contain_text("step 2, run 2 · loss 0.5000, run 1 · loss 1")


def test_the_heat_map_has_a_name_a_scale_and_words_under_the_pointer(show: Show) -> None:
    history = History("a run")
    norms = {step: [10 ** (step / 50 - 2), 1.0] for step in range(1, 101)}
    for step, values in norms.items():
        history.record_layers("grad_norm", ["a.weight", "b.weight"], step, values)
    root = show(td.GradientPlot(history)).locator(".torchdial-live")
    legend = root.locator(".torchdial-legend")
    expect(legend).to_contain_text("gradient norm by layer, log scale")
    ticks = legend.locator(".torchdial-color-bar span").all_inner_texts()
    assert [float(tick) for tick in ticks] == [0.03, 0.1, 0.3, 1]
    heat = root.get_by_role("img", name="gradient norm by layer and step")
    box = heat.bounding_box()
    assert box
    for step, row in ((25, 0), (75, 0), (50, 1)):
        x, y = box["width"] * (step - 0.5) / 100, box["height"] * (row + 0.5) / 2
        heat.hover(position={"x": x, "y": y})
        name, value = "ab"[row], norms[step][row]
        expect(root.locator(".torchdial-pointed")).to_have_text(
            re.compile(rf"^{name}\S*\s+step {step}\s+{value:.4g}")
        )


# Whether a canvas has anything coloured at the top, beyond the middle of its width.
MARKED = """canvas => {
  const { width, height } = canvas;
  const at = [Math.floor(width * 0.6), 0, Math.floor(width * 0.35), Math.floor(height * 0.12)];
  const { data } = canvas.getContext('2d').getImageData(...at);
  return [...Array(data.length / 4).keys()].some(i => {
    const [r, g, b] = data.subarray(4 * i, 4 * i + 3);
    return Math.max(r, g, b) - Math.min(r, g, b) > 60;
  });
}"""


@pytest.mark.parametrize("view", ["lines", "total norm"])
@pytest.mark.parametrize(
    "is_nan", [True, False], ids=["NaN from step 41", "no gradient from there"]
)
def test_gradients_that_are_nan_are_marked_at_their_steps(
    show: Show, view: str, is_nan: bool
) -> None:
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    for step in range(80):
        optimizer.zero_grad()
        if step < 40 or is_nan:
            (model(torch.ones(2, 4)).mean() * (1 if step < 40 else NAN)).backward()
        optimizer.step()
    monitor.flush()
    panel = shown(show, monitor)
    panel.button(view).click()
    canvas = panel.root.locator(".torchdial-gradients .uplot canvas:visible")
    expect(canvas).to_have_count(1)
    panel.eventually(lambda: canvas.evaluate(MARKED) == is_nan)


def test_a_layer_without_a_value_is_not_called_nan(show: Show) -> None:
    panel = shown(show, trained([1.0, 0.5, 0.2]))
    entries = panel.root.locator(".torchdial-gradients .torchdial-entry")
    panel.button("lines").click()
    expect(entries.filter(has_text="bias")).to_have_text(re.compile(r"bias\s*[\d.]+"))
    panel.button("update ratio").click()  # of weights alone
    expect(entries.filter(has_text="weight")).to_have_text(re.compile(r"weight\s*[\d.e-]+"))
    expect(entries.filter(has_text="bias")).to_have_text(re.compile(r"bias\s*–"))
