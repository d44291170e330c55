"""What the live plots send, when, and how much of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from torchdial.training.history.events import Event
from torchdial.training.history.history import History
from torchdial.training.history.series import Series
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.live.feed import Feed
from torchdial.widgets.live.layer_packing import MISSING, merge_columns
from torchdial.widgets.live.run_packing import PlotContents, Sent, detail, keyframe, shares

DTYPES = {"f8": "<f8", "f4": "<f4", "i4": "<i4"}
DELTA_LIMIT, KEYFRAME_LIMIT = 64 << 10, 512 << 10


class FakeTime:
    """A clock that the test moves, and that runs what waits for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, call: Callable[[], None]) -> Any:
        entry = (self.now + seconds, call)
        self.waiting.append(entry)
        waiting = self.waiting

        class Handle:
            def cancel(self) -> None:
                if entry in waiting:
                    waiting.remove(entry)

        return Handle()

    def run_to(self, time: float) -> None:
        while due := [entry for entry in self.waiting if entry[0] <= time + 1e-9]:
            entry = min(due, key=lambda e: e[0])
            self.waiting.remove(entry)
            self.now = max(self.now, entry[0])
            entry[1]()
        self.now = time


class Browser:
    """A feed, and a copy of the run made of its messages, as the browser makes one."""

    def __init__(self, *histories: History, layers: bool = True) -> None:
        self.time = FakeTime()
        self.messages: list[tuple[float, dict[str, Any], bytes]] = []
        runs = [ShownRun(one, one.name, id=number) for number, one in enumerate(histories)]
        self.feed = Feed(
            runs,
            PlotContents(scalars=lambda _: True, layers=layers),
            self.receive,
            clock=self.time.clock,
            later=self.time.later,
        )
        self.points: dict[tuple[int, str], dict[str, list[float]]] = {}
        opening = self.feed.opening()
        self.opening_bytes = len(opening["data"]) + len(json.dumps(opening["frame"]))
        self.take(opening["frame"], opening["data"])

    def receive(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.messages.append((self.time.now, content, *buffers))
        if content["type"] in ("delta", "keyframe"):
            if content["type"] == "keyframe":
                self.points = {}
            self.take(content["frame"], buffers[0])

    def take(self, frame: dict[str, Any], data: bytes) -> None:
        for run in frame["runs"]:
            for scalar in run["scalars"]:
                copy = self.points.setdefault(
                    (run["id"], scalar["name"]), {"step": [], "value": [], "time": []}
                )
                if scalar["exact"]:
                    assert scalar["first"] <= len(copy["step"]), "a gap"
                skip = len(copy["step"]) - scalar["first"]
                for part in copy:
                    copy[part] += array(scalar[part], data)[max(skip, 0) :].tolist()

    def sizes(self, kind: str) -> list[int]:
        return [
            len(data) + len(json.dumps(content))
            for _, content, data in self.messages
            if content["type"] == kind
        ]


def array(packed: dict[str, Any], data: bytes) -> np.ndarray:
    dtype = DTYPES[packed["dtype"]]
    return np.frombuffer(data, dtype, packed["length"], packed["at"])


def history(points: int, name: str = "run 1", spike: int = -1) -> History:
    made = History(name)
    made.record(0, {"loss": 1.0}, time=0)
    steps = np.arange(1, points)
    made["loss"].extend(steps, np.where(steps == spike, 99.0, np.cos(steps)), steps / 4)
    return made


def add(run: History, start: int, count: int, scalars: int = 1) -> None:
    for step in range(start, start + count):
        run.record(step, {f"loss/{i}": float(step * i) for i in range(scalars)}, time=step)


class TestCopy:
    def test_opening_and_deltas_give_every_point(self) -> None:
        run = history(500)
        browser = Browser(run)
        for second in range(1, 21):
            for step in range(25):
                run.record(500 + 25 * second + step, {"loss": second, "acc": step}, time=second)
            browser.feed.poke()
            browser.time.run_to(second)
        for name in ("loss", "acc"):
            copy = browser.points[0, name]
            np.testing.assert_array_equal(copy["step"], run[name].steps)
            np.testing.assert_array_equal(copy["value"], run[name].values)
        assert [c["frame"]["seq"] for _, c, _ in browser.messages] == list(range(1, 21))

    def test_values_that_are_no_numbers_arrive_as_they_are(self) -> None:
        run = History()
        for step, value in enumerate([np.nan, np.inf, -np.inf, 1e-300]):
            run.record(step, {"x": value}, time=0)
        np.testing.assert_array_equal(Browser(run).points[0, "x"]["value"], run["x"].values)

    def test_a_page_opened_later_goes_on_with_the_same_deltas(self) -> None:
        run = history(10)
        browser = Browser(run)
        add(run, 10, 5)
        opening = browser.feed.opening()
        assert opening["frame"]["seq"] == 0
        browser.feed.poke()
        assert browser.messages[0][1]["frame"]["seq"] == 1

    def test_a_long_run_is_thinned_and_keeps_its_spike(self) -> None:
        run = history(200_000, spike=123_456)
        copy = Browser(run).points[0, "loss"]
        assert 99.0 in copy["value"]
        assert copy["step"][copy["value"].index(99.0)] == 123_456
        assert copy["step"][-1] == 199_999
        assert len(copy["value"]) <= 16_000

    def test_several_runs_go_together(self) -> None:
        browser = Browser(history(5, "a"), history(7, "b"))
        assert [len(copy["step"]) for copy in browser.points.values()] == [5, 7]


class TestSizes:
    def test_deltas_stay_under_64_kb_and_lose_nothing(self) -> None:
        run = history(10)
        browser = Browser(run)
        add(run, 10, 2000, scalars=6)
        browser.feed.poke()
        browser.time.run_to(4)
        assert max(browser.sizes("delta")) <= DELTA_LIMIT
        assert len(browser.sizes("delta")) > 1
        for i in range(6):
            assert browser.points[0, f"loss/{i}"]["value"] == run[f"loss/{i}"].values.tolist()

    def test_far_behind_it_sends_a_keyframe(self) -> None:
        run = history(10)
        browser = Browser(run)
        add(run, 10, 20_000, scalars=6)
        browser.feed.poke()
        browser.time.run_to(3)
        assert browser.sizes("keyframe")
        assert max(browser.sizes("keyframe")) <= KEYFRAME_LIMIT
        assert {copy["step"][-1] for (_, name), copy in browser.points.items() if "/" in name} == {
            20_009
        }

    @pytest.mark.parametrize(
        ("scalars", "layers", "columns"),
        [
            pytest.param(1, 62, 300, id="a residual network"),
            pytest.param(40, 1000, 40, id="many of everything"),
            pytest.param(3, 3000, 9, id="a deep network"),
        ],
    )
    def test_keyframes_stay_under_512_kb(self, scalars: int, layers: int, columns: int) -> None:
        run = history(50_000)
        add(run, 0, 500, scalars)
        names = [f"backbone.stage{i // 100}.block{i}.conv.weight" for i in range(layers)]
        for step in range(columns):
            for matrix in ("grad_norm", "update_ratio", "grad_max"):
                run.record_layers(matrix, names, step, np.full(layers, step, np.float32))
        run.record_histograms(names, 5, np.ones((layers, 58)))
        for step in range(5000):
            run.add_event(Event(step, "dial", "lr", "the learning rate was set to half of it"))
        browser = Browser(run)
        assert browser.opening_bytes <= KEYFRAME_LIMIT
        run.record_layers("grad_norm", names, columns, np.full(layers, 1, np.float32))
        run.record_histograms(names, columns, np.ones((layers, 58)))
        browser.feed.poke()
        browser.time.run_to(30)
        assert all(size <= DELTA_LIMIT for size in browser.sizes("delta"))
        assert all(size <= KEYFRAME_LIMIT for size in browser.sizes("keyframe"))

    def test_five_hundred_scalars_all_arrive_by_deltas(self) -> None:
        run = history(1)
        browser = Browser(run)
        names = [f"group {i % 50}/metric {i}" for i in range(500)]
        for tick in range(30):
            run.record(tick, dict.fromkeys(names, float(tick)), time=tick)
            browser.feed.poke()
            browser.time.run_to((tick + 1) / 10)
        browser.time.run_to(6)
        copies = [browser.points[0, name]["value"] for name in names]
        assert copies == [[float(tick) for tick in range(30)]] * 500
        assert len(browser.sizes("delta")) > 20, "they wait for keyframes"
        assert all(size <= DELTA_LIMIT for size in browser.sizes("delta"))
        assert all(size <= KEYFRAME_LIMIT for size in browser.sizes("keyframe"))

    def test_a_long_run_of_five_hundred_scalars_opens_within_its_bounds(self) -> None:
        run = History()
        for i in range(500):
            run.record(0, {f"group {i % 50}/metric {i}": 0.0}, time=0)
        for series in run.scalars.values():
            series.extend(np.arange(1, 2000), np.random.rand(1999), np.arange(1, 2000))
        browser = Browser(run)
        assert browser.opening_bytes <= KEYFRAME_LIMIT
        assert len(browser.points) == 500
        assert all(copy["step"][-1] == 1999 for copy in browser.points.values())

    def test_a_refresh_costs_the_same_after_ten_thousand_points(self) -> None:
        sizes = []
        for points in (1000, 10_000):
            run = history(points)
            browser = Browser(run)
            browser.feed.poke()
            browser.time.run_to(10)
            add(run, points, 20)
            browser.feed.poke()
            browser.time.run_to(20)
            sizes.append(browser.sizes("delta")[-1])
        assert abs(sizes[1] - sizes[0]) < 100


class TestRates:
    def test_at_most_ten_a_second_and_the_last_is_never_lost(self) -> None:
        run = history(1)
        browser = Browser(run)
        for tick in range(1000):
            browser.time.run_to(tick / 500)
            run.record(tick + 1, {"loss": tick}, time=tick)
            browser.feed.poke()
        browser.time.run_to(3)
        times = [time for time, _, _ in browser.messages]
        assert min(np.diff(times)) >= 0.1 - 1e-9
        assert 18 <= len(times) <= 22
        assert browser.points[0, "loss"]["value"] == run["loss"].values.tolist()

    def test_the_last_state_is_sent_at_once_and_no_timer_is_left(self) -> None:
        run = history(2)
        browser = Browser(run)
        for step in (2, 3):  # the second within the time of a delta
            add(run, step, 1)
            browser.feed.poke()
        assert len(browser.messages) == 1
        browser.feed.poke(at_once=True)
        assert len(browser.messages) == 2
        assert browser.time.waiting == []
        assert browser.points[0, "loss/0"]["step"] == [2, 3]

    def test_nothing_new_sends_nothing(self) -> None:
        browser = Browser(history(3))
        browser.feed.poke()
        browser.time.run_to(1)
        sent = len(browser.messages)
        for _ in range(5):
            browser.feed.poke()
            browser.time.run_to(browser.time.now + 1)
        assert len(browser.messages) == sent

    def test_keyframes_come_at_most_every_five_seconds(self) -> None:
        run = history(3)
        browser = Browser(run)
        for tick in range(40):
            browser.time.run_to(tick / 2)
            browser.feed.want_keyframe()
        browser.time.run_to(30)
        times = [time for time, content, _ in browser.messages if content["type"] == "keyframe"]
        assert 4 <= len(times) <= 6
        assert min(np.diff(times)) >= 5 - 1e-9

    @pytest.mark.parametrize("seed", range(4))
    def test_a_keyframe_asked_for_at_any_time_holds_all_and_the_deltas_go_on_from_there(
        self, seed: int
    ) -> None:
        chance = random.Random(seed)
        run = history(50)
        browser = Browser(run, layers=False)
        for tenth in range(300):
            add(run, 50 + 3 * tenth, 3, scalars=2)
            browser.feed.poke()
            if chance.random() < 0.1:
                browser.feed.want_keyframe()
            browser.time.run_to(tenth / 10)
        browser.time.run_to(40)
        kinds = [content["type"] for _, content, _ in browser.messages]
        assert kinds.count("keyframe") > 3
        numbers = [content["frame"]["seq"] for _, content, _ in browser.messages]
        assert numbers == list(range(1, len(numbers) + 1))
        # What a page holds that got one keyframe and what came after it, and nothing else.
        for first in [i for i, kind in enumerate(kinds) if kind == "keyframe"]:
            browser.points = {}
            for _, content, data in browser.messages[first:]:
                browser.take(content["frame"], data)
            for name in ("loss", "loss/0", "loss/1"):
                copy = browser.points[0, name]
                np.testing.assert_array_equal(copy["step"], run[name].steps)
                np.testing.assert_array_equal(copy["value"], run[name].values)

    def test_news_does_not_wait_for_a_keyframe(self) -> None:
        run = history(3)
        browser = Browser(run)
        browser.feed.want_keyframe()
        browser.time.run_to(1)
        browser.feed.want_keyframe()  # may come after five seconds only
        run.record(3, {"loss": 0.5}, time=1)
        browser.feed.poke()
        browser.time.run_to(1.2)
        assert browser.points[0, "loss"]["step"] == [0, 1, 2, 3]
        browser.time.run_to(6)
        kinds = [content["type"] for _, content, _ in browser.messages]
        assert kinds == ["keyframe", "delta", "keyframe"]

    def test_a_loaded_checkpoint_is_sent_whole_at_once(self) -> None:
        run, saved = history(300), history(20).state_dict()
        browser = Browser(run)
        for tick in range(3):  # the keyframe before was just sent
            browser.time.run_to(tick)
            browser.feed.want_keyframe()
        run.load_state_dict(saved)
        browser.feed.poke()
        browser.time.run_to(3)
        assert browser.points[0, "loss"]["step"] == list(range(20))
        run.record(20, {"loss": 0.5}, time=20)
        browser.feed.poke()
        browser.time.run_to(4)
        assert browser.points[0, "loss"]["step"] == list(range(21))
        assert browser.messages[-1][1]["type"] == "delta"

    def test_after_closing_nothing_is_sent(self) -> None:
        run = history(3)
        browser = Browser(run)
        run.record(9, {"loss": 1}, time=1)
        browser.feed.close()
        browser.feed.poke()
        browser.time.run_to(5)
        assert browser.messages == []


class TestLayers:
    def test_columns_follow_and_the_last_one_is_sent_again_when_it_grew(self) -> None:
        run = History()
        run.record_layers("grad_norm", ["a", "b"], 1, np.array([1, 2], np.float32))
        browser = Browser(run)
        run.record_layers("grad_norm", ["a", "b"], 2, np.array([3, np.inf], np.float32))
        browser.feed.poke()
        (layers,) = browser.messages[0][1]["frame"]["layers"]
        data = browser.messages[0][2]
        assert layers["rows"] == ["a", "b"]
        np.testing.assert_array_equal(array(layers["step"], data), [1, 2])
        np.testing.assert_array_equal(array(layers["value"], data), [1, 2, 3, np.inf])
        run.record_layers("grad_norm", ["a", "b"], 3, np.array([5, 6], np.float32))
        browser.time.run_to(1)
        browser.feed.poke()
        (layers,) = browser.messages[1][1]["frame"]["layers"]
        assert layers["rows"] is None, "names go once"
        np.testing.assert_array_equal(array(layers["step"], browser.messages[1][2]), [2, 3])

    def test_a_layer_without_a_value_is_missing_not_nan(self) -> None:
        run = History()
        run.record_layers("grad_norm", ["a"], 1, np.array([np.nan], np.float32))
        run.record_layers("grad_norm", ["b"], 2, np.array([2], np.float32))
        opening = Browser(run).feed.opening()
        (layers,) = opening["frame"]["layers"]
        first, second = array(layers["value"], opening["data"]).reshape(2, 2)
        np.testing.assert_equal(
            dict(zip(layers["rows"], first, strict=True)), {"a": np.nan, "b": MISSING}
        )
        np.testing.assert_equal(
            dict(zip(layers["rows"], second, strict=True)), {"a": MISSING, "b": 2}
        )

    def test_a_layer_that_comes_later_makes_all_columns_come_again(self) -> None:
        run = History()
        for step in range(3):
            run.record_layers("grad_norm", ["a", "c"], step, [1.0, 3.0])
        browser = Browser(run)
        browser.feed.poke()
        browser.time.run_to(1)
        run.record_layers("grad_norm", ["a", "b", "c"], 3, [1.0, 2.0, 3.0])
        browser.feed.poke()
        _, content, data = browser.messages[-1]
        (layers,) = content["frame"]["layers"]
        assert layers["rows"] == ["a", "b", "c"]
        values = array(layers["value"], data).reshape(4, 3)
        np.testing.assert_array_equal(values, [[1, MISSING, 3]] * 3 + [[1, 2, 3]])

    def test_merged_columns_keep_the_largest_value(self) -> None:
        steps = np.arange(10)
        values = np.zeros((1, 10), np.float32)
        values[0, 7] = 5
        values[0, 2] = np.nan
        merged_steps, merged = merge_columns(steps, values, 5)
        np.testing.assert_array_equal(merged_steps, [0, 2, 4, 6, 8])
        np.testing.assert_array_equal(merged, [[0, np.nan, 0, 5, 0]])

    def test_the_spread_of_a_gradient_is_exact(self) -> None:
        run = History()
        gradient = np.array([0.5, -0.5, 2.0, 0.0], np.float32)
        run.record_layers("grad_norm", ["w"], 1, [np.linalg.norm(gradient)])
        run.record_layers("grad_max", ["w"], 1, [2.0])
        run.record_histograms(["w"], 1, [[1, 2, 1]], exponents=[-1, 1])
        opening = Browser(run).feed.opening()
        found = opening["frame"]["distribution"]
        assert found["step"] == 1
        assert found["low"] == -1
        rms = array(found["rms"], opening["data"])
        np.testing.assert_allclose(rms, [np.sqrt(np.mean(gradient**2))], rtol=1e-6)
        np.testing.assert_array_equal(array(found["max"], opening["data"]), [2.0])


class TestDetail:
    def test_a_window_comes_whole_where_it_is_small(self) -> None:
        run = history(100_000)
        question = {
            "along": "step",
            "buckets": 500,
            "series": [{"run": 0, "name": "loss", "window": [5000, 5200]}],
        }
        packed = detail([ShownRun(run, "a", id=0)], question)
        (found,) = packed.head["scalars"]
        steps = array(found["step"], packed.data)
        values = array(found["value"], packed.data)
        assert set(range(5000, 5201)) <= set(steps)
        np.testing.assert_array_equal(values, run["loss"].values[steps.astype(int)])

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            pytest.param({"along": "loss"}, ValueError, id="another axis"),
            pytest.param({"buckets": 10**9}, ValueError, id="too many buckets"),
            pytest.param(
                {"series": [{"run": 0, "name": "x", "window": [0, 1]}]}, KeyError, id="no scalar"
            ),
        ],
    )
    def test_refuses(self, change: dict[str, Any], error: type[Exception]) -> None:
        question = {"along": "step", "buckets": 5, "series": []} | change
        with pytest.raises(error):
            detail([ShownRun(history(3), "a", id=0)], question)


def test_other_runs_are_sent_whole() -> None:
    browser = Browser(history(3))
    browser.feed.poke()
    browser.feed.show([ShownRun(history(5), "first"), ShownRun(history(7), "second")])
    browser.time.run_to(9)
    _, sent, _ = browser.messages[-1]
    assert sent["type"] == "keyframe"
    totals = {run["name"]: run["scalars"][0]["total"] for run in sent["frame"]["runs"]}
    assert totals == {"first": 5, "second": 7}
    opened = browser.feed.opening()["frame"]["runs"]
    assert [run["name"] for run in opened] == ["first", "second"]


def test_an_error_stops_the_plot_with_words_and_is_not_raised() -> None:
    run = history(3)
    browser = Browser(run)
    run.scalars["loss"] = None  # type: ignore[assignment]
    browser.feed.poke()
    ((_, content, *_),) = browser.messages
    assert content["type"] == "error"
    assert "this plot stopped" in content["message"]


@pytest.mark.parametrize(
    ("counts", "budget", "expected"),
    [
        pytest.param([], 5, [], id="none"),
        pytest.param([3, 3], 10, [3, 3], id="enough for all"),
        pytest.param([5, 100, 40], 65, [5, 30, 30], id="small ones first"),
        pytest.param([4, 4, 4], 7, [2, 2, 3], id="what does not divide"),
    ],
)
def test_shares(counts: list[int], budget: int, expected: list[int]) -> None:
    assert shares(counts, budget) == expected


def test_earlier_runs_leave_the_current_one_three_quarters_of_the_points() -> None:
    runs = []
    for number in range(12):
        history = History(f"run {number}")
        series = history.scalars["loss"] = Series("loss", history.lock)
        series.extend(np.arange(30_000), np.arange(30_000.0), np.arange(30_000))
        runs.append(ShownRun(history, history.name, earlier=number < 11))
    packed = keyframe(runs, PlotContents(lambda _: True, layers=False), Sent())
    points = [run["scalars"][0]["value"]["length"] for run in packed.head["runs"]]
    assert points[-1] > 14_000
    assert min(points[:-1]) > 300
    assert sum(points) <= 20_000
